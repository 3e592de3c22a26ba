"""Composite alarms: rules, what they refuse, why they change, whose actions are held."""

from __future__ import annotations

import re
from typing import Any

from cloudwatch.facts import ABSENT, ANY, Fact, Json, Only, Stage, table
from cloudwatch.facts.settings import invalid
from cloudwatch.facts.stage import ACCOUNT, TOPIC

_RECORDED = "localstack/localstack test_cloudwatch.snapshot.json (recorded on AWS): "
_CREATED = "localstack cloudformation test_cloudwatch.snapshot.json: test_composite_alarm_creation"
_PREFLIGHT = "badmintoncryer/cdk-preflight rules/cloudwatch, measured on AWS in 2026-09"
_GUIDE = "Amazon CloudWatch User Guide, Create a composite alarm"
_EVENTS = "Amazon CloudWatch User Guide, Alarm events and EventBridge"
_ARN = f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:"
_EITHER = f'ALARM("{_ARN}a") OR ALARM("{_ARN}b")'
_STARTS = "'(', 'NOT', AT_LEAST, TRUE or FALSE, ALARM, OK, or INSUFFICIENT_DATA"
_OF_A_CHILD = re.compile(
    r"arn:aws:cloudwatch:us-east-1:\d{12}:alarm:[ab] transitioned to (ALARM|OK) at "
    r"Friday 15 January, 2027 08:00:00 UTC"
)


def changed(*changes: tuple[str, str], rule: str = _EITHER, show: str = "described", **more: Any):
    """The composite over a and b, after some of them were brought into states by hand."""

    def ask(stage: Stage) -> Any:
        for name in ("a", "b", "held"):
            stage.alarm(name, TreatMissingData="ignore")
        stage.composite(rule, AlarmActions=[TOPIC], AlarmDescription="composite", **more)
        for name, state in changes:
            stage.force(name, state)
        if show == "described":
            return stage.described("top", "CompositeAlarm")
        return getattr(stage, show)()

    return ask


def _describe(value: str, told: Any, reason: Any = _OF_A_CHILD) -> Only:
    """Exactly what DescribeAlarms tells of the composite."""
    return Only(
        ActionsEnabled=True, AlarmActions=[TOPIC], AlarmArn=f"{_ARN}top", AlarmName="top",
        AlarmConfigurationUpdatedTimestamp=ANY, AlarmDescription="composite", AlarmRule=_EITHER,
        InsufficientDataActions=[], OKActions=[], StateReason=reason, StateReasonData=Json(
        Only(triggeringAlarms=told)), StateTransitionedTimestamp=ANY, StateUpdatedTimestamp=ANY,
        StateValue=value,
    )  # fmt: skip


def _child(name: str, state: str) -> Only:
    return Only(arn=f"{_ARN}{name}", state=Only(value=state, timestamp=ANY))


def put(rule: str, name: str = "top", **settings: Any):
    def ask(stage: Stage) -> Any:
        for alarm in ("a", "b", "c"):
            stage.alarm(alarm)
        return stage.composite(rule, name, **settings)

    return ask


def _holds(rule: str):
    """The state that a rule gives, where a is in ALARM, b is OK and c has no data."""

    def ask(stage: Stage) -> Any:
        for alarm in ("a", "b", "c"):
            stage.alarm(alarm)
        stage.force("a", "ALARM")
        stage.force("b", "OK")
        return stage.composite(rule) or stage.described("top", "CompositeAlarm")["StateValue"]

    return ask


def _deleting(*names: str):
    def ask(stage: Stage) -> Any:
        put("ALARM(a) OR ALARM(b)")(stage)
        stage.composite("ALARM(a)", "other")
        return stage.call("DeleteAlarms", AlarmNames=list(names))

    return ask


def _kin(**asked: str):
    def ask(stage: Stage) -> Any:
        put("ALARM(a) OR ALARM(b)")(stage)
        answer = stage.call("DescribeAlarms", **asked)
        return {kind: [a["AlarmName"] for a in answer[kind]]
                for kind in ("MetricAlarms", "CompositeAlarms")}  # fmt: skip

    return ask


_HELD = {"ActionsSuppressor": "held", "ActionsSuppressorWaitPeriod": 120,
         "ActionsSuppressorExtensionPeriod": 180}  # fmt: skip
_A, _B = ("a", "ALARM"), ("b", "ALARM")
_NOT_A, _NOT_B = ("a", "OK"), ("b", "OK")
_STARTED = "was created and its alarm rule evaluates to"

