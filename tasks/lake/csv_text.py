"""CSV in bounded chunks of rows."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.lake.bounds import Limits, unreadable
from tasks.lake.chunks import TEXT_SHOWN, Chunk, RowFault
from tasks.lake.quotes import BEHIND, MARK, QuotedRows
from tasks.lake.streams import text_stream

HEADER_BYTES = 128 << 10
BLOCK = 8 << 20
MAC_LINES = "its lines end with CR alone, as old Macs wrote them; write LF, or CR and LF"
SEP_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)


def csv_chunks(
    path: Path, key: str, limits: Limits, encoding: str, delimiter: str
) -> Iterator[Chunk]:
    """CSV with a header; every value is text."""
    if path.stat().st_size == 0:
        raise unreadable(key, "it is empty (0 bytes) and has no header")
    delimiter = delimiter or ("\t" if ".tsv" in key.lower().rpartition("/")[2] else ",")
    with text_stream(path, key, limits, encoding, strict=True) as stream:
        head = stream.peek(BLOCK)[:BLOCK]
        if not head.strip():
            raise unreadable(key, "it holds only blanks")
        names, line = _header(stream, key, limits, delimiter)
        block = min(BLOCK, limits.chunk_bytes)
        rows = QuotedRows(
            stream, key, delimiter, columns=len(names), line=line + 1, longest=2 * block
        )
        done, given = 1, False  # the header is row 1
        for text in _gathered(rows, block):
            columns, faults = _parted(text, names, delimiter, done)
            count = len(columns[0])
            numbers = _numbers(count, done, [fault.row for fault in faults])
            done += count + len(faults)
            for start in range(0, max(count, 1), limits.chunk_rows):
                part = numbers[start : start + limits.chunk_rows]
                last = start + len(part) == count
                here = tuple(fault for fault in faults if last or fault.row < part[-1])
                faults = faults[len(here) :]
                if len(part) or here:
                    arrays = [column.slice(start, len(part)) for column in columns]
                    given = True
                    yield Chunk("text", dict(zip(names, arrays, strict=True)), part, here)
        if not given:
            nothing = {name: pa.array([], pa.string()) for name in names}
            yield Chunk("text", nothing, np.arange(0))


def _gathered(rows: QuotedRows, size: int) -> Iterator[Any]:
    """Blocks of rows put together, in memory of Arrow's own.

    Arrow reads ahead in a thread. That thread frees such memory without asking Python, which would
    abort a process that ends meanwhile.
    """
    held: list[bytes] = []
    for block in rows:
        held.append(block)
        if sum(map(len, held)) >= size:
            yield _joined(held)
            held = []
    if held:
        yield _joined(held)


def _joined(blocks: list[bytes]) -> Any:
    buffer = pa.allocate_buffer(sum(map(len, blocks)))
    view, start = memoryview(buffer).cast("B"), 0
    for block in blocks:
        view[start : start + len(block)] = block
        start += len(block)
    return buffer


def _parted(
    text: Any, names: list[str], delimiter: str, done: int
) -> tuple[list[Any], list[RowFault]]:
    """Columns of text, and the rows of row ``done`` and after that could not be taken apart."""
    import pyarrow.csv as pacsv

    faults: list[RowFault] = []

    def skip(row: Any) -> str:
        written, marked, _ = row.text.partition(MARK)
        fields = f"{row.actual_columns} fields instead of {row.expected_columns}"
        number = done + (row.number or 0)  # Arrow counts from 1
        faults.append(RowFault(number, written[:TEXT_SHOWN], BEHIND if marked else fields))
        return "skip"

    table = pacsv.read_csv(
        pa.BufferReader(text),
        read_options=pacsv.ReadOptions(
            use_threads=False, block_size=text.size + 1, column_names=names
        ),
        parse_options=pacsv.ParseOptions(
            delimiter=delimiter, newlines_in_values=True, invalid_row_handler=skip
        ),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        ),
    )
    return [column.combine_chunks() for column in table.columns], faults


def _numbers(count: int, done: int, skipped: list[int]) -> np.ndarray:
    """Numbers of the next ``count`` good rows after row ``done``, past the rows skipped."""
    candidates = np.arange(done + 1, done + 1 + count + len(skipped))
    return np.setdiff1d(candidates, skipped)[:count] if skipped else candidates


def _header(
    stream: io.BufferedReader, key: str, limits: Limits, delimiter: str
) -> tuple[list[str], int]:
    """Read the header off the stream: the names, and the number of its line."""
    line, number = stream.readline(HEADER_BYTES), 1
    while line and not line.strip():
        line, number = stream.readline(HEADER_BYTES), number + 1
    text = line.decode(errors="replace").rstrip("\r\n")
    if len(line) == HEADER_BYTES:
        longer = f"its header is longer than {HEADER_BYTES:,} bytes"
        raise unreadable(key, MAC_LINES if "\r" in text else longer)
    if excel := SEP_LINE.fullmatch(text):
        raise unreadable(
            key,
            "its first line, sep=, is one of Excel's own and no header; remove it, and let "
            f"servers.delimiter of the contract say {excel[1]!a}",
        )
    try:
        names = next(csv.reader([text], strict=True, delimiter=delimiter))
    except csv.Error as error:
        why = f"its header is not CSV ({error})"
        if "\r" in text:
            why = MAC_LINES
        elif str(error) == "unexpected end of data":
            why = (
                f"a quote opened in its header, line {number}, is not closed in that line; a "
                "column's name stands on one line"
            )
        raise unreadable(key, why) from error
    if len(names) > limits.columns:
        raise unreadable(key, f"its header names {len(names):,} columns")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise unreadable(key, f"its header names column {twice[0][:80]!a} more than once")
    return names, number
