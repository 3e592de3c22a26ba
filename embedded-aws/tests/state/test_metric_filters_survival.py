"""Metric filters go on counting in the process that opens the folder next."""

import time

import pytest

pytestmark = pytest.mark.timeout(300)


def test_a_metric_filter_counts_after_a_kill(box):
    logs = box.client("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    logs.put_metric_filter(
        logGroupName="g",
        filterName="f",
        filterPattern="ERROR",
        metricTransformations=[{"metricNamespace": "N", "metricName": "m", "metricValue": "1"}],
    )
    box.kill()
    box.start()
    now = time.time()
    events = [{"timestamp": int(now * 1000), "message": message} for message in ("ERROR", "fine")]
    box.client("logs").put_log_events(logGroupName="g", logStreamName="s", logEvents=events)
    told = box.client("cloudwatch").get_metric_statistics(
        Namespace="N", MetricName="m", StartTime=now - 120, EndTime=now + 120, Period=60,
        Statistics=["Sum"],
    )["Datapoints"]  # fmt: skip
    assert [point["Sum"] for point in told] == [1.0]
