"""What an endpoint's metrics tell of its invocations."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress

import pytest
from customer.shop import soon
from rooms.hosting import hosting, put_up

from embedded_aws.protocol.service import AwsFault

TIME_SCALE = 60.0


class Watcher:
    """Takes metrics instead of CloudWatch."""

    def __init__(self):
        self.values = {}

    def record(self, namespace, name, dimensions, values, unit="None", timestamp=None):
        key = (namespace, name, dimensions["VariantName"])
        self.values.setdefault(key, Counter()).update(dict(values))


def test_model_timeout_is_a_model_error(aws, shop):
    watcher = Watcher()
    with hosting(aws, shop, watcher, model_timeout=1.0) as (room, actions):
        put_up(shop, actions)
        with pytest.raises(AwsFault, match="Your invocation timed out") as failed:
            room.invoke("own", {}, b'{"sleep": 5}')
        assert (failed.value.code, failed.value.status) == ("ModelError", 424)
        assert failed.value.extra["OriginalStatusCode"] == 0
        assert room.invoke("own", {}, b"{}").status == 200
    errors = watcher.values["AWS/SageMaker", "Invocation5XXErrors", "main"]
    assert errors == {1.0: 1, 0.0: 1}
    latencies = watcher.values["AWS/SageMaker", "ModelLatency", "main"]
    assert max(latencies) >= 1_000_000


def test_metrics_tell_what_happened(aws, shop):
    watcher = Watcher()
    with hosting(aws, shop, watcher, usage_period=30) as (room, actions):
        put_up(shop, actions, count=4)
        for status in [200] * 30 + [404] * 5 + [500] * 10:
            with suppress(AwsFault):
                room.invoke("own", {}, json.dumps({"status": status, "sleep": 0.002}).encode())
        busy = ("/aws/sagemaker/Endpoints", "CPUUtilization", "main")
        soon(lambda: watcher.values.get(busy))
        asked = ("AWS/SageMaker", "Invocations", "main")
        # Each metric is told in its own time: the first may be there before any of the second.
        soon(lambda: sum(watcher.values.get(asked, {}).values()) == 45)

    def of(name, namespace="AWS/SageMaker"):
        return watcher.values[namespace, name, "main"]

    assert of("Invocations") == {1.0: 45}
    assert of("InvocationsPerInstance") == {0.25: 45}
    assert of("Invocation4XXErrors") == {1.0: 5, 0.0: 40}
    assert of("Invocation5XXErrors") == {1.0: 10, 0.0: 35}
    assert of("InvocationModelErrors") == {1.0: 15, 0.0: 30}
    assert sum(of("ModelLatency").values()) == sum(of("OverheadLatency").values()) == 45
    assert 2_000 <= min(of("ModelLatency")) <= 100_000
    assert 0 < max(of("MemoryUtilization", "/aws/sagemaker/Endpoints")) < 50


def test_metrics_reach_cloudwatch(aws, shop):
    name = shop.simple()
    for _ in range(5):
        shop.ask(name)

    def total():
        answer = aws.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName="Invocations",
            Dimensions=[
                {"Name": "EndpointName", "Value": name},
                {"Name": "VariantName", "Value": "main"},
            ],
            StartTime=aws.clock.now() - 3600,
            EndTime=aws.clock.now() + 60,
            Period=60,
            Statistics=["Sum"],
        )
        return sum(point["Sum"] for point in answer["Datapoints"])

    # The writer may publish between two requests, so that the sum comes in parts.
    soon(lambda: total() >= 5)
    assert total() == 5
