"""The operations that tell of alarms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from embedded_aws.cloudwatch.alarms.alarm_store import AlarmStore
from embedded_aws.cloudwatch.alarms.model import ACTIONS_OF, Alarm
from embedded_aws.cloudwatch.alarms.rule import name_of
from embedded_aws.cloudwatch.pages import page
from embedded_aws.cloudwatch.queries import metric_key
from embedded_aws.protocol.service import AwsFault

_LISTS = {"MetricAlarm": "MetricAlarms", "CompositeAlarm": "CompositeAlarms"}


def describe_alarms(alarm_store: AlarmStore, params: Mapping[str, Any]) -> dict[str, Any]:
    """Alarms by name, prefix, type, state, action, or kinship; metric alarms unless asked.

    Raises:
        AwsFault: ``ValidationError``, ``ResourceNotFound`` or ``InvalidNextToken``.
    """
    for member in ("ChildrenOfAlarmName", "ParentsOfAlarmName"):
        if member in params:
            return _describe_kin(alarm_store, params, member)
    if "AlarmNames" in params and "AlarmNamePrefix" in params:
        raise AwsFault(
            "ValidationError", "AlarmNames and AlarmNamePrefix must not be specified together."
        )
    kinds = params.get("AlarmTypes", ["MetricAlarm"])
    alarms = [
        alarm
        for alarm in alarm_store.all()
        if alarm.kind in kinds
        and alarm.name in params.get("AlarmNames", (alarm.name,))
        and alarm.name.startswith(params.get("AlarmNamePrefix", ""))
        and params.get("StateValue", alarm.state.value) == alarm.state.value
        and _acts_on(alarm, params.get("ActionPrefix"))
    ]
    chunk, token = page(alarms, params.get("NextToken"), params.get("MaxRecords", 50))
    answer: dict[str, Any] = {"MetricAlarms": [], "CompositeAlarms": []}
    for alarm in chunk:
        answer[_LISTS[alarm.kind]].append(describe(alarm))
    return answer if token is None else answer | {"NextToken": token}


def describe_alarms_for_metric(
    alarm_store: AlarmStore, params: Mapping[str, Any]
) -> dict[str, Any]:
    """Alarms on exactly this metric; not those on expressions."""
    key = metric_key(params)
    alarms = []
    for alarm in alarm_store.all():
        settings = alarm.settings
        if "MetricName" not in settings or metric_key(settings) != key:
            continue
        members = ("Statistic", "ExtendedStatistic", "Period", "Unit")
        if all(params.get(m, settings.get(m)) == settings.get(m) for m in members):
            alarms.append(describe(alarm))
    return {"MetricAlarms": alarms}


def describe_alarm_history(alarm_store: AlarmStore, params: Mapping[str, Any]) -> dict[str, Any]:
    """What happened to alarms, newest first unless asked otherwise.

    Raises:
        AwsFault: ``InvalidNextToken``.
    """
    kinds = params.get("AlarmTypes", ["MetricAlarm"])
    items = [
        item
        for item in alarm_store.history.items()
        if item["AlarmType"] in kinds
        and params.get("AlarmName", item["AlarmName"]) == item["AlarmName"]
        and params.get("HistoryItemType", item["HistoryItemType"]) == item["HistoryItemType"]
        and params.get("StartDate", 0.0) <= item["Timestamp"]
        and item["Timestamp"] <= params.get("EndDate", item["Timestamp"])
    ]
    if params.get("ScanBy", "TimestampDescending") == "TimestampDescending":
        items.reverse()
    chunk, token = page(items, params.get("NextToken"), params.get("MaxRecords", 100))
    answer: dict[str, Any] = {"AlarmHistoryItems": chunk}
    return answer if token is None else answer | {"NextToken": token}


def describe(alarm: Alarm) -> dict[str, Any]:
    """One alarm as DescribeAlarms tells it."""
    state = alarm.state
    description: dict[str, Any] = {
        **{member: [] for member in ACTIONS_OF.values()},
        "ActionsEnabled": True,
        **({} if alarm.rule is not None or "Metrics" in alarm.settings else {"Dimensions": []}),
        **alarm.settings,
        "AlarmArn": alarm.arn,
        "AlarmConfigurationUpdatedTimestamp": alarm.configured,
        "StateValue": state.value,
        "StateReason": state.reason,
        "StateReasonData": state.data or None,
        "StateUpdatedTimestamp": state.updated,
        "StateTransitionedTimestamp": state.since,
    }
    if alarm.suppressed:
        description["ActionsSuppressedBy"] = alarm.suppressed
        description["ActionsSuppressedReason"] = f"Actions suppressed by {alarm.suppressed}"
    return description


def _describe_kin(
    alarm_store: AlarmStore, params: Mapping[str, Any], member: str
) -> dict[str, Any]:
    if set(params) - {member, "MaxRecords", "NextToken"}:
        raise AwsFault("ValidationError", f"{member} must not be specified with other parameters.")
    alarm = alarm_store.find(params[member])
    if alarm is None:
        raise AwsFault("ResourceNotFound", f"Unknown alarm: {params[member]}", 404)
    if member == "ParentsOfAlarmName":
        kin = [
            a for a in alarm_store.parents(alarm.name) if a.rule and alarm.name in a.rule.children
        ]
        members: tuple[str, ...] = ("AlarmName", "AlarmArn")
    else:
        if alarm.rule is None:
            raise AwsFault("ValidationError", f"{alarm.name} is not a composite alarm.")
        kin = [
            a for name in alarm.rule.children if (a := alarm_store.find(name_of(name))) is not None
        ]
        members = ("AlarmName", "AlarmArn", "StateValue", "StateUpdatedTimestamp")
    chunk, token = page(kin, params.get("NextToken"), params.get("MaxRecords", 50))
    answer: dict[str, Any] = {"MetricAlarms": [], "CompositeAlarms": []}
    for one in chunk:
        description = {"AlarmName": one.name, **describe(one)}
        answer[_LISTS[one.kind]].append({m: description[m] for m in members})
    return answer if token is None else answer | {"NextToken": token}


def _acts_on(alarm: Alarm, prefix: str | None) -> bool:
    if prefix is None:
        return True
    return any(action.startswith(prefix) for state in ACTIONS_OF for action in alarm.actions(state))
