"""The two alarms of a target tracking policy, as AWS makes them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from embedded_aws.autoscaling.model import HIGH, LOW, Policy, parts_of
from embedded_aws.autoscaling.policy_settings import metric_of

PERIOD = 60
HIGH_MINUTES = 3
LOW_MINUTES = 15
# Scaling in waits for the load to be clearly below the target.
LOW_SHARE = 0.9


def alarm_kinds(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Which alarms a configuration has: without scaling in there is none to ask for it."""
    return (HIGH,) if config["DisableScaleIn"] else (HIGH, LOW)


def alarm_name(resource_id: str, kind: str, number: str) -> str:
    """The name of an alarm; ``number`` is a UUID."""
    return f"TargetTracking-{resource_id}-{kind}-{number}"


def alarm_prefix(resource_id: str) -> str:
    """With what the names of a target's alarms begin."""
    return f"TargetTracking-{resource_id}-Alarm"


def alarm_settings(policy: Policy) -> list[dict[str, Any]]:
    """The policy's alarms, as members of PutMetricAlarm."""
    target = policy.config["TargetValue"]
    levels: dict[str, tuple[int, str, float]] = {
        HIGH: (HIGH_MINUTES, "GreaterThanThreshold", target),
        LOW: (LOW_MINUTES, "LessThanThreshold", target * LOW_SHARE),
    }
    return [
        {
            "AlarmName": name,
            "AlarmDescription": f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy "
            f"{policy.arn}.",
            "ActionsEnabled": True,
            "AlarmActions": [policy.arn],
            "EvaluationPeriods": levels[kind][0],
            "ComparisonOperator": levels[kind][1],
            "Threshold": levels[kind][2],
            **_metric(policy),
        }
        for kind, name in policy.alarms.items()
    ]


def _metric(policy: Policy) -> dict[str, Any]:
    if "PredefinedMetricSpecification" in policy.config:
        endpoint, variant = parts_of(policy.resource_id) or ("", "")
        return {
            "Period": PERIOD,
            "Namespace": "AWS/SageMaker",
            "MetricName": "InvocationsPerInstance",
            "Dimensions": [
                {"Name": "EndpointName", "Value": endpoint},
                {"Name": "VariantName", "Value": variant},
            ],
            "Statistic": "Sum",
        }
    given = metric_of(policy.config)
    if given.get("Metrics"):
        return {"Metrics": [_query(query) for query in given["Metrics"]]}
    metric: dict[str, Any] = {"Period": PERIOD}
    metric |= {name: given[name] for name in ("Namespace", "MetricName", "Statistic")}
    metric["Dimensions"] = [dict(row) for row in given.get("Dimensions", [])]
    return metric | ({"Unit": given["Unit"]} if given.get("Unit") else {})


def _query(query: Mapping[str, Any]) -> dict[str, Any]:
    """One of several metrics, whose statistic the alarm takes of each minute."""
    if "MetricStat" not in query:
        return dict(query)
    return {**query, "MetricStat": {**query["MetricStat"], "Period": PERIOD}}
