"""What CloudWatch and the platform's log tell of asynchronous endpoints."""

from __future__ import annotations

import pytest
from customer.metrics import query
from customer.queued import Counter
from customer.shop import Shop, soon

TIME_SCALE = 60
OF_VARIANT = {
    "InvocationsProcessed": 3.0,
    "InvocationFailures": 2.0,
    "Invocation4XXErrors": 1.0,
    "Invocation5XXErrors": 0.0,
    "RequestDownloadFailures": 1.0,
}


@pytest.fixture(scope="module")
def counter(aws):
    return Counter(aws.client, Shop(aws.client))


class Numbers:
    """Numbers of one endpoint, over the last hour."""

    def __init__(self, aws, endpoint) -> None:
        self._aws = aws
        self._endpoint = endpoint

    def of(self, name, stat, **more):
        dimensions = {"EndpointName": self._endpoint, **more}
        now = self._aws.clock.now()
        told = self._aws.client("cloudwatch").get_metric_data(
            MetricDataQueries=[query("q", "AWS/SageMaker", name, stat, 3600, dimensions)],
            StartTime=now - 7200,
            EndTime=now + 3600,
        )
        values = told["MetricDataResults"][0]["Values"]
        reduce = {"Sum": sum, "SampleCount": sum, "Minimum": min}.get(stat, max)
        return reduce(values) if values else None

    def names(self):
        told = self._aws.client("cloudwatch").list_metrics(
            Namespace="AWS/SageMaker",
            Dimensions=[{"Name": "EndpointName", "Value": self._endpoint}],
        )
        return {one["MetricName"] for one in told["Metrics"]}


def test_each_invocation_is_counted_and_timed(aws, counter):
    name = counter.endpoint(most=2)
    good = counter.ask(name, {"echo": 1})
    bad = counter.ask(name, {"raw": "no", "status": 400})
    missing = counter.ask(name, InputLocation="s3://sluice-hosting-tests/not/there")
    for answer in (good, bad, missing):
        counter.notice(answer)
    numbers = Numbers(aws, name)
    soon(lambda: numbers.of("InvocationsProcessed", "Sum", VariantName="main") == 3)
    soon(lambda: numbers.of("TotalProcessingTime", "SampleCount", VariantName="main") == 3)
    for metric, value in OF_VARIANT.items():
        assert numbers.of(metric, "Sum", VariantName="main") == value, metric
    for metric, count in (
        ("ModelLatency", 2), ("RequestDownloadLatency", 2), ("ResponseUploadLatency", 1),
        ("TimeInBacklog", 3),
    ):  # fmt: skip
        assert numbers.of(metric, "SampleCount", VariantName="main") == count, metric
        assert numbers.of(metric, "Minimum", VariantName="main") >= 0
    # Microseconds of waiting are part of the milliseconds of all of it.
    waited = numbers.of("TimeInBacklog", "Sum", VariantName="main") / 1000
    assert waited <= numbers.of("TotalProcessingTime", "Sum", VariantName="main")
    assert not numbers.names() & {"Invocations", "InvocationsPerInstance", "OverheadLatency"}


def test_the_backlog_is_told_while_it_stands(aws, counter, tmp_path):
    name = counter.endpoint(most=1, count=2)
    numbers = Numbers(aws, name)
    soon(lambda: numbers.of("ApproximateBacklogSize", "Minimum") == 0)
    door = tmp_path / "door"
    answers = [counter.ask(name, {"until": str(door)}) for _ in range(4)]
    soon(lambda: numbers.of("ApproximateBacklogSize", "Maximum") == 4)
    soon(lambda: numbers.of("ApproximateBacklogSizePerInstance", "Maximum") == 2)
    soon(lambda: numbers.of("ApproximateAgeOfOldestRequest", "Maximum") > 60)
    assert numbers.of("HasBacklogWithoutCapacity", "Maximum") == 0
    door.touch()
    for answer in answers:
        counter.response(answer)


def test_expired_and_untold_ones_are_counted(aws, counter, tmp_path):
    topic = counter.sns.create_topic(Name="short-lived")["TopicArn"]
    name = counter.endpoint(most=1, NotificationConfig={"SuccessTopic": topic})
    counter.sns.delete_topic(TopicArn=topic)
    door = tmp_path / "door"
    first = counter.ask(name, {"until": str(door)})
    late = counter.ask(name, RequestTTLSeconds=60)
    counter.failure(late)
    numbers = Numbers(aws, name)
    soon(lambda: numbers.of("ExpiredRequests", "Sum", VariantName="main") == 1)
    soon(lambda: numbers.of("InvocationFailures", "Sum", VariantName="main") == 1)
    door.touch()
    counter.response(first)  # stored, although nobody can be told
    soon(lambda: numbers.of("NotificationFailures", "Sum", VariantName="main") == 1)
    soon(lambda: numbers.of("InvocationFailures", "SampleCount", VariantName="main") == 2)
    assert numbers.of("InvocationFailures", "Sum", VariantName="main") == 1


def test_the_platforms_log_names_the_inference(aws, counter):
    name = counter.endpoint()
    answer = counter.ask(name, {"raw": "no", "status": 503}, InferenceId="the-one")
    counter.failure(answer)
    logs = aws.client("logs")
    group = f"/aws/sagemaker/Endpoints/{name}"

    def line():
        try:
            streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
        except logs.exceptions.ResourceNotFoundException:  # not written yet
            return None
        for stream in streams:
            if stream["logStreamName"].endswith("/data-log"):
                return logs.get_log_events(
                    logGroupName=group, logStreamName=stream["logStreamName"]
                )["events"]
        return None

    [event] = soon(line)
    assert (
        ":[sagemaker logs] [the-one] ClientError: Received server error (503)" in (event["message"])
    )
