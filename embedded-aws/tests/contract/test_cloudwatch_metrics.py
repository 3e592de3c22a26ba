"""CloudWatch metrics by plain boto3, against the documented behaviour: put, kept and listed."""

import datetime as dt

import boto3
import pytest
from botocore.config import Config
from customer.metrics import datum, get, query, seconds

TIME_SCALE = 1.0


def test_values_and_counts_give_every_statistic(cloudwatch, namespace, minute):
    values = [float(v) for v in range(1, 101)]
    cloudwatch.put_metric_data(
        Namespace=namespace,
        MetricData=[datum(timestamp=minute, Values=values, Counts=[2.0] * 100, Unit="Count")],
    )
    stats = ["SampleCount", "Sum", "Average", "Minimum", "Maximum", "p0", "p50", "p100", "tm90",
             "TC(10:20)", "PR(:25)", "IQM", "WM(:90%)", "ts50", "tc50"]  # fmt: skip
    queries = [query(f"q{i}", namespace, stat=stat) for i, stat in enumerate(stats)]
    results = get(cloudwatch, queries, minute, minute + seconds(60))
    found = {s: r["Values"][0] for s, r in zip(stats, results, strict=True)}
    assert found["SampleCount"] == 200
    assert found["Sum"] == 10100
    assert found["Average"] == 50.5
    assert (found["Minimum"], found["Maximum"]) == (1, 100)
    assert (found["p0"], found["p100"]) == (1, 100)
    assert found["p50"] == pytest.approx(50.5, rel=0.02)
    assert found["tm90"] == pytest.approx(45.5, rel=0.02)
    assert found["TC(10:20)"] == pytest.approx(20, rel=0.1)
    assert found["PR(:25)"] == pytest.approx(25, rel=0.05)
    assert found["IQM"] == pytest.approx(50.5, rel=0.02)
    assert found["tc50"] == pytest.approx(100, rel=0.02)


def test_statistic_sets_have_no_percentiles(cloudwatch, namespace, minute):
    sets = {"SampleCount": 10, "Sum": 60, "Minimum": 1, "Maximum": 20}
    cloudwatch.put_metric_data(
        Namespace=namespace, MetricData=[datum(timestamp=minute, StatisticValues=sets)]
    )
    average, median = get(
        cloudwatch,
        [query("a", namespace, stat="Average"), query("b", namespace, stat="p50")],
        minute,
        minute + seconds(60),
    )
    assert average["Values"] == [6.0]
    assert median["Values"] == []
    assert median["StatusCode"] == "Complete"


def test_high_resolution_is_kept_by_the_second(cloudwatch, namespace, minute):
    cloudwatch.put_metric_data(
        Namespace=namespace,
        MetricData=[
            datum(timestamp=minute + seconds(s), Value=1.0, StorageResolution=1) for s in range(30)
        ],
    )
    [ones] = get(cloudwatch, [query("a", namespace, period=1)], minute, minute + seconds(30))
    assert ones["Values"] == [1.0] * 30
    [tens] = get(cloudwatch, [query("a", namespace, period=10)], minute, minute + seconds(60))
    assert tens["Values"] == [10.0] * 3
    assert [t.timestamp() - minute.timestamp() for t in tens["Timestamps"]] == [0, 10, 20]


def test_regular_resolution_is_kept_by_the_minute(cloudwatch, namespace, minute):
    cloudwatch.put_metric_data(
        Namespace=namespace, MetricData=[datum(timestamp=minute + seconds(25), Value=3.0)]
    )
    [result] = get(cloudwatch, [query("a", namespace, period=10)], minute, minute + seconds(60))
    assert [t.timestamp() for t in result["Timestamps"]] == [minute.timestamp()]


def test_a_metric_is_one_set_of_dimensions(cloudwatch, namespace, minute):
    cloudwatch.put_metric_data(
        Namespace=namespace,
        MetricData=[
            datum(timestamp=minute, Value=1.0, dimensions={"a": "1", "b": "2"}),
            datum(timestamp=minute, Value=5.0),
        ],
    )
    bare, part, whole = get(
        cloudwatch,
        [
            query("x", namespace),
            query("y", namespace, dimensions={"a": "1"}),
            query("z", namespace, dimensions={"b": "2", "a": "1"}),
        ],
        minute,
        minute + seconds(60),
    )
    assert (bare["Values"], part["Values"], whole["Values"]) == ([5.0], [], [1.0])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Value": float("nan")}, "InvalidParameterValue"),
        ({"Value": float("inf")}, "InvalidParameterValue"),
        ({"Value": 2.0**361}, "InvalidParameterValue"),
        ({"Value": None}, "MissingParameter"),
        ({"Values": [1.0]}, "InvalidParameterCombination"),
        ({"Value": None, "Values": [1.0], "Counts": [1.0, 2.0]}, "InvalidParameterValue"),
        ({"Value": None, "Values": [1.0], "Counts": [-1.0]}, "InvalidParameterValue"),
        ({"Value": None, "Values": [float(i) for i in range(151)]}, "InvalidParameterValue"),
        (
            {
                "Value": None,
                "StatisticValues": {"SampleCount": 1, "Sum": 1, "Minimum": 2, "Maximum": 1},
            },
            "InvalidParameterValue",
        ),
        ({"StorageResolution": 30}, "InvalidParameterValue"),
        ({"Unit": "Bananas"}, "InvalidParameterValue"),
        ({"dimensions": {f"d{i}": "x" for i in range(31)}}, "InvalidParameterValue"),
        ({"dimensions": {"d": "é"}}, "InvalidParameterValue"),
        ({"dimensions": {":d": "x"}}, "InvalidParameterValue"),
        ({"age": dt.timedelta(days=14, minutes=1)}, "InvalidParameterValue"),
        ({"age": -dt.timedelta(hours=2, minutes=10)}, "InvalidParameterValue"),
    ],
)
def test_put_metric_data_refuses(cloudwatch, namespace, minute, change, code):
    change = dict(change)
    timestamp = minute - change.pop("age", dt.timedelta())
    made = datum(**{"timestamp": timestamp, "Value": 1.0, **change})
    good = datum("good", minute, Value=1.0)
    with pytest.raises(cloudwatch.exceptions.ClientError) as caught:
        cloudwatch.put_metric_data(Namespace=namespace, MetricData=[good, made])
    assert caught.value.response["Error"]["Code"] == code
    # A request is taken whole or not at all.
    assert cloudwatch.list_metrics(Namespace=namespace)["Metrics"] == []


