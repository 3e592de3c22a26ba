"""What PutMetricAlarm and its like refuse, and what DescribeAlarms tells of what they take."""

from __future__ import annotations

from typing import Any

from cloudwatch.facts import ABSENT, ANY, Fact, Only, Stage, refusal, table
from cloudwatch.facts.stage import ACCOUNT, TOPIC

_RECORDED = "localstack/localstack test_cloudwatch.snapshot.json (recorded on AWS): "
_PREFLIGHT = "badmintoncryer/cdk-preflight rules/cloudwatch, measured on AWS in 2026-09"
_ARN = f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:"
_DAY = ("Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= "
        "86400) for alarms using period < 3600")  # fmt: skip
_WEEK = ("Metrics cannot be checked across more than a week (EvaluationPeriods * Period must be <= "
         "604800) for alarms using period >= 3600")  # fmt: skip


def plain(**changes: Any) -> Only:
    """Exactly what DescribeAlarms tells of a plain alarm."""
    told = {
        "ActionsEnabled": True, "AlarmActions": [], "AlarmArn": f"{_ARN}a",
        "AlarmConfigurationUpdatedTimestamp": ANY, "AlarmName": "a",
        "ComparisonOperator": "GreaterThanThreshold", "Dimensions": [], "EvaluationPeriods": 1,
        "InsufficientDataActions": [], "MetricName": "m", "Namespace": "N", "OKActions": [],
        "Period": 60, "StateReason": "Unchecked: Initial alarm creation",
        "StateTransitionedTimestamp": ANY, "StateUpdatedTimestamp": ANY,
        "StateValue": "INSUFFICIENT_DATA", "Statistic": "Sum", "Threshold": 30.0, **changes,
    }  # fmt: skip
    return Only({k: v for k, v in told.items() if v is not ABSENT})


def described(**settings: Any):
    def ask(stage: Stage) -> Any:
        stage.alarm(**settings)
        return stage.described()

    return ask


def put(**settings: Any):
    return lambda stage: stage.alarm(**settings)


def invalid(message: Any) -> dict[str, Any]:
    return refusal("ValidationError", message)


def metric(name: str, **more: Any) -> dict[str, Any]:
    stat = {"Metric": {"Namespace": "N", "MetricName": name}, "Period": 60, "Stat": "Sum"}
    return {"Id": name, "MetricStat": stat, "ReturnData": False, **more}


def _math(*queries: Any):
    return put(MetricName=None, Namespace=None, Statistic=None, Period=None, Metrics=list(queries))


def _switched(stage: Stage) -> Any:
    stage.alarm(TreatMissingData="ignore")
    stage.call("DisableAlarmActions", AlarmNames=["a"])
    stage.force("a", "OK", "testing OK state")
    off = stage.described()
    stage.call("EnableAlarmActions", AlarmNames=["a"])
    return [off, stage.described()]


def _deleted(stage: Stage) -> Any:
    stage.alarm()
    gone = stage.call("DeleteAlarms", AlarmNames=["a"])
    return [gone, stage.call("DescribeAlarms", AlarmNames=["a"])]


def _for_metric(stage: Stage) -> Any:
    dimensions = [{"Name": "InstanceId", "Value": "abc"}]
    stage.alarm(Dimensions=dimensions, Unit="Seconds", Statistic="Average")
    stage.alarm("other", Dimensions=dimensions, Statistic="Sum")
    return stage.call("DescribeAlarmsForMetric", MetricName="m", Namespace="N",
                      Dimensions=dimensions, Statistic="Average")  # fmt: skip


def _forced(stage: Stage) -> Any:
    stage.alarm(OKActions=[TOPIC], AlarmActions=[TOPIC], Unit="Percent", TreatMissingData="ignore")
    stage.force("a", "ALARM", "testing alarm")
    alarm = stage.described()
    stage.force("a", "OK", "resetting alarm")
    return [alarm, stage.described()]


_FORCED = {"OKActions": [TOPIC], "AlarmActions": [TOPIC], "Unit": "Percent",
           "TreatMissingData": "ignore"}  # fmt: skip

