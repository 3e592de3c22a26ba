"""Composite alarms: they follow their children at once, and hold their actions back."""

import json

import pytest
from rooms.alarms import TOPIC

from embedded_aws.cloudwatch.alarms.descriptions import describe
from embedded_aws.cloudwatch.alarms.messages import sns_message
from embedded_aws.protocol.service import AwsFault


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
    [child] = message["TriggeringChildren"]
    assert (child["Arn"][-2:], child["State"]["Value"]) == (":b", "ALARM")


@pytest.mark.parametrize(
    ("rule", "why"),
    [("ALARM(gone)", r"alarms \[gone\] in the alarm rule do not exist"),
     ("ALARM(a) OR", "ends where"), ("ALARM(low)", "child relation with itself"),
     ("ALARM(top)", "depend on itself")],
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
    with pytest.raises(AwsFault, match=r"Cannot delete a as .* depending on it\.") as caught:
        room.operations.delete_alarms({"AlarmNames": ["a"]})
    assert caught.value.code == "ValidationError"
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
        with pytest.raises(AwsFault, match="WaitPeriod must not be null"):
            room.composite("other", "ALARM(errors)", ActionsSuppressor="deploying")
