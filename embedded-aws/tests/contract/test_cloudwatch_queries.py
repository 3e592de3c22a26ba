"""What is asked of CloudWatch metrics: pages, metric math, searches, statistics; plain boto3."""

import datetime as dt

import pytest
from customer.metrics import datum, get, query, seconds

TIME_SCALE = 1.0


def test_newest_first_unless_asked(cloudwatch, namespace, minute):
    data = [datum(timestamp=minute - seconds(60 * i), Value=float(i)) for i in range(3)]
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)
    start, end = minute - seconds(180), minute + seconds(60)
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[query("a", namespace)], StartTime=start, EndTime=end
    )
    assert answer["MetricDataResults"][0]["Values"] == [0.0, 1.0, 2.0]
    [result] = get(cloudwatch, [query("a", namespace)], start, end)
    assert result["Values"] == [2.0, 1.0, 0.0]


def test_pages_hold_every_point_once(cloudwatch, namespace, minute):
    start = minute - seconds(600)
    data = [datum(n, start + seconds(60 * i), Value=float(i)) for n in "ab" for i in range(10)]
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)
    queries = [query("a", namespace, "a"), query("none", namespace, "gone"),
               query("b", namespace, "b")]  # fmt: skip
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, StartTime=start, EndTime=minute, MaxDatapoints=7,
        ScanBy="TimestampAscending",
    )  # fmt: skip
    seen = {"a": [], "b": [], "none": []}
    states = []
    for page in pages:
        for result in page["MetricDataResults"]:
            seen[result["Id"]] += result["Values"]
            states.append((result["Id"], result["StatusCode"]))
    assert seen == {"a": [float(i) for i in range(10)], "b": [float(i) for i in range(10)],
                    "none": []}  # fmt: skip
    assert ("a", "PartialData") in states
    assert states[-1] == ("b", "Complete")


def test_a_token_of_another_request_is_refused(cloudwatch, namespace, minute):
    with pytest.raises(cloudwatch.exceptions.InvalidNextToken):
        cloudwatch.get_metric_data(
            MetricDataQueries=[query("a", namespace)], StartTime=minute,
            EndTime=minute + seconds(60), NextToken="nonsense",
        )  # fmt: skip


def test_metric_math_over_metrics(cloudwatch, namespace, minute):
    data = [datum("errors", minute + seconds(60 * i), Value=v) for i, v in enumerate([1.0, 0, 3])]
    data += [datum("requests", minute + seconds(60 * i), Value=100.0) for i in range(4)]
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)
    results = get(
        cloudwatch,
        [
            query("e", namespace, "errors", ReturnData=False),
            query("r", namespace, "requests", ReturnData=False),
            {"Id": "rate", "Expression": "100 * e / r", "Label": "error rate"},
            {"Id": "both", "Expression": "SUM(METRICS())"},
            {"Id": "bad", "Expression": "IF(rate > 2, 1, 0)"},
            {"Id": "filled", "Expression": "FILL(e, REPEAT)"},
        ],
        minute,
        minute + seconds(240),
    )
    by_id = {r["Id"]: r for r in results}
    assert set(by_id) == {"rate", "both", "bad", "filled"}
    assert by_id["rate"]["Values"] == [1.0, 0.0, 3.0, 0.0]
    assert by_id["rate"]["Label"] == "error rate"
    assert by_id["both"]["Values"] == [101.0, 100.0, 103.0, 100.0]
    assert by_id["bad"]["Values"] == [0.0, 0.0, 1.0, 0.0]
    assert by_id["filled"]["Values"] == [1.0, 0.0, 3.0, 3.0]


