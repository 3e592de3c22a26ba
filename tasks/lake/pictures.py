"""Images: decoded within bounds, and freed of everything that is not their picture.

Metadata (place, device, time, previews, profiles) is cut out of the file's bytes before any
decoder sees them, so that the coded pixels stay bit for bit and broken metadata cannot hurt. An
image that is stored lying on its side is turned upright and coded anew, since the tag that says so
goes too.
"""

from __future__ import annotations

import hashlib
import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.errors import UnreadableData
from tasks.lake.bounds import READ_FAULTS, Limits, reason, unreadable

JPEG = b"\xff\xd8"
PNG = b"\x89PNG\r\n\x1a\n"
RIFF, WEBP = b"RIFF", b"WEBP"
EXIF = b"Exif\0\0"
PNG_KEPT = frozenset({b"IHDR", b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"IDAT"})
WEBP_DROPPED = frozenset({b"EXIF", b"XMP ", b"ICCP"})
WEBP_FLAGS = 0x08 | 0x04 | 0x20  # EXIF, XMP, ICC
SOS, EOI, APP0, APP1, APP14, APP15, COM = 0xDA, 0xD9, 0xE0, 0xE1, 0xEE, 0xEF, 0xFE
MARKER = 0xFF
RESTARTS = range(0xD0, 0xD8)
STANDALONE = frozenset({0x01, 0xD8, *RESTARTS})
FORMATS = ("JPEG", "PNG", "WEBP")
ORIENTATION, SHORT, UPRIGHT, KNOWN = 0x0112, 3, 1, range(1, 9)
QUALITY = 95
DECODER_FAULTS = (*READ_FAULTS, SyntaxError, AttributeError, Warning, struct.error)
"""Pillow answers broken PNG chunks with SyntaxError; its warnings are of images beyond bounds."""


@dataclass(frozen=True)
class DecodedImage:
    """An image that was decoded as a whole.

    Attributes:
        pixels: uint8, height × width × 3 (RGB), upright.
        format: JPEG, PNG or WEBP.
        digest: SHA-256 of size and pixels: equal pictures have equal digests.
    """

    pixels: np.ndarray
    format: str
    digest: str

    @property
    def width(self) -> int:
        """In pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """In pixels."""
        return int(self.pixels.shape[0])


def decode_image(data: bytes, key: str, limits: Limits | None = None) -> DecodedImage:
    """Decode an image from its bytes, checking its declared size before its pixels.

    Raises:
        UnreadableData: it is no image of a known format, is cut off, or is too large.
    """
    image, _ = _opened(data, key, limits or Limits())
    pixels = np.asarray(image.convert("RGB"), dtype=np.uint8)
    digest = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
    return DecodedImage(pixels=pixels, format=_format(data), digest=digest)


def strip_exif(data: bytes, key: str = "(bytes)") -> bytes:
    """The same picture without metadata.

    Args:
        data: A JPEG, PNG or WebP file.
        key: Named in errors.

    Returns:
        A file of the same format without EXIF, XMP, IPTC, ICC, comments, previews, or anything
        after the picture's end.

    Raises:
        UnreadableData: the bytes are no such picture.
    """
    image, bare = _opened(data, key, Limits())
    if bare:
        return bare
    out = io.BytesIO()
    options: dict[str, dict[str, Any]] = {
        "JPEG": {"quality": QUALITY},
        "WEBP": {"lossless": True},
    }
    form = _format(data)
    image.save(out, format=form, **options.get(form, {}))
    return out.getvalue()


def _opened(data: bytes, key: str, limits: Limits) -> tuple[Any, bytes]:
    """The upright picture, and its file without metadata ("" when it had to be turned)."""
    from PIL import Image

    if not data:
        raise unreadable(key, "it is empty (0 bytes)")
    try:
        bare, orientation = _bare(data)
        image = Image.open(io.BytesIO(bare), formats=FORMATS)
        width, height = image.size
        if width * height > limits.pixels:
            raise unreadable(key, f"it declares {width} × {height} pixels")
        image.load()
    except UnreadableData:
        raise
    except (*DECODER_FAULTS, Image.DecompressionBombError) as error:
        raise unreadable(key, f"it is not an image that decodes ({reason(error)})") from error
    if orientation == UPRIGHT:
        return image, bare
    flips = Image.Transpose
    turn = {
        2: flips.FLIP_LEFT_RIGHT,
        3: flips.ROTATE_180,
        4: flips.FLIP_TOP_BOTTOM,
        5: flips.TRANSPOSE,
        6: flips.ROTATE_270,
        7: flips.TRANSVERSE,
        8: flips.ROTATE_90,
    }
    return image.transpose(turn[orientation]), b""


def _format(data: bytes) -> str:
    return "JPEG" if data.startswith(JPEG) else "PNG" if data.startswith(PNG) else "WEBP"


def _bare(data: bytes) -> tuple[bytes, int]:
    """The file without metadata, and how the picture lies (EXIF orientation, 1 is upright)."""
    tags: list[bytes] = []
    if data.startswith(JPEG):
        bare = b"".join(_jpeg_parts(data, tags))
    elif data.startswith(PNG):
        bare = PNG + b"".join(_png_parts(data, tags))
    elif data.startswith(RIFF) and data[8:12] == WEBP:
        body = WEBP + b"".join(_webp_parts(data, tags))
        bare = RIFF + struct.pack("<I", len(body)) + body
    else:
        raise ValueError("neither JPEG, PNG nor WebP")
    return bare, _orientation(tags[0]) if tags else UPRIGHT


def _orientation(tiff: bytes) -> int:
    """Orientation from EXIF's first directory; upright when there is none, or it is broken."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return UPRIGHT
    try:
        (offset,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, offset)
        for at in range(offset + 2, offset + 2 + 12 * count, 12):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, at)
            if tag == ORIENTATION and kind == SHORT:
                return value if value in KNOWN else UPRIGHT
    except struct.error:
        return UPRIGHT
    return UPRIGHT


