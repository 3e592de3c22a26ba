"""Step scaling, and what becomes of policies with their targets."""

from __future__ import annotations

import pytest
from customer.scaling import STEPS, TRACKING, Scaling, code_and_message

TIME_SCALE = 60


def test_a_step_policy_and_its_alarms(scaling):
    arn = scaling.steps()["PolicyARN"]
    scaling.alarm("busy", arn)
    [policy] = scaling.policies()
    assert policy["StepScalingPolicyConfiguration"] == {
        **STEPS,
        "Cooldown": 300,
        "MetricAggregationType": "Average",
    }
    alarm_arn = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:busy"
    assert policy["Alarms"] == [{"AlarmName": "busy", "AlarmARN": alarm_arn}]
    scaling.client.delete_scaling_policy(PolicyName="steps", **scaling.scope)
    [alarm] = scaling.cloudwatch.describe_alarms(AlarmNames=["busy"])["MetricAlarms"]
    assert alarm["AlarmName"] == "busy"  # it was not the policy's to delete
    scaling.cloudwatch.delete_alarms(AlarmNames=["busy"])


def interval(low, high, adjustment=1):
    bounds = {"MetricIntervalLowerBound": low, "MetricIntervalUpperBound": high}
    return {
        **{k: float(v) for k, v in bounds.items() if v is not None},
        "ScalingAdjustment": adjustment,
    }


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"StepAdjustments": []}, "StepAdjustments must be specified"),
        ({"StepAdjustments": [interval(None, None)]}, "can't be null in the same"),
        ({"StepAdjustments": [interval(0, 10)]}, "unspecified upper bound"),
        ({"StepAdjustments": [interval(-10, 0)]}, "unspecified lower bound"),
        ({"StepAdjustments": [interval(0, None), interval(10, None)]}, "At most one"),
        ({"StepAdjustments": [interval(0, 10), interval(20, None)]}, "overlap or have a gap"),
        ({"StepAdjustments": [interval(0, 10), interval(5, None)]}, "overlap or have a gap"),
        ({"StepAdjustments": [interval(10, 10), interval(10, None)]}, "must be greater"),
        ({"MinAdjustmentMagnitude": 2}, "only supported for the adjustment type"),
        ({"AdjustmentType": "PercentChangeInCapacity", "MinAdjustmentMagnitude": 0}, "at least 1"),
        (
            {"AdjustmentType": "ExactCapacity", "StepAdjustments": [interval(0, None, -1)]},
            "must not be negative",
        ),
        ({"Cooldown": -5}, "Cooldown must not be negative"),
        (
            {"StepAdjustments": [*(interval(i, i + 1) for i in range(20)), interval(20, None)]},
            "at most 20 step adjustments",
        ),
    ],
)
def test_steps_that_are_refused(scaling, changes, words):
    code, message = code_and_message(lambda: scaling.steps(**changes))
    assert code == "ValidationException"
    assert words in message
    assert scaling.policies() == []


def test_policies_of_no_target_no_type_and_another_type(aws, endpoint, scaling):
    for kind, words in (
        ({}, "PolicyType must be specified"),
        ({"PolicyType": "TargetTrackingScaling"}, "Configuration must be specified"),
        ({"PolicyType": "PredictiveScaling"}, "only supported for Amazon ECS"),
        (
            {"PolicyType": "StepScaling", "TargetTrackingScalingPolicyConfiguration": TRACKING},
            "must not be specified for the policy type StepScaling",
        ),
    ):
        code, message = code_and_message(
            lambda kind=kind: scaling.client.put_scaling_policy(
                PolicyName="p", **kind, **scaling.scope
            )
        )
        assert (code, words in message) == ("ValidationException", True), message
    scaling.client.deregister_scalable_target(**scaling.scope)
    for call in (scaling.track, scaling.steps, scaling.schedule):
        code, message = code_and_message(call)
        assert code == "ObjectNotFoundException"
        assert message.startswith("No scalable target registered for service namespace: sagemaker")


def test_a_target_takes_its_policies_alarms_and_actions_along(scaling):
    scaling.track()
    scaling.steps()
    scaling.schedule()
    scaling.client.deregister_scalable_target(**scaling.scope)
    assert (scaling.policies(), scaling.actions(), scaling.alarms()) == ([], [], [])


def test_a_deleted_endpoint_takes_its_targets_along(aws, shop):
    scaling = Scaling(aws, shop.simple())
    scaling.register()
    scaling.track()
    shop.sm.delete_endpoint(EndpointName=scaling.endpoint)
    assert scaling.target() is None
    assert (scaling.policies(), scaling.alarms()) == ([], [])


def test_a_scaled_variant_is_neither_removed_nor_moved_to_other_machines(aws, shop):
    model = shop.model()
    endpoint = shop.endpoint(shop.variant("main", model), shop.variant("other", model))
    scaling = Scaling(aws, endpoint)
    scaling.register()
    without = shop.config(shop.variant("other", model))
    larger = shop.config(
        shop.variant("main", model, InstanceType="ml.m5.xlarge"), shop.variant("other", model)
    )
    for config in (without, larger):
        assert code_and_message(lambda config=config: shop.update(endpoint, config)) == (
            "ValidationException",
            'The variant(s) "["main"]" must be deregistered as scalable targets with AWS '
            "Application Auto Scaling before they can be removed or have their instance type "
            "updated.",
        )
    # Another model is taken as it comes, and so is another variant's absence.
    shop.update(endpoint, shop.config(shop.variant("main", shop.model())))
    shop.wait(endpoint)
    scaling.client.deregister_scalable_target(**scaling.scope)
    shop.update(endpoint, without)
    shop.wait(endpoint)
