"""Laws of the decision to scale, and the documented examples."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.autoscaling.decide import (
    AT_DESIRED,
    AT_MAX,
    AT_MIN,
    COOLING,
    UNMEASURED,
    Decision,
    Past,
    Situation,
    Step,
    StepPolicy,
    adjusted,
    proportional,
    step,
    step_for,
    track_in,
    track_out,
)

NOW = 10_000.0
VALUES = st.floats(0, 1e6, allow_nan=False)
TARGETS = st.floats(0.5, 1e4, allow_nan=False)
TIMES = st.one_of(st.just(-math.inf), st.floats(0, NOW, allow_nan=False))


@st.composite
def situations(draw):
    low = draw(st.integers(1, 20))
    high = draw(st.integers(low, 40))
    return Situation(
        current=draw(st.integers(low, high)),
        low=low,
        high=high,
        now=NOW,
        past=Past(draw(TIMES), draw(st.integers(1, 20)), draw(TIMES)),
        out_cooldown=draw(st.floats(0, 1000, allow_nan=False)),
        in_cooldown=draw(st.floats(0, 1000, allow_nan=False)),
    )


@st.composite
def points(draw):
    values = draw(st.lists(VALUES, min_size=0, max_size=15))
    return [(NOW - 60.0 * (len(values) - i), value) for i, value in enumerate(values)]


@st.composite
def policies(draw):
    """Steps from minus to plus infinity, without gaps."""
    edges = sorted(draw(st.sets(st.integers(-50, 50), min_size=1, max_size=5)))
    bounds = [-math.inf, *map(float, edges), math.inf]
    kind = draw(st.sampled_from(["ChangeInCapacity", "PercentChangeInCapacity", "ExactCapacity"]))
    amounts = st.integers(0 if kind == "ExactCapacity" else -300, 300)
    steps = [Step(a, b, draw(amounts)) for a, b in pairwise(bounds)]
    return StepPolicy(kind, tuple(steps), draw(st.integers(0, 5)))


@given(situations(), points(), TARGETS)
def test_scaling_out_stays_within_bounds_and_takes_nothing_away(at, measured, target):
    decision = track_out(measured, target, at)
    assert at.current <= decision.capacity <= max(at.current, at.high)
    assert bool(decision.reason) == (decision.capacity == at.current)


@given(situations(), points(), TARGETS)
def test_scaling_in_stays_within_bounds_and_adds_nothing(at, measured, target):
    decision = track_in(measured, target, at)
    assert min(at.current, at.low) <= decision.capacity <= at.current
    assert bool(decision.reason) == (decision.capacity == at.current)


@given(situations(), TARGETS, VALUES, VALUES)
def test_more_load_never_means_fewer_instances(at, target, one, other):
    less, more = sorted((one, other))
    for track in (track_out, track_in):
        low = track([(NOW, less)], target, at).capacity
        high = track([(NOW, more)], target, at).capacity
        assert low <= high


@given(situations(), TARGETS, VALUES, st.integers(0, 100))
def test_a_larger_breach_never_means_fewer_instances(at, target, base, more):
    steps = (Step(0, 10, 1), Step(10, 20, 2), Step(20, math.inf, 5))
    policy = StepPolicy("ChangeInCapacity", steps)
    breach = base % 30
    assert (
        step(breach, above=True, policy=policy, at=at).capacity
        <= step(breach + more, above=True, policy=policy, at=at).capacity
    )


@given(situations(), points(), TARGETS, policies(), st.floats(-100, 100), st.booleans())
def test_nothing_is_scaled_in_within_a_cool_down(at, measured, target, policy, breach, above):
    decisions = [
        track_in(measured, target, at),
        step(breach, above=above, policy=policy, at=at),
    ]
    ends = (at.past.in_ended + at.in_cooldown, at.past.out_ended + at.out_cooldown)
    if max(ends) > NOW:
        assert all(decision.capacity >= at.current for decision in decisions)


@given(situations(), policies(), st.floats(-100, 100), st.booleans())
def test_steps_stay_within_bounds(at, policy, breach, above):
    decision = step(breach, above=above, policy=policy, at=at)
    assert at.low <= decision.capacity <= at.high


@given(st.integers(1, 20), VALUES, TARGETS)
def test_scaling_out_is_proportional(current, value, target):
    at = Situation(current, 1, 10**9, NOW)
    capacity = track_out([(NOW, value)], target, at).capacity
    assert capacity == max(current, proportional(current, value, target))
    # As many as bring each down to the target, and not one more.
    load = current * value
    assert load <= capacity * target * (1 + 1e-6) + 1e-6
    if capacity > current:
        assert load > (capacity - 1) * target * (1 - 1e-6)


@given(st.integers(2, 40), st.lists(VALUES, min_size=1, max_size=15), TARGETS)
def test_scaling_in_leaves_no_minute_of_the_window_above_the_target(current, values, target):
    at = Situation(current, 1, 40, NOW)
    decision = track_in([(NOW, value) for value in values], target, at)
    if decision.capacity < current:
        assert max(values) * current <= decision.capacity * target * (1 + 1e-6) + 1e-6


@given(situations(), TARGETS, st.floats(0, NOW - 1, allow_nan=False), VALUES)
def test_what_was_measured_before_the_last_change_does_not_scale_in(at, target, ago, value):
    if ago < at.past.settled:
        assert track_in([(ago, value)], target, at).capacity == at.current


@pytest.mark.parametrize(
    ("current", "value", "target", "capacity"),
    [(1, 210.0, 70.0, 3), (1, 211.0, 70.0, 4), (2, 105.0, 70.0, 3), (1, 0.3, 0.1, 3)],
)
def test_exact_multiples_of_the_target(current, value, target, capacity):
    assert track_out([(NOW, value)], target, Situation(current, 1, 10, NOW)) == Decision(capacity)


def test_the_reasons():
    def at(current, **more):
        return Situation(current, 2, 4, NOW, **more)

    assert track_out([(NOW, 99.0)], 1.0, at(4)) == Decision(4, AT_MAX)
    assert track_in([(NOW, 0.0)], 1.0, at(2)) == Decision(2, AT_MIN)
    assert track_in([(NOW, 0.95)], 1.0, at(3)) == Decision(3, AT_DESIRED)
    assert track_in([(NOW, 0.0)], 1.0, at(3, past=Past(in_ended=NOW - 9))) == Decision(3, COOLING)
    assert track_in([], 1.0, at(3)) == Decision(3, UNMEASURED)
    old = Past(in_ended=NOW - 400)
    assert track_out([(NOW - 500, 99.0)], 1.0, at(3, past=old)) == Decision(3, UNMEASURED)


def test_only_a_larger_scale_out_adds_within_the_cool_down():
    """It began at one; what it has added counts for the next."""
    at = Situation(3, 1, 10, NOW, Past(out_ended=NOW - 10, out_from=1))
    assert track_out([(NOW - 60, 210.0)], 70.0, at) == Decision(3, AT_DESIRED)
    assert track_out([(NOW - 60, 350.0)], 70.0, at) == Decision(5)
    undone = Situation(1, 1, 10, NOW, Past(out_ended=NOW - 10, out_from=2))
    assert track_out([(NOW - 60, 210.0)], 70.0, undone) == Decision(3)
    over = Situation(3, 1, 10, NOW, Past(out_ended=NOW - 310, out_from=1))
    assert track_out([(NOW - 60, 105.0)], 70.0, over) == Decision(5)
    # "If another alarm triggers a scale-out during the scale-in cooldown, it scales out at once."
    shrunk = Situation(3, 1, 10, NOW, Past(in_ended=NOW - 60))
    assert track_out([(NOW - 60, 140.0)], 70.0, shrunk) == Decision(6)


@pytest.mark.parametrize(
    ("breach", "above", "adjustment"),
    [(0, True, 1), (9.9, True, 1), (10, True, 2), (-1, True, None)],
)
def test_steps_above_a_threshold_include_their_lower_bound(breach, above, adjustment):
    steps = (Step(0, 10, 1), Step(10, math.inf, 2))
    found = step_for(breach, steps, above=above)
    assert (found and found.adjustment) == adjustment


@pytest.mark.parametrize(("breach", "adjustment"), [(0, -1), (-9.9, -1), (-10, -2), (1, None)])
def test_steps_below_a_threshold_include_their_upper_bound(breach, adjustment):
    steps = (Step(-10, 0, -1), Step(-math.inf, -10, -2))
    found = step_for(breach, steps, above=False)
    assert (found and found.adjustment) == adjustment


@pytest.mark.parametrize(
    ("capacity", "adjustment", "least", "after"),
    [
        (4, 25, 2, 6),  # the documented example of MinAdjustmentMagnitude
        (4, 10, 0, 5),
        (10, 127, 0, 22),
        (10, -67, 0, 4),
        (3, -10, 0, 2),
        (10, 0, 3, 10),
        (2, -300, 0, 0),
    ],
)
def test_percentages_are_rounded_towards_zero_but_to_one_at_least(
    capacity, adjustment, least, after
):
    assert adjusted(capacity, "PercentChangeInCapacity", adjustment, least) == after


def test_a_larger_step_within_the_cool_down_counts_what_was_added():
    """The alarm first asked for two more, now for three more: one is added."""
    policy = StepPolicy("ChangeInCapacity", (Step(0, 10, 2), Step(10, math.inf, 3)))
    at = Situation(3, 1, 10, NOW, Past(out_ended=NOW - 10, out_from=1))
    assert step(15.0, above=True, policy=policy, at=at) == Decision(4)
    assert step(5.0, above=True, policy=policy, at=at) == Decision(3, AT_DESIRED)


def test_exact_capacity_goes_both_ways():
    policy = StepPolicy("ExactCapacity", (Step(-math.inf, 0, 2), Step(0, math.inf, 6)))
    at = Situation(4, 1, 5, NOW)
    assert step(1.0, above=True, policy=policy, at=at) == Decision(5)
    assert step(-1.0, above=False, policy=policy, at=at) == Decision(2)
