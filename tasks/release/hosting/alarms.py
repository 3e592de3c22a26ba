"""The release's alarms at CloudWatch: what stops a candidate when nobody of us is alive. Thin."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tasks.aws import asking, client


def create(requests: Sequence[Mapping[str, Any]]) -> str:
    """PutMetricAlarm for each; an alarm of this name is replaced."""
    for request in requests:
        with asking(f"PutMetricAlarm {request['AlarmName']}"):
            client("cloudwatch").put_metric_alarm(**request)
    return ", ".join(str(request["AlarmName"]) for request in requests)


def ringing(names: Collection[str]) -> tuple[str, ...]:
    """Those of the alarms that are in state ALARM."""
    if not names:
        return ()
    with asking(f"DescribeAlarms {', '.join(names)}"):
        answer = client("cloudwatch").describe_alarms(AlarmNames=list(names))
    alarms = [*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", [])]
    return tuple(item["AlarmName"] for item in alarms if item["StateValue"] == "ALARM")


def pull(name: str, reason: str) -> str:
    """SetAlarmState to ALARM, so that SageMaker's guardrail rolls its own update back."""
    with asking(f"SetAlarmState {name}"):
        client("cloudwatch").set_alarm_state(
            AlarmName=name, StateValue="ALARM", StateReason=reason[:1000]
        )
    return f"pulled {name}"


def delete(names: Collection[str]) -> str:
    """DeleteAlarms; those that are gone are as good."""
    with asking(f"DeleteAlarms {', '.join(names)}"):
        client("cloudwatch").delete_alarms(AlarmNames=list(names))
    return f"deleted {', '.join(names)}"
