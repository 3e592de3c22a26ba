"""Why alarms change: sentences and evidence of evaluations, history, notices."""

from __future__ import annotations

from typing import Any

from cloudwatch.facts import ABSENT, ANY, Fact, Json, Only, Stage, table
from cloudwatch.facts.settings import metric
from cloudwatch.facts.stage import ACCOUNT, TOPIC

_RECORDED = "localstack/localstack test_cloudwatch.snapshot.json (recorded on AWS): "
_QUOTED = "a state reason that CloudWatch wrote, quoted in a public repository"
_EVENTS = "Amazon CloudWatch User Guide, Alarm events and EventBridge"
_AT = "15/01/27 08:{:02d}:00"
_CROSSED = "Threshold Crossed: "


def judged(*values: float | None, early: bool = False, **settings: Any):
    """The alarm ``a``, judged over one value for each minute (None where there is none).

    It is put when the data is there, or ``early``: then it is judged each minute.
    """

    def ask(stage: Stage) -> Any:
        if early:
            stage.alarm(**settings)
        for minute, value in enumerate(values):
            if value is not None:
                stage.put(value, at=60 * minute, Unit=settings.get("Unit", "None"))
        stage.until(60 * len(values) + 5)
        if not early:
            stage.alarm(**settings)
            stage.until(60 * len(values) + 20)
        alarm = stage.described()
        return {**alarm, "State": f"{alarm['StateValue']}: {alarm['StateReason']}"}

    return ask


def told(*values: float, last: int) -> str:
    """Datapoints as a sentence has them, of the minutes up to ``last``, newest first."""
    return ", ".join(f"{v} ({_AT.format(last - i)})" for i, v in enumerate(values))


def _stamp(minute: int) -> str:
    return f"2027-01-15T08:{minute:02d}:00.000+0000"


def _says(state: str, sentence: str) -> dict[str, Any]:
    return {"State": f"{state}: {sentence}"}


def _data(**data: Any) -> dict[str, Any]:
    common = {"version": "1.0", "queryDate": ANY, "statistic": "Sum", "period": 60,
              "threshold": 30.0}  # fmt: skip
    return {"StateReasonData": Json(Only({k: v for k, v in (common | data).items()
                                          if v is not ABSENT}))}  # fmt: skip


def _evaluated(*minutes: tuple[int, float | None]) -> list[Any]:
    return [Only(timestamp=_stamp(m)) if v is None else Only(timestamp=_stamp(m), sampleCount=1.0,
            value=v) for m, v in minutes]  # fmt: skip


def noticed(ask: Any, show: str):
    def both(stage: Stage) -> Any:
        ask(stage)
        return getattr(stage, show)()

    return both


def _forced(**settings: Any):
    def ask(stage: Stage) -> Any:
        stage.alarm(**settings)
        return stage.force("a", "ALARM", "testing alarm")

    return ask


def _history(ask: Any, **filters: Any):
    def both(stage: Stage) -> Any:
        ask(stage)
        return stage.call("DescribeAlarmHistory", AlarmName="a", **filters)

    return both


_N_OF_N = {"EvaluationPeriods": 3}
_M_OF_N = {"EvaluationPeriods": 3, "DatapointsToAlarm": 2}
_LOUD = {"AlarmActions": [TOPIC], "OKActions": [TOPIC], "AlarmDescription": "testing"}
_MESSAGE = {
    "AWSAccountId": ACCOUNT, "AlarmActions": [TOPIC],
    "AlarmArn": f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:a",
    "AlarmConfigurationUpdatedTimestamp": ANY, "AlarmDescription": "testing", "AlarmName": "a",
    "InsufficientDataActions": [], "NewStateReason": "testing alarm", "NewStateValue": "ALARM",
    "OKActions": [TOPIC], "OldStateValue": "INSUFFICIENT_DATA", "Region": "US East (N. Virginia)",
    "StateChangeTime": ANY,
}  # fmt: skip
_TRIGGER = {
    "ComparisonOperator": "GreaterThanThreshold", "Dimensions": [],
    "EvaluateLowSampleCountPercentile": "", "EvaluationPeriods": 1, "MetricName": "m",
    "Namespace": "N", "Period": 60, "Statistic": "SUM", "StatisticType": "Statistic",
    "Threshold": 30.0, "TreatMissingData": "", "Unit": None,
}  # fmt: skip
_EXPRESSION = {"MetricName": None, "Namespace": None, "Statistic": None, "Period": None,
     "Metrics": [
    metric("a"), {"Id": "e1", "Expression": "SUM(METRICS())", "Label": "Total"}]}  # fmt: skip

