"""Alarms over time, with a clock that only goes when it is told to."""

import json

import pytest

from embedded_aws.cloudwatch.alarms.alarm_store import AlarmStore
from embedded_aws.cloudwatch.alarms.descriptions import describe, describe_alarm_history
from embedded_aws.cloudwatch.alarms.evaluator import Evaluator
from embedded_aws.cloudwatch.alarms.messages import sns_message, sns_subject
from embedded_aws.cloudwatch.alarms.operations import AlarmOperations
from embedded_aws.cloudwatch.alarms.suppression import Suppression
from embedded_aws.cloudwatch.store import MetricKey, MetricStore, Point
from embedded_aws.protocol.service import AwsFault

START = 1_800_000_000 - 1_800_000_000 % 3600
KEY = MetricKey.of("N", "errors", {})
TOPIC = "arn:aws:sns:us-east-1:123456789012:alerts"


class StoppedClock:
    def __init__(self):
        self.time = float(START)

    def now(self):
        return self.time

    def real_seconds(self, seconds):
        return seconds


class Room:
    """Alarms without a thread: ``until`` lets virtual time pass."""

    def __init__(self):
        self.clock = StoppedClock()
        self.store = MetricStore()
        self.alarm_store = AlarmStore()
        self.acted = []
        self.transitions = []
        self.suppression = Suppression(self.alarm_store, self.acted.append)
        self.evaluator = Evaluator(self.clock, self.store, self.alarm_store, self.suppression.look)
        self.operations = AlarmOperations(
            self.alarm_store, self.clock, "arn:aws:cloudwatch:us-east-1:123456789012:alarm:"
        )
        self.alarm_store.listeners.append(self._changed)

    def _changed(self, transition):
        self.transitions.append(transition)
        self.suppression.take(transition, transition.after.since)
        self.suppression.look(transition.after.since)

    def alarm(self, name="a", **settings):
        params = {
            "AlarmName": name, "Namespace": "N", "MetricName": "errors", "Statistic": "Sum",
            "Period": 60, "EvaluationPeriods": 1, "Threshold": 5.0,
            "ComparisonOperator": "GreaterThanThreshold", **settings,
        }  # fmt: skip
        self.operations.put_metric_alarm({k: v for k, v in params.items() if v is not None})
        return self.alarm_store.alarms[name]

    def composite(self, name, rule, **settings):
        self.operations.put_composite_alarm({"AlarmName": name, "AlarmRule": rule, **settings})
        return self.alarm_store.alarms[name]

    def put(self, value, at, key=KEY, count=1.0):
        self.store.add(key, "Count", Point(START + at, [(float(value), count)]), self.clock.time)

    def until(self, seconds):
        """Let time pass up to ``seconds`` after the start, every round on its time."""
        end = START + seconds
        while self.clock.time < end:
            following = self.evaluator.round(self.clock.time)
            assert following > self.clock.time
            self.clock.time = min(end, following)
        self.evaluator.round(self.clock.time)

    def force(self, name, state):
        self.operations.set_alarm_state(
            {"AlarmName": name, "StateValue": state, "StateReason": "by hand"}
        )


@pytest.fixture
def room():
    return Room()


def test_a_new_alarm_has_insufficient_data(room):
    alarm = room.alarm()
    assert alarm.state.value == "INSUFFICIENT_DATA"
    assert alarm.state.reason == "Unchecked: Initial alarm creation"
    room.until(600)
    assert alarm.state.value == "INSUFFICIENT_DATA"
    assert room.transitions == []


def test_an_alarm_goes_off_a_second_after_its_window(room):
    alarm = room.alarm()
    room.put(10, 130)
    room.until(180)
    assert alarm.state.value == "INSUFFICIENT_DATA"
    room.until(181)
    assert alarm.state.value == "ALARM"
    assert alarm.state.since == START + 181
    assert alarm.state.reason == (
        "Threshold Crossed: 1 out of the last 1 datapoints [10.0 (15/01/27 08:02:00)] was greater "
        "than the threshold (5.0) (minimum 1 datapoint for INSUFFICIENT_DATA -> ALARM transition)."
    )
    data = json.loads(alarm.state.data)
    assert data["recentDatapoints"] == [10.0]
    assert data["threshold"] == 5.0
    assert data["evaluatedDatapoints"][0] == {
        "timestamp": "2027-01-15T08:02:00.000+0000",
        "sampleCount": 1.0,
        "value": 10.0,
    }


