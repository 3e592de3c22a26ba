"""Confidence intervals of a metric, and of the difference of two models' metrics. Pure.

All are two-sided at the confidence that is asked for, so that one end alone is surer than that:
at 0.95, a value beyond one end has a chance of 2.5 %. It is how non-inferiority is tested (ICH E9,
1998, section 3.3.2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
NORMAL = NormalDist()
STEPS = 60
"""Halvings of an interval, after which a double has no more digits."""


@dataclass(frozen=True)
class ConfidenceInterval:
    """Where the true value lies, with the confidence that was asked for.

    Args:
        low: Lower end.
        high: Upper end.
        method: Who would have it so: ``Clopper-Pearson``, ``Tango``, ``BCa``, or ``equal``.
    """

    low: float
    high: float
    method: str

    @property
    def known(self) -> bool:
        """Whether both ends are finite."""
        return math.isfinite(self.low) and math.isfinite(self.high)


def clopper_pearson(hits: int, rows: int, confidence: float) -> ConfidenceInterval:
    """Exact interval of a share (Clopper & Pearson 1934): never less sure than it says.

    Args:
        hits: Rows that count, 0 … rows.
        rows: Independent rows, at least one.
        confidence: Such as 0.95.
    """
    from scipy.special import betaincinv

    tail = (1 - confidence) / 2
    low = float(betaincinv(hits, rows - hits + 1, tail)) if hits else 0.0
    high = float(betaincinv(hits + 1, rows - hits, 1 - tail)) if hits < rows else 1.0
    return ConfidenceInterval(low, high, "Clopper-Pearson")


def tango(first: int, second: int, rows: int, confidence: float) -> ConfidenceInterval:
    """Score interval of the difference of two shares on the same rows (Tango 1998).

    It inverts the score test of "the shares differ by δ", whose case δ = 0 is McNemar's (1947).
    McNemar's exact test itself is conditional on how many rows the two differ in, which is right
    for δ = 0 alone: inverted for a margin, it takes that number for certain and is too narrow.

    Args:
        first: Rows that count for the first alone.
        second: Rows that count for the second alone.
        rows: All rows, at least one.
        confidence: Such as 0.95.
    """
    z = NORMAL.inv_cdf((1 + confidence) / 2)
    point = (first - second) / rows

    def score(delta: float) -> float:
        a, c = 2.0 * rows, -second * delta * (1 - delta)
        b = -first - second + (2 * rows - first + second) * delta
        q = (math.sqrt(max(b * b - 4 * a * c, 0.0)) - b) / (2 * a)
        variance = rows * (2 * q + delta * (1 - delta))
        distance = first - second - rows * delta
        if variance <= 0:
            return math.copysign(math.inf, distance) if distance else 0.0
        return distance / math.sqrt(variance)

    def end(outside: float, bound: float) -> float:
        inside = point
        for _ in range(STEPS):
            middle = (inside + outside) / 2
            if abs(score(middle)) <= bound:
                inside = middle
            else:
                outside = middle
        return inside

    return ConfidenceInterval(end(-1.0, z), end(1.0, z), "Tango")


def bca(
    point: float, replicates: Floats, jackknife: Floats, confidence: float, units: int
) -> ConfidenceInterval:
    """Bias-corrected, accelerated bootstrap interval (Efron & Tibshirani 1993, section 14.3).

    The plain percentile interval errs by the order of 1/√n on each side, this one by 1/n, and here
    one side decides. It needs a jackknife besides. Its ends stand as far out as Student's t asks of
    so many units, and √(n/(n − 1)) further, because draws vary less than the units do (Hesterberg
    2015, "expanded"): without it, few groups are taken for surer than they are. It is widened to
    hold the point value, which it may miss where a metric is biased upwards by resampling (as
    ``ece`` is).

    Args:
        point: The value on all rows.
        replicates: Values on resampled rows [b].
        jackknife: Values with one unit, or one block of units, left out [j].
        confidence: Such as 0.95.
        units: Rows or groups that were drawn from, two at least.
    """
    from scipy.special import stdtrit

    if not (math.isfinite(point) and np.isfinite(replicates).all() and len(replicates)):
        return ConfidenceInterval(-math.inf, math.inf, "BCa")
    if (replicates == point).all():
        return ConfidenceInterval(point, point, "equal")
    below = float((replicates < point).mean() + (replicates == point).mean() / 2)
    edge = 1 / (2 * len(replicates))
    bias = NORMAL.inv_cdf(min(max(below, edge), 1 - edge))
    acceleration = _acceleration(jackknife)
    far = float(stdtrit(units - 1, (1 + confidence) / 2)) * math.sqrt(units / (units - 1))
    ends = [
        float(np.quantile(replicates, _level(bias, acceleration, way * far))) for way in (-1, 1)
    ]
    return ConfidenceInterval(min(ends[0], point), max(ends[1], point), "BCa")


def _level(bias: float, acceleration: float, far: float) -> float:
    """The quantile of the replicates that is the end so many standard errors from the middle."""
    moved = bias + far
    stretch = 1 - acceleration * moved
    if stretch <= 0:
        return 1.0 if moved > 0 else 0.0
    return NORMAL.cdf(bias + moved / stretch)


def _acceleration(jackknife: Floats) -> float:
    """How fast the standard error changes with the value: a sixth of the influences' skewness."""
    if not len(jackknife) or not np.isfinite(jackknife).all():
        return 0.0
    influence = jackknife.mean() - jackknife
    square = float((influence**2).sum())
    return float((influence**3).sum()) / (6 * square**1.5) if square > 0 else 0.0
