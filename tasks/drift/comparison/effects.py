"""Effect sizes: how much a column drifted, apart from how sure that is."""

from __future__ import annotations

import numpy as np

from tasks.drift.comparison.twosample import EQUIPROBABLE, equiprobable
from tasks.drift.profiles.cells import CENTRES, Floats, Ints

_HALF = 0.5
NORMAL_IQR = 1.349
"""Interquartile range of a normal distribution in standard deviations."""


def psi(reference: Floats, current: Floats) -> float:
    """Population stability index of two sets of counts over the same cells.

    Half a row is added to each cell, so that an empty one gives a large, finite index.
    """
    p = (reference + _HALF) / (reference + _HALF).sum()
    q = (current + _HALF) / (current + _HALF).sum()
    return float(((q - p) * np.log(q / p)).sum())


def real_psi(reference: Floats, current: Floats) -> float:
    """The index less what sampling alone is expected to add to it, at least 0."""
    cells = int(np.count_nonzero(reference + current))
    n, m = max(float(reference.sum()), 1), max(float(current.sum()), 1)
    return max(psi(reference, current) - (cells - 1) * (1 / n + 1 / m), 0.0)


def jensen_shannon(reference: Floats, current: Floats) -> float:
    """Jensen-Shannon distance in [0, 1] (square root of the divergence in bits)."""
    p, q = reference / max(reference.sum(), 1), current / max(current.sum(), 1)
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        a = np.where(p > 0, p * np.log2(p / middle), 0).sum()
        b = np.where(q > 0, q * np.log2(q / middle), 0).sum()
    return float(np.sqrt(max((a + b) / 2, 0.0)))


def coarse(reference: Ints, current: Ints) -> tuple[Floats, Floats]:
    """Both on about 16 cells of equal reference counts: what the index is read on."""
    groups = equiprobable(reference)
    a = np.bincount(groups, weights=reference, minlength=EQUIPROBABLE)
    b = np.bincount(groups, weights=current, minlength=EQUIPROBABLE)
    return a.astype(np.float64), b.astype(np.float64)


def wasserstein(reference: Ints, current: Ints) -> float:
    """First Wasserstein distance in units of the baseline's spread.

    The spread is the grid's interquartile range over 1.349: the standard deviation, for normal
    data. What lies in an open end counts at its edge.
    """
    a, b = int(reference.sum()), int(current.sum())
    if not a or not b:
        return 0.0
    gap = np.abs(np.cumsum(reference) / a - np.cumsum(current) / b)[:-1]
    return float((gap * np.diff(CENTRES)).sum() * NORMAL_IQR)


def quantile(cells: Ints, share: float, centre: float, scale: float) -> float:
    """Quantile in the column's unit, to the resolution of its cells; NaN without numbers."""
    total = int(cells.sum())
    if not total:
        return float("nan")
    at = int(np.searchsorted(np.cumsum(cells), share * total))
    return float(centre + scale * CENTRES[min(at, len(CENTRES) - 1)])
