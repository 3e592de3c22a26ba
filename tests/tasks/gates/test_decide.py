import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import GateRejected, GateUndecided
from tasks.gates.decide import decide, require_pass
from tasks.metrics import METRICS
from tasks.model_spec import GateSpec

MAE = GateSpec(metric="mae", at_most=100.0, no_worse_than_champion=0.05)
ACCURACY = GateSpec(metric="accuracy", at_least=0.85, no_worse_than_champion=0.0)
FINITE = st.floats(min_value=0.001, max_value=1e6)


@given(value=FINITE, champion=FINITE)
def test_the_verdict_is_the_bounds_and_nothing_else(value, champion):
    verdict = decide("m", (MAE,), {"mae": value}, {"mae": champion}, {})
    assert (verdict.outcome == "pass") == (value <= 100.0 and value <= champion + 0.05 * champion)


@given(value=st.floats(0, 1), champion=st.floats(0, 1))
def test_a_metric_with_a_lower_bound_is_better_when_higher(value, champion):
    verdict = decide("m", (ACCURACY,), {"accuracy": value}, {"accuracy": champion}, {})
    assert (verdict.outcome == "pass") == (value >= 0.85 and value >= champion)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None])
def test_what_was_not_measured_is_an_error_and_never_a_pass(value):
    metrics = {} if value is None else {"mae": value}
    assert decide("m", (MAE,), metrics, None, {}).outcome == "error"


def test_a_champion_that_was_not_measured_is_an_error():
    verdict = decide("m", (MAE,), {"mae": 1.0}, {}, {})
    assert verdict.outcome == "error"


def test_the_first_version_has_nothing_to_be_worse_than():
    assert decide("m", (MAE,), {"mae": 1.0}, None, {}).outcome == "pass"


def test_no_gate_is_inconclusive_and_does_not_go_on():
    verdict = decide("m", (), {"mae": 1.0}, None, {})
    assert verdict.outcome == "inconclusive"
    with pytest.raises(GateUndecided, match="inconclusive"):
        require_pass(verdict)


def test_a_rejection_names_the_metric_the_value_and_the_bound():
    verdict = decide("price-estimator", (MAE,), {"mae": 250.0}, None, {})
    with pytest.raises(GateRejected, match=r"mae: 250 \(bound ≤ 100\)"):
        require_pass(verdict)


def test_the_baseline_bounds_too():
    gate = GateSpec(metric="mae", no_worse_than_baseline=0.1)
    assert decide("m", (gate,), {"mae": 109.0}, None, {"mae": 100.0}).outcome == "pass"
    assert decide("m", (gate,), {"mae": 111.0}, None, {"mae": 100.0}).outcome == "fail"
    assert decide("m", (gate,), {"mae": 1.0}, None, {}).outcome == "error"


LOSS = st.floats(0, 0.99)
EVERY = sorted(METRICS)


def size(metric, value):
    """How bad a value is: the smaller, the better."""
    better = METRICS[metric].better if metric in METRICS else metric
    return {"smaller": value, "larger": -value, "zero": abs(value)}[better]


@pytest.mark.parametrize("rival", ["champion", "baseline"])
@pytest.mark.parametrize("metric", EVERY)
@given(value=st.floats(-1e6, 1e6), other=st.floats(-1e6, 1e6), loss=LOSS)
def test_a_candidate_that_is_worse_by_more_than_the_loss_never_passes(
    metric, rival, value, other, loss
):
    gate = GateSpec(metric=metric, **{f"no_worse_than_{rival}": loss})
    rivals = {"champion": {metric: other}, "baseline": {metric: other}}
    verdict = decide("m", (gate,), {metric: value}, **rivals)
    allowed = size(metric, other) + abs(other) * loss
    assert (verdict.outcome == "pass") == (size(metric, value) <= allowed)


@pytest.mark.parametrize("metric", EVERY)
@given(value=st.floats(0.001, 1e3), other=st.floats(0.001, 1e3), power=st.integers(-8, 8))
def test_the_unit_of_a_metric_changes_no_verdict(metric, value, other, power):
    gate = GateSpec(metric=metric, no_worse_than_champion=0.25)
    scale = 2.0**power  # exact, so that rounding decides nothing

    def outcome(by):
        return decide("m", (gate,), {metric: by * value}, {metric: by * other}, {}).outcome

    assert outcome(1.0) == outcome(scale)


@pytest.mark.parametrize("metric", EVERY)
@given(value=st.floats(-1e6, 1e6), other=st.floats(-1e6, 1e6), loss=LOSS)
def test_as_good_as_the_champion_passes(metric, value, other, loss):
    if size(metric, value) <= size(metric, other):
        gate = GateSpec(metric=metric, no_worse_than_champion=loss)
        assert decide("m", (gate,), {metric: value}, {metric: other}, {}).outcome == "pass"


@pytest.mark.parametrize(("better", "worse"), [("smaller", 10.0), ("larger", 0.1), ("zero", -10.0)])
def test_a_metric_of_an_own_program_has_the_direction_that_its_gate_names(better, worse):
    gate = GateSpec(metric="pinball", better=better, no_worse_than_champion=0.05)
    assert decide("m", (gate,), {"pinball": 1.0}, {"pinball": 1.0}, {}).outcome == "pass"
    assert decide("m", (gate,), {"pinball": worse}, {"pinball": 1.0}, {}).outcome == "fail"


def test_a_metric_whose_direction_nobody_named_is_compared_with_nothing():
    gate = GateSpec(metric="pinball", no_worse_than_champion=0.05)
    for value in (0.1, 1.0, 10.0):
        verdict = decide("m", (gate,), {"pinball": value}, {"pinball": 1.0}, {})
        assert verdict.outcome == "error"
        assert "pinball" in verdict.reason


def test_an_upper_bound_does_not_turn_a_metric_around():
    gate = GateSpec(metric="accuracy", at_most=0.99, no_worse_than_champion=0.0)
    assert decide("m", (gate,), {"accuracy": 0.1}, {"accuracy": 0.9}, {}).outcome == "fail"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None])
@pytest.mark.parametrize("metric", EVERY)
def test_a_number_that_is_none_passes_no_gate_of_any_metric(metric, value):
    gate = GateSpec(metric=metric, no_worse_than_champion=0.5, no_worse_than_baseline=0.5)
    told = {"rows": 3.0} if value is None else {metric: value}
    sound = {metric: 1.0}
    unmeasured = decide("m", (gate,), told, sound, sound)
    assert unmeasured.outcome == "error"
    assert metric in unmeasured.reason
    assert decide("m", (gate,), sound, told, sound).outcome == "error"
    assert decide("m", (gate,), sound, sound, told).outcome == "error"


def test_what_was_measured_instead_is_named():
    verdict = decide("m", (MAE,), {"rmse": 3.0, "rows": 9.0}, None, {})
    assert verdict.reason.startswith("mae: nothing (bound a finite number)")
    assert "it measured rmse, rows" in verdict.reason
