"""Tests of categorical columns and of words, exact counts or sketches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import erfc, erfcinv

from tasks.drift.comparison.twosample import Tested, chi_square, share_tests
from tasks.drift.profiles.cells import Floats, Ints
from tasks.drift.profiles.counts import CategoryCounts
from tasks.drift.profiles.sketch import sampled_alike

_HALVINGS = 40
_SLOPES = np.geomspace(1e-3, 30, 60)


@dataclass(frozen=True)
class Aligned:
    """Two columns' counts over the same values.

    Attributes:
        names: Values, or "bucket 17" where the column is sketched.
        reference, current: Rows with each value, int64, shape (values,).
        rows: Rows with any value, reference and current.
        sketched: Whether values are hash buckets.
    """

    names: tuple[str, ...]
    reference: Ints
    current: Ints
    rows: tuple[int, int]
    sketched: bool


def aligned(reference: CategoryCounts, current: CategoryCounts) -> Aligned:
    """Both over the union of their values, in order of the values' names."""
    rows = (reference.rows - reference.nulls, current.rows - current.nulls)
    if reference.values is None or current.values is None:
        a, b = reference.as_sketch(), current.as_sketch()
        names = tuple(f"bucket {index}" for index in range(len(a.buckets)))
        return Aligned(names, a.buckets, b.buckets, rows, sketched=True)
    before, after = reference.values, current.values
    names = tuple(sorted(before.keys() | after.keys()))
    return Aligned(
        names,
        np.fromiter((before.get(name, 0) for name in names), np.int64, len(names)),
        np.fromiter((after.get(name, 0) for name in names), np.int64, len(names)),
        rows,
        sketched=False,
    )


def categorical_tests(pair: Aligned, *, words: bool) -> list[Tested]:
    """One category (of whatever share), all of them, and values never seen before.

    For words only the first applies: words of one text come together, so rows are no multinomial.
    """
    n, m = pair.rows
    if not n or not m or not len(pair.names):
        return []
    pooled = pair.reference + pair.current
    p, best = one_category(
        share_tests(pair.reference, pair.current, n, m), pooled, n + m, apart=words or pair.sketched
    )
    moved = pair.current[best] / m - pair.reference[best] / n
    tests = [Tested("one category", p, float(moved), pair.names[best])]
    if words:
        return tests
    distance = 0.5 * float(np.abs(pair.current / m - pair.reference / n).sum())
    tests.append(Tested("all categories", chi_square(pair.reference, pair.current), distance))
    if not pair.sketched:
        fresh = pair.reference == 0
        share = float(pair.current[fresh].sum()) / m
        p_new = new_values(pooled, pair.current, m / (n + m))
        first = int(np.argmax(np.where(fresh, pair.current, -1)))
        where = pair.names[first] if fresh.any() else ""
        tests.append(Tested("new values", p_new, share, where))
    return tests


def recurring(reference: CategoryCounts, current: CategoryCounts) -> list[Tested]:
    """Whether values of a sketched column come again as they should.

    Values that come only once never do; where they came several times each, they should.
    """
    n, m = reference.rows - reference.nulls, current.rows - current.nulls
    before, after = sampled_alike(reference.as_sketch(), current.as_sketch())
    if not n or not m or not len(after):
        return []
    share = float(after[before == 0].sum()) / max(float(after.sum()), 1.0)
    return [Tested("new values", new_values(before + after, after, m / (n + m)), share)]


def one_category(p: Floats, pooled: Ints, rows: int, *, apart: bool) -> tuple[float, int]:
    """P-value bound over all categories, and the one with the strongest evidence.

    A move by as many points shows least in a large category, so that large ones need most of the
    budget. They get the larger of two shares of it: their share of the rows, and what finds the
    most moves of one size in points (Roeder and Wasserman 2009), the size being the one that the
    widest category shows half of the time: the threshold on a category's z is then
    t (r + 1/r) / 2, with r its standard error over the widest one's. The larger t, the smaller is
    every part of the region, so that the parts' sum at the observed t bounds the p-value.

    Args:
        p: Two-sided p-value of each category's share, shape (values,).
        pooled: Rows with each value on both sides, shape (values,).
        rows: Rows of both sides.
        apart: Whether shares are free of one another; otherwise two categories are one question.
    """
    rate = pooled / rows
    width = np.sqrt(np.maximum(rate * (1 - rate), 0))
    categories = np.flatnonzero(width)
    if not len(categories):
        return 1.0, 0
    if len(categories) == 2 and not apart:
        return float(p[categories].min()), int(categories[np.argmin(p[categories])])
    ratio = width[categories] / width.max()
    factor = (ratio + 1 / ratio) / 2
    share = pooled[categories] / pooled.sum()

    def by_points(t: float) -> Floats:
        return np.asarray(erfc(t * factor / np.sqrt(2)), np.float64)

    level = np.max(np.sqrt(2) * erfcinv(p[categories]) / factor)
    wanted = float(np.min(p[categories] / share))
    low, high = 0.0, 40.0
    for _ in range(_HALVINGS if wanted < len(categories) else 0):
        middle = (low + high) / 2
        low, high = (middle, high) if by_points(middle).sum() > wanted else (low, middle)
    t = max(float(level), low)
    parts = by_points(t)
    allowed = np.maximum(parts, share * parts.sum())
    best = int(categories[np.argmin(p[categories] / np.maximum(allowed, 1e-300))])
    return min(1.0, float(allowed.sum())), best


def new_values(pooled: Ints, current: Ints, fraction: float) -> float:
    """P-value bound for so many current rows in values that the reference lacks.

    Given the pooled count k of a value, it is missing in the reference with probability about
    fraction^k; these events are negatively associated, so Chernoff's bound holds for the sum.
    """
    exclusive = int(current[pooled == current].sum())
    if not exclusive:
        return 1.0
    count, times = np.unique(pooled[pooled > 0], return_counts=True)
    log_q = count * np.log(fraction)
    # log(1 + q (e^{tk} - 1)), shape (slopes, counts), written so that large k does not overflow
    log_term: Floats = np.logaddexp(
        np.log1p(-np.minimum(np.exp(log_q), 1 - 1e-16)), log_q + _SLOPES[:, None] * count
    )
    exponent = _SLOPES * exclusive - log_term @ times
    return float(min(1.0, np.exp(-exponent.max())))
