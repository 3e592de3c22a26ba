"""JSON in bounded chunks of records: lines, arrays, whole documents, and objects in a row."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from tasks.lake.bounds import Limits, reason, unreadable
from tasks.lake.chunks import TEXT_SHOWN, Chunk, RowFault
from tasks.lake.endings import format_of
from tasks.lake.json_items import NotParted, parted, spans
from tasks.lake.streams import text_stream

DEPTH = 64
TOO_DEEP = f"it is nested more than {DEPTH} deep"
ONE_A_LINE = "write one object a line (jq -c), so that a broken one costs only itself"


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
        head = stream.peek(1).lstrip()
        if delimiter == "array" or (not delimiter and format_of(key) != "jsonl"):
            start = b"[" if delimiter else head[:1]
            whole = _document(start, path, key, limits, encoding, spread=_spread(head))
            if whole is not None:
                yield from _sliced(whole, limits)
                return
        elif head.partition(b"\n")[0].strip() == b"{" and _spread(head):
            raise unreadable(key, f"its first object goes over many lines; {ONE_A_LINE}")
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


def _spread(head: bytes) -> bool:
    """Whether a text begins with an object that goes over several lines, as jq writes them."""
    line, more, _ = head.partition(b"\n")
    if not (more and line.startswith(b"{")) or not isinstance(_parsed(line, 1), RowFault):
        return False
    text = head.decode(errors="replace")
    try:
        _, end = next(spans(text))
    except (NotParted, StopIteration):
        return False
    # Broken lines whose brackets make up for each other are no object over many lines: in one, a
    # comma stands between lines that end and begin with braces.
    lines = [line.strip() for line in text[:end].split("\n") if line.strip()]
    return len(lines) > 1 and not all(line[0] == "{" and line[-1] == "}" for line in lines)


def _document(
    start: bytes, path: Path, key: str, limits: Limits, encoding: str, *, spread: bool
) -> list[Any] | None:
    """Records of a whole-document JSON object; None when it is JSON lines.

    One that is not JSON stands there as :class:`_Broken`, if the others can be told from it.
    """
    if start not in {b"[", b"{"}:
        return None
    with text_stream(path, key, limits, encoding) as stream:
        data = stream.read(limits.chunk_bytes + 1)
    if len(data) > limits.chunk_bytes:
        if start == b"[":
            raise unreadable(key, f"one array of more than {limits.chunk_bytes:,} bytes")
        if spread:
            size = f"more than {limits.chunk_bytes:,} bytes"
            raise unreadable(key, f"objects over many lines, {size} of them; {ONE_A_LINE}")
        return None
    try:
        value = _loaded(data.decode())
    except (ValueError, RecursionError):
        if start != b"[" and not spread:
            return None
        items = _items(data.decode(errors="surrogateescape"))
        if items is not None and (spread or data.lstrip().startswith(b"[")):
            return items
        if start == b"[":
            raise
        return _one_after_another(data.decode(), key)
    if start == b"[" and not isinstance(value, list):
        raise unreadable(key, "it is not one JSON array, as the contract's delimiter says")
    return value if isinstance(value, list) else [value]


@dataclass(frozen=True)
class _Broken:
    """Stands for an item that is not JSON. ``text`` is as written, at most ``TEXT_SHOWN`` signs."""

    text: str
    why: str


def _items(text: str) -> list[Any] | None:
    """Items of a text that is not JSON as a whole; None where nobody can say where they end.

    Args:
        text: Bytes that are not UTF-8 stand in it as lone surrogates, which UTF-8 does not know.
    """
    try:
        return [_item(item) for item in parted(text)]
    except NotParted:
        return None


def _item(text: str) -> Any:
    written = text.encode(errors="surrogateescape")
    try:
        return _loaded(written.decode())
    except (ValueError, RecursionError) as error:
        shown = written[: 4 * TEXT_SHOWN].decode("utf-8", "backslashreplace")
        return _Broken(shown[:TEXT_SHOWN], _why(error))


def _why(error: Exception) -> str:
    return TOO_DEEP if isinstance(error, RecursionError) else f"it is not JSON ({reason(error)})"


def _one_after_another(text: str, key: str) -> list[Any]:
    values: list[Any] = []
    try:
        for value in _end_to_end(text.lstrip()):
            values.append(value)  # noqa: PERF402 - their number is told
    except ValueError as error:
        raise unreadable(
            key,
            f"its objects go over many lines, and number {len(values) + 1} of them is not JSON "
            f"({reason(error)}); {ONE_A_LINE}",
        ) from error
    return values


def _sliced(values: list[Any], limits: Limits) -> Iterator[Chunk]:
    for start in range(0, max(len(values), 1), limits.chunk_rows):
        part = list(enumerate(values[start : start + limits.chunk_rows], start=start + 1))
        good: list[tuple[int, dict[str, Any]]] = []
        faults: list[RowFault] = []
        for number, value in part:
            if isinstance(value, _Broken):
                faults.append(RowFault(number, value.text, value.why))
            elif _deep(value):
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
        return RowFault(number, shown, _why(error))
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
        while at < len(text) and (text[at].isspace() or text[at] == "\ufeff"):
            at += 1
        yield value


def _of_records(records: list[dict[str, Any]], rows: list[int], faults: list[RowFault]) -> Chunk:
    names = dict.fromkeys(name for record in records for name in record)
    columns = {name: [record.get(name) for record in records] for name in names}
    return Chunk("objects", columns, np.asarray(rows, dtype=np.int64), tuple(faults))
