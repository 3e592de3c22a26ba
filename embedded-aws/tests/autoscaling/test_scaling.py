"""Alarms really scale variants: processes come and go, and it is told why."""

from __future__ import annotations

import json
import threading
import time

import pytest
from customer.shop import BUCKET, Shop, archive, soon

from embedded_aws import EmbeddedAws

pytestmark = [pytest.mark.timeout(300)]

SCALE = 120.0
SCOPE = {
    "ServiceNamespace": "sagemaker",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}


@pytest.fixture(scope="module")
def aws():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBEDDED_AWS_HOSTING_PROCESSES_PER_VARIANT", "4")
        with EmbeddedAws(time_scale=SCALE) as made:
            yield made


@pytest.fixture(scope="module")
def shop(aws):
    return Shop(aws.client)


class Scaled:
    """An endpoint with one variant that is a scalable target."""

    def __init__(self, aws, shop, low=1, high=3) -> None:
        self.shop = shop
        self.client = aws.client("application-autoscaling")
        self.cloudwatch = aws.client("cloudwatch")
        self.endpoint = shop.simple()
        self.scope = {**SCOPE, "ResourceId": f"endpoint/{self.endpoint}/variant/main"}
        self.register(low, high)

    def register(self, low, high, **suspended):
        self.client.register_scalable_target(
            MinCapacity=low, MaxCapacity=high, SuspendedState=suspended, **self.scope
        )

    def track(self, name="track", **configuration):
        told = self.client.put_scaling_policy(
            PolicyName=name,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=configuration,
            **self.scope,
        )
        return [alarm["AlarmName"] for alarm in told["Alarms"]]

    def steps(self, name, *steps, **configuration):
        return self.client.put_scaling_policy(
            PolicyName=name,
            PolicyType="StepScaling",
            StepScalingPolicyConfiguration={
                "AdjustmentType": "ChangeInCapacity",
                "StepAdjustments": [
                    {
                        **({} if low is None else {"MetricIntervalLowerBound": float(low)}),
                        **({} if high is None else {"MetricIntervalUpperBound": float(high)}),
                        "ScalingAdjustment": adjustment,
                    }
                    for low, high, adjustment in steps
                ],
                **configuration,
            },
            **self.scope,
        )["PolicyARN"]

    def alarm(self, metric, *actions, comparison="GreaterThanThreshold", threshold=10.0, **more):
        name = f"{self.endpoint}-{metric}-{comparison}"
        self.cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace=self.endpoint,
            MetricName=metric,
            Statistic="Maximum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=threshold,
            ComparisonOperator=comparison,
            AlarmActions=list(actions),
            **more,
        )
        return name

    def measure(self, metric, value):
        self.cloudwatch.put_metric_data(
            Namespace=self.endpoint, MetricData=[{"MetricName": metric, "Value": float(value)}]
        )

    def activities(self, **more):
        return self.client.describe_scaling_activities(**self.scope, **more)["ScalingActivities"]

    def over(self):
        return [a for a in self.activities() if a["StatusCode"] != "InProgress"]

    @property
    def count(self):
        told = self.shop.describe(self.endpoint)
        [row] = told["ProductionVariants"]
        return told["EndpointStatus"] == "InService" and row["CurrentInstanceCount"]

    def until(self, count, seconds=60.0):
        soon(lambda: self.count == count, seconds)
        soon(lambda: len(self.over()) == len(self.activities()))

    def pids(self, asked=40):
        """Processes that answer."""
        return {self.shop.ask(self.endpoint)["told"]["pid"] for _ in range(asked)}


class Repeated:
    """Does something again and again until the end of its block."""

    def __init__(self, work, pause=0.05) -> None:
        self._work, self._pause = work, pause
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self._end.wait(self._pause):
            self._work()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join(10)