FACTS: list[Fact] = [
    *table("composite alarms", f"{_RECORDED}test_trigger_composite_alarm", [
        ("put", put("ALARM(a)"), Only()),
        ("a child in alarm", changed(_A), _describe("ALARM", [_child("a", "ALARM")])),
        ("it is fine again", changed(_A, _NOT_A), _describe("OK", [_child("a", "OK")])),
        ("the other in alarm", changed(_A, _NOT_A, _B), _describe("ALARM", [_child("b", "ALARM")])),
        ("the other is fine again", changed(_A, _NOT_A, _B, _NOT_B),
         _describe("OK", [_child("b", "OK")])),
        ("a second child changes nothing", changed(_A, _B),
         _describe("ALARM", [_child("a", "ALARM")])),
        ("SNS, in alarm", changed(_A, show="message"), {"NewStateValue": "ALARM",
             "AlarmName": "top",
         "AlarmDescription": "composite", "TriggeringChildren": [Only(Arn=f"{_ARN}a",
         State=Only(Value="ALARM", Timestamp=ANY))]}),
        ("SNS, fine again", changed(_A, _NOT_A, show="message"), {"NewStateValue": "OK",
         "TriggeringChildren": [Only(Arn=f"{_ARN}a", State=Only(Value="OK", Timestamp=ANY))]}),
    ]),
    *table("composite alarms", "notifications of composite alarms, quoted in public repositories", [
        ("SNS, its members", changed(_A, show="message"), Only(AlarmName="top", AlarmDescription=
         "composite", AWSAccountId=ACCOUNT, NewStateValue="ALARM", NewStateReason=_OF_A_CHILD,
         StateChangeTime=ANY, Region="US East (N. Virginia)", AlarmArn=f"{_ARN}top", OKActions=[],
         AlarmActions=[TOPIC], InsufficientDataActions=[], OldStateValue="OK", AlarmRule=_EITHER,
         TriggeringChildren=ANY)),
        ("SNS, by hand", changed(("top", "ALARM"), show="message"), {"NewStateReason": "testing",
         "TriggeringChildren": []}),
    ]),
    *table("composite alarms", _CREATED, [
        ("created", changed(), _describe("OK", [_child("a", "INSUFFICIENT_DATA"),
         _child("b", "INSUFFICIENT_DATA")], f"{_ARN}top {_STARTED} OK")),
        ("created in alarm", _holds("NOT ALARM(b)"), "ALARM"),
        ("in parentheses", _holds("(ALARM(a) OR ALARM(b))"), "ALARM"),
    ]),
    *table("composite alarms", f"{_RECORDED}test_put_composite_alarm_describe_alarms", [
        ("not among metric alarms", _kin(), {"MetricAlarms": ["a", "b", "c"],
         "CompositeAlarms": []}),
        ("asked for", _kin(AlarmTypes=["CompositeAlarm"]), {"MetricAlarms": [],
         "CompositeAlarms": ["top"]}),
    ]),
    *table("composite alarms", "AWS API reference, DescribeAlarms", [
        ("children", _kin(ChildrenOfAlarmName="top"), {"MetricAlarms": ["a", "b"],
         "CompositeAlarms": []}),
        ("parents", _kin(ParentsOfAlarmName="a"), {"MetricAlarms": [], "CompositeAlarms": ["top"]}),
    ]),
    *table("alarm rules", _GUIDE, [
        (rule, _holds(rule), told) for rule, told in (
            ("ALARM(a) AND ALARM(b)", "OK"), ("ALARM(a) AND NOT ALARM(b)", "ALARM"),
            ("INSUFFICIENT_DATA(c)", "ALARM"), ("OK(b)", "ALARM"), ("TRUE", "ALARM"),
            ("FALSE", "OK"), ("(ALARM(a) OR ALARM(b)) AND NOT OK(c)", "ALARM"),
            ("ALARM(b) OR ALARM(c) OR OK(b) AND ALARM(a)", "ALARM"),
            ("AT_LEAST(1, ALARM, (a, b, c))", "ALARM"), ("AT_LEAST(2, ALARM, (a, b, c))", "OK"),
            ("AT_LEAST(2, NOT ALARM, (a, b, c))", "ALARM"), ("AT_LEAST(50%, OK, (a, b))", "ALARM"),
            ("AT_LEAST(50%, OK, (a, b, c))", "OK"),
            ("ALARM(a) AND AT_LEAST(1, INSUFFICIENT_DATA, (b, c))", "ALARM"),
        )
    ]),
    *table("alarm rules", _PREFLIGHT, [
        ("no rule at all", put("GARBAGE(not a rule"), invalid(f"Error in AlarmRule [Unsupported "
             f"token "
         f"'GARBAGE' at char 0, must be: {_STARTS}]")),
        ("itself", put('ALARM("top")'), invalid("A composite alarm cannot have a child relation "
             "with "
         "itself via its AlarmRule, as it would introduce a circular dependency")),
        ("an alarm that is not there", put(f'ALARM("{_ARN}gone")'), invalid("Could not save the "
         f"composite alarm as alarms [{_ARN}gone] in the alarm rule do not exist")),
        ("a wait without a suppressor", put("ALARM(a)", ActionsSuppressorWaitPeriod=60), invalid(
         "ActionsSuppressorWaitPeriod requires an ActionSuppressor")),
        ("an extension without a suppressor", put("ALARM(a)", ActionsSuppressorExtensionPeriod=60),
         invalid("ActionsSuppressorExtensionPeriod requires an ActionSuppressor")),
        ("a suppressor without a wait", put("ALARM(a)", ActionsSuppressor="b",
         ActionsSuppressorExtensionPeriod=60), invalid("ActionsSuppressorWaitPeriod must not be "
         "null")),
        ("a suppressor without an extension", put("ALARM(a)", ActionsSuppressor="b",
         ActionsSuppressorWaitPeriod=60), invalid("ActionsSuppressorExtensionPeriod must not be "
         "null")),
        ("a suppressor that is no alarm", put("ALARM(a)", ActionsSuppressor=TOPIC,
         ActionsSuppressorWaitPeriod=60, ActionsSuppressorExtensionPeriod=60), invalid(
         "ActionsSuppressor must be a valid CloudWatch Alarm ARN or an Alarm name")),
    ]),
    *table("alarm rules", "errors of PutCompositeAlarm, quoted in public notes", [
        ("names that are not there", put("ALARM(a) OR ALARM(x) OR OK(y)"), invalid("Could not save "
         "the composite alarm as alarms [x, y] in the alarm rule do not exist")),
    ]),
    *table("alarm rules", "another emulator's copy of the message; no recording of it was found", [
        ("white space around", put(" ALARM(a)"), invalid("AlarmRule must not contain leading or "
         "trailing whitespace or be null")),
    ]),
    *table("alarm rules", "errors of DeleteAlarms, quoted in public deployment tools", [
        ("a child is needed", _deleting("a"), {"Error": {"Message": "Cannot delete a as there are "
         "composite alarm(s) depending on it."}}),
    ]),
    *table("alarm rules", "AWS API reference, DeleteAlarms", [
        ("two composites at a time", _deleting("top", "other"), invalid(ANY)),
        ("a composite and its child", _deleting("b", "top"), Only()),
    ]),
    *table("suppression", _EVENTS, [
        ("while it waits", changed(_A, **_HELD), {"StateValue": "ALARM", "ActionsSuppressedBy":
         "WaitPeriod", "ActionsSuppressedReason": "Actions suppressed by WaitPeriod"}),
        ("the event's configuration", changed(_A, show="event", **_HELD), {"Detail": {
         "configuration": Only(description="composite", alarmRule=_EITHER, actionsSuppressor="held",
         actionsSuppressorWaitPeriod=120, actionsSuppressorExtensionPeriod=180)}}),
        ("the event's previous state", changed(_A, show="event"), {"Detail": {"previousState": Only(
         value="OK", reason=f"{_ARN}top {_STARTED} OK", reasonData=Json(Only(triggeringAlarms=[
         ANY, ANY])), timestamp=ANY)}}),
        ("the event while it waits", changed(_A, show="event", **_HELD), {"Detail": {"state": {
         "actionsSuppressedBy": "WaitPeriod"}}}),
    ]),
    *table("suppression", "AWS API reference, PutCompositeAlarm", [
        ("under the suppressor", changed(("held", "ALARM"), _A, **_HELD), {"ActionsSuppressedBy":
         "Alarm"}),
        ("after the suppressor", changed(("held", "ALARM"), _A, ("held", "OK"), **_HELD), {
         "ActionsSuppressedBy": "ExtensionPeriod"}),
        ("not without one", changed(_A), {"ActionsSuppressedBy": ABSENT}),
    ]),
]  # fmt: skip
