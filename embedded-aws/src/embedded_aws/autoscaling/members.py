"""Which members of a request have an effect here; the others are refused by their names.

Read by `embedded_aws.protocol.members`, which says why; of actions that are not listed, every
member is used.
"""

from __future__ import annotations

from collections.abc import Mapping

from embedded_aws.protocol.members import Members, paths

_SCOPE = "ServiceNamespace ResourceId ScalableDimension"
_STEPS = "StepScalingPolicyConfiguration"
_TRACKING = "TargetTrackingScalingPolicyConfiguration"
_METRICS = f"{_TRACKING}.CustomizedMetricSpecification.Metrics[]"

MEMBERS: Mapping[str, Members] = {
    "RegisterScalableTarget": Members(
        paths(f"""
            {_SCOPE} MinCapacity MaxCapacity SuspendedState.DynamicScalingInSuspended
            SuspendedState.DynamicScalingOutSuspended SuspendedState.ScheduledScalingSuspended
        """),
        {"RoleARN": "SageMaker is scaled by a service-linked role, on AWS too"},
    ),
    "PutScalingPolicy": Members(
        paths(f"""
            {_SCOPE} PolicyName PolicyType
            {_STEPS}.AdjustmentType {_STEPS}.StepAdjustments[].MetricIntervalLowerBound
            {_STEPS}.StepAdjustments[].MetricIntervalUpperBound
            {_STEPS}.StepAdjustments[].ScalingAdjustment {_STEPS}.MinAdjustmentMagnitude
            {_STEPS}.Cooldown {_STEPS}.MetricAggregationType
            {_TRACKING}.TargetValue {_TRACKING}.ScaleOutCooldown {_TRACKING}.ScaleInCooldown
            {_TRACKING}.DisableScaleIn
            {_TRACKING}.PredefinedMetricSpecification.PredefinedMetricType
            {_TRACKING}.PredefinedMetricSpecification.ResourceLabel
            {_TRACKING}.CustomizedMetricSpecification.MetricName
            {_TRACKING}.CustomizedMetricSpecification.Namespace
            {_TRACKING}.CustomizedMetricSpecification.Dimensions[].Name
            {_TRACKING}.CustomizedMetricSpecification.Dimensions[].Value
            {_TRACKING}.CustomizedMetricSpecification.Statistic
            {_TRACKING}.CustomizedMetricSpecification.Unit
            {_METRICS}.Id {_METRICS}.Expression {_METRICS}.Label {_METRICS}.ReturnData
            {_METRICS}.MetricStat.Metric.Namespace {_METRICS}.MetricStat.Metric.MetricName
            {_METRICS}.MetricStat.Metric.Dimensions[].Name
            {_METRICS}.MetricStat.Metric.Dimensions[].Value
            {_METRICS}.MetricStat.Stat {_METRICS}.MetricStat.Unit
        """),
        {},
    ),
}