def test_a_load_scales_a_variant_out_and_its_end_scales_it_in(aws, shop):
    scaled = Scaled(aws, shop)
    high, low = scaled.track(
        TargetValue=1.5,
        PredefinedMetricSpecification={
            "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
        },
        ScaleOutCooldown=60,
        ScaleInCooldown=60,
    )
    first = scaled.pids(3)
    with Repeated(lambda: shop.ask(scaled.endpoint)):  # some ten in a minute of theirs
        scaled.until(3)
        many = scaled.pids()
        assert len(many) == 3
        assert first <= many  # what served goes on serving
    out = scaled.over()[-1]
    assert out["StatusCode"] == "Successful"
    assert out["Cause"] == f"monitor alarm {high} in state ALARM triggered policy track"
    scaled.until(1)
    assert len(scaled.pids(8)) == 1
    last = scaled.over()[0]
    assert last["Description"] == "Setting desired instance count to 1."
    assert last["StatusMessage"] == (
        "Successfully set desired instance count to 1. Change successfully fulfilled by sagemaker."
    )
    assert last["Cause"] == f"monitor alarm {low} in state ALARM triggered policy track"
    for alarm in (high, low):
        told = scaled.cloudwatch.describe_alarm_history(
            AlarmName=alarm, HistoryItemType="Action", ScanBy="TimestampAscending"
        )["AlarmHistoryItems"]
        assert told[0]["HistorySummary"].startswith("Successfully executed action arn:aws:auto")
    points = scaled.cloudwatch.get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName="InvocationsPerInstance",
        Dimensions=[
            {"Name": "EndpointName", "Value": scaled.endpoint},
            {"Name": "VariantName", "Value": "main"},
        ],
        StartTime=aws.clock.now() - 7200,
        EndTime=aws.clock.now(),
        Period=60,
        Statistics=["Sum"],
        Unit="Count",
    )["Datapoints"]
    sums = [point["Sum"] for point in points]
    assert max(sums) > 1.5
    assert sums.count(0.0) >= 10  # a minute without requests is a zero, not a gap


def test_steps_by_the_size_of_the_breach(aws, shop):
    scaled = Scaled(aws, shop, 1, 4)
    out = scaled.steps("out", (0, 20, 1), (20, None, 3), Cooldown=600)
    back = scaled.steps("back", (None, 0, 1), AdjustmentType="ExactCapacity", Cooldown=60)
    scaled.alarm("load", out)
    scaled.alarm("load", back, comparison="LessThanThreshold", threshold=5.0)
    with Repeated(lambda: scaled.measure("load", 35.0)):
        scaled.until(4)
        soon(lambda: [a for a in scaled.activities(IncludeNotScaledActivities=True)
                      if a.get("NotScaledReasons")])  # fmt: skip
    [not_scaled] = [
        a for a in scaled.activities(IncludeNotScaledActivities=True) if "NotScaledReasons" in a
    ]
    assert not_scaled["NotScaledReasons"] == [{"Code": "AlreadyAtMaxCapacity", "MaxCapacity": 4}]
    assert not_scaled["Description"] == "Attempting to scale due to alarm triggered"
    assert not_scaled["StatusCode"] == "Failed"
    assert not [a for a in scaled.activities() if "NotScaledReasons" in a]
    with Repeated(lambda: scaled.measure("load", 1.0)):
        scaled.until(1)
    assert [a["Description"] for a in scaled.activities()] == [
        "Setting desired instance count to 1.",
        "Setting desired instance count to 4.",
    ]


def test_a_computed_metric_is_tracked(aws, shop):
    scaled = Scaled(aws, shop, 1, 2)
    metric = {"Namespace": scaled.endpoint, "MetricName": "backlog"}
    scaled.track(
        TargetValue=10.0,
        CustomizedMetricSpecification={
            "Metrics": [
                {
                    "Id": "backlog",
                    "MetricStat": {"Metric": metric, "Stat": "Maximum"},
                    "ReturnData": False,
                },
                {"Id": "each", "Expression": "backlog / 2", "ReturnData": True},
            ]
        },
    )
    with Repeated(lambda: scaled.measure("backlog", 30.0)):  # 15 of each, for a target of 10
        scaled.until(2)


def test_what_is_suspended_waits(aws, shop):
    scaled = Scaled(aws, shop)
    scaled.register(1, 3, DynamicScalingOutSuspended=True)
    scaled.alarm("load", scaled.steps("out", (0, None, 1), Cooldown=0))
    with Repeated(lambda: scaled.measure("load", 35.0)):
        time.sleep(240 / SCALE)
        assert scaled.activities(IncludeNotScaledActivities=True) == []
        scaled.register(1, 2, DynamicScalingOutSuspended=False)
        scaled.until(2)


def test_no_policy_goes_beyond_its_bounds_and_the_largest_wins(aws, shop):
    scaled = Scaled(aws, shop, 1, 3)
    actions = [
        scaled.steps("one", (0, None, 1), Cooldown=600),
        scaled.steps("many", (0, None, 9), Cooldown=600),
    ]
    scaled.alarm("load", *actions)
    with Repeated(lambda: scaled.measure("load", 35.0)):
        scaled.until(3)
    assert [a["Description"] for a in scaled.over()] == ["Setting desired instance count to 3."]
    assert scaled.over()[0]["Cause"].endswith("triggered policy many")


