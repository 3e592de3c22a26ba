"""Take everything out of an image file that is not its picture (place, device, time, previews).

JPEG and PNG keep their coded pixels bit for bit. An image that is stored lying on its side is
turned upright first, since the tag that says so goes too; only that one is coded anew.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any

from tasks.errors import UnreadableData

JPEG = b"\xff\xd8"
PNG = b"\x89PNG\r\n\x1a\n"
PNG_KEPT = frozenset({b"IHDR", b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"IDAT"})
SOS, EOI, APP0, APP14, APP15, COM = 0xDA, 0xD9, 0xE0, 0xEE, 0xEF, 0xFE
MARKER = 0xFF
RESTARTS = range(0xD0, 0xD8)
STANDALONE = frozenset({0x01, 0xD8, *RESTARTS})
UPRIGHT = frozenset({None, 0, 1})
ORIENTATION = 0x0112
QUALITY = 95


def strip_exif(data: bytes) -> bytes:
    """The same picture without metadata.

    Args:
        data: A JPEG, PNG or WebP file.

    Returns:
        A file of the same format without EXIF, XMP, IPTC, ICC, comments, previews, or anything
        after the picture's end.

    Raises:
        UnreadableData: the bytes are no such picture, or metadata is left afterwards.
    """
    try:
        upright = _upright(data)
        if upright.startswith(JPEG):
            clean = b"".join(_jpeg_parts(upright))
        elif upright.startswith(PNG):
            clean = PNG + b"".join(_png_parts(upright))
        else:
            clean = _coded_anew(upright)
        left = metadata_in(clean)
    except (OSError, ValueError, struct.error, IndexError, SyntaxError, EOFError) as error:
        raise _fault(f"it cannot be taken apart ({type(error).__name__}: {error})") from error
    if left:
        raise _fault(f"it still holds {', '.join(left)} after stripping")
    return clean


def metadata_in(data: bytes) -> tuple[str, ...]:
    """Kinds of metadata that a file holds, as far as the decoder sees them."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        found = {"exif"} if len(image.getexif()) else set()
        for name in (
            "exif",
            "xmp",
            "XML:com.adobe.xmp",
            "photoshop",
            "icc_profile",
            "comment",
            "mp",
        ):
            if image.info.get(name):
                found.add(name)
    return tuple(sorted(found))


def _fault(why: str) -> UnreadableData:
    return UnreadableData(
        f"Metadata of an image cannot be removed: {why}.",
        "Set the image aside; it must not reach training.",
    )


def _upright(data: bytes) -> bytes:
    """The bytes themselves, or the picture turned upright and coded anew."""
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(data)) as image:
        if image.getexif().get(ORIENTATION) in UPRIGHT:
            return data
        turned = ImageOps.exif_transpose(image)
        return _saved(turned, str(image.format))


def _coded_anew(data: bytes) -> bytes:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        return _saved(image, str(image.format))


def _saved(image: Any, form: str) -> bytes:
    from PIL import Image

    bare = Image.new(image.mode, image.size)
    bare.paste(image)
    out = io.BytesIO()
    coding: dict[str, dict[str, Any]] = {"JPEG": {"quality": QUALITY}, "WEBP": {"lossless": True}}
    bare.save(out, format=form, **coding.get(form, {}))
    return out.getvalue()


def _jpeg_parts(data: bytes) -> Iterator[bytes]:
    """Segments to keep: all but APP1 … APP13, APP15 and comments; nothing after the end."""
    yield JPEG
    at = 2
    while at < len(data):
        if data[at] != MARKER:
            raise ValueError(f"no marker at byte {at}")
        marker = data[at + 1]
        if marker == MARKER:  # fill byte
            at += 1
            continue
        if marker == EOI:
            yield data[at : at + 2]
            return
        if marker in STANDALONE:
            yield data[at : at + 2]
            at += 2
            continue
        (length,) = struct.unpack(">H", data[at + 2 : at + 4])
        end = at + 2 + length
        if end > len(data):
            raise ValueError(f"segment at byte {at} ends behind the file")
        if _wanted(marker, data[at + 4 : end]):
            yield data[at:end]
        at = end
        if marker == SOS:
            scan = _scan_end(data, at)
            yield data[at:scan]
            at = scan
    raise ValueError("the picture has no end")


def _wanted(marker: int, body: bytes) -> bool:
    if marker == APP0:
        return body.startswith(b"JFIF\0")  # JFXX holds previews
    if marker == APP14:
        return body.startswith(b"Adobe")  # tells the decoder which colours these are
    return not (APP0 < marker <= APP15 or marker == COM)


def _scan_end(data: bytes, at: int) -> int:
    """Where the coded pixels that begin at ``at`` end: at the next true marker."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            raise ValueError("the picture is cut off")
        following = data[at + 1]
        if following == 0 or following in RESTARTS:
            at += 2
        elif following == MARKER:
            at += 1
        else:
            return at


def _png_parts(data: bytes) -> Iterator[bytes]:
    at = len(PNG)
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, end = data[at + 4 : at + 8], at + 12 + length
        if end > len(data):
            raise ValueError(f"chunk at byte {at} ends behind the file")
        if kind in PNG_KEPT:
            yield data[at:end]
        if kind == b"IEND":
            yield data[at:end]
            return
        at = end
    raise ValueError("the picture has no end")
