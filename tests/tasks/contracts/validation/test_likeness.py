import io

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.contracts.validation.likeness import Likeness, alike, distance, likeness
from tasks.lake.pictures import decode_image


def seen(image, quality=92):
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    decoded = decode_image(out.getvalue(), "a.jpg")
    return likeness(decoded.pixels, decoded.digest)


def test_a_copy_is_found_recompressed_resized_or_brighter(room):
    original = room(1)
    copies = [
        seen(original, quality=40),
        seen(original.resize((64, 64))),
        seen(original.point(lambda value: min(255, value + 8))),
    ]
    for copy in copies:
        assert list(alike([seen(original), copy])) == [(0, 1)]


def test_different_rooms_are_not_alike(room):
    assert list(alike([seen(room(seed)) for seed in range(150)])) == []


def test_an_exact_copy_is_compared_with_the_first_only(room):
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