def _jpeg_parts(data: bytes, tags: list[bytes]) -> Iterator[bytes]:
    """Segments to keep: what draws the picture, JFIF's head and Adobe's; nothing after the end."""
    yield JPEG
    at = 2
    while at < len(data) - 1:
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
        (length,) = struct.unpack_from(">H", data, at + 2)
        end = at + 2 + length
        if end > len(data):
            raise ValueError(f"segment at byte {at} ends behind the file")
        body = data[at + 4 : end]
        if marker == APP1 and body.startswith(EXIF):
            tags.append(body[len(EXIF) :])
        if _wanted(marker, body):
            yield data[at:end]
        at = end
        if marker == SOS:
            scan = _scan_end(data, at)
            yield data[at:scan]
            at = scan
    raise ValueError("the picture has no end")


DRAWING = frozenset((*range(0xC0, 0xD0), SOS, 0xDB, 0xDD))
"""Frames and their tables, scans, quantization tables, restart intervals."""


def _wanted(marker: int, body: bytes) -> bool:
    if marker == APP0:
        return body.startswith(b"JFIF\0")  # JFXX holds previews
    if marker == APP14:
        return body.startswith(b"Adobe")  # tells the decoder which colours these are
    # Tables, frames and scans. What is not of the standard is nobody's picture, but may be metadata
    # behind a damaged marker.
    return marker in DRAWING


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


def _png_parts(data: bytes, tags: list[bytes]) -> Iterator[bytes]:
    at = len(PNG)
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, end = data[at + 4 : at + 8], at + 12 + length
        if end > len(data):
            raise ValueError(f"chunk at byte {at} ends behind the file")
        if kind == b"eXIf":
            tags.append(data[at + 8 : end - 4])
        if kind in PNG_KEPT:
            yield data[at:end]
        if kind == b"IEND":
            yield data[at:end]
            return
        at = end
    raise ValueError("the picture has no end")


def _webp_parts(data: bytes, tags: list[bytes]) -> Iterator[bytes]:
    (size,) = struct.unpack_from("<I", data, 4)
    stop = 8 + size
    if stop > len(data):
        raise ValueError("the picture is cut off")
    at = 12
    while at < stop:
        kind = data[at : at + 4]
        (length,) = struct.unpack_from("<I", data, at + 4)
        end = at + 8 + length + length % 2
        if end > stop:
            raise ValueError(f"chunk at byte {at} ends behind the file")
        body = data[at + 8 : at + 8 + length]
        if kind == b"EXIF":
            tags.append(body.removeprefix(EXIF))
        if kind == b"VP8X" and body:
            yield data[at : at + 8] + bytes([body[0] & ~WEBP_FLAGS & 0xFF]) + data[at + 9 : end]
        elif kind not in WEBP_DROPPED:
            yield data[at:end]
        at = end
