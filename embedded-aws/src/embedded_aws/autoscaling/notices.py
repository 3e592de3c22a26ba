"""The event that tells of a target scaled out to its most, on EventBridge's default bus."""

from __future__ import annotations

import datetime as dt

from embedded_aws.autoscaling.model import DIMENSION, NAMESPACE, Activity, Target
from embedded_aws.events.bus import Told


def at_max(target: Target, activity: Activity) -> Told:
    """The documented event of an activity that left a target at its most."""
    ended = activity.started if activity.ended is None else activity.ended
    detail = {
        "startTime": _stamp(activity.started),
        "endTime": _stamp(ended),
        "newDesiredCapacity": activity.after,
        "oldDesiredCapacity": activity.before,
        "minCapacity": target.low,
        "maxCapacity": target.high,
        "resourceId": target.resource_id,
        "scalableDimension": DIMENSION,
        "serviceNamespace": NAMESPACE,
        "statusCode": activity.status,
        "scaledToMax": True,
        "direction": "scale-out",
    }
    return Told(
        "aws.application-autoscaling",
        "Application Auto Scaling Scaling Activity State Change",
        "",
        ended,
        detail,
        tagged=False,
    )


def _stamp(when: float) -> str:
    return dt.datetime.fromtimestamp(when, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
