"""What alarms say: the JSON that SNS carries, and the event on the default bus."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from embedded_aws.cloudwatch.alarms.model import Alarm, State, Transition
from embedded_aws.cloudwatch.alarms.reasons import stamp

# A reason's data holds no more than 4,000 characters.
_TOLD_CHILDREN = 20
_STATISTICS = {"SampleCount": "SAMPLE_COUNT", "Average": "AVERAGE", "Sum": "SUM",
               "Minimum": "MINIMUM", "Maximum": "MAXIMUM"}  # fmt: skip
_REGIONS = {
    "us-east-1": "US East (N. Virginia)",
    "us-east-2": "US East (Ohio)",
    "us-west-1": "US West (N. California)",
    "us-west-2": "US West (Oregon)",
    "ca-central-1": "Canada (Central)",
    "eu-west-1": "EU (Ireland)",
    "eu-west-2": "EU (London)",
    "eu-central-1": "EU (Frankfurt)",
    "eu-north-1": "EU (Stockholm)",
    "ap-northeast-1": "Asia Pacific (Tokyo)",
    "ap-northeast-2": "Asia Pacific (Seoul)",
    "ap-southeast-1": "Asia Pacific (Singapore)",
    "ap-southeast-2": "Asia Pacific (Sydney)",
}


def region_name(region: str) -> str:
    """``US East (N. Virginia)`` for ``us-east-1``; the code itself where we know no name."""
    return _REGIONS.get(region, region)


def sns_subject(transition: Transition, region: str) -> str:
    """At most 100 characters, as SNS demands."""
    text = f'{transition.after.value}: "{transition.alarm.name}" in {region_name(region)}'
    return text if len(text) <= 100 else text[:97] + "..."


def sns_message(transition: Transition, region: str, account: str) -> str:
    """The body of an alarm's notification."""
    alarm, settings = transition.alarm, transition.alarm.settings
    body: dict[str, Any] = {
        "AlarmName": alarm.name,
        "AlarmDescription": settings.get("AlarmDescription"),
        "AWSAccountId": account,
        **(
            {}
            if alarm.rule is not None
            else {"AlarmConfigurationUpdatedTimestamp": stamp(alarm.configured)}
        ),
        "NewStateValue": transition.after.value,
        "NewStateReason": transition.after.reason,
        "StateChangeTime": stamp(transition.after.since),
        "Region": region_name(region),
        "AlarmArn": alarm.arn,
        "OldStateValue": transition.before.value,
        "OKActions": list(settings.get("OKActions", [])),
        "AlarmActions": list(settings.get("AlarmActions", [])),
        "InsufficientDataActions": list(settings.get("InsufficientDataActions", [])),
    }
    if alarm.rule is not None:
        data = json.loads(transition.after.data or "{}")
        body["AlarmRule"] = alarm.rule.text
        body["TriggeringChildren"] = [
            {"Arn": child["arn"], "State": {"Value": child["state"]["value"],
             "Timestamp": child["state"]["timestamp"]}}
            for child in data.get("triggeringAlarms", [])
        ]  # fmt: skip
    else:
        body["Trigger"] = _trigger(settings)
    return json.dumps(body)


def event_entry(transition: Transition) -> dict[str, Any]:
    """The ``CloudWatch Alarm State Change`` event, as an entry of PutEvents."""
    alarm = transition.alarm
    detail: dict[str, Any] = {
        "alarmName": alarm.name,
        "state": _state(transition.after) | _suppression(alarm),
        "previousState": _state(transition.before),
        "configuration": _configuration(alarm),
    }
    return {
        "Time": dt.datetime.fromtimestamp(transition.after.since, dt.UTC),
        "Source": "aws.cloudwatch",
        "DetailType": "CloudWatch Alarm State Change",
        "Resources": [alarm.arn],
        "Detail": json.dumps(detail),
    }


def composite_reason(alarm: Alarm, value: str, cause: Alarm | None, change: str, now: float) -> str:
    """Why a composite alarm is in its state: a child changed, or it was put (``change``)."""
    if cause is None:
        return f"{alarm.arn} was {change} and its alarm rule evaluates to {value}"[:1023]
    moment = dt.datetime.fromtimestamp(now, dt.UTC).strftime("%A %d %B, %Y %H:%M:%S UTC")
    return f"{cause.arn} transitioned to {cause.state.value} at {moment}"[:1023]


