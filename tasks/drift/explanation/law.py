"""Laws of a numeric column: the share of the rows below a number, and what stories do to it.

A law takes ascending positions in the grid's units, shape (k,), and gives the share of the rows
that lie strictly below each, shape (k,). Stories are functions from laws to laws, so that a story
can be applied to the reference and its outcome be compared with what is there now.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tasks.drift.profiles.cells import EDGES, MIDDLE, Floats
from tasks.drift.profiles.counts import NumericCounts
from tasks.drift.profiles.grid import NumericGrid

Law = Callable[[Floats], Floats]
_APART = 1e-9
_SHARES = np.linspace(0.05, 0.95, 19)


def law_of(counts: NumericCounts) -> Law:
    """The law of counted rows: exact values where they are kept, else even within each cell."""
    if counts.values:
        return _law_of_points(*points_of(counts))
    return _law_of_cells(counts)


def points_of(counts: NumericCounts) -> tuple[Floats, Floats]:
    """Ascending exact values in the grid's units and the rows of each, shape (values,) each."""
    by_value = counts.values or {}
    ordered = sorted(by_value)
    where = np.asarray([units_of(value, counts.grid) for value in ordered], np.float64)
    return where, np.asarray([by_value[value] for value in ordered], np.float64)


def units_of(value: float, grid: NumericGrid) -> float:
    """A number in the grid's units; integers beyond 2⁵³ are subtracted as integers."""
    if isinstance(value, int) and grid.origin is not None:
        return float((value - grid.origin) / grid.scale)
    return (float(value) - grid.centre) / grid.scale


def _law_of_points(where: Floats, rows: Floats) -> Law:
    below = np.concatenate(([0.0], np.cumsum(rows))) / max(float(rows.sum()), 1.0)
    return lambda at: below[np.searchsorted(where, at, side="left")]


def _law_of_cells(counts: NumericCounts) -> Law:
    """Even within cells; rows that hold the grid's centre itself lie on it."""
    cells = counts.cells.astype(np.float64)
    total = max(float(cells.sum()), 1.0)
    centre = float(counts.at_centre or 0)
    cells[MIDDLE] -= centre
    below = np.cumsum(cells)[:-1]
    # What lies in an open end lies at its edge.
    knots = np.concatenate(([EDGES[0] * (1 + _APART)], EDGES, [EDGES[-1] * (1 + _APART)]))
    shares = np.concatenate(([0.0], below, [cells.sum()])) / total

    def law(at: Floats) -> Floats:
        even = np.interp(at, knots, shares) + np.where(at > 0, centre / total, 0.0)
        return np.asarray(even, np.float64)

    return law


def quantiles(counts: NumericCounts) -> Floats:
    """Nineteen quantiles, 5 % to 95 %, in the grid's units; shape (19,)."""
    if counts.values:
        where, rows = points_of(counts)
        at = np.searchsorted(np.cumsum(rows), _SHARES * rows.sum() - _APART)
        return np.asarray(where[np.minimum(at, len(where) - 1)], np.float64)
    below = np.concatenate(([0.0], np.cumsum(counts.cells)[:-1], [counts.cells.sum()]))
    knots = np.concatenate(([EDGES[0]], EDGES, [EDGES[-1]]))
    rising = np.concatenate(([True], np.diff(below) > 0))
    rising[:-1] |= rising[1:]
    return np.interp(_SHARES * float(below[-1]), below[rising], knots[rising])


def moved(law: Law, factor: float, by: float) -> Law:
    """Every number times ``factor`` (not 0), plus ``by``."""
    if factor > 0:
        return lambda at: law((at - by) / factor)

    # Strictly below becomes strictly above, so the position itself is taken in.
    def mirrored(at: Floats) -> Floats:
        source = (at - by) / factor
        return 1.0 - law(source + _APART * (np.abs(source) + 1))

    return mirrored


def turned(law: Law, by: float, period: float, start: float) -> Law:
    """Numbers on a dial, ``start`` to ``start + period``, turned by ``by`` (0 < by < period)."""

    def turn(at: Floats) -> Floats:
        x = np.clip(at - start, 0.0, period)
        top = float(law(np.asarray([start + period - by - _APART]))[0])
        over = law(start + np.minimum(x + period - by - _APART, period + _APART)) - top
        return np.asarray(np.where(x > 0, law(start + x - by - _APART), 0.0) + np.maximum(over, 0))

    return turn


def mixed(law: Law, other: Law, share: float) -> Law:
    """``share`` of the rows follow the other law."""
    return lambda at: (1 - share) * law(at) + share * other(at)


def kept(law: Law, low: float, high: float) -> Law:
    """Only the rows from ``low`` to below ``high`` are left."""
    ends = law(np.asarray([low, high]))
    inside = max(float(ends[1] - ends[0]), 1e-12)
    return lambda at: (law(np.clip(at, low, high)) - ends[0]) / inside


def clipped(law: Law, low: float, high: float) -> Law:
    """Rows beyond ``low`` or ``high`` are put on it."""
    return lambda at: np.asarray(np.where(at <= low, 0.0, np.where(at > high, 1.0, law(at))))


def reweighed(law: Law, inside: Law, low: float, high: float, share: float) -> Law:
    """``share`` of the rows lie from ``low`` to below ``high`` and follow ``inside`` there."""
    ends, inner = law(np.asarray([low, high])), inside(np.asarray([low, high]))
    out = max(1.0 - float(ends[1] - ends[0]), 1e-12)
    span = float(inner[1] - inner[0])

    def weigh(at: Floats) -> Floats:
        there = np.clip(at, low, high)
        apart = (law(at) - (law(there) - ends[0])) / out
        if span > 1e-12:
            within = (inside(there) - inner[0]) / span
        else:
            within = np.asarray(at >= high, np.float64)
        return np.asarray((1 - share) * apart + share * within)

    return weigh


def point(where: float) -> Law:
    """Every row holds one number."""
    return lambda at: np.asarray(at > where, np.float64)
