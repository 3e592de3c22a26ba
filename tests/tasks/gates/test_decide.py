import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import GateRejected
from tasks.gates.decide import decide, require_pass
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
    with pytest.raises(GateRejected, match="inconclusive"):
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
