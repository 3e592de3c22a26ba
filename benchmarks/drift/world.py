"""The data of the drift benchmark: 12 numeric and 8 categorical columns, as rows or as counts.

Every numeric column is a monotone function of a standard normal, so that the exact probability of
each cell is known. ``counts`` then draws a week's counts directly (multinomial): the same law as
counting rows, a thousand times faster, and the way to simulate years.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from tasks.drift import ColumnKind, Grid, Profile, fit_grid
from tasks.drift.profiles.cells import CELLS, EDGES
from tasks.drift.profiles.counts import CategoryCounts, Counts, NumericCounts

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Shape:
    """A monotone function of a standard normal, and its inverse."""

    forward: Callable[[Floats], Floats]
    inverse: Callable[[Floats], Floats]


def _log(x: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(x > 0, np.log(np.maximum(x, 1e-300)), -np.inf)


NORMAL = Shape(lambda z: 100 + 15 * z, lambda x: (x - 100) / 15)
LOGNORMAL = Shape(lambda z: 1e5 * np.exp(0.6 * z), lambda x: _log(x / 1e5) / 0.6)
HEAVY = Shape(np.sinh, np.arcsinh)
UNIFORM = Shape(ndtr, lambda x: ndtri(np.clip(x, 0, 1)))
SHAPES: tuple[Shape, ...] = (*[NORMAL] * 5, *[LOGNORMAL] * 3, *[HEAVY] * 2, *[UNIFORM] * 2)
NUMERIC = tuple(f"x{index:02d}" for index in range(len(SHAPES)))
CATEGORICAL = tuple(f"c{index}" for index in range(8))
VALUES = tuple(f"value_{index:02d}" for index in range(50))
SHARES = 1 / np.arange(1, 51) / (1 / np.arange(1, 51)).sum()  # Zipf: 22 %, 11 %, 7.4 %, … 0.4 %
COLUMNS: Mapping[str, ColumnKind] = {
    **dict.fromkeys(NUMERIC, "numeric"),
    **dict.fromkeys(CATEGORICAL, "categorical"),
}


@dataclass(frozen=True)
class Week:
    """How a week's rows are drawn. The default is the reference.

    Attributes:
        shift: Column number → shift of its normal, in standard deviations.
        stretch: Factor on the spread of column 0.
        nulls: Share of nulls in column 0.
        hundredfold: Share of rows of column 0 that are multiplied by 100.
        tilt: Added to the log-probabilities of the categories, shape (8, 50).
        fresh: Share of a category never seen before, in the first categorical column.
        moved: (category, points): its share in the first categorical column rises by so much.
    """

    shift: tuple[float, ...] = (0.0,) * len(NUMERIC)
    stretch: float = 1.0
    nulls: float = 0.0
    hundredfold: float = 0.0
    tilt: Floats | None = None
    fresh: float = 0.0
    moved: tuple[int, float] | None = None

    def shifted(self, by: float, column: int = 0) -> Week:
        """The same with one more shift."""
        shift = list(self.shift)
        shift[column] += by
        return replace(self, shift=tuple(shift))

    def shares(self, column: int) -> Floats:
        """Probabilities of the categories, and of the new one, shape (51,)."""
        shares = SHARES.copy()
        if self.tilt is not None:
            shares = shares * np.exp(self.tilt[column])
            shares /= shares.sum()
        fresh = 0.0
        if column == 0:
            if self.moved is not None:
                which, points = self.moved
                target = shares[which] + points
                shares *= (1 - target) / (1 - shares[which])
                shares[which] = target
            fresh = self.fresh
        return np.append(shares * (1 - fresh), fresh)


def wobbling(rng: np.random.Generator, size: float = 0.02) -> Week:
    """A week whose locations and log-probabilities wobble by ``size``."""
    shift = tuple(float(s) for s in rng.normal(0, size, len(NUMERIC)))
    return Week(shift=shift, tilt=rng.normal(0, size, (len(CATEGORICAL), len(VALUES))))


def rows(rng: np.random.Generator, size: int, week: Week | None = None) -> pa.RecordBatch:
    """Rows of a week."""
    week = week or Week()
    arrays: list[Any] = []
    for index, shape in enumerate(SHAPES):
        z = rng.standard_normal(size)
        if index == 0:
            z *= week.stretch
        values = shape.forward(z + week.shift[index])
        if index == 0 and week.hundredfold:
            values[rng.random(size) < week.hundredfold] *= 100
        nulls = rng.random(size) < week.nulls if index == 0 and week.nulls else None
        arrays.append(pa.array(values, mask=nulls))
    names = pa.array([*VALUES, "value_new"])
    for index in range(len(CATEGORICAL)):
        edges = np.cumsum(week.shares(index))[:-1]
        codes = np.searchsorted(edges, rng.random(size), side="right").astype(np.int32)
        arrays.append(pa.DictionaryArray.from_arrays(pa.array(codes), names).cast(pa.string()))
    return pa.RecordBatch.from_arrays(arrays, names=list(COLUMNS))


@lru_cache(maxsize=1)
def grid() -> Grid:
    """The grid, fitted on 16,384 reference rows."""
    return fit_grid(rows(np.random.default_rng(7), 16_384), COLUMNS)


def counts(
    rng: np.random.Generator, size: int, week: Week, partition: str, *, categories: bool = True
) -> Profile:
    """Profile of a week of ``size`` rows, drawn from the exact law of its counts."""
    columns: dict[str, Counts] = {}
    for index, name in enumerate(NUMERIC):
        lattice = grid().numeric[name]
        nulls = int(rng.binomial(size, week.nulls)) if index == 0 else 0
        odd = int(rng.binomial(size - nulls, week.hundredfold)) if index == 0 else 0
        cells = rng.multinomial(size - nulls - odd, _probabilities(index, week, 1.0))
        if odd:
            cells = cells + rng.multinomial(odd, _probabilities(index, week, 100.0))
        columns[name] = NumericCounts(lattice, size, nulls, 0, 0, 0, cells.astype(np.int64))
    for index, name in enumerate(CATEGORICAL if categories else ()):
        draws = rng.multinomial(size, week.shares(index))
        pairs = zip((*VALUES, "value_new"), draws.tolist(), strict=True)
        columns[name] = CategoryCounts(size, 0, {value: count for value, count in pairs if count})
    return Profile(grid(), size, (partition,), columns)


def _probabilities(index: int, week: Week, factor: float) -> Floats:
    lattice, shape = grid().numeric[NUMERIC[index]], SHAPES[index]
    z = shape.inverse((lattice.centre + lattice.scale * EDGES) / factor)
    stretch = week.stretch if index == 0 else 1.0
    below = ndtr((z - week.shift[index]) / stretch)
    cells = np.diff(np.concatenate(([0.0], below, [1.0])))
    assert len(cells) == CELLS
    return np.asarray(np.maximum(cells, 0) / np.maximum(cells, 0).sum())
