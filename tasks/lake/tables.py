"""The table formats: CSV, JSON lines and Parquet, in bounded chunks of rows."""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.dictionaries import read_as_dictionaries
from tasks.lake.bounds import Limits, reason, unreadable
from tasks.lake.chunks import Chunk, RowFault
from tasks.lake.endings import format_of
from tasks.lake.extensions import unwrapped
from tasks.lake.nested import values_of
from tasks.lake.quotes import BEHIND, MARK, QuotedRows
from tasks.lake.streams import text_stream

TEXT_SHOWN = 1_000
HEADER_BYTES = 128 << 10
BLOCK = 8 << 20
DEPTH = 64
TOO_DEEP = f"it is nested more than {DEPTH} deep"
PARQUET_ENDS = 12  # bytes: the magic twice and the footer's length

REPEATING = frozenset({"PLAIN_DICTIONARY", "RLE_DICTIONARY", "DELTA_BYTE_ARRAY"})


def csv_chunks(
    path: Path, key: str, limits: Limits, encoding: str, delimiter: str
) -> Iterator[Chunk]:
    """CSV with a header; every value is text."""
    import pyarrow.csv as pacsv

    if path.stat().st_size == 0:
        raise unreadable(key, "it is empty (0 bytes) and has no header")
    delimiter = delimiter or ("\t" if ".tsv" in key.lower().rpartition("/")[2] else ",")
    with text_stream(path, key, limits, encoding, strict=True) as stream:
        head = stream.peek(BLOCK)[:BLOCK]
        if not head.strip():
            raise unreadable(key, "it holds only blanks")
        faults: list[RowFault] = []

        def skip(row: Any) -> str:
            text, marked, _ = row.text.partition(MARK)
            fields = f"{row.actual_columns} fields instead of {row.expected_columns}"
            faults.append(
                RowFault(
                    row=(row.number or 0) + 1,  # Arrow counts after the header
                    text=text[:TEXT_SHOWN],
                    why=BEHIND if marked else fields,
                )
            )
            return "skip"

        names, line = _header(stream, key, limits, delimiter)
        if not stream.peek(1):
            yield _text_chunk(names, None, np.arange(0), ())
            return
        block = min(BLOCK, limits.chunk_bytes)
        rows = QuotedRows(
            stream, key, delimiter, columns=len(names), line=line + 1, longest=2 * block
        )
        with pacsv.open_csv(
            io.BufferedReader(rows, block),
            read_options=pacsv.ReadOptions(use_threads=False, block_size=block, column_names=names),
            parse_options=pacsv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, invalid_row_handler=skip
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        ) as reader:
            done, given = 1, False  # the header is row 1
            for batch in reader:
                for start in range(0, max(batch.num_rows, 1), limits.chunk_rows):
                    part = batch.slice(start, limits.chunk_rows)
                    numbers = _numbers(part.num_rows, done, [fault.row for fault in faults])
                    done = int(numbers[-1]) if len(numbers) else done
                    part_faults = tuple(fault for fault in faults if fault.row < done)
                    faults[:] = [fault for fault in faults if fault.row > done]
                    given = True
                    yield _text_chunk(names, part, numbers, part_faults)
            if faults or not given:  # blank lines alone are no batch
                yield _text_chunk(names, None, np.arange(0), tuple(faults))


def _text_chunk(
    names: list[str], part: Any, numbers: np.ndarray, faults: tuple[RowFault, ...]
) -> Chunk:
    arrays = [pa.array([], pa.string()) for _ in names] if part is None else part.columns
    return Chunk("text", dict(zip(names, arrays, strict=True)), numbers, faults)


def _numbers(count: int, done: int, skipped: list[int]) -> np.ndarray:
    """Numbers of the next ``count`` good rows after row ``done``, past the rows skipped."""
    candidates = np.arange(done + 1, done + 1 + count + len(skipped))
    return np.setdiff1d(candidates, skipped)[:count] if skipped else candidates


def _header(
    stream: io.BufferedReader, key: str, limits: Limits, delimiter: str
) -> tuple[list[str], int]:
    """Read the header off the stream: the names, and the number of its line."""
    import csv

    line, number = stream.readline(HEADER_BYTES), 1
    while line and not line.strip():
        line, number = stream.readline(HEADER_BYTES), number + 1
    if len(line) == HEADER_BYTES:
        raise unreadable(key, f"its header is longer than {HEADER_BYTES:,} bytes")
    text = line.decode()
    try:
        names = next(csv.reader([text.rstrip("\r\n")], strict=True, delimiter=delimiter))
    except csv.Error as error:
        raise unreadable(key, f"its header is not CSV ({error})") from error
    if len(names) > limits.columns:
        raise unreadable(key, f"its header names {len(names):,} columns")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise unreadable(key, f"its header names column {twice[0][:80]!a} more than once")
    return names, number