FACTS: list[Fact] = [
    *table("alarms described", f"{_RECORDED}test_describe_minimal_metric_alarm", [
        ("minimal", described(Period=10), plain(Period=10)),
    ]),
    *table("alarms described", f"{_RECORDED}test_put_metric_alarm_escape_character", [
        ("a character of XML", described(AlarmDescription="<", Period=600, AlarmActions=[TOPIC]),
         plain(AlarmDescription="<", Period=600, AlarmActions=[TOPIC])),
    ]),
    *table("alarms described", "localstack cloudformation test_cloudwatch.snapshot.json", [
        ("an extended statistic", described(Statistic=None, ExtendedStatistic="p99", Period=300,
         Unit="Count", EvaluationPeriods=3, DatapointsToAlarm=3, TreatMissingData="ignore"),
         plain(Statistic=ABSENT, ExtendedStatistic="p99", Period=300, Unit="Count",
               EvaluationPeriods=3, DatapointsToAlarm=3, TreatMissingData="ignore")),
    ]),
    *table("alarms described", f"{_RECORDED}test_delete_alarm", [
        ("deleted", _deleted, [Only(), {"MetricAlarms": [], "CompositeAlarms": []}]),
    ]),
    *table("alarms described", f"{_RECORDED}test_put_metric_alarm", [
        ("for a metric", _for_metric, {"MetricAlarms": [plain(Unit="Seconds", Statistic="Average",
         Dimensions=[{"Name": "InstanceId", "Value": "abc"}])]}),
    ]),
    *table("alarms described", f"{_RECORDED}test_enable_disable_alarm_actions", [
        ("actions off and on", _switched, [plain(ActionsEnabled=on, StateValue="OK", StateReason=
         "testing OK state", TreatMissingData="ignore") for on in (False, True)]),
    ]),
    *table("alarms described", f"{_RECORDED}test_set_alarm", [
        ("set by hand", _forced, [plain(StateValue="ALARM", StateReason="testing alarm", **_FORCED),
         plain(StateValue="OK", StateReason="resetting alarm", **_FORCED)]),
    ]),
    *table("alarms described", f"{_RECORDED}test_basic_operations_multiple_protocols", [
        ("none", lambda s: s.call("DescribeAlarms"), {"MetricAlarms": [], "CompositeAlarms": []}),
    ]),
    *table("alarms refused", f"{_RECORDED}test_set_alarm_invalid_input", [
        ("an unknown state", lambda s: s.force("a", "INVALID"),
             invalid("1 validation error detected"
         ": Value 'INVALID' at 'stateValue' failed to satisfy constraint: Member must satisfy enum "
         "value set: [INSUFFICIENT_DATA, ALARM, OK]")),
        ("an unknown alarm", lambda s: {"Message": "", **(a := s.force("gone", "OK"))["Error"],
         "status": a["status"]}, {"Code": "ResourceNotFound", "Message": "", "status": 404}),
    ]),
    *table("alarms refused", _PREFLIGHT, [
        ("no threshold", put(Threshold=None), invalid(
         "PutMetricAlarm request should have valid Threshold parameter")),
        ("a period", put(Period=45), invalid("Period must be 10, 20, 30 or a multiple of 60")),
        ("a period of a query", _math(metric("a", ReturnData=True, MetricStat={"Metric": {
         "Namespace": "N", "MetricName": "a"}, "Period": 45, "Stat": "Sum"})), invalid(ANY)),
        ("more than a day", put(EvaluationPeriods=1441), invalid(_DAY)),
        ("more than a week", put(Period=86400, EvaluationPeriods=8), invalid(_WEEK)),
        ("a week is taken", put(Period=86400, EvaluationPeriods=7), {"Error": ABSENT}),
        ("datapoints", put(EvaluationPeriods=2, DatapointsToAlarm=3), invalid(
         "DatapointsToAlarm must be less than or equal to EvaluationPeriods")),
        ("low samples of an average", put(Statistic="Average",
         EvaluateLowSampleCountPercentile="ignore"), invalid("Option "
         "evaluateLowSampleCountPercentile can not be applied with statistic Average. This option "
         "is enabled only for percentile statistics.")),
        ("low samples of a percentile are taken", put(Statistic=None, ExtendedStatistic="p90",
         EvaluateLowSampleCountPercentile="ignore"), {"Error": ABSENT}),
        ("a percentile", put(Statistic=None, ExtendedStatistic="p101"), refusal(ANY,
         "The value p101 for parameter ExtendedStatistic is not supported.")),
        ("eleven metrics", _math(*(metric(f"m{i}") for i in range(11)),
         {"Id": "e", "Expression": "m0"}), invalid("Too many metrics in alarm, maximum is 10")),
        ("eleven expressions", _math(metric("a"), *({"Id": f"e{i}", "Expression": "a", "ReturnData":
         i == 0} for i in range(11))), invalid("Too many expressions in alarm, maximum is 10")),
        ("two that return data", _math(metric("a", ReturnData=True), metric("b", ReturnData=True)),
         invalid("Exactly one element of the metrics list should return data.")),
        ("a search", _math(metric("a"), {"Id": "e", "Expression": "SUM(SEARCH('{N}', 'Sum'))"}),
         invalid(ANY)),
        ("six actions", put(AlarmActions=[f"{TOPIC}{i}" for i in range(6)]), invalid(
         "1 validation error detected: Value 'list' at 'alarmActions' failed to satisfy "
         "constraint: "
         "Member must have length less than or equal to 5")),
        ("a service that takes no actions", put(AlarmActions=[
         f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/t"]), invalid(
         "Unsupported AWS vendor dynamodb")),
        ("another region", put(AlarmActions=["arn:aws:automate:eu-west-1:ec2:stop"]), invalid(
         "Invalid region eu-west-1 specified. Only us-east-1 is supported.")),
    ]),
    *table("alarms refused", "errors of PutMetricAlarm, quoted in public infrastructure code", [
        ("a search by name", _math(metric("a"), {"Id": "e", "Expression": "SEARCH('{N}', 'Sum')"}),
         invalid("SEARCH is not supported on Metric Alarms.")),
        ("several series", _math(metric("a"), {"Id": "e", "Expression": "METRICS()"}), invalid(
         "Metrics expression that return multi time series are only allowed for MetricsInsights "
         "expression with an ORDER BY clause")),
        ("an unknown function", _math(metric("a"), {"Id": "e1", "Expression":
         "ANOMALY_DETECTOR(a)"}), invalid(
         "Error in expression 'e1': Function 'ANOMALY_DETECTOR' not found")),
    ]),
    *table("alarms refused", "an error of PutMetricAlarm, quoted in a public infrastructure", [
        ("a topic of another region", put(AlarmActions=[TOPIC.replace("us-east-1",
             "eu-central-1")]),
         invalid("Invalid region eu-central-1 specified. Only us-east-1 is supported.")),
    ]),
    *table("alarms refused", "moto tests/test_cloudwatch.py", [
        ("low samples", put(Statistic=None, ExtendedStatistic="p90",
         EvaluateLowSampleCountPercentile="unknown"), invalid("Option unknown is not supported. "
         "Supported options for parameter EvaluateLowSampleCountPercentile are evaluate and "
         "ignore.")),
        ("a statistic", put(Statistic=None, ExtendedStatistic="90"), refusal(
         "InvalidParameterValue", "The value 90 for parameter ExtendedStatistic is not "
         "supported.")),
        ("data that is no JSON", lambda s: [s.alarm(), s.call("SetAlarmState", AlarmName="a",
         StateValue="OK", StateReason="x", StateReasonData="{")][1], refusal("InvalidFormat", ANY)),
    ]),
    *table("alarms refused", "localstack provider_v2.py, and other emulators alike", [
        ("missing data", put(TreatMissingData="maybe"), invalid("The value maybe is not supported "
         "for TreatMissingData parameter. Supported values are [breaching, notBreaching, ignore, "
         "missing].")),
    ]),
    *table("alarms refused", "AWS API reference, DescribeAlarms and PutMetricAlarm", [
        ("no action of an ARN", put(AlarmActions=["topic"]), invalid("Invalid arn syntax: topic")),
        ("names and prefix", lambda s: s.call("DescribeAlarms", AlarmNames=["a"],
         AlarmNamePrefix="a"), invalid(ANY)),
        ("a foreign token", lambda s: s.call("DescribeAlarms", NextToken="x"), refusal(
         "InvalidNextToken", ANY)),
        ("a long name", put(name="x" * 256), invalid("1 validation error detected: Value '"
         f"{'x' * 256}' at 'alarmName' failed to satisfy constraint: Member must have length less "
         "than or equal to 255")),
    ]),
]  # fmt: skip
