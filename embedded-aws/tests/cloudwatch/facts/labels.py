"""Default and dynamic labels of GetMetricData."""

from __future__ import annotations

from typing import Any

from cloudwatch.facts import Fact, Stage, table
from rooms.alarms import START

_RECORDED = "localstack/localstack test_cloudwatch.snapshot.json (recorded on AWS): "
_GUIDE = "Amazon CloudWatch User Guide, Use dynamic labels"
_WINDOW = {"StartTime": START - 60, "EndTime": START + 120}


def query(name: str, metric: str = "metric1", stat: str = "Sum", period: int = 60, **more: Any):
    of = {"Namespace": more.pop("namespace", "N"), "MetricName": metric,
          "Dimensions": [{"Name": k, "Value": v} for k, v in more.pop("dims",
          {}).items()]}  # fmt: skip
    unit = {"Unit": more.pop("unit")} if "unit" in more else {}
    return {
        "Id": name,
        "MetricStat": {"Metric": of, "Period": period, "Stat": stat, **unit},
        **more,
    }


def labels(stage: Stage, *queries: Any) -> list[str]:
    answer = stage.call("GetMetricData", MetricDataQueries=list(queries), **_WINDOW)
    return [r["Label"] for r in answer["MetricDataResults"]] if "MetricDataResults" in answer else [
        answer["Error"]["Message"]]  # fmt: skip


def _of_pair(first: tuple[str, int, str], second: tuple[str, int, str]):
    def ask(stage: Stage) -> Any:
        stage.publish(*({"MetricName": "metric1", "Value": v, "Unit": "Seconds",
                         "Timestamp": START} for v in (0.0, 2.0, 7.0, 100.0)))  # fmt: skip
        asked = [query(f"r{i}", "metric1", stat, period, unit=unit)
                 for i, (stat, period, unit) in enumerate((first, second))]  # fmt: skip
        return labels(stage, *asked)

    return ask


def _pairs():
    s, ms = "Seconds", "Milliseconds"
    for name, first, second, told in (
        ("stat and period", ("Sum", 60, s), ("Minimum", 30, s), ["Sum 60", "Minimum 30"]),
        ("stat", ("Sum", 60, s), ("Minimum", 60, s), ["Sum", "Minimum"]),
        ("period", ("Sum", 60, s), ("Sum", 30, s), ["60", "30"]),
        ("stat, period and unit", ("Sum", 60, s), ("Minimum", 30, ms), ["Sum 60", "Minimum 30"]),
        ("stat and unit", ("Sum", 60, s), ("Minimum", 60, ms), ["Sum", "Minimum"]),
        ("period and unit", ("Sum", 60, s), ("Sum", 30, ms), ["60", "30"]),
        ("unit alone", ("Sum", 60, s), ("Sum", 60, ms), ["", ""]),
    ):
        yield name, _of_pair(first, second), [f"metric1 {t}".strip() for t in told]


def _dynamic(label: str):
    def ask(stage: Stage) -> Any:
        for at, value in ((0, 4.0), (60, 1.0)):
            stage.put(value, at=at, name="Errors", Dimensions=[{"Name": "v", "Value": "blue"}])
        return labels(stage, query("a", "Errors", dims={"v": "blue"}, Label=label))

    return ask


def _searched(stage: Stage) -> Any:
    for variant in ("blue", "green"):
        stage.put(1, name="Errors", Dimensions=[{"Name": "v", "Value": variant}])
    term = "SEARCH('{N,v} MetricName=\"Errors\"', 'Sum', 60)"
    return labels(stage, {"Id": "s", "Expression": term})


FACTS: list[Fact] = [
    *table("default labels", f"{_RECORDED}test_label_generation", _pairs()),
    *table("default labels", f"{_RECORDED}test_get_metric_data_for_multiple_metrics", [
        ("one per metric", lambda s: labels(s, *(query(f"r{i}", f"metric{i}") for i in (1, 2, 3))),
         ["metric1", "metric2", "metric3"]),
    ]),
    *table("default labels", f"{_RECORDED}test_get_metric_data_with_zero_and_labels", [
        ("four statistics", lambda s: labels(s, *(query(f"r{i}", stat=stat) for i, stat in
         enumerate(("Average", "Sum", "Minimum", "Maximum")))),
         [f"metric1 {stat}" for stat in ("Average", "Sum", "Minimum", "Maximum")]),
    ]),
    *table("default labels", f"{_RECORDED}test_get_metric_data_with_dimensions", [
        ("one metric with dimensions", lambda s: labels(s, query("a", dims={"InstanceId": "one"})),
         ["metric1"]),
    ]),
    *table("default labels", "moto tests/test_cloudwatch_expressions.py, aws_verified", [
        ("of an expression", lambda s: labels(s, query("a", ReturnData=False),
         {"Id": "e", "Expression": "a"}), ["e"]),
        ("given", lambda s: labels(s, query("a", ReturnData=False),
         {"Id": "e", "Expression": "a", "Label": "e1"}), ["e1"]),
    ]),
    *table("default labels", "radkawar/stackd query_labels.go, written after native answers", [
        ("namespaces", lambda s: labels(s, query("a"), query("b", namespace="O")), ["N", "O"]),
        ("dimensions", lambda s: labels(s, query("a", dims={"v": "1"}), query("b",
             dims={"v": "2"})),
         ["1", "2"]),
        ("dimensions and names", lambda s: labels(s, query("a", dims={"v": "1"}),
         query("b", "metric2", dims={"v": "2"})), ["1 metric1", "2 metric2"]),
        ("hidden metrics do not count", lambda s: labels(s, query("a"),
         query("b", stat="Minimum", ReturnData=False)), ["metric1"]),
        ("labelled metrics do not count", lambda s: labels(s, query("a"),
         query("b", stat="Minimum", Label="low")), ["metric1", "low"]),
        ("of a search", _searched, ["blue", "green"]),
    ]),
    *table("dynamic labels", _GUIDE, [
        (label, _dynamic(label), [told]) for label, told in (
            ("${LABEL}", "Errors"), ("${MAX}", "4"), ("${MIN}", "1"), ("${AVG}", "2.5"),
            ("${SUM}", "5"), ("${FIRST}", "4"), ("${LAST}", "1"), ("${DATAPOINT_COUNT}", "2"),
            ("${FIRST_LAST_RANGE}", "-3"), ("${MIN_MAX_RANGE}", "3"),
            ("${PROP('MetricName')}", "Errors"), ("${PROP('Namespace')}", "N"),
            ("${PROP('Stat')}", "Sum"), ("${PROP('Period')}", "60"),
            ("${PROP('Region')}", "us-east-1"), ("${PROP('AccountId')}", "123456789012"),
            ("${PROP('Dim.v')} errors", "blue errors"),
        )
    ]),
]  # fmt: skip
