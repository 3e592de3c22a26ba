"""Text objects as streams of UTF-8: unpacked, within the limits, in whatever encoding they came."""

from __future__ import annotations

import codecs
import io
from pathlib import Path
from typing import BinaryIO

from tasks.compressed_names import ENDINGS, ending_of
from tasks.lake.bounds import Limits, unreadable
from tasks.lake.compression import MAGIC_BYTES, compression_of, unpacking
from tasks.lake.foreign import foreign_start

BLOCK = 1 << 20
UTF8 = "utf-8"
MARKS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte-order marks; one counts before what the contract declares."""
NEED_MARK = frozenset({"utf-16", "utf-32"})


class BoundedStream(io.RawIOBase):
    """A text object's content as UTF-8 without a byte-order mark, within the limits.

    Raises (from reads):
        UnreadableData: it is of another format by its first bytes, grows beyond the limits, holds
            NUL characters, which text never does, or does not decode.
    """

    def __init__(
        self, path: Path, key: str, limits: Limits, encoding: str = UTF8, *, strict: bool = False
    ) -> None:
        super().__init__()
        self._key = key
        self._limits = limits
        self._size = path.stat().st_size
        self._declared = encoding
        self._strict = strict
        self._encoding = UTF8
        self._decoder: codecs.IncrementalDecoder | None = None
        self._ready = memoryview(b"")
        self._started = self._ended = False
        self.expanded = 0
        self._file: BinaryIO = path.open("rb")
        try:
            self._source = unpacking(self._file, self._compression())
        except BaseException:
            self._file.close()
            raise

    def _compression(self) -> str:
        """By the first bytes; a name that promises another one is told."""
        compression = compression_of(self._file.read(MAGIC_BYTES))
        self._file.seek(0)
        ending = ending_of(self._key)
        named = ENDINGS.get(ending, "")
        if named == "deflate":
            return named
        if named and compression != named:
            raise unreadable(self._key, f"its name ends in {ending}, but it is not {named}")
        if ending and not named:
            read = ", ".join(ENDINGS)
            raise unreadable(self._key, f"{ending} is not read; of compressions these are: {read}")
        return compression

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill a buffer; the count is checked before anything is handed on."""
        view = memoryview(buffer).cast("B")
        while not self._ready and not self._ended:
            self._ready = memoryview(self._next())
        count = min(len(view), len(self._ready))
        view[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _next(self) -> bytes:
        """The next block, as UTF-8."""
        data = self._source.read(BLOCK)
        self._ended = not data
        self.expanded += len(data)
        limits = self._limits
        if self.expanded > limits.expanded_bytes:
            raise unreadable(self._key, f"it grows beyond {limits.expanded_bytes:,} bytes")
        if self.expanded > limits.free_bytes and self.expanded > limits.ratio * self._size:
            raise unreadable(
                self._key,
                f"{self._size:,} bytes grow more than {limits.ratio:g}-fold, as a bomb does",
            )
        first = self.expanded - len(data)
        if not self._started and data:
            self._started = True
            data = self._begin(data)
        if self._encoding == UTF8 and b"\0" in data:
            raise self._nul(first + data.index(b"\0"))
        if self._decoder is None:
            return data
        try:
            text = self._decoder.decode(data, final=self._ended)
        except UnicodeDecodeError as error:
            raise unreadable(
                self._key,
                f"byte {max(first + error.start, 0):,} is not {self._encoding} ({error.reason})",
            ) from error
        if "\0" in text:
            raise self._nul(first + text.index("\0"))
        return text.encode() if self._encoding != UTF8 else data

    def _begin(self, data: bytes) -> bytes:
        """Choose the decoder by the mark, or else by what is declared; without the mark."""
        if foreign := foreign_start(data):
            raise unreadable(self._key, foreign)
        for mark, encoding in MARKS:
            if data.startswith(mark):
                self._encoding, data = encoding, data[len(mark) :]
                break
        else:
            self._encoding = codecs.lookup(self._declared).name
            if self._encoding in NEED_MARK:
                raise unreadable(
                    self._key,
                    f"the contract says {self._declared}, and it bears no byte-order mark; declare "
                    f"{self._encoding}-le or {self._encoding}-be",
                )
        if self._strict or self._encoding != UTF8:
            self._decoder = codecs.getincrementaldecoder(self._encoding)()
        return data

    def _nul(self, where: int) -> Exception:
        return unreadable(
            self._key, f"byte {where:,} is NUL: it is not text in UTF-8 (perhaps UTF-16)"
        )

    def close(self) -> None:
        """Close the file as well."""
        if not self.closed and hasattr(self, "_file"):
            self._file.close()
        super().close()


def text_stream(
    path: Path, key: str, limits: Limits, encoding: str = UTF8, *, strict: bool = False
) -> io.BufferedReader:
    """A buffered :class:`BoundedStream`; close it after use.

    Args:
        path: The local copy.
        key: Named in errors; its ending may tell of a compression.
        limits: Bounds.
        encoding: What the object is written in; a byte-order mark counts before it.
        strict: Every byte must decode; otherwise whoever reads UTF-8 decides line by line.
    """
    return io.BufferedReader(
        BoundedStream(path, key, limits, encoding, strict=strict), buffer_size=BLOCK
    )