@pytest.mark.parametrize(
    ("operator", "value", "state"),
    [
        ("GreaterThanThreshold", 5, "OK"),
        ("GreaterThanThreshold", 6, "ALARM"),
        ("GreaterThanOrEqualToThreshold", 5, "ALARM"),
        ("GreaterThanOrEqualToThreshold", 4, "OK"),
        ("LessThanThreshold", 5, "OK"),
        ("LessThanThreshold", 4, "ALARM"),
        ("LessThanOrEqualToThreshold", 5, "ALARM"),
        ("LessThanOrEqualToThreshold", 6, "OK"),
    ],
)
def test_every_comparison(room, operator, value, state):
    alarm = room.alarm(ComparisonOperator=operator)
    room.put(value, 130)
    room.until(200)
    assert alarm.state.value == state


def test_two_out_of_three(room):
    alarm = room.alarm(EvaluationPeriods=3, DatapointsToAlarm=2)
    for minute, value in enumerate([0, 0, 9, 0, 9, 0, 0, 0]):
        room.put(value, 60 * minute + 30)
    room.until(245)
    assert alarm.state.value == "OK"
    room.until(305)
    assert alarm.state.value == "ALARM"
    assert "2 out of the last 3 datapoints" in alarm.state.reason
    room.until(365)
    assert alarm.state.value == "OK"
    assert "minimum 2 datapoints for ALARM -> OK transition" in alarm.state.reason


@pytest.mark.parametrize(
    ("treatment", "state"),
    [(None, "INSUFFICIENT_DATA"), ("ignore", "ALARM"), ("breaching", "ALARM"),
     ("notBreaching", "OK")],
)  # fmt: skip
def test_when_data_stops(room, treatment, state):
    alarm = room.alarm(TreatMissingData=treatment)
    room.put(10, 30)
    room.until(70)
    assert alarm.state.value == "ALARM"
    room.until(600)
    assert alarm.state.value == state


def test_missing_data_is_told(room):
    alarm = room.alarm(TreatMissingData="breaching", EvaluationPeriods=2)
    room.until(20)
    assert alarm.state.reason == (
        "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints "
        "were treated as [Breaching]."
    )


def test_periods_below_a_minute_are_judged_each_period(room):
    alarm = room.alarm(Period=10)
    room.put(10, 25)
    room.until(30.5)
    assert alarm.state.value == "INSUFFICIENT_DATA"
    room.until(31)
    assert alarm.state.value == "ALARM"


def test_long_periods_slide_by_the_minute(room):
    alarm = room.alarm(Period=300)
    room.put(10, 70)
    room.until(122)
    assert alarm.state.value == "ALARM"


def test_wall_clock_windows_wait_for_their_end(room):
    alarm = room.alarm(Period=300, EvaluationWindow={"WallClockWindow": {}})
    room.put(10, 70)
    room.until(300)
    assert alarm.state.value == "INSUFFICIENT_DATA"
    room.until(301)
    assert alarm.state.value == "ALARM"


def test_a_percentile(room):
    alarm = room.alarm(Statistic=None, ExtendedStatistic="p99", Threshold=90.0)
    for value in range(100):
        room.put(value, 30)
    room.until(70)
    assert alarm.state.value == "ALARM"
    assert json.loads(alarm.state.data)["recentDatapoints"] == [pytest.approx(98.01)]


def test_a_percentile_of_few_measurements_can_be_ignored(room):
    alarm = room.alarm(
        Statistic=None, ExtendedStatistic="p99", EvaluateLowSampleCountPercentile="ignore"
    )
    room.put(100, 30, count=999)
    room.until(70)
    assert alarm.state.value == "INSUFFICIENT_DATA"
    room.put(100, 90, count=1000)
    room.until(130)
    assert alarm.state.value == "ALARM"


def test_metric_math(room):
    requests = MetricKey.of("N", "requests", {})

    def query(name, key):
        metric = {"Namespace": key.namespace, "MetricName": key.name}
        return {
            "Id": name, "ReturnData": False,
            "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"},
        }  # fmt: skip

    alarm = room.alarm(
        MetricName=None, Namespace=None, Statistic=None, Period=None,
        Metrics=[query("e", KEY), query("r", requests), {"Id": "x", "Expression": "100 * e / r"}],
    )  # fmt: skip
    room.put(4, 30)
    room.put(100, 30, requests)
    room.put(6, 90)
    room.put(100, 90, requests)
    room.until(70)
    assert alarm.state.value == "OK"
    room.until(130)
    assert alarm.state.value == "ALARM"
    assert "[6.0 (" in alarm.state.reason


