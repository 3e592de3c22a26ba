"""What PutScalingPolicy accepts, with defaults filled in. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from embedded_aws.autoscaling.decide import Step, StepPolicy
from embedded_aws.autoscaling.model import STEPS, TRACKING
from embedded_aws.autoscaling.refusals import invalid

COOLDOWN = 300
PER_INSTANCE = "SageMakerVariantInvocationsPerInstance"
CONFIGS = {
    STEPS: "StepScalingPolicyConfiguration",
    TRACKING: "TargetTrackingScalingPolicyConfiguration",
}
MOST_STEPS = 20
_SINGLE = ("MetricName", "Namespace", "Statistic")
# "Values must be in the range of -2^360 to 2^360."
_LARGEST = 2.0**360


def read_config(kind: str, params: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of a policy.

    Args:
        kind: ``PolicyType``.
        params: The request.
        before: The configuration that it had; members that are not given stay.

    Raises:
        AwsFault: ``ValidationException``.
    """
    if kind not in CONFIGS:
        raise invalid(f"{kind} is only supported for Amazon ECS, and not for sagemaker.")
    for other, member in CONFIGS.items():
        if other != kind and member in params:
            raise invalid(f"{member} must not be specified for the policy type {kind}.")
    given = params.get(CONFIGS[kind])
    if not given:
        raise invalid(f"{CONFIGS[kind]} must be specified for the policy type {kind}.")
    return _tracking(given, before) if kind == TRACKING else _steps(given, before)


def step_policy(config: Mapping[str, Any]) -> StepPolicy:
    """What a step scaling configuration decides by."""
    steps = tuple(
        Step(
            row.get("MetricIntervalLowerBound", -math.inf),
            row.get("MetricIntervalUpperBound", math.inf),
            row["ScalingAdjustment"],
        )
        for row in config["StepAdjustments"]
    )
    return StepPolicy(config["AdjustmentType"], steps, config.get("MinAdjustmentMagnitude", 0))


def metric_of(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The one metric specification of a target tracking configuration."""
    specification: Mapping[str, Any] = (
        config.get("PredefinedMetricSpecification") or config["CustomizedMetricSpecification"]
    )
    return specification


def _tracking(given: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    kept = {k: v for k, v in before.items() if not k.endswith("MetricSpecification")}
    config: dict[str, Any] = {"ScaleOutCooldown": COOLDOWN, "ScaleInCooldown": COOLDOWN}
    config |= {"DisableScaleIn": False, **kept, **given}
    target = config["TargetValue"]
    if not 0 < target <= _LARGEST:
        raise invalid(f"TargetValue must be greater than 0 and at most 2^360, got {target:g}.")
    _check_cooldown(config, "ScaleOutCooldown", "ScaleInCooldown")
    predefined = given.get("PredefinedMetricSpecification")
    customized = given.get("CustomizedMetricSpecification")
    if (predefined is None) == (customized is None):
        raise invalid(
            "Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification must "
            "be specified."
        )
    if predefined is not None:
        _check_predefined(predefined)
    if customized is not None:
        _check_customized(customized)
    return config


def _check_predefined(specification: Mapping[str, Any]) -> None:
    kind = specification["PredefinedMetricType"]
    if kind != PER_INSTANCE:
        if kind.startswith("SageMaker"):
            raise invalid(f"The embedded AWS does not have the predefined metric {kind}.")
        raise invalid(f"Invalid predefined metric type {kind} for service namespace sagemaker.")
    if "ResourceLabel" in specification:
        raise invalid(f"ResourceLabel must not be specified for the predefined metric {kind}.")


def _check_customized(specification: Mapping[str, Any]) -> None:
    """One metric, or several and the expression that is made of them."""
    if specification.get("Metrics"):
        if others := [name for name in (*_SINGLE, "Dimensions", "Unit") if name in specification]:
            raise invalid(f"Metrics must not be specified together with {', '.join(others)}.")
        for query in specification["Metrics"]:
            if ("MetricStat" in query) == ("Expression" in query):
                raise invalid(
                    "Exactly one of MetricStat and Expression must be specified for the metric "
                    f"{query['Id']}."
                )
        return
    for member in _SINGLE:
        if not specification.get(member):
            raise invalid(f"{member} must be specified in CustomizedMetricSpecification.")


def _steps(given: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    config: dict[str, Any] = {"Cooldown": COOLDOWN, "MetricAggregationType": "Average"}
    config |= {**before, **given}
    for member in ("AdjustmentType", "StepAdjustments"):
        if not config.get(member):
            raise invalid(f"{member} must be specified for a step scaling policy.")
    _check_cooldown(config, "Cooldown")
    kind, rows = config["AdjustmentType"], config["StepAdjustments"]
    if "MinAdjustmentMagnitude" in config:
        if kind != "PercentChangeInCapacity":
            raise invalid(
                "MinAdjustmentMagnitude is only supported for the adjustment type "
                f"PercentChangeInCapacity, not for {kind}."
            )
        if config["MinAdjustmentMagnitude"] < 1:
            raise invalid("MinAdjustmentMagnitude must be at least 1.")
    if kind == "ExactCapacity" and any(row["ScalingAdjustment"] < 0 for row in rows):
        raise invalid("ScalingAdjustment must not be negative for the type ExactCapacity.")
    _check_intervals(rows)
    return config


def _check_intervals(rows: Sequence[Mapping[str, Any]]) -> None:
    if len(rows) > MOST_STEPS:
        raise invalid(f"There can be at most {MOST_STEPS} step adjustments per scaling policy")
    lows = [row.get("MetricIntervalLowerBound") for row in rows]
    highs = [row.get("MetricIntervalUpperBound") for row in rows]
    for side, bounds in (("lower", lows), ("upper", highs)):
        if bounds.count(None) > 1:
            raise invalid(f"At most one StepAdjustment can have an unspecified {side} bound.")
    if any(low is None and high is None for low, high in zip(lows, highs, strict=True)):
        raise invalid("The upper and lower bound can't be null in the same StepAdjustment.")
    if None not in lows and any(low < 0 for low in lows if low is not None):
        raise invalid(_open_end("lower", "negative"))
    if None not in highs and any(high > 0 for high in highs if high is not None):
        raise invalid(_open_end("upper", "positive"))
    spans = sorted(
        (-math.inf if low is None else low, math.inf if high is None else high)
        for low, high in zip(lows, highs, strict=True)
    )
    if any(low >= high for low, high in spans):
        raise invalid("The upper bound of a StepAdjustment must be greater than its lower bound.")
    if any(first[1] != second[0] for first, second in pairwise(spans)):
        raise invalid("The ranges of your step adjustments can't overlap or have a gap.")


def _open_end(side: str, sign: str) -> str:
    return (
        f"There must be a StepAdjustment with an unspecified {side} bound (i.e., {side} bound is "
        f"null) when one StepAdjustment has a {sign} {side} bound"
    )


def _check_cooldown(config: Mapping[str, Any], *members: str) -> None:
    for member in members:
        if config[member] < 0:
            raise invalid(f"{member} must not be negative.")
