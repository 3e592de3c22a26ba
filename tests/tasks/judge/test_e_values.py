"""Exact enumeration: every e-value has expectation at most one on every small table."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.special import comb, gammaln

from tasks.judge.conditional_tests import (
    bin_log_odds,
    conditional_log_e,
    informative_bins,
    reference_tail,
    shifted,
)
from tasks.judge.evidence import (
    ERROR_ODDS,
    ERROR_PRIOR,
    ERRORS,
    Alternatives,
    binary_log_e,
)
from tasks.judge.hypergeometric import log_pgf_lower, log_pgf_upper, log_pmf
from tasks.judge.non_inferiority import gate_log_e
from tasks.judge.overshoot import overshoot_correction
from tasks.judge.policy import JudgePolicy

ROUNDING = 1e-12


def _exact_log_pgf(values, chance, odds):
    return np.log(np.sum(chance * odds**values))


@pytest.mark.parametrize("total", range(1, 22))
def test_the_bracket_holds_the_generating_function_of_every_table(total):
    for bad, draws in product(range(total + 1), repeat=2):
        values = np.arange(min(bad, draws) + 1.0)
        margins = (np.float64(draws), np.float64(bad), np.float64(total))
        chance = np.exp(log_pmf(values, *margins))
        assert chance.sum() == pytest.approx(1.0, abs=1e-10)
        for odds in (0.1, 0.7, 1.2, 2.5, 12.0, 60.0, 1e4):
            exact = _exact_log_pgf(values, chance, odds)
            assert log_pgf_upper(*margins, np.float64(odds)) >= exact - 1e-10
            assert log_pgf_lower(*margins, np.float64(odds)) <= exact + 1e-10


def test_the_bracket_is_sharp_where_the_judge_works():
    margins = (np.float64(33), np.float64(3), np.float64(100))
    values = np.arange(4.0)
    chance = np.exp(log_pmf(values, *margins))
    for odds in ERROR_ODDS[:4]:
        exact = _exact_log_pgf(values, chance, odds)
        assert log_pgf_upper(*margins, np.float64(odds)) - exact < 0.005


def test_error_e_values_expect_at_most_one_on_every_small_table():
    worst = 0.0
    for total in range(1, 19):
        for draws, bad in product(range(total + 1), repeat=2):
            values = np.arange(max(0, draws + bad - total), min(draws, bad) + 1)
            margins = (np.float64(draws), np.float64(bad), np.float64(total))
            chance = np.exp(log_pmf(values.astype(float), *margins))
            trials = np.broadcast_to([draws, total - draws], (len(values), 1, 2)).astype(float)
            hits = np.stack([values, bad - values], axis=1)[:, None].astype(float)
            e_values = np.exp(binary_log_e(trials, hits, ERROR_ODDS))[:, 0]
            worst = max(worst, float((chance[:, None] * e_values).sum(0).max()))
    assert 1.0 - 1e-6 < worst <= 1.0 + ROUNDING


def test_an_innocent_better_canary_expects_less():
    # Fisher's noncentral law at odds 1/2: the canary is better than the stable version.
    margins = (np.float64(10), np.float64(8), np.float64(25))
    values = np.arange(9.0)
    chance = np.exp(log_pmf(values, *margins)) * 0.5**values
    chance /= chance.sum()
    trials = np.broadcast_to([10.0, 15.0], (9, 1, 2))
    hits = np.stack([values, 8 - values], axis=1)[:, None]
    expected = (chance[:, None] * np.exp(binary_log_e(trials, hits, ERROR_ODDS))[:, 0]).sum(0)
    assert (expected < 0.95).all()


def _allocations(pooled, draws):
    """Every split of the pooled bins that gives the canary ``draws``, with its probability."""
    splits = [
        split for split in product(*(range(count + 1) for count in pooled)) if sum(split) == draws
    ]

    def log_choose(n, k):
        return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)

    log_chance = np.array(
        [sum(log_choose(n, k) for n, k in zip(pooled, split, strict=True)) for split in splits]
    ) - log_choose(sum(pooled), draws)
    return np.array(splits, dtype=float), np.exp(log_chance)


@pytest.mark.parametrize("pooled", [(3, 2, 2), (1, 4, 0, 2), (2, 1, 1, 1, 2), (0, 5, 3)])
@pytest.mark.parametrize("drift", [None, 0.1])
def test_conditional_e_values_expect_at_most_one_on_every_small_table(pooled, drift):
    reference = reference_tail(np.array([40.0, 30.0, 20.0, 8.0, 2.0])[: len(pooled)])
    links = informative_bins(np.array(pooled, dtype=float))
    tail = reference[None, links.start : links.stop + 1]
    odds = bin_log_odds(tail, shifted(tail, np.array([0.2, 0.5, 1.2, 3.0])[:, None]))
    tolerated = None
    if drift is not None:
        tolerated = bin_log_odds(tail, shifted(tail, np.array(drift)))[0]
    for draws in range(sum(pooled) + 1):
        canary, chance = _allocations(pooled, draws)
        assert chance.sum() == pytest.approx(1.0)
        stable = np.array(pooled) - canary
        log_e = conditional_log_e(canary, stable, links, odds, tolerated)
        expected = (chance[:, None] * np.exp(log_e)).sum(0)
        assert (expected <= 1.0 + ROUNDING).all()


def test_the_overshoot_correction_spends_the_overshoot_and_no_more():
    policy = JudgePolicy()
    alternatives = Alternatives(policy)
    cap = policy.threshold / alternatives.weights[ERRORS]
    prior = np.array(ERROR_PRIOR)
    corrected = 0
    for wealth, (draws, bad, total) in product(
        (1.0, 20.0, 150.0), ((5, 3, 100), (33, 4, 100), (10, 9, 40), (300, 12, 900))
    ):
        staked = np.zeros((1, 1, len(alternatives.prior)))
        staked[..., alternatives.stream == ERRORS] = prior * wealth
        unspent = np.full((1, 1, 5), 0.2)
        trials = np.array([[[draws, total - draws]]], dtype=float)
        hits = np.array([[[0, bad]]], dtype=float)
        correction = overshoot_correction(
            policy, alternatives, ERRORS, ERROR_ODDS, staked, unspent, trials, hits
        )[0, 0]
        values = np.arange(min(draws, bad) + 1.0)
        chance = np.exp(log_pmf(values, *(np.float64(x) for x in (draws, bad, total))))
        table = np.stack([values, bad - values], axis=1)[:, None]
        factor = np.exp(
            binary_log_e(np.broadcast_to(trials[0], (len(values), 1, 2)), table, ERROR_ODDS)
        )[:, 0]
        after = 0.2 + (prior * wealth * factor).sum(1)
        truncated = float((chance * np.minimum(correction * after, cap)).sum())
        assert truncated <= 0.2 + wealth + 1e-9
        assert correction >= 1.0
        corrected += correction > 1.0 + 1e-6
    assert corrected >= 3, "the correction never acted, so nothing was tested"


@pytest.mark.parametrize("delta", [0.01, 0.1, 0.4])
@pytest.mark.parametrize(("ours", "theirs"), [(1, 1), (3, 5), (8, 2), (6, 0)])
def test_gate_e_values_expect_at_most_one_whenever_the_canary_is_worse(delta, ours, theirs):
    deltas = np.full((1, 1), delta)
    x, y = (axis.ravel() for axis in np.meshgrid(np.arange(ours + 1.0), np.arange(theirs + 1.0)))
    trials = np.broadcast_to([float(ours), float(theirs)], (len(x), 1, 2))
    hits = np.stack([x, y], axis=1)[:, None]

    def chance(n, k, p):
        return comb(n, k) * p**k * (1.0 - p) ** (n - k)

    worst = 0.0
    for boundary in (1e-6, 0.003, 0.05, 0.3):
        s = np.full((len(x), 1, 1), min(boundary, 1 - delta - 1e-6))
        e_values = np.exp(gate_log_e(s, deltas, trials, hits))[:, 0, 0]
        for stable, more in product((0.0, 0.004, 0.05, 0.3, 0.55), (0.0, 0.02, 0.3)):
            canary = min(stable + delta + more, 1.0)
            weight = chance(ours, x, canary) * chance(theirs, y, stable)
            worst = max(worst, float((weight * e_values).sum()))
    assert worst <= 1.0 + ROUNDING
    assert worst > 0.9, "no hypothesis came near the boundary, so nothing was tested"
