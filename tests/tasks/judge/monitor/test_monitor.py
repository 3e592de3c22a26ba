"""A champion beside its own past: what is remembered, what rings, what is told once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.judge.monitor import (
    WINDOW_SECONDS,
    MonitorPolicy,
    MonitorState,
    Totals,
    latency_edges,
    observe,
    standing,
)
from tasks.judge.monitor.detector import e_values, grown, total
from tasks.judge.monitor.fold import CALM_WINDOWS, LOST_WINDOWS, of_version
from tasks.judge.monitor.past import WEEKS, expected
from tasks.judge.monitor.policy import HOUR_SECONDS, WEEK_SECONDS

POLICY = MonitorPolicy()
MONDAY = 1_704_672_000.0  # 2024-01-08 00:00 UTC
FAST, SLOW = 20, 30


def totals(requests=300, errors=1, slow=0.05):
    late = round(requests * slow)
    bins = {FAST: requests - late, SLOW: late}
    return Totals(requests=requests, errors=errors, latency={k: n for k, n in bins.items() if n})


def past_of(weeks, of=lambda week: totals(3600, 12), at=MONDAY):
    hour = int(at // HOUR_SECONDS)
    return {
        hour - week * 168 + beside: of(week)
        for week in range(1, weeks + 1)
        for beside in (-1, 0, 1)
    }


def watched(state, windows, begin=MONDAY, policy=POLICY):
    for number, window in enumerate(windows):
        state = observe(policy, state, begin + number * WINDOW_SECONDS, window)
    return state


def known(weeks=4, **more):
    return MonitorState(version="v1", past=past_of(weeks), **more)


def test_a_champion_as_it_was_rings_nothing_and_says_so():
    state = watched(known(), [totals()] * 12)
    assert state.alarm is None
    assert "As in the same hour of the last 4 weeks" in standing(POLICY, state)


@pytest.mark.parametrize(
    ("window", "stream", "said"),
    [
        (totals(errors=150), "errors", "50.0% of its answers are errors"),
        (totals(errors=15), "errors", "5.0% of its answers are errors"),
        (totals(slow=0.6), "latency", "60% of its answers take more than"),
    ],
)
def test_what_is_worse_than_every_past_week_rings_within_the_hour_and_half(window, stream, said):
    state = watched(known(), [totals()] * 6)
    begin = MONDAY + 6 * WINDOW_SECONDS
    for _ in range(18):
        state = observe(POLICY, state, state.seen_until, window)
        if state.alarm:
            break
    assert state.alarm is not None
    assert (state.alarm.stream, state.alarm.since) == (stream, begin)
    assert said in standing(POLICY, state)
    assert state.alarm.rang == state.seen_until


def test_a_model_that_answers_within_the_first_bin_is_watched_like_any_other():
    fast = {0: 3600}
    past = past_of(4, lambda week: Totals(requests=3600, errors=12, latency=fast))
    found = expected(POLICY, past, MONDAY, latency_edges())
    assert found is not None
    assert found.edge == 1, "a quarter above the first edge"
    quick = Totals(requests=300, errors=1, latency={0: 300})
    assert watched(MonitorState(past=past), [quick] * 12).alarm is None
    slower = Totals(requests=300, errors=1, latency={3: 300})
    state = watched(MonitorState(past=past), [slower] * 12)
    assert state.alarm is not None
    assert state.alarm.stream == "latency"


def test_an_alarm_is_told_once_and_ends_with_an_hour_of_calm():
    bad, good = totals(errors=150), totals()
    state = watched(known(), [bad] * 12)
    first = state.alarm
    state = watched(state, [bad] * 12, state.seen_until)
    assert state.alarm == first
    state = watched(state, [good] * (CALM_WINDOWS - 1), state.seen_until)
    assert state.alarm == first
    assert watched(state, [bad], state.seen_until).calm == 0
    state = watched(state, [good], state.seen_until)
    assert state.alarm is None


def test_what_comes_and_goes_within_ten_minutes_rings_nothing():
    burst = totals(errors=60)
    state = watched(known(), [totals(), burst, burst, *[totals()] * 9])
    assert state.alarm is None


def test_the_same_hour_of_a_week_is_asked_and_not_the_quieter_one_before():
    """Monday morning has always been bad: then it is no news."""
    bad = past_of(4, lambda week: totals(3600, 360))
    state = watched(MonitorState(past=bad), [totals(errors=30)] * 12)
    assert state.alarm is None
    state = watched(known(), [totals(errors=30)] * 12)
    assert state.alarm is not None


def test_one_bad_week_of_four_hides_nothing_of_three_it_may_be_usual():
    def one(worst):
        return lambda week: totals(3600, worst if week == 1 else 12)

    at, edges = MONDAY, latency_edges()
    hidden = expected(POLICY, past_of(3, one(1800)), at, edges)
    seen = expected(POLICY, past_of(4, one(1800)), at, edges)
    assert hidden is not None
    assert seen is not None
    assert hidden.errors == pytest.approx(0.51), "of three weeks the worst may be usual"
    assert seen.errors == pytest.approx(12 / 3600 + 0.01)


def test_before_two_weeks_the_same_hour_of_three_days_is_asked_and_before_that_nothing():
    hour = int(MONDAY // HOUR_SECONDS)
    for days, unit in ((2, None), (3, "days"), (6, "days")):
        past = {hour - 24 * day: totals(3600, 12) for day in range(1, days + 1)}
        found = expected(POLICY, past, MONDAY, latency_edges())
        assert (found.unit if found else None) == unit
    state = watched(MonitorState(), [totals(errors=300)] * 12)
    assert state.alarm is None
    assert "Not compared with its past yet" in standing(POLICY, state)


def test_errors_that_nobody_tells_are_unknown_and_are_said():
    lost = Totals(requests=300, errors=None, latency={FAST: 300})
    state = watched(known(), [lost] * LOST_WINDOWS)
    assert state.alarm is None
    assert "not been told for 60 minutes" in standing(POLICY, state)
    state = watched(state, [totals(errors=150)] * 12, state.seen_until)
    assert state.alarm is not None


def test_eight_weeks_are_remembered_and_no_more():
    old = int(MONDAY // HOUR_SECONDS) - (WEEKS * WEEK_SECONDS) // HOUR_SECONDS - 2
    state = watched(MonitorState(past=past_of(WEEKS) | {old: totals()}), [totals()])
    assert set(state.past) == {*past_of(WEEKS), int(MONDAY // HOUR_SECONDS)}


def test_another_champion_begins_without_evidence_and_with_the_service_s_past():
    state = watched(known(), [totals(errors=150)] * 12)
    assert state.alarm is not None
    other = of_version(state, "v2")
    assert (other.alarm, other.version) == (None, "v2")
    assert other.past == state.past
    assert of_version(state, "v1") is state


def test_a_window_that_was_seen_is_refused():
    state = watched(known(), [totals()])
    with pytest.raises(ValueError, match="seen already"):
        observe(POLICY, state, MONDAY, totals())


def test_the_state_is_plain_json():
    state = watched(known(), [totals(errors=150)] * 12)
    assert MonitorState.model_validate_json(state.model_dump_json()) == state


@given(
    shares=st.lists(st.floats(0.0, 1.0), min_size=2, max_size=30),
    weights=st.lists(st.floats(0.01, 1.0), min_size=30, max_size=30),
    slack=st.floats(0.0, 1.0),
)
def test_an_e_value_expects_at_most_one_whatever_the_shares_law_is(shares, weights, slack):
    """Any law whose mean is at most the bound: requests may depend on each other as they like."""
    chance = np.array(weights[: len(shares)]) / sum(weights[: len(shares)])
    mean = float(chance @ np.array(shares))
    bound = max(mean + slack * (1.0 - mean), 1e-6)
    e = e_values(np.array(shares), np.full(len(shares), bound))
    assert (e >= 0).all()
    assert (chance @ e <= 1.0 + 1e-9).all()


def test_false_alarms_are_as_rare_as_promised_where_the_share_is_just_as_large_as_the_bound():
    """The hardest case, all requests of a window failing together: ten a year are promised."""
    rng = np.random.default_rng(7)
    threshold, windows, runs = 300.0, 6000, 400
    evidence = np.zeros((runs, 2, 3))
    alarms = 0
    known_streams = np.ones((runs, 2), bool)
    for _ in range(windows):
        together = (rng.random((runs, 2)) < 0.05).astype(float)
        evidence = grown(evidence, e_values(together, np.full((runs, 2), 0.05)), known_streams)
        rang = total(evidence) >= threshold
        alarms += int(rang.sum())
        evidence[rang] = 0.0
    assert alarms / runs <= windows / threshold
    assert alarms > 0
