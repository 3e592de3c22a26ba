"""Units, statistics, pages and refusals of metrics."""

from __future__ import annotations

import re
from typing import Any

from cloudwatch.facts import ABSENT, ANY, Fact, Only, Stage, refusal, table
from cloudwatch.facts.labels import query
from rooms.alarms import START

_RECORDED = "localstack/localstack test_cloudwatch.snapshot.json (recorded on AWS): "
_MOTO = "moto tests/test_cloudwatch"
_UNITS = (
    "The parameter MetricData.member.1.Unit must be a value in the set [ Megabits, Terabits, "
    "Gigabits, Count, Bytes, Gigabytes, Gigabytes/Second, Kilobytes, Kilobits/Second, Terabytes, "
    "Terabits/Second, Bytes/Second, Percent, Megabytes, Megabits/Second, Milliseconds, "
    "Microseconds, Kilobytes/Second, Gigabits/Second, Megabytes/Second, Bits, Bits/Second, "
    "Count/Second, Seconds, Kilobits, Terabytes/Second, None ]."
)
_DATUM = "MetricData.member.1"
_SET = {"SampleCount": 10.0, "Sum": 55.0, "Minimum": 1.0, "Maximum": 10.0}


def get(stage: Stage, *queries: Any, start: float = -60, end: float = 120, **more: Any) -> Any:
    return stage.call("GetMetricData", MetricDataQueries=list(queries), StartTime=START + start,
                      EndTime=START + end, **more)  # fmt: skip


