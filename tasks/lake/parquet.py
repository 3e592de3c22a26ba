"""Parquet in bounded chunks of rows."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.dictionaries import read_as_dictionaries
from tasks.lake.bounds import Limits, unreadable
from tasks.lake.chunks import Chunk
from tasks.lake.extensions import unwrapped
from tasks.lake.nested import values_of

PARQUET_ENDS = 12  # bytes: the magic twice and the footer's length
REPEATING = frozenset({"PLAIN_DICTIONARY", "RLE_DICTIONARY", "DELTA_BYTE_ARRAY"})


def parquet_chunks(
    path: Path, key: str, limits: Limits, encoding: str, delimiter: str
) -> Iterator[Chunk]:
    """Parquet, as it is typed.

    Text is read as dictionaries, so that a page which repeats one huge value costs its indexes
    until its true size is known. Where it cannot be (delta encodings), few rows are read at a time.
    """
    import pyarrow.parquet as pq

    del encoding, delimiter  # Parquet text is UTF-8 by definition
    if path.stat().st_size == 0:
        raise unreadable(key, "it is empty (0 bytes)")
    if path.stat().st_size < PARQUET_ENDS:
        raise unreadable(key, "it is too short for Parquet")
    with pq.ParquetFile(path) as plain:
        texts = [name.name for name in plain.schema_arrow if _is_text(name.type)]
        _declared(plain.metadata, path.stat().st_size, key, limits)
        coded = read_as_dictionaries(plain.metadata, texts)
        rows_held = _rows_held(plain.metadata, frozenset(coded), limits)
    # Spark's older timestamps (INT96) reach beyond what nanoseconds can count, and would wrap.
    with pq.ParquetFile(path, read_dictionary=coded, coerce_int96_timestamp_unit="us") as file:
        names = file.schema_arrow.names
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise unreadable(key, f"it names column {twice[0][:80]!a} more than once")
        done = decoded = 0
        size = path.stat().st_size
        for batch in _batches(file, rows_held, limits):
            decoded += sum(map(_decoded_bytes, batch.columns))
            if decoded > max(limits.free_bytes, limits.columnar_ratio * size):
                growth = f"more than {limits.columnar_ratio:,.0f}-fold"
                raise unreadable(key, f"{size:,} bytes unfold {growth}, as a bomb does")
            rows = np.arange(done + 1, done + 1 + batch.num_rows)
            done += batch.num_rows
            columns = {
                name: _plain(column, key, limits)
                for name, column in zip(names, batch.columns, strict=True)
            }
            yield Chunk("typed", columns, rows)
        if done != file.metadata.num_rows:
            raise unreadable(key, f"{done:,} rows instead of {file.metadata.num_rows:,} declared")
        if not done:
            yield Chunk("typed", {name: pa.nulls(0) for name in names}, np.arange(0))


def _rows_held(metadata: Any, coded: AbstractSet[str], limits: Limits) -> int:
    """How many rows may be decoded at a time, but for the columns that are read as dictionaries.

    A value that others repeat, by a dictionary or by the prefix that they share, is written once:
    none is longer than its column is in the file, and each row may hold one.
    """
    longest = max(
        (
            chunk.total_uncompressed_size
            for group in map(metadata.row_group, range(metadata.num_row_groups))
            for chunk in map(group.column, range(group.num_columns))
            if chunk.physical_type == "BYTE_ARRAY"
            and chunk.path_in_schema not in coded
            and not REPEATING.isdisjoint(chunk.encodings)
        ),
        default=0,
    )
    return max(1, min(limits.chunk_rows, limits.held_bytes // max(longest, 1)))


def _batches(file: Any, rows: int, limits: Limits) -> Iterator[Any]:
    """Record batches as large as the limits allow, decoded ``rows`` at a time."""
    held: list[Any] = []
    count = size = 0
    for batch in file.iter_batches(batch_size=rows, use_threads=False):
        batch.validate(full=True)
        held.append(batch)
        count, size = count + batch.num_rows, size + batch.nbytes
        if count + rows > limits.chunk_rows or size >= limits.chunk_bytes:
            yield held[0] if len(held) == 1 else pa.concat_batches(held)
            held, count, size = [], 0, 0
    if held:
        yield pa.concat_batches(held)


def _declared(metadata: Any, size: int, key: str, limits: Limits) -> None:
    if metadata.num_columns > limits.columns:
        raise unreadable(key, f"it declares {metadata.num_columns:,} columns")
    if not 0 <= metadata.num_rows <= limits.rows:
        raise unreadable(key, f"it declares {metadata.num_rows:,} rows")
    if metadata.num_rows > limits.free_rows + limits.rows_a_byte * size:
        raise unreadable(
            key, f"it declares {metadata.num_rows:,} rows in {size:,} bytes, as a bomb does"
        )
    sizes = [metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups)]
    if sum(sizes) > limits.expanded_bytes:
        raise unreadable(key, f"it declares {sum(sizes):,} bytes")


def _decoded_bytes(column: Any) -> int:
    """What a column holds once its values are written out."""
    kind = column.type
    if pa.types.is_dictionary(kind) and _is_text(kind.value_type):
        lengths = pc.binary_length(column.dictionary)
        return int(pc.sum(lengths.take(column.indices)).as_py() or 0)
    return int(column.nbytes)


def _plain(column: Any, key: str, limits: Limits) -> Any:
    column = unwrapped(column)
    kind = column.type
    types = pa.types
    if types.is_dictionary(kind) and _is_text(kind.value_type):
        total = _decoded_bytes(column)
        if total > limits.chunk_bytes * 4:
            raise unreadable(key, f"{len(column):,} rows of one text column hold {total:,} bytes")
        return column.cast(pa.string())
    if column.nbytes > limits.chunk_bytes * 4:
        raise unreadable(key, f"{len(column):,} rows of one column hold {column.nbytes:,} bytes")
    if types.is_string_view(kind) or types.is_large_string(kind):
        return column.cast(pa.string())
    if types.is_float16(kind):
        return column.cast(pa.float32())
    if (
        types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_fixed_size_binary(kind)
        or types.is_binary_view(kind)
    ):
        return _binary(column)
    return values_of(column) if types.is_nested(kind) else column


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _binary(column: Any) -> Any:
    """Binary is text where all of it is UTF-8, as older writers store text; else value by value."""
    try:
        text = column.cast(pa.binary()).cast(pa.string())
        text.validate(full=True)
    except pa.ArrowInvalid:
        return values_of(column.cast(pa.binary()))
    return text
