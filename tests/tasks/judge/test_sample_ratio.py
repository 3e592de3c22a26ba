"""A canary that answers too few requests: found in two windows, and nobody else is taken for it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import comb

from benchmarks.canary.run import Judge as SimulatedJudge
from benchmarks.canary.run import play
from benchmarks.canary.scenarios import EVERY
from benchmarks.canary.world import Setting
from tasks.judge import ArmCounts, JudgePolicy, JudgeState, Window, observe, sample_ratio, verdict
from tasks.judge.sequential import ROLLBACK
from tests.tasks.judge.traffic import window


@pytest.mark.parametrize("weight", [0.01, 0.05, 0.33, 0.5, 0.9])
@pytest.mark.parametrize("requests", [1, 7, 40])
def test_evidence_expects_at_most_its_mass_wherever_the_canary_answers_its_share(weight, requests):
    """Every split of the requests, at nine tenths of the share, at all of it and at more."""
    ours = np.arange(requests + 1.0)
    split = np.stack([ours, requests - ours], axis=1)
    for mass in (sample_ratio.initial(), np.array([0.4, 3.0, 50.0])):
        before = sample_ratio.evidence(mass[None])[0]
        after = sample_ratio.evidence(
            sample_ratio.update(
                np.broadcast_to(mass, (len(ours), 3)), np.full(len(ours), weight), split
            )
        )
        for share in (sample_ratio.SLACK * weight, weight, min(2.0 * weight, 1.0)):
            chance = comb(requests, ours) * share**ours * (1.0 - share) ** (requests - ours)
            assert float((chance * after).sum()) <= before * (1.0 + 1e-12)


def test_one_window_is_not_enough_and_two_are():
    mass = sample_ratio.initial()[None]
    silence = np.array([[0.0, 1e6]])
    mass = sample_ratio.update(mass, np.array([0.05]), silence)
    assert not sample_ratio.missing(mass)[0]
    assert sample_ratio.missing(sample_ratio.update(mass, np.array([0.05]), silence))[0]


@pytest.mark.parametrize("windows", [1, 60, 1000])
@pytest.mark.parametrize("weight", [0.05, 0.5])
def test_who_falls_silent_late_is_found_as_well(windows, weight):
    """A thousand windows of ten seconds are the longest release there is by default."""
    rng = np.random.default_rng(30)
    mass, weights = sample_ratio.initial()[None], np.array([weight])
    for _ in range(windows):
        ours = float(rng.binomial(1000, weight))
        mass = sample_ratio.update(mass, weights, np.array([[ours, 1000.0 - ours]]))
    assert sample_ratio.evidence(mass)[0] <= 1.0
    for _ in range(3):
        mass = sample_ratio.update(mass, weights, np.array([[0.0, 1000.0 * (1.0 - weight)]]))
    assert sample_ratio.missing(mass)[0]


@pytest.mark.parametrize(("weight", "requests"), [(0.0, (0, 900)), (1.0, (0, 0)), (0.3, (0, 0))])
def test_windows_that_cannot_tell_change_nothing(weight, requests):
    mass = sample_ratio.initial()[None]
    after = sample_ratio.update(mass, np.array([weight]), np.array([requests], dtype=float))
    assert (after == mass).all()


def silenced(t0, rng, weight=0.05):
    told = window(rng, t0, weight, rate=30.0)
    return told.model_copy(update={"canary": ArmCounts()})


def test_a_silent_canary_goes_back_and_the_reason_says_so():
    rng = np.random.default_rng(31)
    state = JudgeState.start(JudgePolicy())
    for step in range(12):
        state = observe(state, window(rng, 10.0 * step, 0.0, rate=30.0))
    state = observe(state, silenced(120.0, rng))
    assert verdict(state).action == "hold"
    state = JudgeState.from_json(observe(state, silenced(130.0, rng)).to_json())
    answer = verdict(state)
    assert answer.action == "rollback"
    assert "sample-ratio mismatch" in answer.reason
    assert "far fewer requests than its share" in answer.reason


def test_where_users_are_assigned_the_ratio_is_no_evidence():
    rng = np.random.default_rng(32)
    state = JudgeState.start(JudgePolicy(sample_ratio=False))
    for step in range(12):
        state = observe(state, window(rng, 10.0 * step, 0.0, rate=30.0))
    for step in range(12, 20):
        state = observe(state, silenced(10.0 * step, rng))
    assert verdict(state).action == "hold"


def test_a_window_without_any_request_is_nobodys_silence():
    state = JudgeState.start(JudgePolicy())
    for step in range(50):
        state = observe(state, Window(t0=60.0 * step, t1=60.0 * step + 60.0, weight=0.1))
    assert verdict(state).action == "hold"


@pytest.mark.parametrize("name", ["silent", "silent at 10 min"])
@pytest.mark.parametrize("rate", [10.0, 100.0])
def test_silent_canaries_lose_little(name, rate):
    policy = JudgePolicy()
    played = play(
        EVERY[name], Setting(rate=rate), lambda releases: SimulatedJudge(policy, releases),
        reps=40, seed=33, edges=policy.latency_edges, horizon=3600.0,
    )  # fmt: skip
    assert (played.outcome == ROLLBACK).all()
    silent_for = played.seconds - (600.0 if "10 min" in name else 0.0)
    assert np.quantile(silent_for, 0.9) <= 60.0
