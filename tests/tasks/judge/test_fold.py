"""The fold: deterministic, restartable at any window, and true to corrections."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tasks.judge import (
    ArmCounts,
    Arms,
    JudgePolicy,
    JudgeState,
    Window,
    judge,
    judge_many,
    observe,
    observe_many,
    verdict,
)
from tests.tasks.judge.traffic import steered, window

POLICY = JudgePolicy(latency_edges=(50, 100, 200, 400), prediction_bins=3, revision_windows=3)
BINS = st.integers(0, 6)
COUNTS = st.builds(
    lambda latency, predictions, errors: ArmCounts(
        requests=sum(latency),
        errors=min(errors, sum(latency)),
        latency=latency,
        predictions=predictions,
    ),
    latency=st.tuples(BINS, BINS, BINS, BINS, BINS),
    predictions=st.tuples(BINS, BINS, BINS),
    errors=st.integers(0, 3),
)
SHARES = st.sampled_from((0.0, 0.05, 0.1, 0.33, 0.9))


@st.composite
def feeds(draw):
    cells = draw(st.lists(st.tuples(SHARES, COUNTS, COUNTS), min_size=2, max_size=8))
    return [
        Window(t0=10.0 * i, t1=10.0 * i + 10, weight=weight, canary=canary, stable=stable)
        for i, (weight, canary, stable) in enumerate(cells)
    ]


def fold(windows, state=None):
    state = state or JudgeState.start(POLICY)
    for item in windows:
        state = observe(state, item)
    return state


FORMER = {
    "non_inferiority": "proof",
    "warm_up_non_inferiority": "warm_proof",
    "watch_non_inferiority": "watch_proof",
    "step": "rung",
    "step_since": "rung_since",
    "canary_active": "canary_seen",
    "observed": "told",
}


@settings(max_examples=5, deadline=None)
@given(feeds())
def test_a_state_stored_with_the_former_keys_goes_on_alike(windows):
    cut = len(windows) // 2
    document = fold(windows[:cut]).to_json()
    assert set(FORMER) < set(document["settled"])
    document["settled"] = {FORMER.get(key, key): v for key, v in document["settled"].items()}
    again = fold(windows[cut:], JudgeState.from_json(json.loads(json.dumps(document))))
    assert again.to_json() == fold(windows).to_json()


@settings(max_examples=15, deadline=None)
@given(feeds(), st.data())
def test_a_restart_at_any_window_changes_nothing(windows, data):
    cut = data.draw(st.integers(0, len(windows)))
    carried = json.loads(json.dumps(fold(windows[:cut]).to_json(), allow_nan=False))
    again = fold(windows[cut:], JudgeState.from_json(carried))
    assert verdict(again) == verdict(fold(windows))
    assert again.to_json() == fold(windows).to_json()


def assert_corrected(before, window, orderly):
    """After this window all is as if it had come in order, but for an outcome that was given."""
    corrected = fold([window], before)
    if before.standing is None:
        assert verdict(corrected) == verdict(orderly)
    else:
        assert corrected.standing == before.standing


@settings(max_examples=15, deadline=None)
@given(feeds(), st.data())
def test_a_correction_that_comes_in_time_is_as_if_it_had_always_been_there(windows, data):
    late = data.draw(st.integers(max(0, len(windows) - 3), len(windows) - 1))
    wrong = windows[late].model_copy(update={"canary": ArmCounts(), "stable": ArmCounts()})
    before = fold([*windows[:late], wrong, *windows[late + 1 :]])
    assert_corrected(before, windows[late], fold(windows))


@settings(max_examples=15, deadline=None)
@given(feeds(), st.data())
def test_a_window_that_comes_late_takes_its_place(windows, data):
    late = data.draw(st.integers(max(0, len(windows) - 3), len(windows) - 1))
    assert_corrected(fold([*windows[:late], *windows[late + 1 :]]), windows[late], fold(windows))


def test_a_correction_that_comes_too_late_is_refused_and_counted():
    rng = np.random.default_rng(1)
    policy = JudgePolicy(revision_windows=2)
    windows = [window(rng, 10.0 * i, 0.05) for i in range(5)]
    state = JudgeState.start(policy)
    for item in windows:
        state = observe(state, item)
    worse = windows[0].model_copy(update={"canary": ArmCounts(requests=5, errors=5)})
    again = observe(state, worse)
    assert again.refused == 1
    assert verdict(again) == verdict(state)


def test_a_window_told_twice_counts_once():
    rng = np.random.default_rng(2)
    windows = [window(rng, 10.0 * i, 0.1, errors=0.3) for i in range(4)]
    twice = [item for item in windows for _ in range(2)]
    assert judge(JudgePolicy(), twice) == judge(JudgePolicy(), windows)


def test_no_correction_takes_a_rollback_back():
    rng = np.random.default_rng(3)
    state = JudgeState.start(JudgePolicy())
    broken = window(rng, 0.0, 0.33, errors=1.0)
    state = observe(state, broken)
    assert verdict(state).action == "rollback"
    healthy = window(rng, 0.0, 0.33)
    after = observe(state, healthy)
    assert verdict(after).action == "rollback"
    carried = JudgeState.from_json(json.loads(json.dumps(after.to_json())))
    assert verdict(carried).action == "rollback"
    assert verdict(carried).weight == 0.0


def test_windows_must_not_overlap():
    rng = np.random.default_rng(4)
    state = observe(JudgeState.start(JudgePolicy()), window(rng, 0.0, 0.1))
    with pytest.raises(ValueError, match="overlap"):
        observe(state, window(rng, 5.0, 0.1))


def test_side_by_side_is_the_same_as_one_by_one():
    rng = np.random.default_rng(5)
    policy = JudgePolicy()
    releases = [
        [window(rng, 10.0 * i, 0.0 if i < 3 else 0.2, errors=errors) for i in range(length)]
        for length, errors in ((12, 0.005), (20, 0.3), (5, 0.005), (16, 0.02))
    ]
    releases.append([])
    releases.append([*releases[0], releases[0][-1]])  # told twice
    together = judge_many(policy, releases)
    for ours, windows in zip(together, releases, strict=True):
        alone = judge(policy, windows)
        assert (ours.action, ours.weight, ours.reason, ours.at) == (
            alone.action,
            alone.weight,
            alone.reason,
            alone.at,
        )
        assert ours.log_evidence == pytest.approx(alone.log_evidence, abs=1e-9)


def test_steered_side_by_side_is_the_same_as_one_by_one():
    rng = np.random.default_rng(10)
    policy = JudgePolicy(revision_windows=3)
    feeds = [
        [window(rng, 10.0 * i, 0.0 if i < 3 else 0.2, errors=errors) for i in range(8)]
        for errors in (0.005, 0.3, 0.02)
    ]
    # One corrects its third window at the end, one has its fifth come late.
    feeds[0].append(window(rng, 70.0, 0.2, errors=0.5))
    feeds[1].insert(5, feeds[1].pop(4))
    feeds[1].append(window(rng, 80.0, 0.2))
    feeds[2].append(feeds[2][-1])
    together = [JudgeState.start(policy)] * 3
    alone = list(together)
    for told in zip(*feeds, strict=True):
        together = observe_many(together, told)
        alone = [observe(state, item) for state, item in zip(alone, told, strict=True)]
    for ours, one in zip(together, alone, strict=True):
        assert verdict(ours).reason == verdict(one).reason
        assert verdict(ours).log_evidence == pytest.approx(verdict(one).log_evidence, abs=1e-9)
        assert [item for item, _ in ours.windows] == [item for item, _ in one.windows]
        assert len(ours.windows) == 3


def test_releases_side_by_side_share_a_policy():
    rng = np.random.default_rng(11)
    states = [JudgeState.start(JudgePolicy(alpha=alpha)) for alpha in (0.01, 0.02)]
    with pytest.raises(ValueError, match="one policy"):
        observe_many(states, [window(rng, 0.0, 0.1)] * 2)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 30), st.integers(20, 80), st.integers(0, 8), st.data())
def test_evidence_grows_with_every_error_that_moves_to_the_canary(ours, theirs, bad, data):
    hits = data.draw(st.integers(0, min(bad, ours) - 1)) if min(bad, ours) else None
    if hits is None or bad - hits > theirs:
        return

    def evidence(canary_errors):
        arms = (ours, canary_errors), (theirs, bad - canary_errors)
        canary, stable = (ArmCounts(requests=n, errors=x) for n, x in arms)
        item = Window(t0=0, t1=10, weight=0.1, canary=canary, stable=stable)
        return judge(POLICY, [item]).log_evidence

    assert evidence(hits + 1) > evidence(hits)


def test_a_shared_incident_says_nothing_about_the_canary():
    rng = np.random.default_rng(6)
    windows = [window(rng, 10.0 * i, 0.0) for i in range(30)]
    windows += [window(rng, 300 + 10.0 * i, 0.33, stable_errors=0.4, slower=1.0) for i in range(6)]
    answer = judge(JudgePolicy(), windows)
    assert answer.action == "hold"
    assert "in trouble itself" in answer.reason
    assert answer.log_evidence < 2.0


@pytest.mark.parametrize(
    ("kind", "stream"),
    [
        ({"errors": 0.06}, "errors"),
        ({"slower": 1.6}, "latency"),
        ({"slower": 5.0}, "latency"),
        ({"shift": 0.5}, "predictions"),
        ({"shift": -0.5}, "predictions"),
    ],
)
def test_each_fault_is_found_in_its_own_stream(kind, stream):
    _, state = steered(JudgePolicy(), np.random.default_rng(7), **kind)
    answer = verdict(state)
    assert answer.action == "rollback"
    assert stream in answer.reason
    assert answer.weight == 0.0
    assert answer.log_evidence >= answer.log_threshold


def test_a_good_version_climbs_every_step_and_is_promoted():
    policy = JudgePolicy(watch_seconds=300)
    windows, state = steered(policy, np.random.default_rng(8), rate=30.0)
    answer = verdict(state)
    assert answer.action == "promote"
    assert answer.weight == 1.0
    seen = sorted({item.weight for item in windows})
    assert seen in ([0.0, *policy.ladder], [0.0, *policy.ladder[1:]])
    assert all(margin.proven <= margin.tolerance for margin in answer.margins)


def test_segments_are_judged_on_their_own():
    policy = JudgePolicy(segments=("de", "fr"))
    rng = np.random.default_rng(9)
    state = JudgeState.start(policy)
    for step in range(40):
        whole = window(rng, 10.0 * step, 0.2, rate=30.0)
        # One segment in ten requests, and all the canary's errors are in it.
        bad = Arms(canary=ArmCounts(requests=6, errors=2), stable=ArmCounts(requests=24, errors=0))
        state = observe(state, whole.model_copy(update={"segments": {"fr": bad}}))
        if verdict(state).action == "rollback":
            break
    assert "segment fr" in verdict(state).reason


def test_counts_that_do_not_fit_are_refused():
    with pytest.raises(ValidationError, match="exceed"):
        ArmCounts(requests=1, errors=2)
    with pytest.raises(ValidationError, match="come together"):
        ArmCounts(requests=3, users=2)
    with pytest.raises(ValidationError, match="after t0"):
        Window(t0=1, t1=1, weight=0.1)
    odd = Window(t0=0, t1=1, weight=0.1, canary=ArmCounts(requests=3, latency=(1, 2)))
    with pytest.raises(ValueError, match="2 latency counts"):
        judge(JudgePolicy(), [odd])
