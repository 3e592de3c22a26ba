"""Requests that depend on each other: how it is measured, and what evidence is then worth."""

from __future__ import annotations

import json
from itertools import groupby, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.canary.run import Judge as SimulatedJudge
from benchmarks.canary.run import play
from benchmarks.canary.scenarios import EVERY, Scenario
from benchmarks.canary.world import Setting
from tasks.judge import JudgePolicy, JudgeState, NonInferiorityMargins, Window, observe, verdict
from tasks.judge.dispersion import (
    STREAM_GATES,
    dispersion,
    squared_move,
    standardised_difference,
)
from tasks.judge.evidence import ERROR_ODDS, STREAMS, binary_log_e
from tasks.judge.hypergeometric import log_pmf
from tasks.judge.non_inferiority import GATES
from tasks.judge.policy import geometric_edges
from tasks.judge.sequential import ROLLBACK
from tests.tasks.judge.traffic import window

VECTORS = Path(__file__).parents[2] / "vectors"
INDEPENDENT = np.zeros((1, len(GATES), 2))


@pytest.mark.parametrize("share", [0.002, 0.01, 0.1, 0.5])
@pytest.mark.parametrize("times", [1.0, 4.0])
@pytest.mark.parametrize(("ours", "theirs"), [(5, 95), (50, 50), (500, 4500)])
def test_independent_requests_vary_by_one_whatever_their_share_is(share, times, ours, theirs):
    """A canary that is steadily worse is no more dispersed than a good one."""
    rng = np.random.default_rng(1)
    trials = np.broadcast_to([float(ours), float(theirs)], (40_000, 2))
    worse = min(times * share, 0.9)
    hits = np.stack([rng.binomial(ours, worse, 40_000), rng.binomial(theirs, share, 40_000)], 1)
    difference = standardised_difference(trials, hits.astype(float))
    variance = difference.var()
    assert variance <= 1.15
    if min(share * theirs, (1.0 - worse) * ours, worse * ours) >= 5:
        assert variance >= 0.9


def test_moves_of_independent_windows_expect_one_and_a_step_adds_no_return():
    rng = np.random.default_rng(2)
    z = rng.standard_normal(200_000)
    for returns in (False, True):
        moves = squared_move(z[:-1], z[1:], returns=returns)
        assert moves.mean() == pytest.approx(1.0, abs=0.02)
    assert squared_move(np.zeros(1), np.full(1, 9.0), returns=True) == 0.0
    assert squared_move(np.full(1, 9.0), np.zeros(1), returns=True) == 81.0


@given(
    sums=st.lists(st.floats(0, 1e6), min_size=16, max_size=16),
    windows=st.integers(0, 1000),
    least=st.floats(1, 5),
)
def test_evidence_is_never_multiplied(sums, windows, least):
    moves = np.zeros((2, 1, len(GATES), 2))
    moves[..., 0] = np.reshape(sums, (2, 1, len(GATES)))
    moves[..., 1] = windows
    found = dispersion(moves[0], moves[1], least)
    assert found.shape == (1, len(STREAMS))
    assert ((found == 1.0) | (found >= least)).all()
    assert len(STREAM_GATES) == len(STREAMS)


def test_what_history_shows_is_believed_until_the_release_says_otherwise():
    noisy = INDEPENDENT.copy()
    noisy[:, 1] = (90.0, 9.0)
    before = dispersion(noisy, INDEPENDENT, 1.5)[0]
    assert before[STREAMS.index("latency")] == pytest.approx(94.0 / 13.0)
    assert before[STREAMS.index("errors")] == before[STREAMS.index("predictions")] == 1.0
    calm = INDEPENDENT.copy()
    calm[:, 1] = (400.0, 400.0)
    assert dispersion(noisy, calm, 1.5)[0, STREAMS.index("latency")] == 1.0
    assert dispersion(noisy, calm, 1.1)[0, STREAMS.index("latency")] > 1.1


