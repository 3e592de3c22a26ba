"""How much an object may ask of this machine, and streams that keep to it.

A few kilobytes can declare, or grow into, many gigabytes. Every reader goes through these bounds,
so that a hostile or broken object costs one clear error and not the machine.
"""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tasks.errors import UnreadableData

READ_FAULTS = (
    OSError,  # gzip.BadGzipFile and pyarrow's I/O errors are among them
    EOFError,
    ValueError,  # pyarrow.ArrowInvalid and UnicodeDecodeError are among them
    ArithmeticError,
    MemoryError,
    KeyError,
    IndexError,
    NotImplementedError,
    TypeError,
    RecursionError,
    zlib.error,
)
GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class Limits:
    """Bounds of one object. Sizes in bytes.

    Attributes:
        expanded_bytes: largest size after decompression, declared or real.
        ratio: largest growth by decompression, once ``free_bytes`` are exceeded. Tables grow
            5- to 30-fold, a bomb 1000-fold.
        free_bytes: growth that is never questioned.
        chunk_rows: rows held at a time.
        chunk_bytes: bytes of text held at a time.
        line_bytes: longest line of JSON lines.
        columns: most columns.
        rows: most rows.
        pixels: largest image, width × height.
    """

    expanded_bytes: int = 8 << 30
    ratio: float = 150.0
    free_bytes: int = 32 << 20
    chunk_rows: int = 50_000
    chunk_bytes: int = 64 << 20
    line_bytes: int = 16 << 20
    columns: int = 2_000
    rows: int = 1 << 30
    pixels: int = 40_000_000


def unreadable(key: str, why: str) -> UnreadableData:
    """The error for one object; ``key`` is shown as written, bounded and without control signs."""
    shown = ascii(key[:200])[1:-1]
    return UnreadableData(
        f"Object {shown} cannot be read: {why}.",
        "Repair or replace the object at its source; it was left out as a whole.",
    )


def reason(error: BaseException) -> str:
    """What a decoder said, on one bounded line without control signs."""
    said = " ".join(str(error).split())[:200].rstrip(".")
    return ascii(f"{type(error).__name__}: {said}" if said else type(error).__name__)[1:-1]


class BoundedStream(io.RawIOBase):
    """Plain bytes of a text object, unpacked if it is gzip, within the limits.

    Raises (from reads):
        UnreadableData: it grows beyond the limits, or holds NUL bytes, which text never does.
    """

    def __init__(self, path: Path, key: str, limits: Limits, encoding: str = "") -> None:
        super().__init__()
        # CSV is taken apart by a parser that would drop a broken row whose bytes it cannot show.
        self._decoder = codecs.getincrementaldecoder(encoding)() if encoding else None
        self._key = key
        self._limits = limits
        self._size = path.stat().st_size
        if self._size == 0:
            raise unreadable(key, "it is empty (0 bytes)")
        self._file: BinaryIO = path.open("rb")
        packed = self._file.read(2) == GZIP_MAGIC
        self._file.seek(0)
        if key.endswith(".gz") and not packed:
            self._file.close()
            raise unreadable(key, "its name ends in .gz, but it is not gzip")
        self._source: BinaryIO | gzip.GzipFile = (
            gzip.GzipFile(fileobj=self._file, mode="rb") if packed else self._file
        )
        self.expanded = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill a buffer; the count is checked before anything is handed on."""
        view = memoryview(buffer).cast("B")
        data = self._source.read(len(view))
        self.expanded += len(data)
        limits = self._limits
        if self.expanded > limits.expanded_bytes:
            raise unreadable(self._key, f"it grows beyond {limits.expanded_bytes:,} bytes")
        if self.expanded > limits.free_bytes and self.expanded > limits.ratio * self._size:
            raise unreadable(
                self._key,
                f"{self._size:,} bytes grow more than {limits.ratio:g}-fold, as a bomb does",
            )
        if b"\0" in data:
            where = self.expanded - len(data) + data.index(b"\0")
            raise unreadable(
                self._key, f"byte {where:,} is NUL: it is not text in UTF-8 (perhaps UTF-16)"
            )
        if self._decoder is not None:
            self._decoded(data)
        view[: len(data)] = data
        return len(data)

    def _decoded(self, data: bytes) -> None:
        try:
            if self._decoder is not None:
                self._decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            where = self.expanded - len(data) + error.start
            raise unreadable(
                self._key, f"byte {max(where, 0):,} is not {error.encoding} ({error.reason})"
            ) from error

    def close(self) -> None:
        """Close the file as well."""
        if not self.closed and hasattr(self, "_file"):
            self._file.close()
        super().close()


def text_stream(path: Path, key: str, limits: Limits, encoding: str = "") -> io.BufferedReader:
    """A buffered :class:`BoundedStream`; close it after use.

    Args:
        path: The local copy.
        key: Named in errors.
        limits: Bounds.
        encoding: With one, every byte must decode; without, whoever reads decides line by line.
    """
    return io.BufferedReader(BoundedStream(path, key, limits, encoding), buffer_size=1 << 20)
