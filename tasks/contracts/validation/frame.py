"""A raw batch → the typed table that Great Expectations judges, with its evidence columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tasks.contracts.model import Column, Contract, Inside
from tasks.contracts.odcs.single import is_void
from tasks.contracts.validation.batches import RowBatch, plain
from tasks.contracts.validation.casting import (
    NotAnObject,
    arrow_type,
    cast,
    not_multiples,
    ordinal_index,
    to_pandas,
    unpacked,
)
from tasks.contracts.validation.checks import (
    MISSING_COLUMNS,
    inside_column,
    multiple_column,
    text_rules,
    unreadable_column,
)


@dataclass(frozen=True)
class Typed:
    """One batch, read.

    Attributes:
        columns: By contract column, the typed pyarrow array.
        frame: What the suite judges: the same columns as pandas likes them, and the evidence.
        missing: Required columns that the batch's objects lack.
    """

    columns: Mapping[str, Any]
    frame: pd.DataFrame
    missing: tuple[str, ...]


def typed(batch: RowBatch, contract: Contract) -> Typed:
    """Read every contract column of a batch; columns that are not there are null throughout."""
    length = len(batch)
    columns: dict[str, Any] = {}
    frame: dict[str, Any] = {}
    missing: list[str] = []
    for column in contract.columns:
        raw, there = _raw(batch, column.source)
        for former in column.former_names:
            raw, there = _coalesced((raw, there), _raw(batch, former))
        read = cast(column, raw, batch.kind) if there else None
        # Records of JSON share a batch whether or not their objects bring the column.
        if column.partitioned and (read is None or batch.kind == "objects"):
            read = _with_folders(batch, column, raw, read)
        if read is None:
            read = pa.nulls(length, arrow_type(column)), pa.nulls(length, pa.string())
            # A record of JSON that lacks a key lacks a value; a table lacks the column.
            if column.required and batch.kind != "objects":
                missing.append(column.source)
        columns[column.name], unread = read
        frame[column.name] = to_pandas(columns[column.name])
        frame[unreadable_column(column.name)] = to_pandas(unread)
        if column.multiple_of is not None:
            frame[multiple_column(column.name)] = _texts(
                not_multiples(columns[column.name], float(column.multiple_of))
            )
        frame |= {
            name: _texts(values) for name, values in text_faults(column, columns[column.name])
        }
    for inside in contract.objects:
        values = _objects(batch, inside)
        frame[inside_column(inside.name)] = _texts([lacking(inside, value) for value in values])
    names = ", ".join(missing) or None
    frame[MISSING_COLUMNS] = _texts([names] * length)
    for name, values in batch.evidence.items():
        frame[name] = _texts(values)
    return Typed(columns, pd.DataFrame(frame, index=ordinal_index(length)), tuple(missing))


def _texts(values: list[str | None]) -> pd.Series:
    return pd.Series(values, dtype="str")


def _raw(batch: RowBatch, name: str) -> tuple[Any, bool]:
    """The raw column of a contract column; fields of objects are taken out of them."""
    if name in batch.columns:
        return batch.columns[name], True
    outer, *path = name.split(".")
    if not path or outer not in batch.columns:
        return None, False
    return [_inside(value, path) for value in _listed(batch.columns[outer])], True


def _listed(values: Any) -> list[Any]:
    """Values as Python has them; an object that a table holds as text is read as JSON."""
    if isinstance(values, list):
        return values
    return [unpacked(v) if isinstance(v, str) and v else v or None for v in values.to_pylist()]


def _with_folders(
    batch: RowBatch, column: Column, raw: Any, read: tuple[Any, Any] | None
) -> tuple[Any, Any] | None:
    """A column of which the rows that lack it take the value of their folder, ``name=value/``.

    Args:
        batch: Its rows.
        column: What the contract says.
        raw: Values of the rows, as they stand there.
        read: Of these, as :func:`cast` gives them; None where no row has the column.

    Returns:
        As ``read``; a folder's value is text, whatever the types of the file are.
    """
    named = [_of_key(source.key, column.source) for source in batch.sources]
    if all(value is None for value in named):
        return read
    folders = cast(column, pa.array(named, pa.string()).take(pa.array(batch.objects)), kind="text")
    if read is None:
        return folders
    lacks = pa.array([value is None for value in raw], pa.bool_())
    typed, unread = (pc.if_else(lacks, *pair) for pair in zip(folders, read, strict=True))
    return typed, unread


def _of_key(key: str, name: str) -> str | None:
    for folder in key.split("/")[:-1]:
        field, sign, value = folder.partition("=")
        if sign and unquote(field) == name:
            return None if value == "__HIVE_DEFAULT_PARTITION__" else unquote(value)
    return None


def _objects(batch: RowBatch, inside: Inside) -> list[Any]:
    """An object of each row whose fields are columns; None where the row has none."""
    raw, there = _raw(batch, inside.source)
    if there:
        return _listed(raw)
    # A table may bring the fields as columns of their own, ``outer.inner``.
    prefix = f"{inside.source}."
    names = [name for name in batch.columns if name.startswith(prefix)]
    columns = {name.removeprefix(prefix): _listed(batch.columns[name]) for name in names}
    objects: list[Any] = []
    for row in range(len(batch)):
        fields = {name: values[row] for name, values in columns.items() if values[row] is not None}
        objects.append(fields or None)
    return objects


def lacking(inside: Inside, value: Any) -> str | None:
    """What an object should hold and does not, or None when nothing is wrong."""
    if value is None:
        return f"{inside.name} is missing" if inside.required else None
    if not isinstance(value, dict):
        return None  # each field says so itself
    for name, key in inside.fields:
        if is_void(value.get(key)) and not any(path.startswith(f"{key}.") for path in value):
            return f"{inside.name}.{name} is missing"
    if inside.least is not None and len(value) < inside.least:
        return f"{inside.name} has {len(value)} fields, fewer than {inside.least}"
    if inside.most is not None and len(value) > inside.most:
        return f"{inside.name} has {len(value)} fields, more than {inside.most}"
    return None


def text_faults(column: Column, values: Any) -> Iterator[tuple[str, list[str | None]]]:
    """Evidence of a text column's pattern and format, once for each different text."""
    for name, fits in text_rules(column):
        faults = {
            text: None if fits(text) else text for text in values.unique().to_pylist() if text
        }
        faults[""] = None if fits("") else ""
        yield name, [None if text is None else faults[text] for text in values.to_pylist()]