def results(stage: Stage, *queries: Any, **more: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = get(stage, *queries, **more).get("MetricDataResults", [])
    return found


def statistics(stage: Stage, start: float = -60, end: float = 120, **more: Any) -> Any:
    params = {"Namespace": "N", "MetricName": "m", "Period": 60, "StartTime": START + start,
              "EndTime": START + end, "Statistics": ["Sum"], **more}  # fmt: skip
    params = {k: v for k, v in params.items() if v is not None}
    return stage.call("GetMetricStatistics", **params)


def points(stage: Stage, **more: Any) -> Any:
    answer = statistics(stage, **more)
    found = [{k: v for k, v in p.items() if k != "Timestamp"} for p in answer["Datapoints"]]
    return sorted(found, key=lambda p: str(p["Unit"]))


def _mixed(*data: tuple[float, str]):
    def ask(stage: Stage) -> Any:
        for value, unit in data:
            stage.put(value, Unit=unit)
        return results(stage, query("m1", "m"))

    return ask


def _multiple(value: float, units: str) -> list[Any]:
    told = {"Code": "MultipleUnits", "Value": f"Multiple units returned: '[{units}]'"}
    return [{"Values": [value], "StatusCode": "Complete", "Messages": [told]}]


def _three_units(stage: Stage) -> None:
    stage.publish({"MetricName": "m", "Value": 1.0, "Unit": "Seconds", "Timestamp": START},
                  {"MetricName": "m", "Value": 5.0, "Unit": "Count", "Timestamp": START},
                  {"MetricName": "m", "Value": 10.0, "Timestamp": START})  # fmt: skip


def _after(prepare: Any, ask: Any):
    def both(stage: Stage) -> Any:
        prepare(stage)
        return ask(stage)

    return both


def _datum(**datum: Any):
    return lambda stage: stage.publish({"MetricName": "m", "Timestamp": START, **datum})


def _both_kinds(stage: Stage) -> None:
    stage.put(11, Unit="Seconds")
    stage.publish({"MetricName": "m", "StatisticValues": _SET, "Unit": "Seconds",
                   "Timestamp": START})  # fmt: skip


def _minutes(count: int):
    def prepare(stage: Stage) -> None:
        for i in range(count):
            stage.put(i, at=60 * i, Unit="Seconds")

    return prepare


def _listed(stage: Stage, **filters: Any) -> int:
    for name, instance in (("A", None), ("B", "one"), ("C", "two"), ("D", "two"), ("D", "two")):
        dims = [] if instance is None else [{"Name": "InstanceId", "Value": instance}]
        stage.put(1, name=name, Dimensions=dims)
    return len(stage.call("ListMetrics", Namespace="N", **filters)["Metrics"])


FACTS: list[Fact] = [
    *table("units", f"{_RECORDED}test_get_metric_data_different_units_no_unit_in_query", [
        ("two units, one value each", _mixed((60000, "Milliseconds"), (60, "Seconds")),
         _multiple(60000.0, "Milliseconds, Seconds")),
        ("two units, two values each", _mixed(*[(60000, "Milliseconds"), (60, "Seconds")] * 2),
         _multiple(120000.0, "Milliseconds, Seconds")),
        ("three units", _mixed(*[(60000, "Milliseconds"), (60, "Seconds")] * 2, (5, "Count")),
         _multiple(5.0, "Count, Milliseconds, Seconds")),
    ]),
    *table("units", f"{_RECORDED}test_get_metric_data_with_different_units", [
        ("one is asked for", _after(_three_units, lambda s: results(s, query("a", "m",
         unit="Seconds"))), [{"Values": [1.0], "Messages": ABSENT}]),
    ]),
    *table("units", f"{_RECORDED}test_handle_different_units", [
        ("a datapoint for each", _after(_three_units, lambda s: points(s, Statistics=["Average"])),
         [Only(Average=5.0, Unit="Count"), Only(Average=10.0, Unit="None"),
          Only(Average=1.0, Unit="Seconds")]),
    ]),
    *table("units", f"{_RECORDED}test_label_generation", [
        ("another unit has no values", _after(_three_units, lambda s: results(s, query("a", "m",
         unit="Bits"))), [{"Values": [], "StatusCode": "Complete"}]),
    ]),
    *table("units", "AWS API reference, GetMetricStatistics (Unit)", [
        ("a filter", _after(_three_units, lambda s: points(s, Unit="Count")),
         [Only(Sum=5.0, Unit="Count")]),
        ("a filter without data", _after(_three_units, lambda s: points(s, Unit="Bytes")), []),
    ]),
    *table("statistics", f"{_RECORDED}test_get_metric_data_stats", [
        (stat, _after(_both_kinds, lambda s, stat=stat: results(s, query("a", "m", stat))),
         [{"Values": [value], "Label": "m"}])
        for stat, value in (("Sum", 66.0), ("SampleCount", 11.0), ("Minimum", 1.0),
                            ("Maximum", 11.0), ("Average", 6.0))
    ]),
    *table("statistics", f"{_RECORDED}test_put_metric_data_values_list", [
        ("values and counts", _after(_datum(Values=[1.0, 10.0], Counts=[2.0, 4.0], Unit="Count"),
         lambda s: points(s, Statistics=["SampleCount", "Sum", "Maximum"])),
         [Only(Maximum=10.0, SampleCount=6.0, Sum=42.0, Unit="Count")]),
    ]),
    *table("statistics", f"{_RECORDED}test_get_metric_statistics", [
        ("all five", _after(lambda s: [s.put(i) for i in range(10)], lambda s: points(s,
             Statistics=[
         "Average", "Sum", "Minimum", "Maximum", "SampleCount"])), [Only(Average=4.5, Maximum=9.0,
         Minimum=0.0, SampleCount=10.0, Sum=45.0, Unit="None")]),
    ]),
    *table("statistics", f"{_RECORDED}test_invalid_amount_of_datapoints", [
        ("none", lambda s: statistics(s, start=0, end=86400), Only(Label="m", Datapoints=[])),
    ]),
    *table("metric data", f"{_RECORDED}test_get_metric_data_pagination", [
        ("a page", _after(_minutes(20), lambda s: get(s, query("a", "m"), start=0, end=1200,
         MaxDatapoints=10)), {"MetricDataResults": [{"Values": [float(i) for i in range(19, 9, -1)],
         "StatusCode": "PartialData"}], "NextToken": ANY}),
    ]),
    *table("metric data", f"{_RECORDED}test_default_ordering", [
        ("the newest first", _after(_minutes(3), lambda s: results(s, query("a", "m"), end=180)),
         [{"Values": [2.0, 1.0, 0.0]}]),
        ("ascending", _after(_minutes(3), lambda s: results(s, query("a", "m"), end=180,
         ScanBy="TimestampAscending")), [{"Values": [0.0, 1.0, 2.0]}]),
        ("descending", _after(_minutes(3), lambda s: results(s, query("a", "m"), end=180,
         ScanBy="TimestampDescending")), [{"Values": [2.0, 1.0, 0.0]}]),
    ]),
    *table("metric data", f"{_RECORDED}test_get_metric_with_null_dimensions", [
        ("dimensions are named exactly", _after(_datum(Value=1.0, Dimensions=[{"Name": "foo",
         "Value": "bar"}]), lambda s: get(s, query("a", "m"))), Only(Messages=[],
         MetricDataResults=[Only(Id="a", Label="m", StatusCode="Complete", Timestamps=[],
                                 Values=[])])),
    ]),
    *table("metric data", f"{_RECORDED}test_multiple_dimensions_statistics", [
        ("ten seconds", _after(_datum(Value=5.0, StorageResolution=1, Unit="Count"), lambda s:
         results(s, query("a", "m", "Maximum", 10, unit="Count"))), [{"Values": [5.0]}]),
    ]),
    *table("metric data", "moto test_cloudwatch_expressions.py, aws_verified", [
        ("an expression over a hidden metric", _after(_datum(Value=25.0, Unit="Bytes"), lambda s:
         results(s, {"Id": "e", "Expression": "a"}, query("a", "m", unit="Bytes",
         ReturnData=False))), [{"Id": "e", "Values": [25.0]}]),
    ]),
    *table("metric data", "radkawar/stackd query_plan.go, written after native answers", [
        ("of an account that is not linked", lambda s: results(s, query("a", "m",
         AccountId="999999999999")), [{"Values": [], "StatusCode": "Forbidden", "Messages": [{
         "Code": "Forbidden", "Value": "Access denied when getting data - please check that this "
         "account and the requested metric account are linked"}]}]),
    ]),
    *table("lists", "AWS API reference, ListMetrics", [
        ("whose they are", lambda s: [s.put(1), s.call("ListMetrics", IncludeLinkedAccounts=True)][
         1], {"OwningAccounts": ["123456789012"], "Metrics": [ANY]}),
    ]),
    *table("lists", f"{_RECORDED}test_list_metrics_with_filters", [
        ("all", _listed, 4), ("a name", lambda s: _listed(s, MetricName="A"), 1),
        ("a dimension", lambda s: _listed(s, Dimensions=[{"Name": "InstanceId"}]), 3),
        ("its value", lambda s: _listed(s, Dimensions=[{"Name": "InstanceId", "Value": "two"}]), 2),
    ]),
    *table("lists", f"{_RECORDED}test_list_metrics_pagination", [
        ("five hundred a page", _after(lambda s: [s.publish(*({"MetricName": f"m{i}", "Value": 1.0}
         for i in range(501)))], lambda s: {"count": len((a := s.call("ListMetrics"))["Metrics"]),
         **a}), {"count": 500, "NextToken": ANY}),
    ]),
    *table("error codes", f"{_RECORDED}test_put_metric_data_validation", [
        ("value and values", _datum(Value=1.5, Values=[1.0, 10.0]),
         refusal("InvalidParameterCombination", f"The parameters {_DATUM}.Value and "
         f"{_DATUM}.Values "
                 "are mutually exclusive and you have specified both.")),
        ("value and statistics", _datum(Value=1.5, StatisticValues=_SET),
         refusal("InvalidParameterCombination", f"The parameters {_DATUM}.Value and "
                 f"{_DATUM}.StatisticValues are mutually exclusive and you have specified both.")),
        ("counts of another size", _datum(Values=[1.0, 10.0], Counts=[2.0, 4.0, 5.0]),
         refusal("InvalidParameterValue", f"The parameters {_DATUM}.Values and {_DATUM}.Counts "
         f"must "
                 "be of the same size.")),
        ("values and statistics are taken", _datum(Values=[1.0, 10.0], StatisticValues=_SET), {}),
    ]),
    *table("error codes", f"{_RECORDED}test_invalid_amount_of_datapoints", [
        ("too many datapoints", lambda s: statistics(s, start=0, end=86400, Period=1),
         refusal("InvalidParameterCombination", "You have requested up to 86400 datapoints, which "
                 "exceeds the limit of 1440. You may reduce the datapoints requested by increasing "
                 "Period, or decreasing the time range.")),
        ("no time", lambda s: statistics(s, start=0, end=0), refusal("InvalidParameterValue",
         "The parameter StartTime must be less than the parameter EndTime.")),
    ]),
    *table("error codes", f"{_MOTO}.py", [
        ("time runs backwards", lambda s: statistics(s, start=1, end=0), refusal(
         "InvalidParameterValue", "The parameter StartTime must be less than the parameter "
         "EndTime.")),
        ("less than a second", lambda s: statistics(s, start=0.02, end=0.98), refusal(
         "InvalidParameterValue", "The parameter StartTime must be less than the parameter "
         "EndTime.")),
        ("data of no time", lambda s: get(s, query("a"), start=0, end=0), refusal(
         "ValidationError", "The parameter StartTime must not equal parameter EndTime.")),
        ("data of less than a second", lambda s: get(s, query("a"), start=0.02, end=0.98), refusal(
         "ValidationError", "The parameter StartTime must not equal parameter EndTime.")),
        ("data backwards", lambda s: get(s, query("a"), start=1, end=0), refusal(
         "ValidationError", "The parameter EndTime must be greater than StartTime.")),
        ("neither metric nor expression", lambda s: get(s, {"Id": "a", "Label": "e1"}), refusal(
         "ValidationError", "The parameter MetricDataQueries.member.1.MetricStat is required.\n")),
        ("not a number", _datum(Value=float("nan")), refusal("InvalidParameterValue",
         f"The value NaN for parameter {_DATUM}.Value is invalid.")),
    ]),
    *table("error codes", "errors of PutMetricData, quoted in public scripts and READMEs", [
        ("an unknown unit", _datum(Value=1.0, Unit="Bananas"), refusal("InvalidParameterValue",
         _UNITS)),
        ("minus infinity", _datum(Value=float("-inf")), refusal("InvalidParameterValue",
         f"The value -∞ for parameter {_DATUM}.Value is invalid.")),
        ("old data", _datum(Value=1.0, Timestamp=START - 15 * 86400), refusal(
         "InvalidParameterValue", re.compile(r"The parameter MetricData\.member\.1\.Timestamp must "
         r"specify a time within the past two weeks.*"))),
    ]),
    *table("error codes", "errors of the AWS CLI, quoted in public notes", [
        ("no statistic", lambda s: statistics(s, Statistics=None), refusal(
         "InvalidParameterCombination", "At least one of the parameters Statistics and "
         "ExtendedStatistics must be specified.")),
    ]),
    *table("error codes", "errors of the AWS CLI and SDKs, quoted in public notes", [
        ("an id twice", lambda s: get(s, query("a"), query("a")), refusal("ValidationError",
         "The values for parameter id in MetricDataQueries are not unique.")),
        ("an id in capitals", lambda s: get(s, query("A")), refusal("ValidationError",
         "The value A for parameter MetricDataQueries.member.1.Id is not matching the expected "
         "pattern ^[a-z][a-zA-Z0-9_]*$.")),
        ("a period twice", lambda s: get(s, query("a", Period=60)), refusal("ValidationError",
         "The parameters MetricDataQueries.member.1.Period and "
         "MetricDataQueries.member.1.MetricStat"
         " are mutually exclusive and you have specified both.")),
        ("metric and expression", lambda s: get(s, query("a", Expression="b")), refusal(
         "ValidationError", "The parameters MetricDataQueries.member.1.Expression and "
         "MetricDataQueries.member.1.MetricStat are mutually exclusive and you have specified "
         "both.")),
        ("an unknown function", lambda s: get(s, query("a"), {"Id": "e", "Expression": "NO(a)"}),
         refusal("ValidationError", "Error in expression 'e': Function 'NO' not found")),
        ("no expression", lambda s: get(s, query("a"), {"Id": "query", "Expression": "a +"}),
         refusal("ValidationError", re.compile(r"Error in expression 'query': Invalid syntax.*"))),
        ("a foreign token", lambda s: get(s, query("a"), NextToken="x"), refusal(
         "InvalidNextToken", ANY)),
    ]),
]  # fmt: skip
