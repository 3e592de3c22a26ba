"""What a change of an alarm's state sets off: actions, their message, and its history."""

import json

from rooms.alarms import START, TOPIC

from embedded_aws.cloudwatch.alarms.descriptions import describe_alarm_history
from embedded_aws.cloudwatch.alarms.messages import sns_message, sns_subject


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
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 5.0,
            "TreatMissingData": "",
            "EvaluateLowSampleCountPercentile": "",
        },
    }
    assert sns_subject(transition, "us-east-1") == 'ALARM: "a" in US East (N. Virginia)'
    assert sns_subject(transition, "eu-north-1") == 'ALARM: "a" in EU (Stockholm)'


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
