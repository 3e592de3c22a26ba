"""Tests of categorical columns and of words, exact counts or sketches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.drift.cells import Floats, Ints
from tasks.drift.counts import CategoryCounts
from tasks.drift.twosample import Tested, chi_square, share_tests

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
    held, seen = reference.values, current.values
    names = tuple(sorted(held.keys() | seen.keys()))
    return Aligned(
        names,
        np.fromiter((held.get(name, 0) for name in names), np.int64, len(names)),
        np.fromiter((seen.get(name, 0) for name in names), np.int64, len(names)),
        rows,
        sketched=False,
    )


def categorical_tests(pair: Aligned, *, words: bool) -> list[Tested]:
    """One category (weighted by its share), all of them, and values never seen before.

    For words only the first applies: words of one text come together, so rows are no multinomial.
    """
    n, m = pair.rows
    if not n or not m or not len(pair.names):
        return []
    p = share_tests(pair.reference, pair.current, n, m)
    pooled = pair.reference + pair.current
    # A large category needs the most evidence for a move by as many points: it gets most budget.
    weighted = np.minimum(1, p * pooled.sum() / np.maximum(pooled, 1))
    best = int(np.argmin(weighted))
    moved = pair.current[best] / m - pair.reference[best] / n
    tests = [Tested("one category", float(weighted[best]), float(moved), pair.names[best])]
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
