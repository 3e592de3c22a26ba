"""Application Auto Scaling of one variant, by short calls."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from customer.shop import soon

SCOPE = {
    "ServiceNamespace": "sagemaker",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
TRACKING = {
    "TargetValue": 70.0,
    "PredefinedMetricSpecification": {
        "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
    },
}
STEPS = {
    "AdjustmentType": "ChangeInCapacity",
    "StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}],
}


class Scaling:
    """Application Auto Scaling of one variant."""

    def __init__(self, aws, endpoint: str, variant: str = "main") -> None:
        self.client = aws.client("application-autoscaling")
        self.cloudwatch = aws.client("cloudwatch")
        self.endpoint = endpoint
        self.resource = f"endpoint/{endpoint}/variant/{variant}"
        self.scope = {**SCOPE, "ResourceId": self.resource}

    def register(self, low=1, high=4, **more):
        bounds = {"MinCapacity": low, "MaxCapacity": high}
        return self.client.register_scalable_target(**self.scope, **bounds, **more)

    def track(self, name="track", **changes):
        return self.client.put_scaling_policy(
            PolicyName=name,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={**TRACKING, **changes},
            **self.scope,
        )

    def steps(self, name="steps", **changes):
        return self.client.put_scaling_policy(
            PolicyName=name,
            PolicyType="StepScaling",
            StepScalingPolicyConfiguration={**STEPS, **changes},
            **self.scope,
        )

    def schedule(self, name="plan", schedule="rate(1 day)", bounds=None, **more):
        return self.client.put_scheduled_action(
            ScheduledActionName=name,
            Schedule=schedule,
            ScalableTargetAction=bounds or {"MinCapacity": 2},
            **self.scope,
            **more,
        )

    def alarm(self, name: str, action: str) -> None:
        """An alarm on a metric of nobody's, with this action."""
        self.cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace="n",
            MetricName="m",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1.0,
            ComparisonOperator="GreaterThanThreshold",
            AlarmActions=[action],
        )

    def target(self):
        told = self.client.describe_scalable_targets(ResourceIds=[self.resource], **SCOPE)
        return (told["ScalableTargets"] or [None])[0]

    def policies(self):
        return self.client.describe_scaling_policies(**self.scope)["ScalingPolicies"]

    def actions(self):
        return self.client.describe_scheduled_actions(**self.scope)["ScheduledActions"]

    def activities(self, **more):
        told = self.client.describe_scaling_activities(**self.scope, **more)
        return told["ScalingActivities"]

    def alarms(self):
        told = self.cloudwatch.describe_alarms(AlarmNamePrefix=f"TargetTracking-{self.resource}-")
        return told["MetricAlarms"]

    def over(self, cause: str):
        """The activity with this cause, once it is over."""

        def found():
            return next(
                (a for a in self.activities() if a["Cause"] == cause and "EndTime" in a), None
            )

        return soon(found)


def code_and_message(call):
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]
