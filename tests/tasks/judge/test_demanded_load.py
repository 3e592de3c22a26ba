"""The watch does not end before as much load came as the policy demands."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.judge import CanaryVerdict, JudgePolicy, JudgeState, observe, verdict
from tests.tasks.judge.traffic import window

WATCH = 120.0
SECONDS, MEASURED = 10.0, 300.0
QUIET, BUSY = 10.0, 40.0
"""Requests a second."""


def watched(
    policy: JudgePolicy, seconds: float, rates: tuple[tuple[float, float], ...] = ((0.0, QUIET),)
) -> list[tuple[float, CanaryVerdict]]:
    """Verdicts by seconds of the watch, to the end or for so long.

    Args:
        policy: The policy.
        seconds: How long the watch is followed.
        rates: From which second of the watch on how many requests come; before it, the first.
    """
    rng, told = np.random.default_rng(7), []
    state, at, share, began = JudgeState.start(policy), 0.0, 0.0, np.inf
    while at - began <= seconds:
        rate = [much for since, much in rates if at - began >= since or since == rates[0][0]][-1]
        state = observe(state, window(rng, at, share, rate=rate))
        at += SECONDS
        answer = verdict(state)
        share = answer.weight if at >= MEASURED else 0.0
        if share == policy.ladder[-1]:
            began = min(began, at)
        if at >= began:
            told.append((at - began, answer))
        if answer.action in {"promote", "rollback", "inconclusive"}:
            break
    return told


@pytest.mark.parametrize("demanded", [0.0, 0.8 * QUIET])
def test_what_came_is_enough(demanded):
    since, last = watched(JudgePolicy(watch_seconds=WATCH, demanded_rate=demanded), 600.0)[-1]
    assert last.action == "promote"
    assert since <= WATCH + 3 * SECONDS


def test_the_watch_waits_for_load_and_says_so_and_ends_with_it():
    policy = JudgePolicy(watch_seconds=WATCH, demanded_rate=30.0)
    told = watched(policy, 1200.0, ((0.0, QUIET), (600.0, BUSY)))
    waiting = [answer for since, answer in told if WATCH + 30.0 < since < 600.0]
    assert {answer.action for answer in waiting} == {"hold"}
    assert {answer.weight for answer in waiting} == {policy.ladder[-1]}
    assert any("30 must have been seen" in answer.reason for answer in waiting)
    since, last = told[-1]
    assert last.action == "promote"
    assert 600.0 < since < 700.0


def test_load_that_never_comes_ends_undecided_with_the_reason():
    policy = JudgePolicy(watch_seconds=WATCH, demanded_rate=30.0, deadline_seconds=900.0)
    since, last = watched(policy, 3600.0)[-1]
    assert last.action == "inconclusive"
    assert since >= WATCH + 900.0
    assert "30 must have been seen, and the deadline of 900 s came first" in last.reason


def test_load_of_before_the_watch_does_not_count():
    """The candidate bore less of it than it will."""
    policy = JudgePolicy(watch_seconds=600.0, demanded_rate=30.0, deadline_seconds=3600.0)
    told = watched(policy, 900.0, ((-1.0, BUSY), (0.0, QUIET)))
    assert told[-1][1].action == "hold"


def test_what_was_seen_is_kept_over_a_restart():
    policy = JudgePolicy(demanded_rate=30.0)
    state = observe(JudgeState.start(policy), window(np.random.default_rng(1), 0.0, 0.0))
    stored = state.to_json()
    assert JudgeState.from_json(stored).to_json() == stored
    del stored["settled"]["busiest"], stored["policy"]["demanded_rate"]
    again = JudgeState.from_json(stored)
    assert again.policy.demanded_rate == 0.0, "a release that was begun before demands nothing"
