"""A metric that stops is unknown, never zero: nothing climbs, and nothing is promoted."""

import numpy as np
import pytest

from benchmarks.canary.run import Judge as SimulatedJudge
from benchmarks.canary.run import play
from benchmarks.canary.scenarios import EVERY
from benchmarks.canary.world import Setting
from tasks.judge import ArmCounts, JudgePolicy, JudgeState, observe, verdict
from tests.tasks.judge.traffic import steered, window


def without_errors(arm):
    return arm.model_copy(update={"errors": None})


def without_latencies(arm):
    return arm.model_copy(update={"latency": ()})


def untold(told, arm, lose):
    return told.model_copy(update={arm: lose(getattr(told, arm))})


@pytest.mark.parametrize("arm", ["canary", "stable"])
@pytest.mark.parametrize("lose", [without_errors, without_latencies])
def test_nothing_climbs_while_a_metric_is_lost_and_it_goes_on_when_it_is_back(arm, lose):
    rng = np.random.default_rng(4)
    policy = JudgePolicy()
    windows, state = steered(policy, rng, windows=12)
    share = verdict(state).weight
    at = windows[-1].t1
    for step in range(40):
        state = observe(state, untold(window(rng, at + 10.0 * step, share), arm, lose))
        answer = verdict(state)
        assert answer.action == "hold"
        assert answer.weight == share
        assert "unknown is not none" in answer.reason
    for step in range(40, 100):
        state = observe(state, window(rng, at + 10.0 * step, share))
        if verdict(state).action == "step":
            return
    pytest.fail("it never went on")


def test_a_release_is_not_promoted_on_windows_whose_errors_are_unknown():
    rng = np.random.default_rng(5)
    policy = JudgePolicy(watch_seconds=60.0)
    state, at, share = JudgeState.start(policy), 0.0, 0.0
    while verdict(state).weight < policy.ladder[-1] or at < 300:
        state = observe(state, window(rng, at, share))
        at += 10.0
        share = verdict(state).weight if at >= 300 else 0.0
    for _ in range(30):
        state = observe(state, untold(window(rng, at, share), "canary", without_errors))
        at += 10.0
        assert verdict(state).action == "hold"
    while verdict(state).action == "hold":
        state = observe(state, window(rng, at, share))
        at += 10.0
    assert verdict(state).action == "promote"


def test_the_last_answer_may_have_no_latency_yet():
    rng = np.random.default_rng(6)
    windows, state = steered(JudgePolicy(), rng, windows=12)
    bins = len(windows[-1].stable.latency)
    late = window(rng, windows[-1].t1, verdict(state).weight).model_copy(
        update={"canary": ArmCounts(requests=4, errors=0, latency=(0,) * bins)}
    )
    assert "unknown" not in verdict(observe(state, late)).reason


def test_an_arm_whose_users_are_counted_needs_no_errors():
    told = ArmCounts(requests=30, users=9, users_with_error=1)
    assert told.errors is None
    rng = np.random.default_rng(7)
    windows, state = steered(JudgePolicy(), rng, windows=12)
    last = window(rng, windows[-1].t1, verdict(state).weight)
    last = last.model_copy(
        update={
            name: getattr(last, name).model_copy(
                update={"errors": None, "users": 5, "users_with_error": 0}
            )
            for name in ("canary", "stable")
        }
    )
    assert "unknown" not in verdict(observe(state, last)).reason


def test_a_fault_that_the_lost_metric_hid_is_found_a_minute_after_it_is_back():
    """Five points of errors from the moment on from which nobody is told of errors."""
    policy = JudgePolicy()
    result = play(
        EVERY["errors lost, +5"], Setting(), lambda releases: SimulatedJudge(policy, releases),
        reps=60, seed=3, edges=policy.latency_edges,
    )  # fmt: skip
    assert not ((result.half >= 120.0) & (result.half <= 720.0)).any(), "none climbed meanwhile"
    assert result.rolled_back == 1.0
    assert np.median(result.seconds) <= 120.0 + 600.0 + 80.0
