"""How well a law accounts for what is there now.

The current rows are counted in some sixty groups, finer towards the tails, and compared with the
shares that a law expects there by Pearson's test of homogeneity: the law was made from so many
reference rows, and is uncertain by as much.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import chdtri

from tasks.drift.explanation.law import Law, law_of, points_of
from tasks.drift.profiles.cells import EDGES, Floats, Ints
from tasks.drift.profiles.counts import NumericCounts

_BULK, _TAILS, _FEW = 20, 2.0, 5.0
_NOISE = 1e-5
"""A true story is given up this seldom."""
WOBBLE = 0.003
"""Squared distance that ordinary weeks lie apart: a location that wobbles by 0.05 sd."""
LEFT_OVER = 0.05
"""Share of the change that a story may leave unexplained."""


@dataclass(frozen=True)
class Agreement:
    """``chi`` over ``df`` degrees; ``distance``: what is left of it per row, beyond noise."""

    chi: float
    df: int
    distance: float

    def holds(self, change: float) -> bool:
        """Whether the law accounts for it; ``change`` is the distance of the reference itself."""
        if self.chi <= float(chdtri(self.df, _NOISE)):
            return True
        return self.distance <= min(WOBBLE, LEFT_OVER * change)


@dataclass(frozen=True, eq=False)
class Pair:
    """A reference and current rows on one grid.

    Attributes:
        exact: Whether both hold few values, which are then compared one by one.
        cuts: Ascending positions between which rows are counted, shape (k,).
        seen: Current rows between them, shape (k + 1,).
        rows: Reference and current rows that hold a number.
        starts, order: The groups that are compared: first bin of each, in this order of the bins.
    """

    reference: NumericCounts
    current: NumericCounts
    law: Law
    exact: bool
    cuts: Floats
    seen: Floats
    rows: tuple[float, float]
    starts: Ints
    order: Ints

    def fit(self, law: Law, parameters: int = 0) -> Agreement:
        """How well a law with so many fitted parameters accounts for the current rows."""
        n, m = self.rows
        below = np.clip(np.concatenate(([0.0], law(self.cuts), [1.0])), 0.0, 1.0)
        expected = np.maximum(np.diff(below), 0.0)[self.order]
        a = np.add.reduceat(expected, self.starts)
        b = np.add.reduceat(self.seen[self.order], self.starts) / m
        both = (n * a + m * b) / (n + m)
        filled = both > 0
        noise = (both * (1 / m + 1 / n))[filled]
        chi = float((((b - a)[filled] ** 2) / noise).sum())
        df = max(int(filled.sum()) - 1 - parameters, 1)
        return Agreement(chi, df, max(chi - df, 0.0) * (1 / m + 1 / n))

    def best(self, of: Callable[[float], Law], start: float, reach: float) -> float:
        """The parameter near ``start``, within ``reach``, whose law fits best."""
        found = minimize_scalar(
            lambda value: self.fit(of(value)).chi,
            bounds=(start - reach, start + reach),
            method="bounded",
            options={"maxiter": 24},
        )
        better = self.fit(of(start)).chi
        return float(found.x) if found.fun < better else start

    def best_two(
        self, of: Callable[[float, float], Law], start: tuple[float, float], step: float
    ) -> tuple[float, float]:
        """The two parameters near ``start`` whose law fits best (Nelder and Mead 1965)."""
        corners = [start, (start[0] + step, start[1]), (start[0], start[1] + step)]
        found = minimize(
            lambda value: self.fit(of(float(value[0]), float(value[1]))).chi,
            np.asarray(start),
            method="Nelder-Mead",
            options={"maxfev": 80, "initial_simplex": np.asarray(corners)},
        )
        return float(found.x[0]), float(found.x[1])


def pair_of(reference: NumericCounts, current: NumericCounts) -> Pair:
    """Both, counted alike; each must hold numbers."""
    rows = (float(reference.cells.sum()), float(current.cells.sum()))
    law = law_of(reference)
    if not reference.values or not current.values:
        # A number on an edge belongs to the cell that is farther from the centre.
        seen = current.cells.astype(np.float64)
        order = np.arange(len(seen))
        cuts = EDGES * (1 - 1e-9)
        starts = _starts(reference.cells.astype(np.float64), seen, min(rows))
        return Pair(reference, current, law, False, cuts, seen, rows, starts, order)
    where, counts = points_of(current)
    known = np.unique(np.concatenate((where, points_of(reference)[0])))
    zero = abs(reference.grid.centre) / reference.grid.scale
    # As wide as rounding in a factor makes them, and never as wide as half the way to the next.
    width = 1e-7 * (np.abs(known) + zero) + 1e-9
    gaps = np.diff(known, prepend=-np.inf, append=np.inf)
    width = np.minimum(width, np.minimum(gaps[:-1], gaps[1:]) / 4)
    cuts = np.column_stack((known - width, known + width)).ravel()
    seen = np.zeros(len(cuts) + 1)
    seen[np.searchsorted(cuts, where)] = counts
    # What a law puts between the known values is one group, in which there is no row.
    order = np.concatenate((np.arange(1, len(seen), 2), np.arange(0, len(seen), 2)))
    was = np.diff(np.concatenate(([0.0], law(cuts), [1.0])))
    starts = np.append(_starts(was[1::2], seen[1::2], min(rows)), len(known))
    return Pair(reference, current, law, True, cuts, seen, rows, starts, order)


def _starts(was: Floats, seen: Floats, rows: float) -> Ints:
    """First bin of each group: groups of both sides' rows, the same for every law."""
    share = (was / max(float(was.sum()), 1e-12) + seen / max(float(seen.sum()), 1e-12)) / 2
    middle = np.cumsum(share) - share / 2
    least = _FEW / rows
    odds = np.log(np.clip(middle, least, 1) / np.clip(1 - middle, least, 1))
    group = np.floor(middle * _BULK) + 1_000 * np.floor(odds * _TAILS)
    # Bins without a row go with those before them.
    filled = np.flatnonzero(share > 1e-12)
    change = np.flatnonzero(np.diff(group[filled]) != 0) + 1
    return np.asarray(np.concatenate(([0], filled[change])), np.int64)
