"""The standing alarms at CloudWatch: read back, compared, put right. Thin.

Safe to repeat, beside others, and after a death at any line: everything follows from model.yaml and
the pointer, and each request says all of an alarm.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tasks.aws import asking, client
from tasks.clock import system_clock, wall
from tasks.release.context import ReleaseContext
from tasks.release.deliveries import delivery_of
from tasks.release.standing.differences import AlarmChanges, changes
from tasks.release.standing.requests import PREFIX, model_of, names, requests
from tasks.values import Pointer

Standing = Mapping[str, Mapping[str, Any]]
"""Alarms as DescribeAlarms tells of them, by name."""
BOTH = ["MetricAlarm", "CompositeAlarm"]


def every() -> Standing:
    """All standing alarms of the installation, by name: one question however many models there are.

    Raises:
        AwsError: AWS did not answer.
    """
    return _read(AlarmNamePrefix=PREFIX)


def due(context: ReleaseContext, model: str, read: Standing | None = None) -> AlarmChanges:
    """What differs from what should stand; nothing is touched.

    Args:
        context: What to work with.
        model: Which model.
        read: What `every` told; without it the model's own are asked for.

    Raises:
        UnknownModel, InvalidModelSpec: model.yaml cannot be read.
        AwsError: AWS did not answer.
    """
    of = names(model)
    if read is None:
        standing: Standing = _read(AlarmNames=list(of))
    else:
        standing = {name: read[name] for name in of if name in read}
    return changes(wanted(context, model), standing)


def keep(context: ReleaseContext, model: str, read: Standing | None = None) -> str:
    """Make what stands what should stand; what was done, in a sentence, or "".

    What differs in what was read is read again before it is touched: others may have been there.

    Args:
        context: What to work with.
        model: Which model.
        read: What `every` told.

    Raises:
        UnknownModel, InvalidModelSpec: model.yaml cannot be read.
        AwsRejected: AWS refuses, e.g. because a person's own alarm needs one that goes.
        AwsError: AWS did not answer.
    """
    if read is not None and not due(context, model, read):
        return ""
    change = due(context, model)
    _make(change)
    return change.sentence(model)


def sweep(
    context: ReleaseContext, known: Collection[str], read: Standing | None = None
) -> Iterator[str]:
    """Remove the alarms of models that are gone: their folder, and their endpoint.

    A worker whose folder is older or newer than another's removes nothing of what still serves.

    Args:
        context: What to work with.
        known: The models there are.
        read: What `every` told.

    Yields:
        What was done for a model, once it is done.

    Raises:
        AwsError: AWS did not answer.
    """
    left: dict[str, dict[str, Any]] = {}
    for name, alarm in (every() if read is None else read).items():
        model = model_of(name)
        if model is not None and model not in known:
            left.setdefault(model, {})[name] = dict(alarm)
    for model, standing in left.items():
        # Its model.yaml, which says the endpoint's name elsewhere, may be gone.
        if context.cloud.endpoint(f"sluice-{model}") is None:
            change = changes([], standing)
            _make(change)
            yield f"{change.sentence(model)}: the model is gone"


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
        for page in pages.paginate(AlarmTypes=BOTH, PaginationConfig={"PageSize": 100}, **which):
            for alarm in [*page.get("MetricAlarms", []), *page.get("CompositeAlarms", [])]:
                found[alarm["AlarmName"]] = alarm
    return found
