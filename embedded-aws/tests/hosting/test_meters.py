from __future__ import annotations

import time
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.clock import Clock
from embedded_aws.hosting.meters import Meters, coarse, slot_width


class Sink:
    def __init__(self):
        self.rows = defaultdict(list)
        self.units = {}

    def record(self, namespace, name, dimensions, values, unit="None", timestamp=None):
        assert namespace == "AWS/SageMaker"
        self.rows[dimensions["VariantName"], name] += values
        self.units[name] = unit
        self.at = timestamp


@given(st.integers(0, 10**9))
def test_rounding_errs_by_half_a_percent_at_most(value):
    rounded = coarse(value)
    assert abs(rounded - value) <= 0.005 * value
    assert coarse(rounded) == rounded
    assert len(str(rounded).rstrip("0")) <= 3


@given(st.floats(0.1, 10_000))
def test_slots_never_straddle_a_minute(scale):
    width = slot_width(scale)
    assert 60 % width == 0
    assert width >= min(60, scale / 4)


def test_one_request_of_each_kind():
    sink = Sink()
    meters = Meters(Clock(), sink)
    meter = meters.of("e", "v")
    meter.observe(200, 4, 1_000, 1_250)
    meter.observe(404, 4, 2_000, 2_100)
    meter.observe(500, 4, 3_000, 3_100)
    meter.observe(0, 4, None, 700)  # no answer at all
    meters.of("e", "other").observe(200, 1, 5, 6)
    meters.flush()

    def of(name):
        return sorted(sink.rows["v", name])

    assert of("Invocations") == [(1.0, 4)]
    assert of("InvocationsPerInstance") == [(0.25, 4)]
    assert of("Invocation4XXErrors") == [(0.0, 3.0), (1.0, 1.0)]
    assert of("Invocation5XXErrors") == [(0.0, 2.0), (1.0, 2.0)]
    assert of("InvocationModelErrors") == [(0.0, 1.0), (1.0, 3.0)]
    assert of("ModelLatency") == [(1000, 1), (2000, 1), (3000, 1)]
    assert of("OverheadLatency") == [(100, 2), (250, 1), (700, 1)]
    assert sink.units["ModelLatency"] == sink.units["OverheadLatency"] == "Microseconds"
    assert sink.units["Invocations"] == "Count"
    assert sink.rows["other", "Invocations"] == [(1.0, 1)]
    assert sink.rows["other", "Invocation5XXErrors"] == [(0.0, 1.0)]
    assert sink.at == pytest.approx(time.time(), abs=3)
    assert sink.at == int(sink.at)

    sink.rows.clear()
    meters.flush()
    assert not sink.rows, "nothing is published twice"


def test_deleted_endpoint_is_published_a_last_time_and_forgotten():
    sink = Sink()
    meters = Meters(Clock(), sink)
    old = meters.of("e", "v")
    old.observe(200, 1, 1, 1)
    meters.of("f", "v").observe(200, 1, 1, 1)
    meters.forget("e")
    assert sink.rows["v", "Invocations"] == [(1.0, 1), (1.0, 1)]
    assert meters.of("e", "v") is not old


class StoppedClock:
    scale = 1.0

    def __init__(self):
        self.time = 6_000_000.0

    def now(self):
        return self.time


def test_a_minute_without_requests_is_told_of_variants_that_scale():
    """With no traffic at all they could not scale in otherwise."""
    clock, sink = StoppedClock(), Sink()
    meters = Meters(clock, sink)
    meters.scaled = frozenset({("e", "v")})
    meter, other = meters.of("e", "v"), meters.of("e", "other")
    zeros = sink.rows["v", "InvocationsPerInstance"]
    meters.flush()
    assert zeros == []  # nothing is known of the time before the first look
    clock.time += 30
    meter.observe(200, 1, 5, 6)
    other.observe(200, 1, 5, 6)
    clock.time += 60
    meters.flush()
    assert zeros == [(1.0, 1)]  # a minute with a request has none
    clock.time += 120
    meters.flush()
    meters.flush()
    assert zeros == [(1.0, 1), (0.0, 1.0), (0.0, 1.0)]
    assert sink.units["InvocationsPerInstance"] == "Count"
    assert sink.rows["other", "InvocationsPerInstance"] == [(1.0, 1)]
    # Time in which it did not scale is not made up for.
    meters.scaled = frozenset()
    clock.time += 600
    meters.flush()
    meters.scaled = frozenset({("e", "v")})
    clock.time += 60
    meters.flush()
    assert zeros.count((0.0, 1.0)) == 3
