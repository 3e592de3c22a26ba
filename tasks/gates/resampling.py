"""Bootstrap over rows, or over groups of rows, of what was said of them. Pure.

A unit is what is drawn: a row, or all rows of one user or house (``split_by``), which tell about
the same thing and would otherwise be taken for independent (cluster bootstrap; Davison & Hinkley
1997, 3.8). Draws come from the names of the rows alone: the same rows give the same interval, on
any machine, in any order, and two models are measured on the same draws, in pairs.

Time is bounded by the rows and by nothing else. Sums are one product of matrices: at most
``MOST_UNITS`` units (beyond it, units are drawn in blocks put together by lot, which are as
independent as they are) and ``MOST_DRAWS`` draws. What is no sum is measured draw by draw, at most
``MOST_ROWS`` rows in all, but ``FEWEST_DRAWS`` draws in any case.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.runtime.task import Task

Floats = NDArray[np.float64]
Statistic = Callable[[NDArray[np.int64]], Mapping[str, Floats]]
"""Weights of the units [b, units] → values [b] by metric."""
FEWEST_UNITS = 20
"""With fewer, no bootstrap can be believed (Cameron, Gelbach & Miller 2008 on clusters)."""
MOST_UNITS = 20_000
DRAWS, MOST_DRAWS, FEWEST_DRAWS = 2_000, 10_000, 400
BEYOND = 20
"""Draws that lie beyond an interval's end, at least: fewer would make the end itself a draw."""
MOST_ROWS = 40_000_000
BLOCKS = 200
"""Blocks of the jackknife."""
CHUNK = 4_000_000
"""Weights that are in memory at a time."""


@dataclass(frozen=True)
class Units:
    """What is drawn: the unit of each row [n], how many there are, and where draws begin."""

    of_row: NDArray[np.int64]
    count: int
    seed: int
    grouped: bool


@dataclass(frozen=True)
class Replicates:
    """A model's metrics: on all rows, on drawn ones [b], and with a block left out [j]."""

    point: Mapping[str, float]
    drawn: Mapping[str, Floats]
    jackknife: Mapping[str, Floats]


def units_of(rows: Sequence[str], groups: Sequence[str] | None) -> Units:
    """The units of rows that are sorted by their names.

    Args:
        rows: Names [n], each once, sorted.
        groups: Value of ``split_by`` of each; None without it. A row without a value is a group of
            its own, as in the split.
    """
    seed = int.from_bytes(hashlib.blake2b("\n".join(rows).encode(), digest_size=8).digest(), "big")
    if groups is None:
        of_row, count = np.arange(len(rows)), len(rows)
    else:
        together = [
            (group, "") if group else ("", row) for group, row in zip(groups, rows, strict=True)
        ]
        index = {unit: number for number, unit in enumerate(sorted(set(together)))}
        of_row, count = np.asarray([index[unit] for unit in together]), len(index)
    if count > MOST_UNITS:
        of_row = (np.random.default_rng(seed).permutation(count) % MOST_UNITS)[of_row]
        count = MOST_UNITS
    return Units(of_row.astype(np.int64), count, seed, groups is not None)


def draws_for(rows: int, tail: float, *, sums: bool) -> int:
    """How many draws an end of an interval needs that has this chance beyond it.

    Args:
        rows: That are measured in a draw.
        tail: Chance beyond the end.
        sums: Whether every metric that is asked for is a function of sums.
    """
    wanted = min(MOST_DRAWS, max(DRAWS, math.ceil(BEYOND / tail)))
    return wanted if sums else max(FEWEST_DRAWS, min(wanted, MOST_ROWS // max(rows, 1)))


def statistic(
    task: Task, labels: NDArray[Any], predicted: Floats, units: Units, wanted: Collection[str]
) -> tuple[Statistic, bool]:
    """A model's metrics as a function of the units' weights; and whether all are sums.

    Args:
        task: Of the model whose predictions these are.
        labels: As the task has them [n].
        predicted: Its predictions [n], or [n, k].
        units: Of the rows.
        wanted: Metrics; others may be missing in what it gives.
    """
    sums = task.sums(labels, predicted)
    known: frozenset[str] = frozenset()
    totals = np.zeros((units.count, 0))
    if sums is not None:
        totals = np.stack(
            [np.bincount(units.of_row, column, units.count) for column in sums.rows.T], axis=1
        )
        known = frozenset(sums.metrics(totals.sum(axis=0, keepdims=True)))
    others = sorted(set(wanted) - known)
    numbers = np.arange(len(labels))

    def measured(weights: NDArray[np.int64]) -> dict[str, Floats]:
        found: dict[str, Floats] = {}
        with np.errstate(divide="ignore", invalid="ignore"):
            if sums is not None:
                found |= sums.metrics(weights.astype(np.float64) @ totals)
            if others:
                each = [
                    task.measure(labels[rows], predicted[rows])
                    for rows in (np.repeat(numbers, row[units.of_row]) for row in weights)
                ]
                found |= {name: np.asarray([one[name] for one in each]) for name in others}
        return found

    return measured, not others


def replicated(measured: Statistic, units: Units, draws: int) -> Replicates:
    """A model's metrics on all rows, on drawn ones, and with each block of units left out."""
    (point,) = _chunked(measured, [np.ones((1, units.count), dtype=np.int64)])
    return Replicates(
        {name: float(values[0]) for name, values in point.items()},
        _joined(_chunked(measured, _weights(units, draws))),
        _joined(_chunked(measured, _left_out(units))),
    )


def _chunked(
    measured: Statistic, weights: Iterator[NDArray[np.int64]] | list[NDArray[np.int64]]
) -> Iterator[Mapping[str, Floats]]:
    return (measured(chunk) for chunk in weights)


def _joined(parts: Iterator[Mapping[str, Floats]]) -> dict[str, Floats]:
    every = list(parts)
    return {name: np.concatenate([part[name] for part in every]) for name in every[0]}


def _weights(units: Units, draws: int) -> Iterator[NDArray[np.int64]]:
    """How often each unit was drawn, some draws at a time."""
    random = np.random.default_rng(units.seed)
    step = max(1, CHUNK // units.count)
    for first in range(0, draws, step):
        count = min(step, draws - first)
        drawn = random.integers(0, units.count, (count, units.count))
        drawn += np.arange(count)[:, None] * units.count
        flat = np.bincount(drawn.ravel(), minlength=count * units.count)
        yield flat.reshape(count, units.count)


def _left_out(units: Units) -> Iterator[NDArray[np.int64]]:
    """Weights that leave one block of units out: each unit by itself where they are few."""
    blocks = min(BLOCKS, units.count)
    lot = np.random.default_rng(units.seed + 1).permutation(units.count) % blocks
    yield (lot != np.arange(blocks)[:, None]).astype(np.int64)