def _coalesced(now: tuple[Any, bool], former: tuple[Any, bool]) -> tuple[Any, bool]:
    """A column where it has a value, else its former one; rows of both kinds share a batch."""
    if not (now[1] and former[1]):
        return now if now[1] else former
    listed = [
        [plain(value) if isinstance(value, pa.Scalar) else value for value in column]
        for column, _ in (now, former)
    ]
    return [new if new is not None else old for new, old in zip(*listed, strict=True)], True


def _inside(value: Any, path: list[str]) -> Any:
    for part in path:
        if value is None:
            return None
        if not isinstance(value, dict):
            return value if isinstance(value, NotAnObject) else NotAnObject(value)
        value = value.get(part)
    return value


def evidence_of(values: list[str | None]) -> Any:
    """Evidence texts as a frame column."""
    return _texts(values)


def keys_text(columns: list[Any], names: tuple[str, ...], mask: Any) -> list[str | None]:
    """``name=value, …`` of each row in the mask, None elsewhere."""
    texts: list[str | None] = [None] * len(mask)
    for position in mask.nonzero()[0]:
        parts = (
            f"{name}={pc.cast(column[int(position)], pa.string()).as_py()}"
            for name, column in zip(names, columns, strict=True)
        )
        texts[int(position)] = ", ".join(parts)[:200]
    return texts