def json_chunks(
    path: Path, key: str, limits: Limits, encoding: str, delimiter: str
) -> Iterator[Chunk]:
    """Records of JSON: one a line, one array, one object over many lines, or one after another.

    Args:
        path: The local copy.
        key: A name that ends in ``.jsonl`` or ``.ndjson`` holds lines and nothing else.
        limits: Bounds.
        encoding: Of the text.
        delimiter: What the contract says: ``new_line``, ``array``, or "" for what is found.
    """
    with text_stream(path, key, limits, encoding) as stream:
        if delimiter == "array" or (not delimiter and format_of(key) != "jsonl"):
            start = b"[" if delimiter else stream.peek(1).lstrip()[:1]
            whole = _document(start, path, key, limits, encoding)
            if whole is not None:
                yield from _sliced(whole, limits)
                return
        records: list[dict[str, Any]] = []
        rows: list[int] = []
        faults: list[RowFault] = []
        size, number, given = 0, 0, False
        while line := stream.readline(limits.line_bytes + 1):
            number += 1
            if len(line) > limits.line_bytes:
                raise unreadable(key, f"line {number} is longer than {limits.line_bytes:,} bytes")
            if not line.strip():
                continue
            parsed = _parsed(line, number)
            if isinstance(parsed, RowFault):
                faults.append(parsed)
            else:
                records += parsed
                rows += [number] * len(parsed)
            size += len(line)
            if len(records) + len(faults) >= limits.chunk_rows or size >= limits.chunk_bytes:
                yield _of_records(records, rows, faults)
                records, rows, faults, size, given = [], [], [], 0, True
        # No line at all is no record: Spark and Hadoop write such a part for an empty partition.
        if records or faults or (not given and not number):
            yield _of_records(records, rows, faults)
        elif not given:
            raise unreadable(key, "it holds no line")


def _document(
    start: bytes, path: Path, key: str, limits: Limits, encoding: str
) -> list[Any] | None:
    """Records of a whole-document JSON object; None when it is JSON lines."""
    if start not in {b"[", b"{"}:
        return None
    with text_stream(path, key, limits, encoding) as stream:
        data = stream.read(limits.chunk_bytes + 1)
    if len(data) > limits.chunk_bytes:
        if start == b"[":
            raise unreadable(key, f"one array of more than {limits.chunk_bytes:,} bytes")
        return None
    try:
        value = _loaded(data.decode())
    except ValueError:
        if start == b"[":
            raise
        return None
    if start == b"[" and not isinstance(value, list):
        raise unreadable(key, "it is not one JSON array, as the contract's delimiter says")
    return value if isinstance(value, list) else [value]


def _sliced(values: list[Any], limits: Limits) -> Iterator[Chunk]:
    for start in range(0, max(len(values), 1), limits.chunk_rows):
        part = list(enumerate(values[start : start + limits.chunk_rows], start=start + 1))
        good: list[tuple[int, dict[str, Any]]] = []
        faults: list[RowFault] = []
        for number, value in part:
            if _deep(value):
                faults.append(RowFault(number, "", TOO_DEEP))
            elif isinstance(value, dict):
                good.append((number, value))
            else:
                shown = json.dumps(value)[:TEXT_SHOWN]
                faults.append(RowFault(number, shown, "it is not a JSON object"))
        yield _of_records([value for _, value in good], [number for number, _ in good], faults)


def _loaded(text: str) -> Any:
    """JSON, strictly: no NaN, and no field that is named twice, of which one would be lost."""
    return _DECODER.decode(text)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"field {twice[:80]!a} is named more than once")
    return record


def _deep(value: Any) -> bool:
    """Whether a value is nested deeper than any record is, and than others could write again."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(DEPTH):
        inner = (item.values() if isinstance(item, dict) else item for item in level)
        level = [each for item in inner for each in item if isinstance(each, dict | list)]
        if not level:
            return False
    return True


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant, object_pairs_hook=_once)


def _parsed(line: bytes, number: int) -> list[dict[str, Any]] | RowFault:
    """The records of one line: as a rule one, several where a stream writes them end to end."""
    shown = line[:TEXT_SHOWN].decode("utf-8", "backslashreplace").rstrip("\r\n")
    try:
        text = line.removeprefix(codecs.BOM_UTF8).decode()  # a mark within: files put together
        try:
            values = [_loaded(text)]
        except json.JSONDecodeError as error:
            if error.msg != "Extra data":
                raise
            values = list(_end_to_end(text))
    except (ValueError, RecursionError) as error:
        return RowFault(number, shown, f"it is not JSON ({reason(error)})")
    if not all(isinstance(value, dict) for value in values):
        return RowFault(number, shown, "it is not a JSON object")
    if line.count(b"[") + line.count(b"{") > DEPTH and any(map(_deep, values)):
        return RowFault(number, shown, TOO_DEEP)
    return values


def _end_to_end(text: str) -> Iterator[Any]:
    """Objects that follow each other on one line, as Firehose delivers them."""
    at, text = 0, text.rstrip()
    while at < len(text):
        value, at = _DECODER.raw_decode(text, at)
        while at < len(text) and text[at].isspace():
            at += 1
        yield value


def _of_records(records: list[dict[str, Any]], rows: list[int], faults: list[RowFault]) -> Chunk:
    names = dict.fromkeys(name for record in records for name in record)
    columns = {name: [record.get(name) for record in records] for name in names}
    return Chunk("objects", columns, np.asarray(rows, dtype=np.int64), tuple(faults))


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
