"""How much an object may ask of this machine.

A few kilobytes can declare, or grow into, many gigabytes. Every reader goes through these bounds,
so that a hostile or broken object costs one clear error and not the machine.
"""

from __future__ import annotations

import lzma
import zlib
from dataclasses import dataclass

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
    lzma.LZMAError,
)


@dataclass(frozen=True)
class Limits:
    """Bounds of one object. Sizes in bytes.

    Attributes:
        expanded_bytes: largest size after decompression, declared or real.
        ratio: largest growth by decompression, once ``free_bytes`` are exceeded. Tables grow
            5- to 30-fold, a bomb 1000-fold.
        columnar_ratio: the same of Parquet, which writes a value that repeats once.
        held_bytes: most that Parquet's text may hold which is decoded at a time, as far as the file
            tells.
        free_bytes: growth that is never questioned.
        chunk_rows: rows held at a time.
        chunk_bytes: bytes of text held at a time.
        line_bytes: longest line of JSON lines.
        columns: most columns.
        rows: most rows.
        free_rows, rows_a_byte: rows of a Parquet file are questioned beyond the first and so many
            for each of its bytes. Rows that differ take a byte each, or more; those of a bomb are
            all alike.
        pixels: largest image, width × height.
    """

    expanded_bytes: int = 8 << 30
    ratio: float = 150.0
    columnar_ratio: float = 5_000.0
    held_bytes: int = 2 << 30
    free_bytes: int = 32 << 20
    chunk_rows: int = 50_000
    chunk_bytes: int = 64 << 20
    line_bytes: int = 16 << 20
    columns: int = 2_000
    rows: int = 1 << 30
    free_rows: int = 200_000
    rows_a_byte: float = 100.0
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
    message = " ".join(str(error).split())[:200].rstrip(".")
    return ascii(f"{type(error).__name__}: {message}" if message else type(error).__name__)[1:-1]
