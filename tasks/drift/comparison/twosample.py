"""Two-sample tests on counts: is the current sample drawn from what the reference was drawn from?

All of them are conditional on the pooled counts, in which both samples are exchangeable under the
null hypothesis: scores, cells and weights that are made from the pooled counts keep them valid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, erfc, gammaln, kolmogorov

from tasks.drift.comparison.scores import normal_scores
from tasks.drift.profiles.cells import Floats, Ints

EQUIPROBABLE = 16
TAIL = 0.005
SMALLEST_EXPECTED = 5.0
_ENUMERATED = 5_000


@dataclass(frozen=True)
class Tested:
    """One test of one column: its p-value, the observed difference, and where it lies.

    ``difference`` is in the test's own unit (a share, or standard deviations).
    """

    name: str
    p: float
    difference: float
    where: str = ""


def numeric_tests(reference: Ints, current: Ints) -> list[Tested]:
    """Location, spread, 16 equiprobable cells, largest gap and both tails; shape (CELLS,) each."""
    pooled = reference + current
    total, size = int(pooled.sum()), int(current.sum())
    if not size or size == total:
        return []
    scores = normal_scores(pooled)
    square = (scores**2 - 1) / np.sqrt(2)
    location, shift = _score_test(scores, pooled, current)
    spread, stretch = _score_test(square, pooled, current)
    coarse = equiprobable(pooled)
    cells = chi_square(_summed(reference, coarse), _summed(current, coarse))
    gap = np.cumsum(current) / size - np.cumsum(reference) / (total - size)
    largest = float(np.abs(gap).max())
    effective = np.sqrt(size * (total - size) / total)
    tests = [
        Tested("location", location, shift),
        Tested("spread", spread, stretch),
        Tested("cells", cells, largest),
        Tested("largest gap", float(kolmogorov(effective * largest)), largest),
    ]
    for name, cut in zip(("low tail", "high tail"), tail_cells(pooled), strict=True):
        a, b = int(reference[cut].sum()), int(current[cut].sum())
        p = two_proportions(a, total - size, b, size)
        tests.append(Tested(name, p, b / size - a / (total - size)))
    return tests


def tail_cells(pooled: Ints) -> tuple[slice, slice]:
    """Cells that hold about the lowest and the highest 0.5 % of a sample, at least one each."""
    total = pooled.sum()
    below = np.cumsum(pooled)
    low = int(np.searchsorted(below, TAIL * total)) + 1
    high = int(np.searchsorted(below, (1 - TAIL) * total, side="right"))
    return slice(0, low), slice(min(high, len(pooled) - 1), None)


def two_proportions(a: int, n: int, b: int, m: int) -> float:
    """Two-sided p-value for a of n against b of m: Fisher's where few, else the normal one's."""
    hits, total = a + b, n + m
    if not hits or hits == total or not n or not m:
        return 1.0
    rare = min(hits, total - hits)
    if rare > _ENUMERATED or rare * min(n, m) / total > 200:
        rate = hits / total
        z = (b / m - a / n) / np.sqrt(rate * (1 - rate) * (1 / n + 1 / m))
        return float(erfc(abs(z) / np.sqrt(2)))
    support = np.arange(max(0, hits - n), min(hits, m) + 1)
    if len(support) > _ENUMERATED + 1:  # hits are the many: count the others
        return two_proportions(n - a, n, m - b, m)
    log = _log_choose(m, support) + _log_choose(n, hits - support) - _log_choose(total, hits)
    here = log[b - support[0]]
    return float(min(1.0, np.exp(log[log <= here + 1e-9]).sum()))


def chi_square(reference: Ints, current: Ints) -> float:
    """Pearson's test of homogeneity; cells that expect too few are pooled from the smallest up."""
    pooled = reference + current
    total, size = int(pooled.sum()), int(current.sum())
    smaller = min(size, total - size)
    if not smaller:
        return 1.0
    order = np.argsort(pooled, kind="stable")
    expected = pooled[order] * smaller / total
    few = int(np.count_nonzero(expected < SMALLEST_EXPECTED))
    groups = np.concatenate((np.zeros(few, np.int64), np.arange(1, len(order) - few + 1)))
    if few and expected[:few].sum() < SMALLEST_EXPECTED and few < len(order):
        groups[few] = 0
    a = np.bincount(groups, weights=reference[order])
    b = np.bincount(groups, weights=current[order])
    both = a + b
    cells = both > 0
    a, b, both = a[cells], b[cells], both[cells]
    if len(both) < 2:
        return 1.0
    n, m = total - size, size
    statistic = float((((b * n - a * m) ** 2) / both).sum() / (n * m))
    return float(chdtrc(len(both) - 1, statistic))


def share_tests(reference: Ints, current: Ints, n: int, m: int) -> Floats:
    """Two-sided p-value of each value's share, shape (values,); n and m rows."""
    pooled = reference + current
    rate = pooled / (n + m)
    deviation = np.sqrt(np.maximum(rate * (1 - rate), 1e-300) * (1 / n + 1 / m))
    z = np.abs(current / m - reference / n) / deviation
    p = np.asarray(erfc(z / np.sqrt(2)), np.float64)
    rare = np.minimum(pooled, n + m - pooled) * min(n, m) / (n + m) < 50
    for index in np.flatnonzero(rare & (z > 2.5)):
        p[index] = two_proportions(int(reference[index]), n, int(current[index]), m)
    return p


def _score_test(scores: Floats, pooled: Ints, current: Ints) -> tuple[float, float]:
    """Permutation test of a mean score: p-value, and the mean's distance from what is expected."""
    total, size = int(pooled.sum()), int(current.sum())
    mean = float(pooled @ scores) / total
    variance = float(pooled @ (scores - mean) ** 2) / total
    if variance <= 0 or total < 2:
        return 1.0, 0.0
    shift = float(current @ scores) / size - mean
    error = np.sqrt(variance * (total - size) / (size * (total - 1)))
    return float(erfc(abs(shift) / error / np.sqrt(2))), shift * total / (total - size)


def equiprobable(pooled: Ints) -> Ints:
    """Group of each cell: about 16 groups of equal pooled counts."""
    total = max(int(pooled.sum()), 1)
    middle = np.cumsum(pooled) - pooled / 2
    group = (middle / total * EQUIPROBABLE).astype(np.int64)
    return np.asarray(np.minimum(group, EQUIPROBABLE - 1))


def _summed(counts: Ints, groups: Ints) -> Ints:
    return np.bincount(groups, weights=counts, minlength=EQUIPROBABLE).astype(np.int64)


def _log_choose(n: int, k: Ints | int) -> Floats:
    return np.asarray(gammaln(n + 1) - gammaln(np.add(k, 1)) - gammaln(n - np.asarray(k) + 1))