def test_a_warm_up_waits_for_the_data_of_a_whole_window(room):
    warm_up = {"WarmUpPeriodDurationInMinutes": 10}
    early = room.alarm(
        "early", EvaluationPeriods=2, TreatMissingData="breaching", WarmUpConfiguration=warm_up
    )
    late = room.alarm(
        "late", WarmUpConfiguration=warm_up | {"OnlyStartEvaluatingAfterWarmUpPeriodEnds": True}
    )
    room.put(10, 30)
    room.put(10, 90)
    room.until(70)
    assert early.state.value == "INSUFFICIENT_DATA"
    room.until(130)
    assert (early.state.value, late.state.value) == ("ALARM", "INSUFFICIENT_DATA")
    room.put(10, 590)
    room.until(610)
    assert late.state.value == "ALARM"


def test_a_state_set_by_hand_lasts_until_the_next_evaluation(room):
    alarm = room.alarm()
    room.put(1, 30)
    room.until(70)
    room.force("a", "ALARM")
    assert alarm.state.value == "ALARM"
    room.put(1, 90)
    room.until(130)
    assert alarm.state.value == "OK"


def test_an_update_leaves_the_state_and_is_judged_anew(room):
    alarm = room.alarm()
    room.put(10, 30)
    room.until(65)
    room.alarm(Threshold=50.0)
    assert alarm.state.value == "ALARM"
    room.until(76)
    assert alarm.state.value == "OK"


def test_actions_follow_the_state_and_can_be_disabled(room):
    room.alarm(AlarmActions=[TOPIC], OKActions=[TOPIC])
    room.put(10, 30)
    room.until(70)
    assert [t.after.value for t in room.acted] == ["ALARM"]
    room.operations.disable_alarm_actions({"AlarmNames": ["a"]})
    room.put(1, 90)
    room.until(130)
    assert [t.after.value for t in room.transitions] == ["ALARM", "OK"]
    assert len(room.acted) == 1
    room.operations.enable_alarm_actions({"AlarmNames": ["a"]})
    room.force("a", "ALARM")
    assert len(room.acted) == 2


def test_the_message_is_the_one_of_cloudwatch(room):
    room.alarm(
        AlarmDescription="too many", AlarmActions=[TOPIC], Dimensions=[{"Name": "d", "Value": "v"}]
    )
    room.force("a", "ALARM")
    [transition] = room.acted
    message = json.loads(sns_message(transition, "us-east-1", "123456789012"))
    assert message == {
        "AlarmName": "a",
        "AlarmDescription": "too many",
        "AWSAccountId": "123456789012",
        "AlarmConfigurationUpdatedTimestamp": "2027-01-15T08:00:00.000+0000",
        "NewStateValue": "ALARM",
        "NewStateReason": "by hand",
        "StateChangeTime": "2027-01-15T08:00:00.000+0000",
        "Region": "US East (N. Virginia)",
        "AlarmArn": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:a",
        "OldStateValue": "INSUFFICIENT_DATA",
        "OKActions": [],
        "AlarmActions": [TOPIC],
        "InsufficientDataActions": [],
        "Trigger": {
            "MetricName": "errors",
            "Namespace": "N",
            "StatisticType": "Statistic",
            "Statistic": "SUM",
            "Unit": None,
            "Dimensions": [{"value": "v", "name": "d"}],
            "Period": 60,
            "EvaluationPeriods": 1,
            "DatapointsToAlarm": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 5.0,
            "TreatMissingData": "missing",
            "EvaluateLowSampleCountPercentile": "",
        },
    }
    assert sns_subject(transition, "us-east-1") == 'ALARM: "a" in US East (N. Virginia)'


def test_a_composite_follows_its_children_at_once(room):
    room.alarm("a")
    room.alarm("b")
    both = room.composite("both", "ALARM(a) AND ALARM(b)", AlarmActions=[TOPIC])
    above = room.composite("above", "ALARM(both)")
    assert both.state.value == "OK"
    room.force("a", "ALARM")
    assert both.state.value == "OK"
    room.force("b", "ALARM")
    assert (both.state.value, above.state.value) == ("ALARM", "ALARM")
    assert both.state.reason.startswith(
        "arn:aws:cloudwatch:us-east-1:123456789012:alarm:b transitioned to ALARM at Friday 15"
    )
    [transition] = room.acted
    message = json.loads(sns_message(transition, "us-east-1", "123456789012"))
    assert message["AlarmRule"] == "ALARM(a) AND ALARM(b)"
    assert [child["State"]["Value"] for child in message["TriggeringChildren"]] == ["ALARM"] * 2


