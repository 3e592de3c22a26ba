"""The table formats as streams of Arrow record batches, one batch in memory at a time."""

from __future__ import annotations

import io
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from tasks.dictionaries import read_as_dictionaries
from tasks.drift.profiles.grid import ColumnKind

BATCH_ROWS = 65_536
BLOCK = 4 << 20
_GZIP = b"\x1f\x8b"

Batches = Generator[Any, None, None]


def parquet(
    file: BinaryIO | str, columns: Mapping[str, ColumnKind], groups: Sequence[int] | None = None
) -> Batches:
    """Parquet; names and codes are read as the dictionaries that the file holds, if it does."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    codes = [name for name, kind in columns.items() if kind == "categorical"]
    metadata = pq.read_metadata(file)
    with pq.ParquetFile(
        file,
        metadata=metadata,
        read_dictionary=read_as_dictionaries(metadata, codes),
        buffer_size=1 << 18,
        pre_buffer=False,
    ) as opened:
        names = [name for name in opened.schema_arrow.names if name in columns]
        if not names:
            yield from _empty_rows(opened.metadata.num_rows)
            return
        # Nested columns are asked for by their root; Arrow finds the leaves.
        batches = opened.iter_batches(
            batch_size=BATCH_ROWS,
            columns=names,
            use_threads=False,
            row_groups=None if groups is None else list(groups),
        )
        for batch in batches:
            if isinstance(batch, pa.RecordBatch):
                yield batch


def parquet_groups(path: Path, threads: int) -> list[list[int]]:
    """A file's row groups dealt out to at most ``threads`` hands; at least one hand."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as opened:
        count = opened.num_row_groups
    hands = max(1, min(threads, count))
    return [list(range(hand, count, hands)) for hand in range(hands)]


def csv(file: BinaryIO, columns: Mapping[str, ColumnKind]) -> Batches:
    """CSV with a header.

    Everything is read as text and numbers are parsed by the recorders: a cell that is no number is
    counted as such and does not end the reading.
    """
    import pyarrow as pa
    import pyarrow.csv as pacsv

    stream = _plain(file)
    head = stream.peek(BLOCK)[:BLOCK]
    names: list[str] = next(_header(head.decode("utf-8-sig", "replace").splitlines()), [])
    wanted = [name for name in names if name in columns]
    codes = {name for name, kind in columns.items() if kind == "categorical"}
    types = {
        name: pa.dictionary(pa.int32(), pa.string()) if name in codes else pa.string()
        for name in wanted
    }
    with pacsv.open_csv(
        stream,
        read_options=pacsv.ReadOptions(use_threads=False, block_size=BLOCK),
        parse_options=pacsv.ParseOptions(newlines_in_values=True),
        convert_options=pacsv.ConvertOptions(
            column_types=types,
            include_columns=wanted or names[:1],
            null_values=["", "NA", "NaN", "nan", "null", "NULL", "None"],
            strings_can_be_null=True,
        ),
    ) as reader:
        for batch in reader:
            for start in range(0, batch.num_rows, BATCH_ROWS):
                yield batch.slice(start, BATCH_ROWS)


def _header(lines: Sequence[str]) -> Any:
    import csv as standard

    return standard.reader(lines)


def jsonl(file: BinaryIO, columns: Mapping[str, ColumnKind]) -> Batches:
    """JSON lines, in blocks of whole lines."""
    import pyarrow as pa

    stream = _plain(file)
    while block := stream.read(BLOCK):
        block += stream.readline()
        records = _records(block)
        fields = [name for name in columns if any(name in record for record in records)]
        if not fields:
            yield from _empty_rows(len(records))
            continue
        arrays = [_array([record.get(name) for record in records]) for name in fields]
        whole = pa.RecordBatch.from_arrays(arrays, names=fields)
        for start in range(0, whole.num_rows, BATCH_ROWS):
            yield whole.slice(start, BATCH_ROWS)


READERS: Mapping[str, Callable[..., Batches]] = {"parquet": parquet, "csv": csv, "jsonl": jsonl}


def _records(block: bytes) -> list[dict[str, Any]]:
    import json

    records = [json.loads(line) for line in block.splitlines() if line.strip()]
    for record in records:
        if not isinstance(record, dict):
            raise ValueError(f"a line is no JSON object: {str(record)[:80]!r}")  # noqa: TRY004
    return records


def _array(values: list[Any]) -> Any:
    """One Arrow array; text where the values are of more than one type."""
    import pyarrow as pa

    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if value is None else str(value) for value in values], pa.string())


def _empty_rows(rows: int) -> Batches:
    """Rows of a file that has none of the columns: their number still counts."""
    import pyarrow as pa

    for start in range(0, rows, BATCH_ROWS):
        size = min(BATCH_ROWS, rows - start)
        yield pa.RecordBatch.from_pydict({"": pa.nulls(size)})


def _plain(file: BinaryIO) -> io.BufferedReader:
    """The file's bytes, decompressed when it is gzip."""
    import gzip

    buffered = file if isinstance(file, io.BufferedReader) else io.BufferedReader(_Raw(file))
    if buffered.peek(2)[:2] == _GZIP:
        return io.BufferedReader(gzip.GzipFile(fileobj=buffered), BLOCK)
    return buffered


class _Raw(io.RawIOBase):
    """Any readable binary file as a raw stream, so that it can be peeked into."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with what the file gives next."""
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
