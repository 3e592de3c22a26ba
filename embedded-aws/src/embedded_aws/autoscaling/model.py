"""What is kept of scaling: targets, their policies and scheduled actions, and what was done."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from embedded_aws.autoscaling.decide import Past

NAMESPACE = "sagemaker"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
COMMON = {"ServiceNamespace": NAMESPACE, "ScalableDimension": DIMENSION}

TRACKING = "TargetTrackingScaling"
STEPS = "StepScaling"
HIGH, LOW = "AlarmHigh", "AlarmLow"

IN_PROGRESS = "InProgress"
SUCCESSFUL = "Successful"
FAILED = "Failed"
OVERRIDDEN = "Overridden"
# Activities are told for six weeks.
KEPT = 42 * 86_400.0


@dataclass(frozen=True)
class Target:
    """A scalable target: a variant of an endpoint.

    Args:
        resource_id: ``endpoint/<name>/variant/<name>``.
        low: ``MinCapacity``.
        high: ``MaxCapacity``.
        arn: Its ARN.
        created: Virtual unix time.
        suspended: ``SuspendedState``.
        owed: Whether its capacity is still to be brought between the bounds.
    """

    resource_id: str
    low: int
    high: int
    arn: str
    created: float
    suspended: Mapping[str, bool] = field(default_factory=dict)
    owed: bool = False

    def suspends(self, what: str) -> bool:
        """Whether ``DynamicScalingIn``, ``DynamicScalingOut`` or ``ScheduledScaling`` is."""
        return bool(self.suspended.get(f"{what}Suspended"))


@dataclass(frozen=True)
class Policy:
    """A scaling policy.

    Args:
        name: Unique for its target.
        resource_id: Its target's.
        arn: Its ARN, which alarms name as their action.
        kind: ``PolicyType``.
        config: The configuration of its type, with defaults filled in.
        created: Virtual unix time.
        alarms: Names of the alarms that target tracking made, by ``AlarmHigh`` and ``AlarmLow``.
    """

    name: str
    resource_id: str
    arn: str
    kind: str
    config: Mapping[str, Any]
    created: float
    alarms: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ScheduledAction:
    """A scheduled action.

    Args:
        name: Unique for its target.
        resource_id: Its target's.
        arn: Its ARN.
        schedule: ``at(…)``, ``rate(…)`` or ``cron(…)``.
        zone: ``Timezone``; "" for UTC.
        created: Virtual unix time.
        since: When it was last put: a rate counts from here, or from ``start``.
        fired: The last time that it was due, or ``since``.
        start: ``StartTime``.
        end: ``EndTime``.
        bounds: ``MinCapacity`` and ``MaxCapacity``, those that are to change.
    """

    name: str
    resource_id: str
    arn: str
    schedule: str
    zone: str
    created: float
    since: float
    fired: float
    start: float | None
    end: float | None
    bounds: Mapping[str, int]


@dataclass(frozen=True)
class Activity:
    """A scaling activity, also one that came to nothing.

    Args:
        id: ``ActivityId``.
        resource_id: Its target's.
        description: What it is to do.
        cause: Why.
        started: Virtual unix time.
        status: ``StatusCode``.
        message: ``StatusMessage``.
        ended: Virtual unix time.
        before: Capacity to begin with; 0 where none is changed.
        after: Capacity aimed at.
        reason: ``NotScaledReasons`` of one that is not scaled, with its bounds; else empty.
    """

    id: str
    resource_id: str
    description: str
    cause: str
    started: float
    status: str
    message: str = ""
    ended: float | None = None
    before: int = 0
    after: int = 0
    reason: Mapping[str, Any] = field(default_factory=dict)


def past_of(activities: Iterable[Activity]) -> Past:
    """What scaling has done, from the activities of one variant."""
    out_ended = in_ended = -math.inf
    out_from = 0
    for one in activities:
        if one.status != SUCCESSFUL or one.ended is None:
            continue
        if one.after > one.before and one.ended >= out_ended:
            out_ended, out_from = one.ended, one.before
        elif one.after < one.before:
            in_ended = max(in_ended, one.ended)
    return Past(out_ended, out_from, in_ended)


def parts_of(resource_id: str) -> tuple[str, str] | None:
    """Endpoint and variant of a resource id; None where it is none of a variant."""
    parts = resource_id.split("/")
    if len(parts) != 4 or parts[0] != "endpoint" or parts[2] != "variant" or not all(parts):
        return None
    return parts[1], parts[3]
