import io
import struct

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from tasks.errors import UnreadableData
from tasks.lake.pictures import decode_image, strip_exif

GPS, MAKE, ORIENTATION = 0x8825, 0x010F, 0x0112


def picture(width=48, height=32, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 255, (height // 8, width // 8, 3), np.uint8)
    return Image.fromarray(pixels).resize((width, height))


def stored(image, form="JPEG", orientation=None, **more):
    exif = Image.Exif()
    exif[MAKE] = "Maker of cameras"
    exif[GPS] = {1: "N", 2: (47.0, 36.0, 22.0), 3: "W", 4: (122.0, 19.0, 55.0)}
    if orientation:
        exif[ORIENTATION] = orientation
    out = io.BytesIO()
    image.save(out, form, exif=exif, **more)
    return out.getvalue()


def pixels(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def metadata_in(data):
    """Kinds of metadata that a decoder finds."""
    with Image.open(io.BytesIO(data)) as image:
        found = {"exif"} if len(image.getexif()) else set()
        names = ("exif", "xmp", "photoshop", "icc_profile", "comment", "mp")
        return tuple(sorted(found | {name for name in names if image.info.get(name)}))


KINDS = [
    ("JPEG", {"quality": 80, "comment": b"at home", "icc_profile": b"a profile"}),
    ("JPEG", {"quality": 80, "progressive": True}),
    ("PNG", {}),
    ("WEBP", {"lossless": True}),
]


@pytest.mark.parametrize(("form", "more"), KINDS)
def test_metadata_goes_and_the_picture_stays_bit_for_bit(form, more):
    data = stored(picture(), form, **more)
    assert metadata_in(data)
    assert b"Maker of cameras" in data
    clean = strip_exif(data)
    assert metadata_in(clean) == ()
    assert b"Maker" not in clean
    assert b"at home" not in clean
    np.testing.assert_array_equal(pixels(clean), pixels(data))
    assert strip_exif(clean) == clean


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_picture_that_lies_on_its_side_is_turned_upright(form, orientation):
    data = stored(picture(), form, orientation=orientation)
    clean = strip_exif(data)
    assert metadata_in(clean) == ()
    turned = {3: 2, 6: 3, 8: 1}[orientation]
    upright = np.rot90(pixels(data), turned).astype(int)
    assert np.abs(pixels(clean).astype(int) - upright).mean() < 3


def test_what_hides_behind_the_end_goes_too():
    secret = b"a second picture with a place"
    assert secret not in strip_exif(stored(picture()) + secret)
    assert secret not in strip_exif(stored(picture(), "PNG") + secret)


def test_an_xmp_segment_and_a_preview_go():
    data = stored(picture())
    xmp = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>home</x:xmpmeta>"
    preview = b"JFXX\0\x10preview"
    for marker, body in ((0xE1, xmp), (0xE0, preview), (0xED, b"Photoshop 3.0\0IPTC")):
        segment = bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body
        assert body not in strip_exif(data[:2] + segment + data[2:])


@pytest.mark.parametrize("cut", [2, 20, 200, -2])
def test_a_cut_off_picture_is_an_error_not_a_guess(cut):
    with pytest.raises(UnreadableData, match="not an image that decodes"):
        strip_exif(stored(picture())[:cut])


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"RIFF"]))
def test_bytes_that_are_no_picture_are_told(body, head):
    with pytest.raises(UnreadableData):
        strip_exif(head + body)


@pytest.mark.parametrize("byte", range(256))
def test_a_damaged_marker_hides_no_metadata(byte):
    """The byte that says that a segment is Exif, as anything else."""
    data = bytearray(stored(picture()))
    at = data.index(b"\xff\xe1") + 1
    data[at] = byte
    try:
        clean = strip_exif(bytes(data))
    except UnreadableData:
        return
    # The tables of a picture are taken for what they say they are; a decoder refuses these.
    assert b"Maker of cameras" not in clean


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, 1500), byte=st.integers(0, 255))
@example(at=21, byte=0)
def test_a_damaged_picture_never_keeps_its_metadata(at, byte):
    data = bytearray(stored(picture()))
    data[at % len(data)] = byte
    try:
        clean = strip_exif(bytes(data))
    except UnreadableData:
        return
    assert metadata_in(clean) == ()
    assert b"Maker of cameras" not in clean


def test_broken_metadata_cannot_hurt_the_picture():
    data = stored(picture())
    broken = data.replace(b"Exif\0\0II*\0", b"Exif\0\0II*\1")
    broken = broken.replace(b"Maker of cameras", b"\xff" * 16)
    assert decode_image(broken, "a.jpg").digest == decode_image(data, "a.jpg").digest


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_decoded_upright(form):
    more = {} if form == "PNG" else {"quality": 90}
    decoded = decode_image(stored(picture(48, 32), form, orientation=6, **more), "a")
    assert (decoded.format, decoded.width, decoded.height) == (form, 32, 48)
