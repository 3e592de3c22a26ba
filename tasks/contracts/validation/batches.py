"""Chunks of objects → batches of a bounded number of rows.

Hundreds of tiny daily partitions cost one validation, not hundreds: chunks whose columns look
alike are put together until the bound is reached.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from tasks.contracts.model import Contract
from tasks.values import LakeObject


class RawChunk(Protocol):
    """Some rows of one object as a reader gives them (``tasks.lake.chunks.Chunk``)."""

    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def columns(self) -> Mapping[str, Any]: ...  # noqa: D102
    @property
    def rows(self) -> np.ndarray: ...  # noqa: D102
    @property
    def faults(self) -> tuple[Any, ...]: ...  # noqa: D102


@dataclass(frozen=True)
class RowBatch:
    """Rows of one or several objects, as they stand there.

    Attributes:
        kind: As of the chunks.
        columns: Raw columns, all of the same length; a column that the objects lack is absent.
        extra: Columns that the contract does not know, for quarantined records.
        objects: The object of each row, as a position in ``sources``.
        rows: Number of each row in its object.
        sources: The objects.
        faults: (object position, fault) of rows that could not be taken apart.
        evidence: Evidence columns that were made before (images, text).
    """

    kind: str
    columns: Mapping[str, Any]
    objects: np.ndarray
    rows: np.ndarray
    sources: tuple[LakeObject, ...]
    extra: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[tuple[int, Any], ...] = ()
    evidence: Mapping[str, list[str | None]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    def source(self, position: int) -> LakeObject:
        """Where one row came from."""
        return self.sources[int(self.objects[position])]

    def record(self, position: int) -> dict[str, Any]:
        """One row as it was written."""
        row = {}
        for name, column in (*self.columns.items(), *self.extra.items()):
            value = column[position]
            row[name] = plain(value) if isinstance(value, pa.Scalar) else value
        return row


def plain(value: Any) -> Any:
    """An Arrow scalar as Python has it; as text where Python has no such value."""
    try:
        return value.as_py()
    except (ValueError, ArithmeticError, KeyError):  # beyond the year 9999, or in no known zone
        return f"{getattr(value, 'value', '')} as {value.type}"


class _Pile:
    """Chunks that look alike."""

    def __init__(self) -> None:
        self.chunks: list[tuple[LakeObject, RawChunk]] = []
        self.length = 0

    def add(self, source: LakeObject, chunk: RawChunk) -> None:
        self.chunks.append((source, chunk))
        self.length += len(chunk.rows) + len(chunk.faults)

    def batch(self, wanted: frozenset[str]) -> RowBatch:
        sources = tuple(dict.fromkeys(source for source, _ in self.chunks))
        place = {source: position for position, source in enumerate(sources)}
        names = dict.fromkeys(name for _, chunk in self.chunks for name in chunk.columns)
        columns = {name: self._joined(name) for name in names if name in wanted}
        extra = {name: self._joined(name) for name in names if name not in wanted}
        return RowBatch(
            kind=self.chunks[0][1].kind,
            columns=columns,
            extra=extra,
            objects=np.concatenate(
                [np.full(len(chunk.rows), place[source]) for source, chunk in self.chunks]
            ),
            rows=np.concatenate([chunk.rows for _, chunk in self.chunks]),
            sources=sources,
            faults=tuple(
                (place[source], fault) for source, chunk in self.chunks for fault in chunk.faults
            ),
        )

    def _joined(self, name: str) -> Any:
        parts = [(chunk.columns.get(name), len(chunk.rows)) for _, chunk in self.chunks]
        present = [part for part, _ in parts if part is not None]
        types = {part.type for part in present if not isinstance(part, list)}
        if len(types) == 1 and not any(isinstance(part, list) for part in present):
            kind = types.pop()
            arrays = [pa.nulls(length, kind) if part is None else part for part, length in parts]
            return pa.concat_arrays(arrays) if len(arrays) > 1 else arrays[0]
        values: list[Any] = []
        for part, length in parts:
            listed = [None] * length if part is None else part
            values += listed if isinstance(listed, list) else map(plain, listed)
        return values


def in_batches(
    chunks: Iterable[tuple[LakeObject, RawChunk]], contract: Contract, limit: int
) -> Iterator[RowBatch]:
    """Put chunks together, at most ``limit`` rows a batch (a longer chunk stays as it is).

    Chunks whose contract columns differ in presence or type never share a batch. At most ``limit``
    rows are held in unfinished batches together.
    """
    wanted = contract.top_level
    piles: dict[Any, _Pile] = {}
    for source, chunk in chunks:
        look = _look(chunk, wanted)
        size = len(chunk.rows) + len(chunk.faults)
        pile = piles.get(look)
        if pile is not None and pile.length + size > limit:
            yield piles.pop(look).batch(wanted)
        piles.setdefault(look, _Pile()).add(source, chunk)
        while len(piles) > 1 and sum(pile.length for pile in piles.values()) > limit:
            largest = max(piles, key=lambda key: piles[key].length)
            yield piles.pop(largest).batch(wanted)
    for pile in piles.values():
        yield pile.batch(wanted)


def _look(chunk: RawChunk, wanted: frozenset[str]) -> Any:
    if chunk.kind == "objects":
        return "objects"
    kinds = (
        (name, "list" if isinstance(column, list) else str(column.type))
        for name, column in chunk.columns.items()
        if name in wanted
    )
    return (chunk.kind, *sorted(kinds))
