import time

import pytest

from models.runtime.serving.telemetry import (
    Counts,
    Publisher,
    Telemetry,
    publisher_from,
    resident_bytes,
)

DIMENSIONS = (("ModelName", "prices"), ("VariantName", "v1"))


class Cloud:
    """CloudWatch that keeps what it is given, and can be away."""

    def __init__(self):
        self.given = []
        self.away = False

    def put_metric_data(self, **given):
        if self.away:
            raise ConnectionError("away")
        self.given.append(given)


def publisher(telemetry, cloud=None, **more):
    return Publisher(telemetry, "Sluice", DIMENSIONS, client=cloud or Cloud(), **more)


def metric(data, name, dimensions=2):
    (found,) = [
        datum
        for datum in data
        if datum["MetricName"] == name and len(datum["Dimensions"]) == dimensions
    ]
    return dict(zip(found["Values"], found["Counts"], strict=True))


def test_predictions_are_counted_into_bins_by_value():
    told = Telemetry([10.0, 20.0])
    told.answered([5.0, 10.0, 25.0, 26.0], 0.004)
    cloud = Cloud()
    publisher(told, cloud).publish()
    (call,) = cloud.given
    assert call["Namespace"] == "Sluice"
    assert metric(call["MetricData"], "PredictionBin") == {0.0: 1, 1.0: 1, 2.0: 2}
    assert all(datum["StorageResolution"] == 1 for datum in call["MetricData"])


@pytest.mark.parametrize("milliseconds", [0.06, 1.0, 3.7, 80.0, 1999.0])
def test_a_latency_is_told_within_ten_percent(milliseconds):
    told = Telemetry([])
    told.answered([], milliseconds / 1000)
    (value,) = metric(publisher(told).data(None, told.counts(), 0.0), "PredictionLatency")
    assert value == pytest.approx(milliseconds, rel=0.101)


def test_a_period_tells_only_what_came_in_it():
    told, cloud = Telemetry([1.0]), Cloud()
    sender = publisher(told, cloud)
    told.answered([0.0], 0.001)
    sender.publish()
    told.answered([2.0, 2.0], 0.001)
    sender.publish()
    assert metric(cloud.given[1]["MetricData"], "PredictionBin") == {1.0: 2}
    sender.publish()
    assert {datum["MetricName"] for datum in cloud.given[2]["MetricData"]} == {"MemoryUsage"}


def test_what_could_not_be_sent_is_sent_with_the_next_period():
    told, cloud = Telemetry([1.0]), Cloud()
    sender = publisher(told, cloud)
    cloud.away = True
    told.answered([0.0], 0.001)
    with pytest.raises(ConnectionError):
        sender.publish()
    cloud.away = False
    told.answered([0.0], 0.001)
    sender.publish()
    assert metric(cloud.given[0]["MetricData"], "PredictionBin") == {0.0: 2}


def test_latency_and_memory_are_also_told_for_the_model_as_a_whole():
    told = Telemetry([])
    told.answered([], 0.01)
    data = publisher(told).data(None, told.counts(), 0.0)
    assert metric(data, "PredictionLatency", 1) == metric(data, "PredictionLatency", 2)
    assert metric(data, "MemoryUsage", 1)


def test_time_is_the_installations():
    epoch = time.time() - 100
    told, cloud = Telemetry([]), Cloud()
    publisher(told, cloud, time_scale=60.0, time_epoch=epoch).publish()
    at = cloud.given[0]["MetricData"][0]["Timestamp"].timestamp()
    assert at == pytest.approx(epoch + 6000, abs=60)


def test_the_thread_tells_each_period_and_the_rest_at_the_end():
    told, cloud = Telemetry([1.0]), Cloud()
    sender = publisher(told, cloud, period=60.0, time_scale=2000.0, time_epoch=time.time())
    told.answered([0.0], 0.001)
    sender.start()
    told.answered([0.0], 0.001)
    deadline = time.monotonic() + 10
    while not cloud.given and time.monotonic() < deadline:
        time.sleep(0.01)
    told.answered([2.0], 0.001)
    sender.stop()
    bins = [
        dict(zip(datum["Values"], datum["Counts"], strict=True))
        for call in cloud.given
        for datum in call["MetricData"]
        if datum["MetricName"] == "PredictionBin"
    ]
    assert sum(values.get(0.0, 0) for values in bins) == 1
    assert sum(values.get(1.0, 0) for values in bins) == 1


def test_a_cloud_that_is_away_does_not_end_the_thread(capsys):
    told, cloud = Telemetry([]), Cloud()
    cloud.away = True
    sender = publisher(told, cloud, period=0.01)
    sender.start()
    sender.stop()
    assert "metrics were not published: ConnectionError: away" in capsys.readouterr().out


def test_prometheus_reads_the_same_counts():
    told = Telemetry([1.0], model="prices")
    told.answered([0.0, 2.0], 0.003)
    told.rejected()
    told.failed()
    text = told.prometheus()
    for line in (
        'sluice_requests_total{model="prices",outcome="answered"} 1',
        'sluice_requests_total{model="prices",outcome="rejected"} 1',
        'sluice_requests_total{model="prices",outcome="failed"} 1',
        'sluice_predictions_total{model="prices",bin="1"} 1',
        'sluice_request_seconds_bucket{model="prices",le="0.001"} 0',
        'sluice_request_seconds_bucket{model="prices",le="0.005"} 1',
        'sluice_request_seconds_count{model="prices"} 1',
    ):
        assert line in text.splitlines()


def test_nothing_is_published_unless_the_environment_asks():
    told = Telemetry([])
    assert publisher_from({"AWS_REGION": "eu-west-1"}, told) is None
    assert publisher_from({"SLUICE_METRICS_NAMESPACE": "Sluice"}, told) is None


def test_the_environment_names_the_variant(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    asked = {
        "SLUICE_METRICS_NAMESPACE": "Ours",
        "AWS_REGION": "eu-west-1",
        "SLUICE_MODEL": "prices",
        "SLUICE_VARIANT": "v1",
        "SLUICE_METRICS_SECONDS": "5",
        "SLUICE_TIME_SCALE": "60",
    }
    made = publisher_from(asked, Telemetry([]))
    assert made is not None
    assert (made.namespace, made.dimensions, made.period) == ("Ours", DIMENSIONS, 5.0)
    assert made.time_scale == 60.0


def test_memory_is_measured():
    assert resident_bytes() > 10_000_000


def test_counts_are_a_value():
    assert Telemetry([1.0]).counts() == Counts(0, 0, 0, 0.0, (0, 0), (0,) * 73)
