"""The margin of harm: what lies within it is no evidence, and what lies beyond it is found."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from benchmarks.canary.run import Judge as SimulatedJudge
from benchmarks.canary.run import play
from benchmarks.canary.scenarios import EVERY
from benchmarks.canary.world import Setting
from tasks.judge import HarmMargins, JudgePolicy
from tasks.judge.conditional_tests import bin_log_odds, reference_tail
from tasks.judge.evidence import ERROR_ODDS, binary_log_e
from tasks.judge.harm import slowed, tolerated_error_odds
from tasks.judge.hypergeometric import log_pmf
from tasks.judge.policy import geometric_edges
from tasks.judge.sequential import ROLLBACK

EDGES = JudgePolicy().compared_edges


def lognormal_tail(median, sigma=0.5):
    beyond = ndtr(-np.log(np.asarray(EDGES) / median) / sigma)
    # Strictly between 0 and 1, as reference_tail has it.
    return np.r_[1.0, np.clip(beyond, 1e-15, 1.0 - 1e-15), 0.0]


@pytest.mark.parametrize("margin", [0.01, 0.05, 0.2, 0.6])
@pytest.mark.parametrize("median", [20.0, 80.0, 900.0])
def test_slowing_down_a_log_normal_is_exact(margin, median):
    """Straight on the normal scale over the logarithm of time is what a log-normal is."""
    found = slowed(lognormal_tail(median), EDGES, margin)
    exact = lognormal_tail(median * (1.0 + margin))
    where = (exact > 1e-9) & (exact < 1.0 - 1e-9)
    assert where.sum() > 8
    assert found[where] == pytest.approx(exact[where], rel=1e-5)


@given(
    counts=st.lists(st.integers(0, 500), min_size=6, max_size=6),
    margins=st.tuples(st.floats(0.0, 0.9), st.floats(0.0, 0.9)),
)
def test_more_margin_is_a_higher_tail_and_none_is_the_same(counts, margins):
    edges = geometric_edges(count=5)
    tail = reference_tail(np.array(counts, dtype=float))
    less, more = sorted(margins)
    assert slowed(tail, edges, 0.0) == pytest.approx(tail)
    low, high = slowed(tail, edges, less), slowed(tail, edges, more)
    assert (high >= low - 1e-12).all()
    assert (low >= tail - 1e-12).all()
    assert np.isfinite(bin_log_odds(tail, high)).all()


def test_tolerated_odds_are_those_of_the_points():
    log_odds = tolerated_error_odds(np.array([100_000.0]), np.array([500.0]), 0.003)
    assert np.exp(log_odds[0]) == pytest.approx((0.008 / 0.992) / (0.005 / 0.995), rel=1e-2)
    assert tolerated_error_odds(np.array([0.0]), np.array([0.0]), 0.01)[0] < 0.1, "nothing is known"
    flawless = tolerated_error_odds(np.array([1e6]), np.array([0.0]), 0.003)
    assert np.isfinite(flawless).all()


@pytest.mark.parametrize("tolerated", [1.0, 1.3, 3.0])
def test_e_values_expect_at_most_one_wherever_the_odds_are_tolerated(tolerated):
    """Fisher's noncentral law at every odds ratio up to the tolerated one."""
    worst = 0.0
    for total in range(2, 15):
        for draws, bad in product(range(1, total), repeat=2):
            values = np.arange(max(0, draws + bad - total), min(draws, bad) + 1.0)
            margins = (np.float64(draws), np.float64(bad), np.float64(total))
            trials = np.broadcast_to([draws, total - draws], (len(values), 1, 2)).astype(float)
            hits = np.stack([values, bad - values], axis=1)[:, None]
            e_values = np.exp(binary_log_e(trials, hits, ERROR_ODDS, np.log(tolerated)))[:, 0]
            for odds in {0.5, 1.0, (1.0 + tolerated) / 2.0, tolerated}:
                log_chance = log_pmf(values, *margins) + values * np.log(odds)
                chance = np.exp(log_chance - log_chance.max())
                chance /= chance.sum()
                worst = max(worst, float((chance[:, None] * e_values).sum(0).max()))
    assert 1.0 - 1e-6 < worst <= 1.0 + 1e-12


def rolled_back(name, rate, reps=60, **margins):
    policy = JudgePolicy(harm_margin=HarmMargins(**margins))
    played = play(
        EVERY[name], Setting(rate=rate), lambda releases: SimulatedJudge(policy, releases),
        reps=reps, seed=11, edges=policy.latency_edges, horizon=3600.0,
    )  # fmt: skip
    return int((played.outcome == ROLLBACK).sum())


@pytest.mark.parametrize(
    ("name", "margins"), [("5% slower", {"latency": 0.05}), ("errors +0.3", {"errors": 0.003})]
)
def test_trifles_go_back_only_without_a_margin(name, margins):
    assert rolled_back(name, 100.0) == 60
    assert rolled_back(name, 100.0, **margins) <= 2


@pytest.mark.parametrize("name", ["latency +10%", "latency x5", "p99 only", "errors +5", "outage"])
def test_what_lies_beyond_both_margins_is_found(name):
    assert rolled_back(name, 100.0, latency=0.05, errors=0.003) == 60


def test_one_margin_leaves_the_other_stream_alone():
    assert rolled_back("errors +0.3", 100.0, latency=0.05) >= 55
    assert rolled_back("5% slower", 100.0, errors=0.003) == 60
