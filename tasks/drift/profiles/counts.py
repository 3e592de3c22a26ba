"""What a profile keeps of one column. Merging adds integers: exact, in any order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.drift.profiles.cells import CELLS, Ints
from tasks.drift.profiles.distinct import Values, both, pairs_of, values_from
from tasks.drift.profiles.grid import NumericGrid
from tasks.drift.profiles.sketch import Sketch, sketch_of
from tasks.errors import ProfileIncompatible

EXACT_VALUES = 1_024
"""Categories kept one by one; beyond them a column is sketched."""
EXACT_WORDS = 8_192
"""The same for the words of a text column."""


@dataclass(frozen=True, eq=False)
class NumericCounts:
    """Counts of a numeric column.

    ``rows`` = nulls + nan + infinite + invalid + the sum of ``cells`` (int64, shape (CELLS,)).
    ``invalid`` counts what is no number at all. ``at_centre`` are the rows that hold the grid's
    centre itself (they are in ``cells`` too); None on grids of version 1, which did not count them.
    ``values`` are the rows of each number, where the column holds few; None where it holds many,
    and in profiles of earlier releases.
    """

    grid: NumericGrid
    rows: int
    nulls: int
    nan: int
    infinite: int
    invalid: int
    cells: Ints
    at_centre: int | None = None
    values: Values | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NumericCounts) and self._key() == other._key()

    __hash__ = None  # type: ignore[assignment]

    def _key(self) -> tuple[Any, ...]:
        scalars = (self.rows, self.nulls, self.nan, self.infinite, self.invalid, self.at_centre)
        values = None if self.values is None else tuple(sorted(self.values.items()))
        return (self.grid, *scalars, self.cells.tobytes(), values)

    @property
    def missing(self) -> int:
        """Rows without a usable number."""
        return self.nulls + self.nan + self.infinite + self.invalid

    def merge(self, other: NumericCounts) -> NumericCounts:
        """The counts of both.

        Raises:
            ProfileIncompatible: their grids differ.
        """
        if self.grid != other.grid:
            raise ProfileIncompatible(
                f"Two numeric columns lie on different grids: {self.grid} and {other.grid}.",
                "Profile both with the baseline's grid.",
            )
        return NumericCounts(
            grid=self.grid,
            rows=self.rows + other.rows,
            nulls=self.nulls + other.nulls,
            nan=self.nan + other.nan,
            infinite=self.infinite + other.infinite,
            invalid=self.invalid + other.invalid,
            cells=self.cells + other.cells,
            at_centre=None
            if self.at_centre is None or other.at_centre is None
            else self.at_centre + other.at_centre,
            values=both(self.values, other.values),
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON values; the cells from the first to the last that holds something."""
        filled = np.flatnonzero(self.cells)
        first, last = (int(filled[0]), int(filled[-1]) + 1) if len(filled) else (0, 0)
        counted = {} if self.at_centre is None else {"at_centre": self.at_centre}
        exact = {} if self.values is None else {"values": pairs_of(self.values)}
        return (
            counted
            | exact
            | {
                "kind": "numeric",
                "rows": self.rows,
                "nulls": self.nulls,
                "nan": self.nan,
                "infinite": self.infinite,
                "invalid": self.invalid,
                "first": first,
                "cells": self.cells[first:last].tolist(),
            }
        )

    @classmethod
    def from_dict(cls, value: Mapping[str, Any], grid: NumericGrid) -> NumericCounts:
        """The inverse of :meth:`to_dict`.

        Raises:
            ValueError: the counts do not add up.
        """
        cells = np.zeros(CELLS, np.int64)
        block = np.asarray(value["cells"], np.int64)
        cells[value["first"] : value["first"] + len(block)] = block
        names = ("rows", "nulls", "nan", "infinite", "invalid")
        at_centre = None if value.get("at_centre") is None else int(value["at_centre"])
        scalars = {name: int(value[name]) for name in names}
        values = values_from(value.get("values"))
        counts = cls(grid=grid, cells=cells, at_centre=at_centre, values=values, **scalars)
        if counts.missing + int(cells.sum()) != counts.rows or (cells < 0).any():
            raise ValueError("the cells do not add up to the rows")
        return counts


@dataclass(frozen=True)
class CategoryCounts:
    """Counts of a categorical column, or of the words of a text column.

    Attributes:
        rows: Rows seen.
        nulls: Rows without a value.
        values: Value → rows that hold it; None once there are too many values.
        sketch: What is kept then.
        words: Whether a row may hold several values (each counts once per row).
    """

    rows: int
    nulls: int
    values: Mapping[str, int] | None
    sketch: Sketch | None = None
    words: bool = False

    @property
    def missing(self) -> int:
        """Rows without a value."""
        return self.nulls

    @property
    def limit(self) -> int:
        """How many values are kept one by one."""
        return EXACT_WORDS if self.words else EXACT_VALUES

    def merge(self, other: CategoryCounts) -> CategoryCounts:
        """The counts of both; sketched as soon as their values together are too many."""
        rows, nulls = self.rows + other.rows, self.nulls + other.nulls
        if self.values is not None and other.values is not None:
            values = dict(self.values)
            for name, count in other.values.items():
                values[name] = values.get(name, 0) + count
            if len(values) <= self.limit:
                return CategoryCounts(rows, nulls, values, None, self.words)
            return CategoryCounts(rows, nulls, None, sketched(values), self.words)
        sketch = self.as_sketch().merge(other.as_sketch())
        return CategoryCounts(rows, nulls, None, sketch, self.words)

    def as_sketch(self) -> Sketch:
        """The sketch, made from the exact counts where they are still kept."""
        return self.sketch if self.sketch is not None else sketched(self.values or {})

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "kind": "words" if self.words else "categorical",
            "rows": self.rows,
            "nulls": self.nulls,
            "values": None if self.values is None else dict(self.values),
            "sketch": None if self.sketch is None else self.sketch.to_dict(),
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> CategoryCounts:
        """The inverse of :meth:`to_dict`.

        Raises:
            ValueError: it holds neither values nor a sketch.
        """
        by_name = value["values"]
        if (by_name is None) == (value["sketch"] is None):
            raise ValueError("a categorical column has either values or a sketch")
        return cls(
            rows=int(value["rows"]),
            nulls=int(value["nulls"]),
            values=None if by_name is None else {name: int(by_name[name]) for name in by_name},
            sketch=None if value["sketch"] is None else Sketch.from_dict(value["sketch"]),
            words=value["kind"] == "words",
        )


Counts = NumericCounts | CategoryCounts


def sketched(values: Mapping[str, int]) -> Sketch:
    """A sketch of exact counts."""
    import pyarrow as pa

    names = pa.array(list(values), pa.large_string())
    return sketch_of(names, np.fromiter(values.values(), np.int64, len(values)))
