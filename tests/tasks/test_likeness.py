import io

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.lake.pictures import decode_image
from tasks.likeness import (
    BLOCK,
    Likeness,
    alike,
    difference,
    distance,
    families,
    likeness,
    likeness_of,
)
from tests.tasks.contracts.conftest import photo as room


def seen(image, quality=92):
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    decoded = decode_image(out.getvalue(), "a.jpg")
    return likeness(decoded.pixels, decoded.digest)


def test_a_copy_is_found_recompressed_resized_or_brighter():
    original = room(1)
    copies = [
        seen(original, quality=40),
        seen(original.resize((64, 64))),
        seen(original.point(lambda value: min(255, value + 8))),
        seen(original.point(lambda value: value * 0.75)),
    ]
    for copy in copies:
        assert list(alike([seen(original), copy])) == [(0, 1)]


def test_different_rooms_are_not_alike():
    assert list(alike([seen(room(seed)) for seed in range(150)])) == []


def test_an_exact_copy_is_compared_with_the_first_only():
    first = seen(room(1))
    assert list(alike([first, first, first])) == [(0, 1), (0, 2)]


BITS = st.integers(0, 2**64 - 1)


@settings(max_examples=60)
@given(start=BITS, flips=st.lists(st.sets(st.integers(0, 63), max_size=9), min_size=2, max_size=12))
def test_bands_find_every_pair_within_the_distance(start, flips):
    thumb = np.zeros((16, 16), dtype=np.float32)
    images = [
        Likeness(str(at), start ^ sum(1 << bit for bit in bits), thumb)
        for at, bits in enumerate(flips)
    ]
    wanted = {
        (first, second)
        for second in range(len(images))
        for first in range(second)
        if distance(images[first], images[second]) <= 6
    }
    assert set(alike(images, max_distance=6)) == wanted


def test_a_picture_of_another_contrast_altogether_is_another():
    grey = np.random.default_rng(0).normal(size=(16, 16)).astype(np.float32)
    plain, strong = (Likeness("a", 0, grey * by) for by in (4.0, 40.0))
    assert difference(plain, strong) == difference(strong, plain) > 3
    assert difference(plain, Likeness("b", 0, grey * 5)) < 1e-5


def test_copies_of_copies_are_one_family_by_their_smallest_digest():
    thumb = np.random.default_rng(0).normal(size=(16, 16)).astype(np.float32)
    # The ends are 24 bits apart: only the middle one is related to both.
    hashes = {"d": 0, "c": (1 << 60) - 1, "b": 0xFFF, "a": 0xFFFFFF}
    images = [Likeness(digest, bits, thumb) for digest, bits in hashes.items()]
    assert families(images) == ["a", "c", "a", "a"]
    other = Likeness("e", 0, -thumb)
    assert families([*images, other, images[0]]) == ["a", "c", "a", "a", "e", "a"]
    assert families([]) == []


def test_families_are_found_beyond_a_block_and_rooms_are_of_different_ones():
    rooms = [seen(room(seed)) for seed in range(12)]
    noise = np.random.default_rng(1).normal(size=(BLOCK, 16, 16)).astype(np.float32)
    between = [Likeness(f"~{at}", at, thumb) for at, thumb in enumerate(noise)]
    again = [seen(room(seed).point(lambda value: value * 0.8)) for seed in range(12)]
    found = families([*rooms, *between, *again])
    assert found[:12] == found[-12:]
    assert len(set(found)) == 12 + BLOCK


def test_a_file_is_like_the_picture_in_it(tmp_path):
    path = tmp_path / "room.jpg"
    room(1).resize((960, 960)).save(path, quality=80)
    assert list(alike([seen(room(1)), likeness_of(path)])) == [(0, 1)]