def composite_data(children: Sequence[Alarm]) -> str:
    """The evidence for a composite alarm: the child that changed, or all where it was put."""
    triggering = [
        {
            "arn": child.arn,
            "state": {"value": child.state.value, "timestamp": stamp(child.state.since)},
        }
        for child in children[:_TOLD_CHILDREN]
    ]
    return json.dumps({"triggeringAlarms": triggering}, separators=(",", ":"))


def _trigger(settings: Mapping[str, Any]) -> dict[str, Any]:
    common = {
        "Period": settings.get("Period"),
        "EvaluationPeriods": settings["EvaluationPeriods"],
        **(
            {"DatapointsToAlarm": settings["DatapointsToAlarm"]}
            if "DatapointsToAlarm" in settings
            else {}
        ),
        "ComparisonOperator": settings["ComparisonOperator"],
        "Threshold": settings["Threshold"],
        "TreatMissingData": settings.get("TreatMissingData", ""),
        "EvaluateLowSampleCountPercentile": settings.get("EvaluateLowSampleCountPercentile", ""),
    }
    if "Metrics" in settings:
        metrics = [_query(query) for query in settings["Metrics"]]
        periods = [q["MetricStat"]["Period"] for q in metrics if "MetricStat" in q]
        return common | {"Period": periods[0], "Metrics": metrics}
    statistic: dict[str, Any] = (
        {"StatisticType": "Statistic", "Statistic": _STATISTICS[settings["Statistic"]]}
        if "Statistic" in settings
        else {
            "StatisticType": "ExtendedStatistic",
            "ExtendedStatistic": settings["ExtendedStatistic"],
        }
    )
    return {
        "MetricName": settings["MetricName"],
        "Namespace": settings["Namespace"],
        **statistic,
        "Unit": settings.get("Unit"),
        "Dimensions": _dimensions(settings),
        **common,
    }


def _query(query: Mapping[str, Any]) -> dict[str, Any]:
    document = {"ReturnData": True, **query}
    if "MetricStat" in query:
        stat = query["MetricStat"]
        document["MetricStat"] = stat | {
            "Metric": stat["Metric"] | {"Dimensions": _dimensions(stat["Metric"])}
        }
    return document


def _dimensions(settings: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"value": d["Value"], "name": d["Name"]} for d in settings.get("Dimensions", [])]


def _state(state: State) -> dict[str, Any]:
    document = {"value": state.value, "reason": state.reason, "timestamp": stamp(state.since)}
    return document | ({"reasonData": state.data} if state.data else {})


def _suppression(alarm: Alarm) -> dict[str, str]:
    if not alarm.suppressed:
        return {}
    reason = f"Actions suppressed by {alarm.suppressed}"
    return {"actionsSuppressedBy": alarm.suppressed, "actionsSuppressedReason": reason}


def _configuration(alarm: Alarm) -> dict[str, Any]:
    description = alarm.settings.get("AlarmDescription")
    document: dict[str, Any] = {} if description is None else {"description": description}
    if alarm.rule is not None:
        suppression = {
            f"{name[0].lower()}{name[1:]}": alarm.settings[name]
            for name in ("ActionsSuppressor", "ActionsSuppressorWaitPeriod",
                         "ActionsSuppressorExtensionPeriod")
            if name in alarm.settings
        }  # fmt: skip
        return document | {"alarmRule": alarm.rule.text} | suppression
    metrics: list[dict[str, Any]] = []
    for query in alarm.watch.queries if alarm.watch is not None else ():
        one: dict[str, Any] = {"id": query.id, "returnData": query.returns}
        if "Metrics" not in alarm.settings:
            # CloudWatch gives the metric of a plain alarm an id of its own with each change.
            one["id"] = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{alarm.arn}#{alarm.configured}"))
        if query.label is not None:
            one["label"] = query.label
        if query.key is not None:
            one["metricStat"] = {
                "metric": {
                    "namespace": query.key.namespace,
                    "name": query.key.name,
                    "dimensions": dict(query.key.dimensions),
                },
                "period": query.period,
                "stat": query.stat,
                **({} if query.unit is None else {"unit": query.unit}),
            }
        else:
            one["expression"] = query.expression
            if query.period is not None:
                one["period"] = query.period
        metrics.append(one)
    return document | {"metrics": metrics}
