"""The standing alarms at CloudWatch: read back, compared, put right. Thin.

Safe to repeat, beside others, and after a death at any line: everything follows from model.yaml and
the pointer, and each request says all of an alarm.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tasks.aws import asking, client
from tasks.clock import system_clock, wall
from tasks.release.context import ReleaseContext
from tasks.release.deliveries import delivery_of
from tasks.release.standing.differences import AlarmChanges, changes
from tasks.release.standing.requests import PREFIX, model_of, names, requests
from tasks.values import Pointer

BOTH = ["MetricAlarm", "CompositeAlarm"]


def due(context: ReleaseContext, model: str) -> AlarmChanges:
    """What differs from what should stand; nothing is touched.

    Raises:
        UnknownModel, InvalidModelSpec: model.yaml cannot be read.
        AwsError: AWS did not answer.
    """
    return changes(wanted(context, model), _read(AlarmNames=list(names(model))))


def keep(context: ReleaseContext, model: str) -> str:
    """Make what stands what should stand; what was done, in a sentence, or "".

    Raises:
        UnknownModel, InvalidModelSpec: model.yaml cannot be read.
        AwsRejected: AWS refuses, e.g. because a person's own alarm needs one that goes.
        AwsError: AWS did not answer.
    """
    change = due(context, model)
    _make(change)
    return change.sentence(model)


def sweep(context: ReleaseContext, known: Collection[str]) -> list[str]:
    """Remove the alarms of models that are gone: their folder, and their endpoint.

    A worker whose folder is older or newer than another's removes nothing of what still serves.

    Raises:
        AwsError: AWS did not answer.
    """
    left: dict[str, dict[str, Any]] = {}
    for name, alarm in _read(AlarmNamePrefix=PREFIX).items():
        model = model_of(name)
        if model is not None and model not in known:
            left.setdefault(model, {})[name] = alarm
    done = []
    for model, standing in left.items():
        # Its model.yaml, which says the endpoint's name elsewhere, may be gone.
        if context.cloud.endpoint(f"sluice-{model}") is None:
            change = changes([], standing)
            _make(change)
            done.append(f"{change.sentence(model)}: the model is gone")
    return done


def wanted(context: ReleaseContext, model: str) -> Sequence[Mapping[str, Any]]:
    """What should stand: nothing before a version serves, and at the edge."""
    spec = context.spec(model)
    if not spec.alarms.enabled or not delivery_of(spec.release).monitored:
        return []
    pointer = context.registry.pointer(model)
    if pointer is None:
        return []
    site, age = context.site, age_of(pointer, context.clock.now())
    return requests(spec, pointer.version, site.metrics_namespace, site.alerts_topic_arn, age=age)


def age_of(pointer: Pointer, now: float) -> float:
    """Seconds, on the clock, since the pointer was moved; one without a readable time is old.

    Its time is people's, of which the clock may pass many in a second. A clock that goes ahead of
    another's by minutes makes it young, one that is wrong by days does not.
    """
    try:
        moved = datetime.fromisoformat(pointer.timestamp)
    except ValueError:
        return math.inf
    moved = moved if moved.tzinfo else moved.replace(tzinfo=UTC)
    return abs(wall(now) - moved.timestamp()) * system_clock().scale


def _make(change: AlarmChanges) -> None:
    cloudwatch = client("cloudwatch")
    # The state first: whoever dies before the alarm is put leaves it to be calmed again.
    _calm(change.calm)
    for request in change.put:
        if "AlarmRule" in request:
            with asking(f"PutCompositeAlarm {request['AlarmName']}"):
                cloudwatch.put_composite_alarm(**request)
        else:
            with asking(f"PutMetricAlarm {request['AlarmName']}"):
                cloudwatch.put_metric_alarm(**request)
    # And again: until it was put, what labels said of the last version could make it ring anew.
    _calm(change.calm)
    for name in change.remove:
        with asking(f"DeleteAlarms {name}"):
            cloudwatch.delete_alarms(AlarmNames=[name])


def _calm(names: Sequence[str]) -> None:
    for name in names:
        with asking(f"SetAlarmState {name}"):
            client("cloudwatch").set_alarm_state(
                AlarmName=name, StateValue="OK", StateReason="Another version serves."
            )


def _read(**which: Any) -> dict[str, dict[str, Any]]:
    """Alarms by name, both kinds."""
    found: dict[str, dict[str, Any]] = {}
    with asking("DescribeAlarms"):
        pages = client("cloudwatch").get_paginator("describe_alarms")
        for page in pages.paginate(AlarmTypes=BOTH, **which):
            for alarm in [*page.get("MetricAlarms", []), *page.get("CompositeAlarms", [])]:
                found[alarm["AlarmName"]] = alarm
    return found
