"""Alarms over time, with a clock that only goes when it is told to."""

import json

import pytest
from rooms.alarms import KEY, START, TOPIC

from embedded_aws.cloudwatch.alarms.evaluator import Evaluator
from embedded_aws.cloudwatch.alarms.readings import Reading, readings_for
from embedded_aws.cloudwatch.store import MetricKey

ACTION = "arn:aws:sns:us-east-1:123456789012:action"


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
        "Threshold Crossed: 1 datapoint [10.0 (15/01/27 08:02:00)] was greater than the threshold "
        "(5.0)."
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


def test_an_alarm_deleted_meanwhile_stays_deleted(room):
    alarm = room.alarm()
    room.operations.delete_alarms({"AlarmNames": ["a"]})
    assert room.alarm_store.move(alarm, "ALARM", "late", "", room.clock.now()) is False
    assert room.transitions == []


def test_what_was_measured_is_gathered_before_it_is_judged(room):
    """At a high time scale a minute is over before its measurements have come by themselves."""
    late = [10, 10]

    def gather():
        if late and room.clock.time > START + 180:
            room.put(late.pop(), 179)

    room.evaluator = Evaluator(
        room.clock, room.store, room.alarm_store, room.suppression.look, gather
    )
    alarm = room.alarm(Threshold=5.0)
    room.until(181)
    assert alarm.state.value == "ALARM"


def test_who_acts_on_an_alarm_reads_what_it_sees(room):
    room.alarm("high", AlarmActions=[ACTION], EvaluationPeriods=2)
    room.alarm("low", AlarmActions=[ACTION], ComparisonOperator="LessThanThreshold")
    room.alarm("fine", OKActions=[TOPIC], Threshold=100.0)
    for minute, value in enumerate([7, 8, 9]):
        room.put(value, 60 * minute + 5)
    room.until(181)

    def read(action):
        return readings_for(room.alarm_store, room.store, action, room.clock.time)

    assert read(ACTION) == [
        Reading("high", "ALARM", 5.0, above=True, points=((START + 60, 8.0), (START + 120, 9.0)))
    ]
    assert [one.name for one in read(TOPIC)] == ["fine"]
    assert not read(TOPIC)[0].points[1:]
    room.operations.disable_alarm_actions({"AlarmNames": ["high"]})
    assert read(ACTION) == []
