"""Target tracking: its alarms, its metrics, and what is refused."""

from __future__ import annotations

import pytest
from customer.scaling import TRACKING, code_and_message

TIME_SCALE = 60


def test_target_tracking_makes_the_alarms_of_aws(scaling):
    made = scaling.track(ScaleInCooldown=600)
    [policy] = scaling.policies()
    assert policy["PolicyARN"] == made["PolicyARN"]
    assert policy["PolicyARN"].endswith(f":resource/sagemaker/{scaling.resource}:policyName/track")
    assert policy["TargetTrackingScalingPolicyConfiguration"] == {
        **TRACKING,
        "ScaleOutCooldown": 300,
        "ScaleInCooldown": 600,
        "DisableScaleIn": False,
    }
    assert policy["Alarms"] == made["Alarms"]
    high, low = scaling.alarms()
    assert [a["AlarmName"] for a in (high, low)] == [a["AlarmName"] for a in made["Alarms"]]
    for alarm, kind, periods, threshold, comparison in (
        (high, "AlarmHigh", 3, 70.0, "GreaterThanThreshold"),
        (low, "AlarmLow", 15, 63.0, "LessThanThreshold"),
    ):
        assert alarm["AlarmName"].startswith(f"TargetTracking-{scaling.resource}-{kind}-")
        assert alarm["AlarmDescription"] == (
            f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy['PolicyARN']}."
        )
        assert (alarm["Period"], alarm["EvaluationPeriods"]) == (60, periods)
        assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (threshold, comparison)
        assert (alarm["Namespace"], alarm["MetricName"]) == (
            "AWS/SageMaker",
            "InvocationsPerInstance",
        )
        assert alarm["Statistic"] == "Sum"
        assert alarm["AlarmActions"] == [policy["PolicyARN"]]
        assert {d["Name"]: d["Value"] for d in alarm["Dimensions"]} == {
            "EndpointName": scaling.endpoint,
            "VariantName": "main",
        }
    # Put anew, the policy is the same one, with the same alarms.
    again = scaling.track(TargetValue=100.0)
    assert again == {**made, "ResponseMetadata": again["ResponseMetadata"]}
    assert [a["Threshold"] for a in scaling.alarms()] == [100.0, 90.0]
    scaling.track(DisableScaleIn=True)
    assert ["-AlarmHigh-" in a["AlarmName"] for a in scaling.alarms()] == [True]
    scaling.client.delete_scaling_policy(PolicyName="track", **scaling.scope)
    assert (scaling.policies(), scaling.alarms()) == ([], [])
    code, message = code_and_message(
        lambda: scaling.client.delete_scaling_policy(PolicyName="track", **scaling.scope)
    )
    assert (code, message.startswith("No scaling policy found for service namespace")) == (
        "ObjectNotFoundException",
        True,
    )


def test_a_customized_metric_with_dimensions_statistic_and_unit(scaling):
    metric = {
        "Namespace": "/aws/sagemaker/Endpoints",
        "MetricName": "CPUUtilization",
        "Dimensions": [{"Name": "EndpointName", "Value": "e"}],
        "Statistic": "Average",
        "Unit": "Percent",
    }
    configuration = {"TargetValue": 50.0, "CustomizedMetricSpecification": metric}
    scaling.client.put_scaling_policy(
        PolicyName="cpu",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=configuration,
        **scaling.scope,
    )
    for alarm in scaling.alarms():
        assert {name: alarm[name] for name in metric} == metric
    assert [a["Threshold"] for a in scaling.alarms()] == [50.0, 45.0]
    scaling.track()
    assert {p["PolicyName"] for p in scaling.policies()} == {"cpu", "track"}
    told = scaling.client.describe_scaling_policies(PolicyNames=["cpu"], **scaling.scope)
    assert [p["PolicyName"] for p in told["ScalingPolicies"]] == ["cpu"]
    assert code_and_message(lambda: scaling.track("second")) == (
        "ValidationException",
        "Only one TargetTrackingScaling policy for a given metric specification is allowed.",
    )


