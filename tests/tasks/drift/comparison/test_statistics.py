"""The tests under the check: exact where they say so, valid where they are approximate."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.drift.comparison.categorical import new_values, one_category
from tasks.drift.comparison.decision import holm, strongest
from tasks.drift.comparison.effects import jensen_shannon, psi, real_psi, wasserstein
from tasks.drift.comparison.twosample import Tested as Found
from tasks.drift.comparison.twosample import chi_square, numeric_tests, share_tests, two_proportions
from tasks.drift.profiles.cells import CELLS, CENTRES


def exact_fisher(a, n, b, m):
    def choose(k):
        return math.comb(m, k) * math.comb(n, a + b - k)

    support = range(max(0, a + b - n), min(a + b, m) + 1)
    here = choose(b)
    return sum(choose(k) for k in support if choose(k) <= here) / math.comb(n + m, a + b)


@given(st.integers(1, 40), st.integers(1, 40), st.data())
def test_rare_proportions_are_fishers(n, m, data):
    a, b = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    expected = 1.0 if a + b in {0, n + m} else exact_fisher(a, n, b, m)
    assert two_proportions(a, n, b, m) == pytest.approx(expected, rel=1e-6)


def test_common_proportions_agree_with_fishers():
    assert two_proportions(4_000, 9_000, 4_300, 9_000) == pytest.approx(7.1e-6, rel=0.1)


def test_numeric_tests_are_valid_under_no_change():
    random = np.random.default_rng(0)
    shares = np.zeros(CELLS)
    shares[380:480] = random.dirichlet(np.full(100, 0.5))
    found: dict[str, list[float]] = {}
    for _ in range(1_500):
        a, b = random.multinomial(3_000, shares), random.multinomial(1_000, shares)
        for test in numeric_tests(a.astype(np.int64), b.astype(np.int64)):
            found.setdefault(test.name, []).append(test.p)
    for name, values in found.items():
        share = np.mean(np.asarray(values) < 0.01)
        assert share <= 0.019, (name, share)  # the binomial's 99.9 % point
    assert set(found) == {
        "location", "spread", "cells", "largest gap", "low tail", "high tail",
    }  # fmt: skip


def test_chi_square_is_valid_with_many_rare_values():
    random = np.random.default_rng(1)
    shares = random.dirichlet(np.full(300, 0.3))
    p = [
        chi_square(random.multinomial(900, shares), random.multinomial(600, shares))
        for _ in range(800)
    ]
    assert np.mean(np.asarray(p) < 0.05) <= 0.08


ZIPF = 1 / np.arange(1, 51) / (1 / np.arange(1, 51)).sum()


def strongest_category(random, before, after, rows=10_000):
    a, b = random.multinomial(rows, before), random.multinomial(rows, after)
    return one_category(share_tests(a, b, rows, rows), a + b, 2 * rows, apart=False)


@pytest.mark.parametrize("shares", [ZIPF, np.full(50, 0.02), np.asarray([0.9, 0.1])])
def test_one_category_keeps_its_level_and_two_categories_are_one_question(shares):
    random = np.random.default_rng(8)
    p = np.asarray([strongest_category(random, shares, shares)[0] for _ in range(1_500)])
    assert np.mean(p < 0.05) <= 0.067  # the binomial's 99.9 % point
    if len(shares) == 2:
        assert np.mean(p < 0.05) >= 0.033


@pytest.mark.parametrize(
    ("which", "points", "least"),
    [(0, 0.02, 0.38), (1, 0.02, 0.7), (1, -0.02, 0.78), (3, 0.02, 0.9)],
)
def test_one_category_is_found_whatever_its_size(which, points, least):
    """22, 11 and 5.6 % by two points, at what a column of twenty may spend on it."""
    random, moved = np.random.default_rng(9), ZIPF.copy()
    moved *= (1 - ZIPF[which] - points) / (1 - ZIPF[which])
    moved[which] = ZIPF[which] + points
    found = [strongest_category(random, ZIPF, moved) for _ in range(400)]
    assert np.mean([p <= 0.6 * 0.05 / 20 for p, _ in found]) >= least
    assert np.mean([best == which for _, best in found]) >= 0.8


@given(st.data(), st.lists(st.integers(0, 10**6), min_size=1, max_size=60))
def test_one_category_costs_at_most_twice_a_budget_that_follows_the_share(data, counts):
    pooled = np.asarray(counts)
    size = len(counts)
    p = np.asarray(data.draw(st.lists(st.floats(1e-200, 1), min_size=size, max_size=size)))
    p[pooled == 0] = 1
    bound, best = one_category(p, pooled, int(pooled.sum()) + 1, apart=True)
    assert 0 <= bound <= 1
    assert 0 <= best < size
    held = pooled > 0
    if held.any():
        by_share = float(np.min(p[held] * pooled.sum() / pooled[held]))
        assert bound <= min(1, 2 * by_share) * (1 + 1e-6)
        assert bound >= min(p) * (1 - 1e-9)


def test_new_values_is_a_bound_under_no_change():
    random = np.random.default_rng(2)
    shares = random.dirichlet(np.full(2_000, 0.2))
    p = []
    for _ in range(400):
        a, b = random.multinomial(3_000, shares), random.multinomial(1_000, shares)
        p.append(new_values(a + b, b, 0.25))
    assert np.mean(np.asarray(p) < 0.05) <= 0.05
    b[a == 0] += 20
    assert new_values(a + b, b, 0.25) < 1e-6


def test_effect_sizes_are_nought_for_the_same_and_grow_with_the_shift():
    base = np.zeros(CELLS, np.int64)
    base[400:450] = 1_000
    moved = np.roll(base, 10)
    further = np.roll(base, 30)
    for effect in (psi, jensen_shannon, wasserstein):
        assert effect(base, base) == pytest.approx(0, abs=1e-12)
        assert 0 < effect(base, moved) < effect(base, further)
    assert jensen_shannon(np.asarray([1, 0]), np.asarray([0, 1])) == pytest.approx(1)


def test_wasserstein_is_a_shift_in_units_of_spread():
    a, b = np.zeros(CELLS, np.int64), np.zeros(CELLS, np.int64)
    a[500], b[520] = 10, 10
    assert wasserstein(a, b) == pytest.approx((CENTRES[520] - CENTRES[500]) * 1.349)


def test_the_real_index_is_free_of_sampling():
    random = np.random.default_rng(3)
    shares = np.full(50, 0.02)
    raw, real = [], []
    for _ in range(50):
        a, b = random.multinomial(400, shares) * 1.0, random.multinomial(300, shares) * 1.0
        raw.append(psi(a, b))
        real.append(real_psi(a, b))
    assert np.mean(raw) > 0.2
    assert np.mean(real) < 0.06


@given(st.dictionaries(st.text(max_size=3), st.floats(0, 1), max_size=12))
def test_holm_rejects_what_its_adjusted_p_values_say(p):
    rejected, adjusted = holm(p, 0.05)
    assert rejected == {name for name in p if adjusted[name] <= 0.05}
    ordered = sorted(p, key=lambda name: (p[name], name))
    stopped = False
    for index, name in enumerate(ordered):
        stopped = stopped or p[name] * (len(p) - index) > 0.05
        assert (name in rejected) == (not stopped)


def test_the_strongest_test_pays_for_its_share_of_the_budget():
    tests = {1: [Found("a", 0.01, 0), Found("b", 0.004, 0)], 3: [Found("a", 0.002, 0)]}
    best = strongest(tests, {1: 0.5, 3: 0.5}, {"a": 0.8, "b": 0.1})
    assert (best.test.name, best.window) == ("a", 3)
    assert best.p == pytest.approx(0.002 / 0.4)
