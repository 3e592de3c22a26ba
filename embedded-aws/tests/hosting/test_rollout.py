from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.hosting.control.rollout import ALL_AT_ONCE, Plan, Step, plan
from embedded_aws.protocol.service import AwsFault


def policy(kind, wait=60, **more):
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {"Type": kind, "WaitIntervalInSeconds": wait, **more}
        }
    }


def size(value, kind="CAPACITY_PERCENT"):
    return {"Type": kind, "Value": value}


def test_nothing_said_means_all_at_once():
    assert plan(None, 1) == plan({}, 1) == ALL_AT_ONCE
    assert plan(policy("ALL_AT_ONCE"), 1).steps == (Step(1.0, 0.0),)


def test_canary_bakes_once():
    got = plan(policy("CANARY", 300, CanarySize=size(10)), 1)
    assert got.steps == (Step(0.1, 300.0), Step(1.0, 0.0))
    assert plan(policy("CANARY", CanarySize=size(1, "INSTANCE_COUNT")), 4).steps[0].share == 0.25


@given(st.integers(10, 50), st.integers(0, 3600))
def test_linear_climbs_by_its_step_to_exactly_all(percent, wait):
    steps = plan(policy("LINEAR", wait, LinearStepSize=size(percent)), 1).steps
    shares = [step.share for step in steps]
    assert shares[-1] == 1.0
    assert len(shares) == -(-100 // percent)
    rises = [b - a for a, b in zip([0.0, *shares], shares, strict=False)]
    assert all(rise == pytest.approx(percent / 100) for rise in rises[:-1])
    assert 0 < rises[-1] <= percent / 100 + 1e-9
    assert [step.bake for step in steps] == [wait] * (len(steps) - 1) + [0.0]


def test_rolling_bakes_after_every_batch():
    got = plan(
        {
            "RollingUpdatePolicy": {
                "MaximumBatchSize": size(2, "INSTANCE_COUNT"),
                "WaitIntervalInSeconds": 30,
                "MaximumExecutionTimeoutInSeconds": 900,
            }
        },
        5,
    )
    assert got == Plan(
        (Step(0.4, 30.0), Step(0.8, 30.0), Step(1.0, 30.0)), max_execution=900.0, rolling=True
    )


def test_waits_timeout_and_alarms_are_taken_over():
    config = policy("ALL_AT_ONCE")
    config["BlueGreenUpdatePolicy"] |= {
        "TerminationWaitInSeconds": 120,
        "MaximumExecutionTimeoutInSeconds": 600,
    }
    config["AutoRollbackConfiguration"] = {"Alarms": [{"AlarmName": "a"}, {"AlarmName": "b"}]}
    got = plan(config, 1)
    assert (got.termination_wait, got.max_execution, got.alarms) == (120.0, 600.0, ("a", "b"))
    alone = plan({"AutoRollbackConfiguration": config["AutoRollbackConfiguration"]}, 1)
    assert alone == Plan(ALL_AT_ONCE.steps, alarms=("a", "b"))


@pytest.mark.parametrize(
    ("config", "instances"),
    [
        (policy("CANARY", CanarySize=size(51)), 1),
        (policy("CANARY", CanarySize=size(1, "INSTANCE_COUNT")), 1),
        (policy("LINEAR", LinearStepSize=size(9)), 1),
        (policy("LINEAR", LinearStepSize=size(51)), 1),
        (policy("LINEAR", CanarySize=size(20)), 1),
        ({"RollingUpdatePolicy": {"MaximumBatchSize": size(4), "WaitIntervalInSeconds": 0}}, 9),
    ],
)
def test_sizes_out_of_range_are_refused(config, instances):
    with pytest.raises(AwsFault) as failed:
        plan(config, instances)
    assert failed.value.code == "ValidationException"