@pytest.mark.parametrize("dispersed", [1.0, 1.7, 5.0, 40.0])
def test_a_divided_e_value_expects_at_most_one_on_every_small_table(dispersed):
    worst = 0.0
    for total in range(1, 15):
        for draws, bad in product(range(total + 1), repeat=2):
            values = np.arange(max(0, draws + bad - total), min(draws, bad) + 1.0)
            margins = (np.float64(draws), np.float64(bad), np.float64(total))
            chance = np.exp(log_pmf(values, *margins))
            trials = np.broadcast_to([draws, total - draws], (len(values), 1, 2)).astype(float)
            hits = np.stack([values, bad - values], axis=1)[:, None]
            e_values = np.exp(binary_log_e(trials, hits, ERROR_ODDS)[:, 0] / dispersed)
            worst = max(worst, float((chance[:, None] * e_values).sum(0).max()))
    assert 0.99 < worst <= 1.0 + 1e-12


def releases():
    """Windows of good versions on two cores with a load of 13 to 24, measured."""
    lines = map(json.loads, (VECTORS / "busy_machine.jsonl").read_text().splitlines())
    for _, told in groupby(lines, key=lambda line: line.pop("release")):
        yield list(map(Window.model_validate, told))


def test_good_versions_on_a_busy_machine_stay():
    """Each was rolled back within two windows of 60 s while their requests passed for independent.

    One process serves each version, and the scheduler lets one wait while the other runs.
    """
    policy = JudgePolicy(
        alpha=0.005, beta=0.3, ladder=(0.3, 0.5), prediction_bins=0, warm_up_seconds=0,
        latency_edges=geometric_edges(5.0, 1.25, 40), watch_seconds=120,
        tolerance=NonInferiorityMargins(
            errors=0.3, latency_p50=0.45, latency_p90=0.45, latency_p99=0.4
        ),
    )  # fmt: skip
    sure = policy.model_copy(update={"dispersion_from": 1e9})
    for windows in releases():
        state, trusting = JudgeState.start(policy), JudgeState.start(sure)
        for told in windows:
            state, trusting = observe(state, told), observe(trusting, told)
        assert verdict(trusting).action == "rollback"
        answer = verdict(state)
        assert answer.action != "rollback"
        assert answer.log_evidence < 2.0
        assert "not one by one" in answer.reason
        assert JudgeState.from_json(state.to_json()).to_json() == state.to_json()


def dispersions(scenario, rate, **setting):
    """Of errors and latency, the median of 40 releases after ten minutes at 20 % of the traffic."""
    policy = JudgePolicy()
    judge = SimulatedJudge(policy, 40)

    class Fixed:
        scored = True

        def tell(self, counts, now):
            judge.tell(counts, now)

        def shares(self, now):
            return np.full(40, 0.2 if now >= 0 else 0.0)

        def outcomes(self):
            return np.zeros(40)

        def keep(self, rows):
            raise AssertionError("no release ends")

    play(
        scenario, Setting(rate=rate, **setting), lambda _: Fixed(), reps=40, seed=5,
        edges=policy.latency_edges, horizon=600.0,
    )  # fmt: skip
    found = dispersion(judge.state.history_moves, judge.state.release_moves, 1.0)
    return np.median(found[:, :2], axis=0)


@pytest.mark.parametrize("name", ["none", "bursts", "errors +5", "latency x5", "slow ramp"])
def test_neither_calm_nor_shared_incidents_nor_a_steady_fault_look_dispersed(name):
    assert (dispersions(EVERY[name], 10.0) < 1.5).all()


def test_pauses_of_hosts_do():
    assert dispersions(EVERY["short pauses"], 100.0)[1] > 2.0


def test_a_slow_version_on_hosts_that_pause_is_found():
    policy = JudgePolicy()
    slow = Scenario("slow and pausing", slower=1.5, pause_seconds=1.0, pause_every=60.0)
    played = play(
        slow, Setting(rate=100.0), lambda releases: SimulatedJudge(policy, releases), reps=40,
        seed=6, edges=policy.latency_edges, horizon=3600.0,
    )  # fmt: skip
    assert (played.outcome == ROLLBACK).all()
    assert np.median(played.seconds) <= 300.0


def test_users_who_repeat_their_errors_are_told_as_such():
    """Bursts of whole users: the errors of one window are one or two people's."""
    rng = np.random.default_rng(7)
    state = JudgeState.start(JudgePolicy())
    for step in range(40):
        told = window(rng, 10.0 * step, 0.3 if step >= 20 else 0.0, rate=10.0)
        if step % 4 == 0:
            told = told.model_copy(update={"stable": told.stable.model_copy(update={"errors": 12})})
        state = observe(state, told)
    errors = next(item for item in verdict(state).streams if item.stream == "errors")
    assert errors.dispersion > 1.5
