"""A raw batch → the typed table that Great Expectations judges, with its evidence columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tasks.contracts.batches import Batch, plain
from tasks.contracts.casting import (
    NotAnObject,
    arrow_type,
    cast,
    not_multiples,
    ordinal_index,
    to_pandas,
)
from tasks.contracts.checks import MISSING_COLUMNS, multiple_column, unreadable_column
from tasks.contracts.model import Contract


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


def typed(batch: Batch, contract: Contract) -> Typed:
    """Read every contract column of a batch; columns that are not there are null throughout."""
    length = len(batch)
    columns: dict[str, Any] = {}
    frame: dict[str, Any] = {}
    missing: list[str] = []
    for column in contract.columns:
        raw, there = _raw(batch, column.name)
        for former in column.former_names:
            raw, there = _coalesced((raw, there), _raw(batch, former))
        if not there:
            columns[column.name] = pa.nulls(length, arrow_type(column))
            unread: Any = pa.nulls(length, pa.string())
            # A record of JSON that lacks a key lacks a value; a table lacks the column.
            if column.required and batch.kind != "objects":
                missing.append(column.name)
        else:
            columns[column.name], unread = cast(column, raw, batch.kind)
        frame[column.name] = to_pandas(columns[column.name])
        frame[unreadable_column(column.name)] = to_pandas(unread)
        if column.multiple_of is not None:
            frame[multiple_column(column.name)] = _texts(
                not_multiples(columns[column.name], float(column.multiple_of))
            )
    said = ", ".join(missing) or None
    frame[MISSING_COLUMNS] = _texts([said] * length)
    for name, values in batch.evidence.items():
        frame[name] = _texts(values)
    return Typed(columns, pd.DataFrame(frame, index=ordinal_index(length)), tuple(missing))


def _texts(values: list[str | None]) -> pd.Series:
    return pd.Series(values, dtype="str")


def _raw(batch: Batch, name: str) -> tuple[Any, bool]:
    """The raw column of a contract column; fields of objects are taken out of them."""
    if name in batch.columns:
        return batch.columns[name], True
    outer, *path = name.split(".")
    if not path or outer not in batch.columns:
        return None, False
    values = batch.columns[outer]
    listed = values if isinstance(values, list) else values.to_pylist()
    return [_inside(value, path) for value in listed], True


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
    found: list[str | None] = [None] * len(mask)
    for position in mask.nonzero()[0]:
        parts = (
            f"{name}={pc.cast(column[int(position)], pa.string()).as_py()}"
            for name, column in zip(names, columns, strict=True)
        )
        found[int(position)] = ", ".join(parts)[:200]
    return found