def test_an_endpoint_that_is_updating_is_scaled_afterwards(aws, shop):
    scaled = Scaled(aws, shop, 1, 2)
    canary = {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {
                "Type": "CANARY",
                "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 50},
                "WaitIntervalInSeconds": 600,
            }
        }
    }
    shop.update(
        scaled.endpoint,
        shop.config(shop.variant("main", shop.model())),
        DeploymentConfig=canary,
    )
    scaled.alarm("load", scaled.steps("out", (0, None, 1), Cooldown=600))
    with Repeated(lambda: scaled.measure("load", 35.0)):
        [blocked] = soon(lambda: scaled.activities(IncludeNotScaledActivities=True))
        assert blocked["NotScaledReasons"] == [{"Code": "TargetServicePutResourceAsUnscalable"}]
        assert shop.status(scaled.endpoint) == "Updating"
        scaled.until(2)
    assert scaled.over()[0]["StatusCode"] == "Successful"


def test_a_program_that_does_not_come_up_leaves_the_old_capacity(aws, shop):
    scaled = Scaled(aws, shop)
    pids = scaled.pids(3)
    sound = aws.client("s3").get_object(Bucket=BUCKET, Key="model.tar.gz")["Body"].read()
    # The first process runs on; a new instance fetches what lies there by now.
    shop.s3.put_object(Bucket=BUCKET, Key="model.tar.gz", Body=archive("raise SystemExit(3)"))
    try:
        scaled.register(2, 3)
        [failed] = soon(scaled.over)
    finally:
        shop.s3.put_object(Bucket=BUCKET, Key="model.tar.gz", Body=sound)
    assert failed["StatusCode"] == "Failed"
    assert failed["StatusMessage"].startswith(
        "Failed to set desired instance count to 2. Reason: Request to service failed."
    )
    assert failed["Cause"] == "minimum capacity was set to 2"
    soon(lambda: scaled.count == 1)
    assert scaled.pids(3) == pids


def test_without_capacity_the_old_one_stays_and_the_alarm_asks_again(aws, shop):
    scaled = Scaled(aws, shop, 1, 2)
    aws.faults.add("capacity", target=scaled.endpoint)
    scaled.alarm("load", scaled.steps("out", (0, None, 1), Cooldown=600))
    with Repeated(lambda: scaled.measure("load", 35.0)):
        soon(scaled.over)
        scaled.until(2)  # it asks again, and the fault is over
    failed = scaled.over()[-1]
    assert failed["StatusCode"] == "Failed"
    assert failed["StatusMessage"].startswith(
        "Failed to set desired instance count to 2. Reason: Unable to provision"
    )
    assert scaled.over()[0]["StatusCode"] == "Successful"


def test_the_most_that_is_allowed_is_an_event(aws, shop):
    sqs, events = aws.client("sqs"), aws.client("events")
    url = sqs.create_queue(QueueName="at-max")["QueueUrl"]
    pattern = {"source": ["aws.application-autoscaling"], "detail": {"scaledToMax": [True]}}
    events.put_rule(Name="at-max", EventPattern=json.dumps(pattern))
    arn = "arn:aws:sqs:us-east-1:123456789012:at-max"
    events.put_targets(Rule="at-max", Targets=[{"Id": "1", "Arn": arn}])
    scaled = Scaled(aws, shop, 1, 2)
    scaled.register(2, 2)
    scaled.until(2)
    resource = scaled.scope["ResourceId"]

    def body():
        for message in sqs.receive_message(QueueUrl=url).get("Messages", []):
            told = json.loads(message["Body"])
            if told["detail"]["resourceId"] == resource:
                return told
        return None

    told = soon(body)
    assert told["detail-type"] == "Application Auto Scaling Scaling Activity State Change"
    detail = told["detail"]
    assert detail.pop("startTime") <= detail.pop("endTime")
    assert detail == {
        "newDesiredCapacity": 2,
        "oldDesiredCapacity": 1,
        "minCapacity": 2,
        "maxCapacity": 2,
        "resourceId": resource,
        "scalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "serviceNamespace": "sagemaker",
        "statusCode": "Successful",
        "scaledToMax": True,
        "direction": "scale-out",
    }


def test_a_change_by_somebody_else_is_followed_from_where_it_led(aws, shop):
    scaled = Scaled(aws, shop, 1, 3)
    shop.sm.update_endpoint_weights_and_capacities(
        EndpointName=scaled.endpoint,
        DesiredWeightsAndCapacities=[{"VariantName": "main", "DesiredInstanceCount": 2}],
    )
    soon(lambda: scaled.count == 2)
    scaled.alarm("load", scaled.steps("out", (0, None, 1), Cooldown=600))
    with Repeated(lambda: scaled.measure("load", 35.0)):
        scaled.until(3)
    assert [a["Description"] for a in scaled.over()] == ["Setting desired instance count to 3."]
