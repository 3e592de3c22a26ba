"""Photos as a rule changes them."""

import io

import numpy as np
import pytest
from PIL import Image

from tasks.gates.behaviour.photos import changed
from tasks.specs.behaviour import CHANGES, BehaviourSpec

SHADES = np.tile(np.linspace(40, 200, 60, dtype=np.uint8)[None, :, None], (40, 1, 3))


def rule(change, **more):
    return BehaviourSpec(change=change, expect="same", **more)


def encoded(pixels, form="PNG", mode="RGB"):
    said = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(said, form)
    return said.getvalue()


def seen(photo):
    return np.asarray(Image.open(io.BytesIO(photo)).convert("RGB"), dtype=float)


def test_light_and_contrast():
    photo = encoded(SHADES)
    assert seen(changed(rule("brightness", by=0.5), photo)).mean() == pytest.approx(60, abs=1)
    flat = seen(changed(rule("contrast", by=0.5), photo))
    assert np.ptp(flat) == pytest.approx(80, abs=2)
    assert flat.mean() == pytest.approx(120, abs=2)


def test_a_mirrored_photo_is_mirrored_and_keeps_its_size():
    assert (seen(changed(rule("mirror"), encoded(SHADES))) == SHADES[:, ::-1]).all()


def test_blur_goes_by_the_size_of_the_photo():
    edge = np.zeros((100, 100, 3), dtype=np.uint8)
    edge[:, 50:] = 255
    small, large = encoded(edge), encoded(edge.repeat(4, axis=0).repeat(4, axis=1))
    soft = [
        (np.abs(seen(changed(rule("blur", by=20), photo))[0, :, 0] - 127.5) < 100).mean()
        for photo in (small, large)
    ]
    assert soft[0] == pytest.approx(soft[1], abs=0.02)
    assert soft[0] > 0.03


def test_a_jpeg_is_a_jpeg_of_that_quality():
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    sizes = [len(changed(rule("jpeg", by=q), encoded(noise))) for q in (10, 50, 90)]
    assert sizes == sorted(sizes)
    assert Image.open(io.BytesIO(changed(rule("jpeg", by=10), encoded(noise)))).format == "JPEG"


@pytest.mark.parametrize("degrees", [-45, -10, 3, 30])
def test_a_turned_photo_has_no_black_corners_and_its_shape(degrees):
    white = np.full((60, 90, 3), 255, dtype=np.uint8)
    turned = seen(changed(rule("rotate", by=degrees), encoded(white)))
    assert turned.min() > 200
    assert turned.shape[1] / turned.shape[0] == pytest.approx(1.5, abs=0.1)


@pytest.mark.parametrize(("form", "mode"), [("PNG", "RGBA"), ("PNG", "L"), ("JPEG", "CMYK")])
@pytest.mark.parametrize("name", [n for n, a in CHANGES.items() if a.of == "picture"])
def test_every_change_takes_every_kind_of_photo(name, form, mode):
    by = CHANGES[name].by
    more = {} if by is None else {"by": 2}
    assert seen(changed(rule(name, **more), encoded(SHADES, form, mode))).ndim == 3


def test_what_is_no_photo_is_an_error_of_the_system():
    with pytest.raises(OSError, match="cannot identify"):
        changed(rule("mirror"), b"no photo")
