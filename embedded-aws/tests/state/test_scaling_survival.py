"""Scaling over the end of the embedded AWS."""

import time

import pytest
from customer.smallest import PROGRAM, archive

pytestmark = pytest.mark.timeout(600)  # processes that start several times, beside others

SCALE = ("--time-scale", "60")
SCOPE = {
    "ServiceNamespace": "sagemaker",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    "ResourceId": "endpoint/e/variant/main",
}
DESCRIBED = ("scaling_policies", "scheduled_actions", "scaling_activities")


def until(what, seconds: float = 120.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.1)
    raise AssertionError(f"not so after {seconds} s")


def count(box) -> int:
    told = box.client("sagemaker").describe_endpoint(EndpointName="e")
    [row] = told.get("ProductionVariants") or [{"CurrentInstanceCount": 0}]
    return told["EndpointStatus"] == "InService" and row["CurrentInstanceCount"]


def told(box) -> dict:
    client = box.client("application-autoscaling")
    targets = client.describe_scalable_targets(ServiceNamespace="sagemaker")
    found = {"targets": targets["ScalableTargets"]}
    for name in DESCRIBED:
        answer = getattr(client, f"describe_{name}")(**SCOPE)
        answer.pop("ResponseMetadata")
        found[name] = answer
    return found


def measure(box) -> None:
    box.client("cloudwatch").put_metric_data(
        Namespace="n", MetricData=[{"MetricName": "load", "Value": 35.0}]
    )


def test_scaling_goes_on_after_a_kill(box) -> None:
    box.end()
    box.start(*SCALE)
    box.client("s3").create_bucket(Bucket="sluice-models")
    box.client("s3").put_object(Bucket="sluice-models", Key="m.tar.gz", Body=archive(PROGRAM))
    sagemaker, scaling = box.client("sagemaker"), box.client("application-autoscaling")
    sagemaker.create_model(
        ModelName="m",
        ExecutionRoleArn="arn:aws:iam::123456789012:role/sluice",
        PrimaryContainer={
            "Image": "image",
            "ModelDataUrl": "s3://sluice-models/m.tar.gz",
            "Environment": {"ANSWER": "yes"},
        },
    )
    variant = {
        "VariantName": "main", "ModelName": "m", "InitialVariantWeight": 1.0,
        "InstanceType": "ml.m5.large", "InitialInstanceCount": 1,
    }  # fmt: skip
    sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="c")
    until(lambda: count(box) == 1)
    scaling.register_scalable_target(MinCapacity=1, MaxCapacity=4, **SCOPE)
    scaling.put_scheduled_action(
        ScheduledActionName="far",
        Schedule="rate(30 days)",
        ScalableTargetAction={"MaxCapacity": 9},
        **SCOPE,
    )
    arn = scaling.put_scaling_policy(
        PolicyName="steps",
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration={
            "AdjustmentType": "ChangeInCapacity",
            "StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}],
        },
        **SCOPE,
    )["PolicyARN"]
    before = told(box)
    box.kill()
    box.start(*SCALE)
    assert told(box) == before
    # Killed when the change was accepted: it comes to its end, and is told as done.
    until(lambda: box.admin("recovering")["endpoints"] == [])
    box.client("application-autoscaling").register_scalable_target(MinCapacity=2, **SCOPE)
    box.kill()
    box.start(*SCALE)
    until(lambda: count(box) == 2)
    [activity] = until(
        lambda: [
            a
            for a in told(box)["scaling_activities"]["ScalingActivities"]
            if a["StatusCode"] == "Successful"
        ]
    )
    assert activity["Cause"] == "minimum capacity was set to 2"
    # An alarm that is in its state when the process is killed asks again afterwards.
    box.client("cloudwatch").put_metric_alarm(
        AlarmName="busy",
        Namespace="n",
        MetricName="load",
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=10.0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
        AlarmActions=[arn],
    )
    measure(box)

    def in_alarm():
        [alarm] = box.client("cloudwatch").describe_alarms(AlarmNames=["busy"])["MetricAlarms"]
        return alarm["StateValue"] == "ALARM"

    until(in_alarm)
    box.kill()
    box.start(*SCALE)

    def scaled():
        measure(box)
        return count(box) == 3

    until(scaled)
