"""The tables of "How alarm state is evaluated when data is missing", and laws about the rest."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.cloudwatch.alarms.decide import EXTRA, decide

SIGNS = {"0": False, "X": True, "-": None}
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
KEEP = None


def states(drawn, periods, datapoints):
    points = [SIGNS[sign] for sign in drawn.split()]
    return tuple(decide(points, periods, datapoints, t).state for t in TREATMENTS)


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        ("0 - X - X", ("OK", "OK", "OK", "OK")),
        ("0 - - - -", ("OK", "OK", "OK", "OK")),
        ("- - - - -", ("INSUFFICIENT_DATA", KEEP, "ALARM", "OK")),
        ("0 X X - X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("- - - - X", ("INSUFFICIENT_DATA", KEEP, "ALARM", "OK")),
        ("X - - - -", ("ALARM", KEEP, "ALARM", "OK")),
        ("- - X - -", ("ALARM", KEEP, "ALARM", "OK")),
    ],
)
def test_three_out_of_three(drawn, expected):
    assert states(drawn, 3, 3) == expected


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        ("0 - X - X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("0 0 X 0 X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("0 - X - -", ("OK", "OK", "ALARM", "OK")),
        ("- - - - 0", ("OK", "OK", "ALARM", "OK")),
        ("- - - - X", ("INSUFFICIENT_DATA", KEEP, "ALARM", "OK")),
        ("- - - X -", ("ALARM", KEEP, "ALARM", "OK")),
    ],
)
def test_two_out_of_three(drawn, expected):
    assert states(drawn, 3, 2) == expected


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        ("- - X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("- - 0", ("OK", "OK", "OK", "OK")),
        ("X 0 -", ("OK", "OK", "OK", "OK")),
        ("0 X -", ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("- - -", ("INSUFFICIENT_DATA", KEEP, "ALARM", "OK")),
    ],
)
def test_one_out_of_one_looks_back_for_a_real_datapoint(drawn, expected):
    assert states(drawn, 1, 1) == expected


points = st.sampled_from([True, False, None])


@st.composite
def situations(draw):
    periods = draw(st.integers(1, 5))
    datapoints = draw(st.integers(1, periods))
    drawn = draw(st.lists(points, min_size=periods + EXTRA, max_size=periods + EXTRA))
    return drawn, periods, datapoints


@given(situations())
def test_without_missing_data_the_treatment_does_not_matter(situation):
    drawn, periods, datapoints = situation
    if sum(p is not None for p in drawn) >= periods:
        decisions = {decide(drawn, periods, datapoints, t).state for t in TREATMENTS}
        assert len(decisions) == 1
        recent = [p for p in drawn if p is not None][-periods:]
        assert decisions == {"ALARM" if sum(recent) >= datapoints else "OK"}


@given(situations())
def test_breaching_is_the_strictest_and_not_breaching_the_mildest(situation):
    strict = decide(*situation, "breaching").state
    mild = decide(*situation, "notBreaching").state
    if mild == "ALARM":
        assert all(decide(*situation, t).state == "ALARM" for t in TREATMENTS)
    if strict == "OK":
        assert all(decide(*situation, t).state == "OK" for t in TREATMENTS)


@given(situations(), st.data())
def test_one_more_breach_never_calms_an_alarm(situation, data):
    drawn, periods, datapoints = situation
    place = data.draw(st.sampled_from(range(len(drawn))))
    if drawn[place] is not False:
        return
    worse = [True if i == place else p for i, p in enumerate(drawn)]
    for treatment in TREATMENTS:
        if decide(drawn, periods, datapoints, treatment).state == "ALARM":
            assert decide(worse, periods, datapoints, treatment).state == "ALARM"


def test_only_real_datapoints_are_judged():
    for drawn in itertools.product([True, False, None], repeat=4):
        decision = decide(drawn, 2, 1, "missing")
        assert all(drawn[i] is not None for i in decision.judged)
        assert len(decision.judged) <= 2
        assert list(decision.judged) == sorted(decision.judged, reverse=True)
