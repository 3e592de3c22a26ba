"""What PutMetricAlarm refuses."""

import pytest

from embedded_aws.cloudwatch.alarms.settings import read_watch
from embedded_aws.protocol.service import AwsFault

SINGLE = {
    "AlarmName": "a", "Namespace": "N", "MetricName": "m", "Statistic": "Sum", "Period": 60,
    "EvaluationPeriods": 2, "Threshold": 5.0, "ComparisonOperator": "GreaterThanThreshold",
}  # fmt: skip


def metric(name, period=60, **more):
    stat = {"Metric": {"Namespace": "N", "MetricName": name}, "Period": period, "Stat": "Sum"}
    return {"Id": name, "MetricStat": stat, "ReturnData": False, **more}


def math(*queries):
    dropped = ("Namespace", "MetricName", "Statistic", "Period")
    return {k: v for k, v in SINGLE.items() if k not in dropped} | {"Metrics": list(queries)}


def test_the_datapoints_are_the_periods_unless_told():
    watch = read_watch(SINGLE)
    assert (watch.periods, watch.datapoints, watch.missing) == (2, 2, "missing")
    assert read_watch(SINGLE | {"DatapointsToAlarm": 1}).datapoints == 1


def test_an_expression_is_watched_by_its_id():
    watch = read_watch(math(metric("m"), {"Id": "e", "Expression": "m * 2"}))
    assert (watch.watched, watch.period) == ("e", 60)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"DatapointsToAlarm": 3}, "less than or equal to EvaluationPeriods"),
        ({"Period": 15}, "multiple of 60"),
        ({"Period": 1}, "multiple of 60"),
        ({"EvaluationPeriods": 1441}, "more than a day"),
        ({"Period": 3600, "EvaluationPeriods": 169}, "more than a week"),
        ({"TreatMissingData": "maybe"}, "not supported for TreatMissingData"),
        ({"EvaluateLowSampleCountPercentile": "x"}, "EvaluateLowSampleCountPercentile"),
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "anomaly detection"),
        ({"ThresholdMetricId": "x"}, "ThresholdMetricId"),
        ({"ExtendedStatistic": "p99"}, "both Statistic and ExtendedStatistic"),
        ({"Statistic": None}, "should have a Statistic"),
        ({"Statistic": None, "ExtendedStatistic": "p101"}, "p101 for parameter ExtendedStatistic"),
        ({"EvaluateLowSampleCountPercentile": "ignore"}, "only for percentile statistics"),
        ({"Threshold": None}, "valid Threshold"),
        ({"Threshold": float("nan")}, "valid Threshold"),
        ({"EvaluationPeriods": None}, "an EvaluationPeriods parameter"),
        ({"Period": None}, "a Period parameter"),
        ({"Namespace": None}, "a Namespace parameter"),
        ({"MetricName": None}, "Exactly one of MetricName and Metrics"),
    ],
)
def test_a_metric_alarm_that_makes_no_sense(change, why):
    params = {k: v for k, v in (SINGLE | change).items() if v is not None}
    with pytest.raises(AwsFault, match=why):
        read_watch(params)


@pytest.mark.parametrize(
    ("queries", "why"),
    [
        ([metric("m"), {"Id": "e", "Expression": "SEARCH('{N}', 'Sum')"}], "SEARCH"),
        ([metric("m"), {"Id": "e", "Expression": "m * zz"}], "Undefined variable zz"),
        ([metric("m"), {"Id": "e", "Expression": "m *"}], "incomplete"),
        ([metric("m"), metric("n", 300), {"Id": "e", "Expression": "m + n"}], "same period"),
        ([metric("m"), metric("n")], "Exactly one element"),
        ([metric("m", ReturnData=True), {"Id": "e", "Expression": "m"}], "Exactly one element"),
        ([{"Id": "e", "Expression": "TIME_SERIES(1)"}], "between 1 and 10"),
        ([metric(f"m{i}") for i in range(11)], "Too many metrics in alarm, maximum is 10"),
        ([metric("m"), metric("m")], "are not unique"),
        ([metric("M")], "not matching the expected pattern"),
        ([{"Id": "e"}], "member.1.MetricStat is required"),
        ([metric("m", Expression="1")], "mutually exclusive"),
    ],
)
def test_metric_math_that_makes_no_sense(queries, why):
    with pytest.raises(AwsFault, match=why):
        read_watch(math(*queries))


def test_metric_math_excludes_a_single_metric():
    with pytest.raises(AwsFault, match="mutually exclusive"):
        read_watch(math(metric("m", ReturnData=True)) | {"Period": 60})
