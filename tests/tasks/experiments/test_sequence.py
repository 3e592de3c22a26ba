"""The promise of the confidence sequence, measured and enumerated; and that it is not wasted."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from scipy.stats import binom

from tasks.experiments.sequence import FIRST_USERS, Design, Sums, confidence_sequence, log_evidence

ALPHA = 0.05
SURE = 0.999
EIGHT = range(8)
"""Parts of 250 experiments, so that the arrays stay small: 2,000 in all."""


def of(*columns: Any) -> Sums:
    return Sums(*(np.asarray(column, dtype=float) for column in columns))


def proportions(
    seed: int, shape: tuple[int, int], users: float, rates: tuple[Any, Any], share: Any
) -> Sums:
    """Experiments of 0s and 1s; rates of (treatment, control) may differ by block."""
    rng = np.random.default_rng(seed)
    n = rng.poisson(users, shape)
    n_t = rng.binomial(n, share)
    s_t, s_c = rng.binomial(n_t, rates[0]), rng.binomial(n - n_t, rates[1])
    return of(n_t, s_t, s_t, n - n_t, s_c, s_c)


def means(seed: int, shape: tuple[int, int], users: int, lift: float) -> tuple[Sums, float]:
    """Spending: a third of the users pay, log-normally, at most 5; y is the part of 5.

    Each user's arm is drawn, and what he would spend under either is known, so that the true mean
    difference is too.
    """
    rng = np.random.default_rng(seed)
    every = (*shape, users)
    paid = np.where(rng.random(every) < 1 / 3, rng.lognormal(0, 0.8, every), 0)
    arm = rng.random(every) < 0.5
    y = np.minimum(np.where(arm, paid * (1 + lift), paid), 5) / 5
    columns = [x.sum(-1) for z in (arm, ~arm) for x in (z, z * y, z * y**2)]
    true = (np.minimum(paid * (1 + lift), 5) - np.minimum(paid, 5)).mean() / 5
    return of(*columns), float(true)


def rejected_after(sums: Sums, difference: float, design: Design) -> Any:
    """Blocks until the difference is rejected; infinity when it never is."""
    evidence = log_evidence(sums, np.array([difference]), design)[..., 0]
    crossed = evidence >= -np.log(ALPHA)
    return np.where(crossed.any(-1), crossed.argmax(-1) + 1.0, np.inf)


def too_many(missed: Any) -> bool:
    """Whether so many of the experiments would be missed in one of a thousand tests at α."""
    return bool(missed.sum() > binom.ppf(SURE, missed.size, ALPHA))


@pytest.mark.parametrize(
    ("rates", "share"),
    [((0.1, 0.1), 0.5), ((0.02, 0.02), 0.1), ((0.55, 0.5), 0.5), ((0.01, 0.03), 0.8)],
)
def test_the_true_difference_is_ever_rejected_no_more_often_than_promised(
    rates: tuple[float, float], share: float
) -> None:
    """2,000 experiments, A/A ones among them, looked at after each of 60 blocks."""
    design = Design(share, 0.02, binary=True)
    parts = [proportions(seed, (250, 60), 60, rates, share) for seed in EIGHT]
    true = rates[0] - rates[1]
    missed = np.concatenate([rejected_after(part, true, design) for part in parts]) < np.inf
    assert not too_many(missed)


def test_a_level_that_moves_for_both_arms_is_no_difference() -> None:
    design = Design(0.5, 0.02, binary=True)
    rates = 0.1 + 0.3 * np.sin(np.arange(60) / 9) ** 2
    missed = [
        rejected_after(proportions(seed, (250, 60), 60, (rates, rates), 0.5), 0.0, design)
        for seed in EIGHT
    ]
    assert not too_many(np.concatenate(missed) < np.inf)


def test_the_promise_holds_for_means_too() -> None:
    design = Design(0.5, 0.02, binary=False)
    for lift in (0.0, 0.3):
        drawn = [means(seed, (125, 40), 40, lift) for seed in EIGHT]
        true = float(np.mean([difference for _, difference in drawn]))
        missed = [rejected_after(sums, true, design) < np.inf for sums, _ in drawn]
        assert not too_many(np.concatenate(missed))


def test_a_peeked_at_test_breaks_the_same_promise() -> None:
    """The simulation can tell: daily looks at p < 0.05 find a false winner four times too often."""
    found = np.zeros(0, dtype=bool)
    for seed in EIGHT:
        total = [
            column.cumsum(-1)
            for column in proportions(seed, (250, 60), 60, (0.1, 0.1), 0.5).columns()
        ]
        n_t, s_t, _, n_c, s_c, _ = total
        pooled = (s_t + s_c) / (n_t + n_c)
        error = np.sqrt(np.maximum(pooled * (1 - pooled), 1e-9) * (1 / n_t + 1 / n_c))
        z = (s_t / n_t - s_c / n_c) / error
        found = np.r_[found, (np.abs(z) > 1.96).any(-1)]
    assert too_many(found)
    assert found.mean() > 4 * ALPHA


def test_a_difference_that_matters_is_found_about_as_soon_as_a_fixed_test_would() -> None:
    """Median users to a winner against what a fixed test of 80 % power asks for in advance."""
    design = Design(0.5, 0.03, binary=True)
    parts = [proportions(seed, (50, 150), 60, (0.13, 0.1), 0.5) for seed in range(4)]
    users = 60 * np.concatenate([rejected_after(part, 0.0, design) for part in parts])
    fixed = (1.96 + 0.84) ** 2 * (0.13 * 0.87 + 0.1 * 0.9) / 2 / 0.25 / 0.03**2
    assert np.median(users) < 1.25 * fixed
    assert (users < 9_000).mean() > 0.95


def exact_mean(design: Design, null: float, level: float, blocks: tuple[int, ...]) -> float:
    """Expected wealth over every possible outcome of a few users, by enumeration.

    The wealth before the last users is driven by earlier ones, of whom all outcomes are taken too.
    """
    rates = (level + null, level)
    outcomes = []
    weights = []
    for arms in itertools.product((0, 1), repeat=sum(blocks)):
        for hits in itertools.product((0, 1), repeat=sum(blocks)):
            chance = 1.0
            for arm, hit in zip(arms, hits, strict=True):
                rate = rates[0] if arm else rates[1]
                chance *= (design.share if arm else 1 - design.share) * (rate if hit else 1 - rate)
            outcomes.append((arms, hits))
            weights.append(chance)
    cut = np.cumsum(blocks)[:-1]

    def by_block(values: Any) -> Any:
        return np.stack([part.sum(-1) for part in np.split(values, cut, axis=-1)], axis=-1)

    arm = np.array([arms for arms, _ in outcomes])
    hit = np.array([hits for _, hits in outcomes])
    n_t, s_t = by_block(arm), by_block(arm * hit)
    n_c, s_c = by_block(1 - arm), by_block((1 - arm) * hit)
    # Everybody learned from before, whatever they did: a first block that is the same for all.
    first = [np.full((len(outcomes), 1), value) for value in (12.0, 3.0, 3.0, 12.0, 5.0, 5.0)]
    assert first[0][0] + first[3][0] >= FIRST_USERS
    columns = (n_t, s_t, s_t, n_c, s_c, s_c)
    sums = of(*(np.hstack([a, b]) for a, b in zip(first, columns, strict=True)))
    wealth = np.exp(log_evidence(sums, np.array([null]), design)[:, -1, 0])
    return float(np.dot(weights, wealth))


@pytest.mark.parametrize("share", [0.5, 0.2])
@pytest.mark.parametrize(("null", "level"), [(0.0, 0.3), (0.0, 0.02), (-0.2, 0.4), (0.5, 0.1)])
def test_the_wealth_stays_one_on_average_exactly(share: float, null: float, level: float) -> None:
    fair = exact_mean(Design(share, 0.05, binary=True), null, level, (2, 1, 2))
    assert fair == pytest.approx(1.0, abs=1e-12)
    bounded = exact_mean(Design(share, 0.05, binary=False), null, level, (2, 1, 2))
    assert 0.5 < bounded <= 1.0 + 1e-12


def test_the_interval_holds_the_truth_and_only_narrows() -> None:
    design = Design(0.5, 0.02, binary=True)
    widths = []
    for seed in range(20):
        sums = proportions(seed, (1, 60), 100, (0.14, 0.1), 0.5)
        intervals = confidence_sequence(
            Sums(*(column[0] for column in sums.columns())), design, ALPHA
        )
        assert (np.diff(intervals.low) >= 0).all()
        assert (np.diff(intervals.high) <= 0).all()
        assert intervals.low[-1] < 0.04 < intervals.high[-1]
        widths.append(intervals.high[-1] - intervals.low[-1])
    fixed = 2 * 1.96 * np.sqrt((0.14 * 0.86 + 0.1 * 0.9) / 2 / 0.25 / 6000)
    assert np.mean(widths) < 1.6 * fixed


def test_the_ends_of_the_interval_are_where_the_evidence_crosses() -> None:
    design = Design(0.5, 0.02, binary=True)
    sums = proportions(3, (1, 40), 100, (0.15, 0.1), 0.5)
    one = Sums(*(column[0] for column in sums.columns()))
    intervals = confidence_sequence(one, design, ALPHA)
    low, high = float(intervals.low[-1]), float(intervals.high[-1])
    inside, outside = np.array([low + 1e-3, high - 1e-3]), np.array([low - 1e-4, high + 1e-4])
    assert (log_evidence(one, inside, design).max(0) < -np.log(ALPHA)).all()
    assert (log_evidence(one, outside, design).max(0) >= -np.log(ALPHA)).all()


def test_nothing_is_known_before_anybody_was_counted() -> None:
    intervals = confidence_sequence(of(*[[0.0]] * 6), Design(0.5, 0.02, binary=True), ALPHA)
    assert (intervals.low[0], intervals.high[0]) == (-1.0, 1.0)
    assert intervals.evidence[0] == pytest.approx(0.0, abs=1e-12)


def test_a_difference_that_turns_round_is_called_inconsistent() -> None:
    rates = np.where(np.arange(80) < 40, 0.3, 0.05)
    sums = proportions(1, (1, 80), 400, (rates, 0.15), 0.5)
    one = Sums(*(column[0] for column in sums.columns()))
    intervals = confidence_sequence(one, Design(0.5, 0.02, binary=True), ALPHA)
    assert np.isnan(intervals.low[-1])
    assert np.isnan(intervals.high[-1])
    assert intervals.low[39] < 0.15 < intervals.high[39]


@limits(max_examples=40)
@given(
    st.lists(st.tuples(*[st.integers(0, 30)] * 2, *[st.floats(0, 1)] * 4), min_size=1, max_size=12),
    st.sampled_from([0.01, 0.5, 0.99]),
    st.booleans(),
)
def test_whatever_was_counted_gives_a_finite_reading(
    blocks: Any, share: float, binary: bool
) -> None:
    rows = np.array(blocks)
    n_t, n_c = rows[:, 0], rows[:, 1]
    s_t, s_c = (
        np.round(n * f) if binary else n * f for n, f in ((n_t, rows[:, 2]), (n_c, rows[:, 3]))
    )
    q_t = s_t if binary else np.clip(rows[:, 4] * s_t, s_t**2 / np.maximum(n_t, 1), s_t)
    q_c = s_c if binary else np.clip(rows[:, 5] * s_c, s_c**2 / np.maximum(n_c, 1), s_c)
    design = Design(share, 0.05, binary=binary)
    sums = of(n_t, s_t, q_t, n_c, s_c, q_c)
    assert np.isfinite(log_evidence(sums, np.linspace(-0.999, 0.999, 21), design)).all()
    intervals = confidence_sequence(sums, design, ALPHA)
    stands = ~np.isnan(intervals.low)
    assert (intervals.low[stands] <= intervals.high[stands]).all()