FACTS: list[Fact] = [
    *table("state reasons", f"{_RECORDED}test_put_metric_alarm", [
        ("one datapoint", judged(31.5), _says("ALARM", f"{_CROSSED}1 datapoint ["
         f"{told(31.5, last=0)}] was greater than the threshold (30.0).")),
    ]),
    *table("state reasons", f"{_RECORDED}test_breaching_alarm_actions", [
        ("nothing, breaching", judged(None, None, EvaluationPeriods=2,
             TreatMissingData="breaching"),
         _says("ALARM", f"{_CROSSED}no datapoints were received for 2 periods and 2 missing "
               "datapoints were treated as [Breaching].")),
    ]),
    *table("state reasons", _QUOTED, [
        ("nothing, not breaching", judged(None, TreatMissingData="notBreaching"), _says("OK",
         f"{_CROSSED}no datapoints were received for 1 period and 1 missing datapoint was "
         f"treated as "
         "[NonBreaching].")),
        ("three of three", judged(31, 32, 33, **_N_OF_N), _says("ALARM", f"{_CROSSED}3 datapoints ["
         f"{told(33.0, 32.0, 31.0, last=2)}] were greater than the threshold (30.0).")),
        ("two not above", judged(1, 0, EvaluationPeriods=2), _says("OK", f"{_CROSSED}2 datapoints ["
         f"{told(0.0, 1.0, last=1)}] were not greater than the threshold (30.0).")),
        ("one out of the last one", judged(31, DatapointsToAlarm=1), _says("ALARM",
         f"{_CROSSED}1 out of the last 1 datapoints [{told(31.0, last=0)}] was greater than the "
         "threshold (30.0) (minimum 1 datapoint for OK -> ALARM transition).")),
        ("one out of the last one, fine", judged(1, DatapointsToAlarm=1), _says("OK",
         f"{_CROSSED}1 out of the last 1 datapoints [{told(1.0, last=0)}] was not greater than the "
         "threshold (30.0) (minimum 1 datapoint for ALARM -> OK transition).")),
        ("two out of the last three", judged(31, 1, 33, **_M_OF_N), _says("ALARM",
         f"{_CROSSED}2 out of the last 3 datapoints [33.0 ({_AT.format(2)}), 31.0 "
         f"({_AT.format(0)})]"
         " were greater than the threshold (30.0) (minimum 2 datapoints for OK -> ALARM "
         "transition).")),
        ("two fine out of the last three", judged(1, 31, 2, **_M_OF_N), _says("OK",
         f"{_CROSSED}2 out of the last 3 datapoints [2.0 ({_AT.format(2)}), 1.0 ({_AT.format(0)})]"
         " were not greater than the threshold (30.0) (minimum 2 datapoints for ALARM -> OK "
         "transition).")),
        ("five of five", judged(31, 32, 33, 34, 35, EvaluationPeriods=5), _says("ALARM",
         f"{_CROSSED}5 datapoints were greater than the threshold (30.0). The most recent "
         f"datapoints "
         f"which crossed the threshold: [{told(35.0, 34.0, 33.0, 32.0, 31.0, last=4)}].")),
        ("six out of the last six", judged(*range(31, 37), EvaluationPeriods=6,
             DatapointsToAlarm=6),
         _says("ALARM", f"{_CROSSED}6 out of the last 6 datapoints were greater than the threshold "
               "(30.0). The most recent datapoints which crossed the threshold: ["
               f"{told(36.0, 35.0, 34.0, 33.0, 32.0, last=5)}] (minimum 6 datapoints for OK -> "
               f"ALARM "
               "transition).")),
        ("one above, one missing", judged(31, EvaluationPeriods=2, TreatMissingData="breaching"),
         _says("ALARM", f"{_CROSSED}1 datapoint [{told(31.0, last=0)}] was greater than the "
         f"threshold"
               " (30.0) and 1 missing datapoint was treated as [Breaching].")),
        ("one of twenty, the others missing", judged(*[None] * 20, 613, EvaluationPeriods=20,
         DatapointsToAlarm=1, TreatMissingData="notBreaching"), _says("ALARM",
         f"{_CROSSED}1 out of "
         f"the last 20 datapoints [{told(613.0, last=20)}] was greater than the threshold (30.0) "
         f"and "
         "19 missing datapoints were treated as [NonBreaching] (minimum 1 datapoint for OK -> "
         "ALARM "
         "transition).")),
        ("at least", judged(31, ComparisonOperator="GreaterThanOrEqualToThreshold"), _says("ALARM",
         f"{_CROSSED}1 datapoint [{told(31.0, last=0)}] was greater than or equal to the threshold "
         "(30.0).")),
        ("below", judged(1, ComparisonOperator="LessThanThreshold"), _says("ALARM",
         f"{_CROSSED}1 datapoint [{told(1.0, last=0)}] was less than the threshold (30.0).")),
        ("at most", judged(31, ComparisonOperator="LessThanOrEqualToThreshold"), _says("OK",
         f"{_CROSSED}1 datapoint [{told(31.0, last=0)}] was not less than or equal to the "
         f"threshold "
         "(30.0).")),
        ("large numbers", judged(25_000_000, Threshold=1e7), _says("ALARM",
             f"{_CROSSED}1 datapoint "
         f"[2.5E7 ({_AT.format(0)})] was greater than the threshold (1.0E7).")),
        ("no data any more", judged(31, *[None] * 8, early=True), _says("INSUFFICIENT_DATA",
         "Insufficient Data: 1 datapoint was unknown.")),
        ("no data of five any more", judged(31, 31, 31, 31, 31, *[None] * 9, early=True,
             EvaluationPeriods=5),
         _says("INSUFFICIENT_DATA", "Insufficient Data: 5 datapoints were unknown.")),
    ]),
    *table("state reason data", f"{_RECORDED}test_put_metric_alarm", [
        ("one datapoint", judged(31.5, Unit="Seconds", TreatMissingData="ignore"), _data(
         unit="Seconds", startDate=_stamp(0), recentDatapoints=[31.5],
         evaluatedDatapoints=_evaluated((0, 31.5)))),
    ]),
    *table("state reason data", f"{_RECORDED}test_breaching_alarm_actions", [
        ("nothing, breaching", judged(None, None, EvaluationPeriods=2, TreatMissingData="breaching",
         Unit="Seconds"), _data(unit="Seconds", recentDatapoints=[],
         evaluatedDatapoints=[Only(timestamp=ANY)] * 2)),
    ]),
    *table("state reason data", "StateReasonData of DescribeAlarms, quoted in public "
         "repositories", [
        ("without a unit", judged(31), _data(startDate=_stamp(0), recentDatapoints=[31.0],
         evaluatedDatapoints=_evaluated((0, 31.0)))),
        ("nothing, not breaching", judged(None, TreatMissingData="notBreaching"), _data(
         recentDatapoints=[], evaluatedDatapoints=[Only(timestamp=ANY)])),
        ("two of two", judged(31, 32, EvaluationPeriods=2, DatapointsToAlarm=2), _data(
         startDate=_stamp(0), recentDatapoints=[31.0, 32.0],
         evaluatedDatapoints=_evaluated((1, 32.0), (0, 31.0)))),
        ("two fine: one decides", judged(1, 0, EvaluationPeriods=2), _data(startDate=_stamp(0),
         recentDatapoints=[1.0, 0.0], evaluatedDatapoints=_evaluated((1, 0.0)))),
        ("five unknown", judged(31, 31, 31, 31, 31, *[None] * 9, early=True, EvaluationPeriods=5),
             _data(
         recentDatapoints=[], evaluatedDatapoints=[Only(timestamp=ANY)] * 5)),
        ("an expression has no statistic", judged(None, TreatMissingData="breaching",
             **_EXPRESSION),
         _data(statistic=ABSENT, recentDatapoints=[], evaluatedDatapoints=[Only(timestamp=ANY)])),
    ]),
    *table("alarm history", f"{_RECORDED}test_put_metric_alarm", [
        ("a change", _history(judged(31, Unit="Seconds"), HistoryItemType="StateUpdate"),
         {"AlarmHistoryItems": [Only(AlarmName="a", AlarmType="MetricAlarm", HistoryItemType=
          "StateUpdate", HistorySummary="Alarm updated from INSUFFICIENT_DATA to ALARM", Timestamp=
          ANY, HistoryData=Json(Only(version="1.0", oldState=Only(stateValue="INSUFFICIENT_DATA",
          stateReason="Unchecked: Initial alarm creation"), newState=Only(stateValue="ALARM",
          stateReason=ANY, stateReasonData=Only(version="1.0", queryDate=ANY, startDate=ANY, unit=
          "Seconds", statistic="Sum", period=60, recentDatapoints=[31.0], threshold=30.0,
          evaluatedDatapoints=ANY)))))]}),
    ]),
    *table("alarm history", "AWS CLI reference, describe-alarm-history", [
        ("a change by hand", _history(_forced(), HistoryItemType="StateUpdate"), {
         "AlarmHistoryItems": [{"HistorySummary": "Alarm updated from INSUFFICIENT_DATA to ALARM",
         "HistoryData": Json({"newState": Only(stateValue="ALARM",
         stateReason="testing alarm")})}]}),
        ("the newest first", _history(_forced()), {"AlarmHistoryItems": [
         {"HistoryItemType": "StateUpdate"}, {"HistoryItemType": "ConfigurationUpdate"}]}),
        ("the oldest first", _history(_forced(), ScanBy="TimestampAscending"),
             {"AlarmHistoryItems": [
         {"HistoryItemType": "ConfigurationUpdate"}, {"HistoryItemType": "StateUpdate"}]}),
    ]),
    *table("alarm history", "Eucalyptus, whose documents are copies of the ones of AWS", [
        ("creation", _history(_forced(), HistoryItemType="ConfigurationUpdate"), {
         "AlarmHistoryItems": [{"HistorySummary": 'Alarm "a" created', "HistoryData": Json(Only(
         version="1.0", type="Create", createdAlarm={"alarmName": "a", "metricName": "m",
         "namespace": "N", "dimensions": [], "okactions": [], "alarmActions": [],
         "insufficientDataActions": [], "actionsEnabled": True, "period": 60, "threshold": 30.0,
         "evaluationPeriods": 1, "comparisonOperator": "GreaterThanThreshold", "statistic": "Sum",
         "stateValue": "INSUFFICIENT_DATA"}))}]}),
    ]),
    *table("notices", f"{_RECORDED}test_enable_disable_alarm_actions", [
        ("SNS, by hand", noticed(_forced(Unit="Seconds", TreatMissingData="ignore", **_LOUD),
         "message"), Only(_MESSAGE, Trigger=Only(_TRIGGER, Unit="Seconds",
                                                 TreatMissingData="ignore"))),
    ]),
    *table("notices", "localstack test_cloudwatch_metrics.snapshot.json (recorded on AWS)", [
        ("SNS, sample count", noticed(_forced(Statistic="SampleCount", TreatMissingData="missing",
         **_LOUD), "message"), Only(_MESSAGE, Trigger=Only(_TRIGGER, Statistic="SAMPLE_COUNT",
                                                           TreatMissingData="missing"))),
    ]),
    *table("notices", "notifications of alarms, quoted in public repositories", [
        ("SNS, nothing said of missing data", noticed(_forced(), "message"), {"Trigger":
         {"TreatMissingData": "", "EvaluateLowSampleCountPercentile": ""}}),
        ("SNS, datapoints to alarm", noticed(_forced(DatapointsToAlarm=1), "message"), {"Trigger":
         {"DatapointsToAlarm": 1, "EvaluationPeriods": 1}}),
        ("SNS, an expression", noticed(_forced(**_EXPRESSION), "message"), {"Trigger": Only(
         Period=60, EvaluationPeriods=1, ComparisonOperator="GreaterThanThreshold", Threshold=30.0,
         TreatMissingData="", EvaluateLowSampleCountPercentile="", Metrics=[
         {"Id": "a", "ReturnData": False}, {"Id": "e1", "Expression": "SUM(METRICS())", "Label":
         "Total", "ReturnData": True}])}),
    ]),
    *table("notices", _EVENTS, [
        ("an event", noticed(_forced(AlarmDescription="too high", Dimensions=[{"Name": "InstanceId",
         "Value": "i"}]), "event"), {"Source": "aws.cloudwatch", "DetailType":
         "CloudWatch Alarm State Change", "Detail": Only(alarmName="a", state=Only(value="ALARM",
         reason="testing alarm", timestamp=ANY), previousState=Only(value="INSUFFICIENT_DATA",
         reason="Unchecked: Initial alarm creation", timestamp=ANY), configuration=Only(
         description="too high", metrics=[Only(id=ANY, returnData=True, metricStat=Only(metric=Only(
         dimensions={"InstanceId": "i"}, name="m", namespace="N"), period=60, stat="Sum"))]))}),
        ("an event of an expression", noticed(_forced(**_EXPRESSION), "event"), {"Detail": {
         "configuration": {"metrics": [Only(id="a", returnData=False, metricStat=ANY), Only(id="e1",
         expression="SUM(METRICS())", label="Total", returnData=True)]}}}),
    ]),
]  # fmt: skip
