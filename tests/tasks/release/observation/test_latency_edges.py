"""Where a release counts latencies, from what the stable version did lately."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.judge import JudgePolicy
from tasks.judge.latency_bins import compared_edges
from tasks.release.observation.latency_edges import (
    FIRST_MS,
    LAST_MS,
    LEVELS,
    MOST,
    ROOM,
    placed,
    questions,
)
from tasks.release.observation.windows import bins

TIMES = st.lists(st.floats(0.0, 1e6), max_size=24)
QUANTILES = st.dictionaries(st.sampled_from(LEVELS), TIMES)


def test_the_range_is_the_judges_own():
    edges = JudgePolicy().latency_edges
    assert pytest.approx(edges[0], rel=1e-4) == FIRST_MS
    assert pytest.approx(edges[-1], rel=1e-4) == LAST_MS


@given(QUANTILES)
def test_edges_climb_over_the_whole_range_and_are_never_too_many(quantiles):
    edges = placed(quantiles)
    assert all(second > first for first, second in pairwise(edges))
    assert FIRST_MS * 0.99 <= edges[0] <= FIRST_MS * 1.25
    assert LAST_MS / 1.25 <= edges[-1] <= LAST_MS * 1.01
    assert len(edges) <= MOST + 70
    assert max(second / first for first, second in pairwise(edges)) < 1.25**2
    assert JudgePolicy(latency_edges=edges).compared_edges == compared_edges(edges)


@given(QUANTILES)
def test_neighbours_stay_apart_once_cloudwatch_is_asked(quantiles):
    asked = bins([edge * 1000.0 for edge in placed(quantiles)])
    assert len(set(asked)) == len(asked)
    for low, high in (one[3:-1].split(":") for one in asked[1:-1]):
        assert float(low) < float(high)


@given(st.floats(0.2, 2_000.0), st.floats(1.0, 8.0), st.floats(0.6, 1.6))
def test_the_last_hours_quantiles_are_edges_and_bins_around_every_hour_are_narrow(
    p50, spread, then
):
    hours = {"p50": (p50 * then, p50), "p90": (p50 * then, p50 * spread**0.5),
             "p99": (p50 * then * spread, p50 * spread)}  # fmt: skip
    edges = placed(hours)
    for level in LEVELS:
        assert any(edge == pytest.approx(hours[level][-1], abs=1e-6) for edge in edges)
    values = [value for told in hours.values() for value in told]
    low, high = min(values) / ROOM, max(values) * ROOM
    narrow = [b / a for a, b in pairwise(edges) if a >= low and b <= high]
    assert max(narrow) < 1.06


def test_without_a_history_bins_are_equally_narrow_everywhere():
    edges = placed({})
    assert max(b / a for a, b in pairwise(edges)) < 1.1
    assert 2 * (len(edges) + 1) < 400
    assert placed({"p50": (0.0,), "p99": (1e9,)}) == edges, "neither can be a latency"


def test_questions_are_named_by_their_level():
    asked = questions("AWS/SageMaker", "ModelLatency", {"VariantName": "v1"})
    assert [one["Id"] for one in asked] == list(LEVELS)
    assert [one["MetricStat"]["Stat"] for one in asked] == list(LEVELS)
    assert {one["MetricStat"]["Period"] for one in asked} == {3600}