@pytest.mark.parametrize(
    ("rule", "why"),
    [("ALARM(gone)", r"alarms \[gone\] in the alarm rule do not exist"),
     ("ALARM(a) OR", "ends where"), ("ALARM(top)", "depend on itself")],
)  # fmt: skip
def test_a_rule_that_cannot_be_is_refused(room, rule, why):
    room.alarm("a")
    room.composite("low", "ALARM(a)")
    room.composite("top", "ALARM(low)")
    with pytest.raises(AwsFault, match=why):
        room.composite("low", rule)


def test_children_of_a_composite_cannot_be_deleted(room):
    room.alarm("a")
    room.composite("top", "ALARM(a)")
    with pytest.raises(AwsFault, match="depending on it: top") as caught:
        room.operations.delete_alarms({"AlarmNames": ["a"]})
    assert caught.value.code == "ResourceConflict"
    room.operations.delete_alarms({"AlarmNames": ["a", "top", "never was"]})
    assert room.alarm_store.alarms == {}


class TestSuppression:
    @pytest.fixture
    def deploying(self, room):
        room.alarm("errors", TreatMissingData="ignore")
        room.alarm("deploying", TreatMissingData="ignore")
        return room.composite(
            "top", "ALARM(errors)", AlarmActions=[TOPIC], ActionsSuppressor="deploying",
            ActionsSuppressorWaitPeriod=60, ActionsSuppressorExtensionPeriod=120,
        )  # fmt: skip

    def test_without_the_suppressor_actions_wait_for_it(self, room, deploying):
        room.force("errors", "ALARM")
        assert describe(deploying)["ActionsSuppressedBy"] == "WaitPeriod"
        room.until(50)
        assert room.acted == []
        room.until(70)
        assert [t.after.value for t in room.acted] == ["ALARM"]
        assert "ActionsSuppressedBy" not in describe(deploying)

    def test_under_the_suppressor_they_are_held(self, room, deploying):
        room.force("deploying", "ALARM")
        room.force("errors", "ALARM")
        assert describe(deploying)["ActionsSuppressedBy"] == "Alarm"
        room.until(3600)
        assert room.acted == []
        room.force("deploying", "OK")
        assert describe(deploying)["ActionsSuppressedBy"] == "ExtensionPeriod"
        room.until(3600 + 110)
        assert room.acted == []
        room.until(3600 + 130)
        assert [t.after.value for t in room.acted] == ["ALARM"]

    def test_what_is_over_before_is_never_told(self, room, deploying):
        room.force("deploying", "ALARM")
        room.force("errors", "ALARM")
        room.force("errors", "OK")
        room.force("deploying", "OK")
        room.until(3600)
        assert [t.after.value for t in room.acted] == []

    def test_its_periods_are_needed(self, room, deploying):
        with pytest.raises(AwsFault, match="WaitPeriod is required"):
            room.composite("other", "ALARM(errors)", ActionsSuppressor="deploying")


def test_the_history_tells_it_all(room):
    alarm = room.alarm(AlarmActions=[TOPIC])
    room.put(10, 30)
    room.until(70)
    room.alarm_store.history.acted(room.acted[0], room.clock.now(), TOPIC, "Succeeded")
    room.operations.delete_alarms({"AlarmNames": ["a"]})
    items = describe_alarm_history(room.alarm_store, {"ScanBy": "TimestampAscending"})[
        "AlarmHistoryItems"
    ]
    assert [item["HistorySummary"] for item in items] == [
        'Alarm "a" created',
        "Alarm updated from INSUFFICIENT_DATA to ALARM",
        f"Successfully executed action {TOPIC}",
        'Alarm "a" deleted',
    ]
    assert all(json.loads(item["HistoryData"]) for item in items)
    [change] = describe_alarm_history(room.alarm_store, {"HistoryItemType": "StateUpdate"})[
        "AlarmHistoryItems"
    ]
    assert json.loads(change["HistoryData"])["newState"]["stateValue"] == "ALARM"
    assert change["Timestamp"] == alarm.state.since


def test_history_is_forgotten_after_thirty_days(room):
    room.alarm()
    room.alarm_store.history.age(START + 31 * 86400)
    assert room.alarm_store.history.items() == []


def test_an_alarm_deleted_meanwhile_stays_deleted(room):
    alarm = room.alarm()
    room.operations.delete_alarms({"AlarmNames": ["a"]})
    assert room.alarm_store.move(alarm, "ALARM", "late", "", room.clock.now()) is False
    assert room.transitions == []