def test_search_finds_metrics_by_schema(cloudwatch, namespace, minute):
    cloudwatch.put_metric_data(
        Namespace=namespace,
        MetricData=[
            datum("Errors", minute, Value=float(i), dimensions={"Variant": v})
            for i, v in enumerate(["blue", "green"], 1)
        ],
    )
    term = f'{{"{namespace}",Variant}} MetricName="Errors"'
    results = get(
        cloudwatch,
        [
            {"Id": "each", "Expression": f"SEARCH('{term}', 'Sum', 60)"},
            {"Id": "all", "Expression": f"SUM(SEARCH('{term}', 'Sum', 60))"},
            {"Id": "named", "Expression": f"SEARCH('{term}', 'Sum', 60)",
             "Label": "${PROP('Dim.Variant')}: ${MAX}"},
        ],
        minute,
        minute + seconds(60),
    )  # fmt: skip
    assert [(r["Id"], r["Label"], r["Values"]) for r in results] == [
        ("each", "blue", [1.0]),
        ("each", "green", [2.0]),
        ("all", "all", [3.0]),
        ("named", "blue: 1", [1.0]),
        ("named", "green: 2", [2.0]),
    ]


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("SUM(a", "expected"),
        ("nobody + a", "nobody"),
        ("AVG(a)", "must return a time series"),
        ("ANOMALY_DETECTION_BAND(a)", "ANOMALY_DETECTION_BAND"),
        ("e", "refer to each other"),
    ],
)
def test_a_broken_expression_is_a_validation_error(cloudwatch, namespace, minute, expression, why):
    with pytest.raises(cloudwatch.exceptions.ClientError, match=why) as caught:
        get(cloudwatch, [query("a", namespace), {"Id": "e", "Expression": expression}],
            minute, minute + seconds(60))  # fmt: skip
    assert caught.value.response["Error"]["Code"] == "ValidationError"


def test_expressions_in_a_circle_are_refused(cloudwatch, namespace, minute):
    queries = [
        query("a", namespace),
        {"Id": "x", "Expression": "TIME_SERIES(1) + y"},
        {"Id": "y", "Expression": "TIME_SERIES(2) + x"},
    ]
    with pytest.raises(cloudwatch.exceptions.ClientError, match="refer to each other"):
        get(cloudwatch, queries, minute, minute + seconds(60))


def test_queries_that_make_no_sense_are_refused(cloudwatch, namespace, minute):
    later = minute + seconds(60)
    for queries, start, end in [
        ([query("a", namespace), query("a", namespace)], minute, later),
        ([query("A", namespace)], minute, later),
        ([query("a", namespace, period=45)], minute, later),
        ([query("a", namespace, stat="p101")], minute, later),
        ([query("a", namespace, ReturnData=False)], minute, later),
        ([{"Id": "a"}], minute, later),
        ([query("a", namespace)], later, minute),
    ]:
        with pytest.raises(cloudwatch.exceptions.ClientError) as caught:
            get(cloudwatch, queries, start, end)
        assert caught.value.response["Error"]["Code"] == "ValidationError"


def test_get_metric_statistics(cloudwatch, namespace, minute):
    cloudwatch.put_metric_data(
        Namespace=namespace,
        MetricData=[
            datum(timestamp=minute, Values=[1.0, 2.0, 3.0], Unit="Seconds"),
            datum(timestamp=minute, Value=500.0, Unit="Milliseconds"),
        ],
    )
    asked = {
        "Namespace": namespace, "MetricName": "m", "Period": 60,
        "StartTime": minute, "EndTime": minute + seconds(60),
    }  # fmt: skip
    answer = cloudwatch.get_metric_statistics(**asked, Statistics=["Sum", "Maximum"])
    assert answer["Label"] == "m"
    by_unit = {p["Unit"]: (p["Sum"], p["Maximum"]) for p in answer["Datapoints"]}
    assert by_unit == {"Seconds": (6.0, 3.0), "Milliseconds": (500.0, 500.0)}
    [point] = cloudwatch.get_metric_statistics(
        **asked, Unit="Seconds", ExtendedStatistics=["p50", "p100"]
    )["Datapoints"]
    assert point["ExtendedStatistics"] == {"p50": 2.0, "p100": 3.0}
    assert point["Timestamp"] == minute


def test_get_metric_statistics_refuses(cloudwatch, namespace, minute):
    asked = {
        "Namespace": namespace, "MetricName": "m", "Period": 60,
        "StartTime": minute, "EndTime": minute + seconds(60),
    }  # fmt: skip
    for change, code in [
        ({}, "InvalidParameterCombination"),
        ({"Statistics": ["Sum"], "ExtendedStatistics": ["p5"]}, "InvalidParameterCombination"),
        ({"Statistics": ["Sum"], "Period": 7}, "InvalidParameterValue"),
        ({"ExtendedStatistics": ["p101"]}, "InvalidParameterValue"),
        ({"Statistics": ["Sum"], "EndTime": minute}, "InvalidParameterValue"),
        (
            {"Statistics": ["Sum"], "StartTime": minute - dt.timedelta(days=2)},
            "InvalidParameterCombination",
        ),
    ]:
        with pytest.raises(cloudwatch.exceptions.ClientError) as caught:
            cloudwatch.get_metric_statistics(**(asked | change))
        assert caught.value.response["Error"]["Code"] == code