def test_errors_are_the_models_exceptions(cloudwatch, namespace):
    with pytest.raises(cloudwatch.exceptions.InvalidParameterValueException, match=r"(?i)nan"):
        cloudwatch.put_metric_data(Namespace=namespace, MetricData=[datum(Value=float("nan"))])


def test_list_metrics_filters_and_pages(cloudwatch, namespace, minute):
    data = [datum(f"m{i}", minute, Value=1.0, dimensions={"i": str(i)}) for i in range(600)]
    data.append(datum("extra", minute, Value=1.0, dimensions={"i": "1", "j": "2"}))
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)
    first = cloudwatch.list_metrics(Namespace=namespace)
    assert len(first["Metrics"]) == 500
    pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace=namespace)
    assert len([m for page in pages for m in page["Metrics"]]) == 601
    [one] = cloudwatch.list_metrics(Namespace=namespace, MetricName="m7")["Metrics"]
    assert one == {"Namespace": namespace, "MetricName": "m7",
                   "Dimensions": [{"Name": "i", "Value": "7"}]}  # fmt: skip
    by_value = cloudwatch.list_metrics(
        Namespace=namespace, Dimensions=[{"Name": "i", "Value": "1"}]
    )["Metrics"]
    assert {m["MetricName"] for m in by_value} == {"m1", "extra"}
    by_name = cloudwatch.list_metrics(Namespace=namespace, Dimensions=[{"Name": "j"}])["Metrics"]
    assert [m["MetricName"] for m in by_name] == ["extra"]


def test_recently_active_metrics(cloudwatch, namespace, minute):
    old = minute - dt.timedelta(hours=5)
    cloudwatch.put_metric_data(
        Namespace=namespace,
        MetricData=[datum("old", old, Value=1.0), datum("new", minute, Value=1.0)],
    )
    found = cloudwatch.list_metrics(Namespace=namespace, RecentlyActive="PT3H")["Metrics"]
    assert [m["MetricName"] for m in found] == ["new"]


def test_a_service_in_the_process_publishes_too(aws, cloudwatch, namespace):
    now = aws.clock.now()
    for _ in range(3):
        aws.world.metrics.record(namespace, "m", {"d": "v"}, [(2.0, 1.0)], "Count", now)
    start = dt.datetime.fromtimestamp(now - 60, dt.UTC)
    [result] = get(
        cloudwatch, [query("a", namespace, dimensions={"d": "v"})], start, start + seconds(180)
    )
    assert sum(result["Values"]) == 6.0


def test_operations_that_are_not_there_say_so(cloudwatch):
    with pytest.raises(cloudwatch.exceptions.ClientError, match="PutInsightRule") as caught:
        cloudwatch.put_insight_rule(RuleName="r", RuleDefinition="{}")
    assert caught.value.response["Error"]["Code"] == "UnknownOperationException"


def test_data_may_lie_two_hours_ahead(cloudwatch, namespace, minute):
    ahead = minute + dt.timedelta(hours=1)
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=[datum(timestamp=ahead, Value=2.0)])
    metric, filled = get(
        cloudwatch,
        [query("a", namespace), {"Id": "b", "Expression": "FILL(a, 0)"}],
        minute,
        minute + dt.timedelta(hours=3),
    )
    assert metric["Values"] == [2.0]
    # FILL fills the past only.
    assert len(filled["Values"]) < 20


def test_a_request_above_one_megabyte_is_refused(aws, namespace):
    client = boto3.session.Session().client(
        "cloudwatch",
        region_name=aws.world.region,
        endpoint_url=aws.endpoint_url,
        config=Config(disable_request_compression=True),
        aws_access_key_id="embedded",
        aws_secret_access_key="embedded",
    )
    data = [datum(f"{i}" + "x" * 200, Value=1.0, dimensions={"d": "y" * 900}) for i in range(1000)]
    with pytest.raises(client.exceptions.ClientError) as caught:
        client.put_metric_data(Namespace=namespace, MetricData=data)
    assert caught.value.response["Error"]["Code"] == "RequestEntityTooLarge"
