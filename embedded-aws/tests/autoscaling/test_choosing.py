"""Of several policies, the one that is followed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.autoscaling.choosing import Proposal, choose
from embedded_aws.autoscaling.decide import AT_DESIRED, AT_MAX, AT_MIN, COOLING, Decision

CURRENT = 4


def proposal(capacity, *, tracking=True, reason=""):
    return Proposal(Decision(capacity, reason), f"to {capacity}", tracking)


@given(
    st.lists(st.tuples(st.integers(1, 9), st.booleans()), max_size=5),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_the_largest_capacity_that_is_allowed(wanted, unready, no_out, no_in):
    proposals = [
        proposal(n, tracking=tracking, reason=AT_DESIRED if n == CURRENT else "")
        for n, tracking in wanted
    ]
    chosen = choose(proposals, CURRENT, unready=unready, no_out=no_out, no_in=no_in)
    largest = max((n for n, _ in wanted), default=CURRENT)
    if chosen is None:
        return
    assert chosen in proposals
    assert chosen.decision.capacity <= largest
    if largest > CURRENT:  # nothing is taken away while a policy asks for more
        assert chosen.decision.capacity >= CURRENT
        assert no_out or chosen.decision.capacity == largest
    if chosen.decision.capacity < CURRENT:
        assert not no_in
        assert not (chosen.tracking and unready)


def test_tracking_scales_in_only_when_all_of_it_is_ready():
    ready = [proposal(1), proposal(3)]
    assert choose(ready, CURRENT, unready=False).decision.capacity == 3
    assert choose(ready, CURRENT, unready=True) is None
    waiting = [proposal(1), proposal(CURRENT, reason=COOLING)]
    assert choose(waiting, CURRENT, unready=False) is None
    steps = [proposal(2, tracking=False), proposal(1)]
    assert choose(steps, CURRENT, unready=True).decision.capacity == 2


@pytest.mark.parametrize(
    ("reason", "suspended", "told"),
    [
        (AT_MAX, {}, True),
        (AT_MAX, {"no_out": True}, False),
        (AT_MIN, {"no_in": True}, False),
        (AT_MIN, {"no_out": True}, True),
        (COOLING, {}, False),
    ],
)
def test_what_is_told_of_those_that_change_nothing(reason, suspended, told):
    one = proposal(CURRENT, reason=reason)
    assert choose([one], CURRENT, unready=False, **suspended) == (one if told else None)