def test_a_customized_metric_that_is_computed(scaling):
    metric = {
        "Namespace": "n",
        "MetricName": "backlog",
        "Dimensions": [{"Name": "a", "Value": "b"}],
    }
    queries = [
        {
            "Id": "backlog",
            "MetricStat": {"Metric": metric, "Stat": "Maximum", "Unit": "Count"},
            "ReturnData": False,
        },
        {"Id": "each", "Expression": "backlog / 2", "Label": "of each", "ReturnData": True},
    ]
    scaling.client.put_scaling_policy(
        PolicyName="computed",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 50.0,
            "CustomizedMetricSpecification": {"Metrics": queries},
        },
        **scaling.scope,
    )
    [policy] = scaling.policies()
    told = policy["TargetTrackingScalingPolicyConfiguration"]["CustomizedMetricSpecification"]
    assert told == {"Metrics": queries}
    first = {**queries[0], "MetricStat": {**queries[0]["MetricStat"], "Period": 60}}
    for alarm in scaling.alarms():
        assert alarm["Metrics"] == [first, queries[1]]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"TargetValue": 0.0}, "TargetValue must be greater than 0"),
        ({"ScaleInCooldown": -1}, "ScaleInCooldown must not be negative"),
        ({"PredefinedMetricSpecification": None}, "Exactly one of"),
        (
            {"CustomizedMetricSpecification": {"MetricName": "m", "Namespace": "n"}},
            "Exactly one of",
        ),
        (
            {
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": (
                        "SageMakerVariantConcurrentRequestsPerModelHighResolution"
                    )
                }
            },
            "The embedded AWS does not have the predefined metric "
            "SageMakerVariantConcurrentRequestsPerModelHighResolution",
        ),
        (
            {"PredefinedMetricSpecification": {"PredefinedMetricType": "ALBRequestCountPerTarget"}},
            "Invalid predefined metric type",
        ),
        (
            {
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance",
                    "ResourceLabel": "x",
                }
            },
            "ResourceLabel must not be specified",
        ),
        (
            {
                "PredefinedMetricSpecification": None,
                "CustomizedMetricSpecification": {"MetricName": "m", "Namespace": "n"},
            },
            "Statistic must be specified",
        ),
        (
            {
                "PredefinedMetricSpecification": None,
                "CustomizedMetricSpecification": {
                    "MetricName": "m",
                    "Namespace": "n",
                    "Statistic": "Sum",
                    "Unit": "Horses",
                },
            },
            "Horses",
        ),
        (
            {
                "PredefinedMetricSpecification": None,
                "CustomizedMetricSpecification": {"Metrics": [{"Id": "m", "Expression": "1"}]},
            },
            "between 1 and 10 metrics",
        ),
        (
            {
                "PredefinedMetricSpecification": None,
                "CustomizedMetricSpecification": {"Metrics": [{"Id": "m"}], "Unit": "Count"},
            },
            "Metrics must not be specified together with Unit",
        ),
        (
            {
                "PredefinedMetricSpecification": None,
                "CustomizedMetricSpecification": {"Metrics": [{"Id": "m"}]},
            },
            "Exactly one of MetricStat and Expression",
        ),
    ],
)
def test_tracking_that_is_refused(scaling, changes, words):
    configuration = {k: v for k, v in {**TRACKING, **changes}.items() if v is not None}
    code, message = code_and_message(
        lambda: scaling.client.put_scaling_policy(
            PolicyName="p",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=configuration,
            **scaling.scope,
        )
    )
    assert code == "ValidationException"
    assert words in message
    assert (scaling.policies(), scaling.alarms()) == ([], [])


def test_a_refused_change_leaves_a_policy_as_it_was(scaling):
    scaling.track()
    before, alarms = scaling.policies(), scaling.alarms()
    code_and_message(lambda: scaling.track(TargetValue=-1.0))
    assert scaling.policies() == before
    code, message = code_and_message(lambda: scaling.steps("track"))
    assert (code, "cannot be changed" in message) == ("ValidationException", True)
    names = ("AlarmName", "Threshold", "AlarmActions")
    assert [[a[n] for n in names] for a in scaling.alarms()] == [
        [a[n] for n in names] for a in alarms
    ]
