"""How lake files are compressed, by their first bytes; by name: `compressed_names`."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from typing import BinaryIO, cast

MAGIC_BYTES = 10


def compression_of(start: bytes) -> str:
    """The compression that a file's first bytes tell, or ""."""
    if start.startswith(b"\x1f\x8b"):
        return "gzip"
    if start.startswith(b"BZh") and start[4:10] in {b"1AY&SY", b"\x17rE8P\x90"}:
        return "bzip2"
    if start.startswith(b"\x28\xb5\x2f\xfd"):
        return "Zstandard"
    if start.startswith(b"\xfd7zXZ\x00"):
        return "xz"
    if start.startswith(b"\x04\x22\x4d\x18"):
        return "lz4 frames"
    return ""


def unpacking(file: BinaryIO, compression: str) -> BinaryIO:
    """A stream of the unpacked bytes; ``compression`` "" gives the file itself."""
    opened: dict[str, Callable[[], object]] = {
        "": lambda: file,
        "gzip": lambda: gzip.GzipFile(fileobj=file, mode="rb"),
        "bzip2": lambda: bz2.BZ2File(file),
        "xz": lambda: lzma.LZMAFile(file),  # noqa: SIM115 - whoever reads closes it
        "deflate": lambda: io.BufferedReader(_Deflated(file)),
        "Zstandard": lambda: _arrow(file, "zstd"),
        "lz4 frames": lambda: _arrow(file, "lz4"),
    }
    return cast("BinaryIO", opened[compression]())


def _arrow(file: BinaryIO, codec: str) -> object:
    import pyarrow as pa

    return pa.CompressedInputStream(pa.PythonFile(file, mode="r"), codec)


class _Deflated(io.RawIOBase):
    """What Hadoop's default codec writes: zlib, without a name for itself."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self._inflate = zlib.decompressobj()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        view = memoryview(buffer).cast("B")
        data = b""
        while not data and not self._inflate.eof:
            packed = self._inflate.unconsumed_tail or self._file.read(1 << 16)
            data = self._inflate.decompress(packed, len(view))
            if not packed and not data:
                raise EOFError("the compressed data end before their end-of-stream marker")
        if not data and (self._inflate.unused_data or self._file.read(1)):
            raise ValueError("bytes follow the end of the compressed data")
        view[: len(data)] = data
        return len(data)
