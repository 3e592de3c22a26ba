"""Archives byte by byte: Python's own writer is too honest for those that are wanted here."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

BLOCK = 512
END = bytes(2 * BLOCK)
LARGEST_OCTAL = 8**11


@dataclass(frozen=True)
class HostileArchive:
    """One archive that no door may let in.

    Args:
        kind: What is wrong with it, roughly.
        name: And exactly.
        make: Its bytes.
    """

    kind: str
    name: str
    make: Callable[[], bytes]


def header(
    name: bytes,
    size: int | bytes = 0,
    kind: bytes = b"0",
    link: bytes = b"",
    prefix: bytes = b"",
) -> bytes:
    """One block; a size of 12 bytes is written as it is."""
    if isinstance(size, int):
        size = b"%011o\0" % size if size < LARGEST_OCTAL else b"\x80" + size.to_bytes(11, "big")
    block = bytearray(
        name[:100].ljust(100, b"\0")
        + b"0000644\0"
        + 2 * b"0000000\0"
        + size
        + b"00000000000\0"
        + b" " * 8
        + kind
        + link[:100].ljust(100, b"\0")
        + b"ustar\x0000"
        + bytes(64)
        + 2 * b"0000000\0"
        + prefix.ljust(155, b"\0")
        + bytes(12)
    )
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def member(
    name: bytes, content: bytes = b"x", kind: bytes = b"0", link: bytes = b"", prefix: bytes = b""
) -> bytes:
    """A header and what follows it; a long name gets one of its own."""
    first = b"" if len(name) <= 100 else member(b"././@LongLink", name + b"\0", b"L")
    body = content + bytes(-len(content) % BLOCK)
    return first + header(name, len(content), kind, link, prefix) + body


def record(key: bytes, value: bytes) -> bytes:
    """A record of pax, with its own length before it."""
    rest = b" " + key + b"=" + value + b"\n"
    length = len(rest)
    while len(str(length)) + len(rest) != length:
        length = len(str(length)) + len(rest)
    return str(length).encode() + rest


def attributes(*records: tuple[bytes, bytes], kind: bytes = b"x") -> bytes:
    """A header of pax."""
    return member(b"PaxHeaders/x", b"".join(record(*one) for one in records), kind)


GOOD = (
    member(b"bundle.json", b'{"entry_point": "code/serve.py"}')
    + member(b"code/", b"", b"5")
    + member(b"code/serve.py", b"print(1)\n" * 40)
    + member(b"saved_model/1/saved_model.pb", bytes(range(256)) * 9)
    + member(b"preprocess.json", b"{}")
)
"""What a bundle looks like; nothing is wrong with it."""


def packed(*parts: bytes, end: bytes = END) -> bytes:
    """A gzipped archive of a good bundle and of what comes after it."""
    return gzip.compress(b"".join((GOOD, *parts, end)), 1, mtime=0)


def streamed(parts: Iterable[tuple[bytes, int]]) -> bytes:
    """A gzip stream of pieces, each as often as it says."""
    deflate = zlib.compressobj(1, wbits=31)
    written = [deflate.compress(piece) for piece, times in parts for _ in range(times)]
    return b"".join((*written, deflate.flush()))
