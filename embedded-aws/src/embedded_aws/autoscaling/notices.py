"""The event that tells of a target scaled out to its most, on EventBridge's default bus."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections import deque
from typing import Any

from embedded_aws.autoscaling.model import DIMENSION, NAMESPACE, Activity, Target
from embedded_aws.world import World

log = logging.getLogger(__name__)


def max_entry(target: Target, activity: Activity) -> dict[str, Any]:
    """The documented event, as an entry of PutEvents."""
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
    return {
        "Time": dt.datetime.fromtimestamp(ended, dt.UTC),
        "Source": "aws.application-autoscaling",
        "DetailType": "Application Auto Scaling Scaling Activity State Change",
        "Resources": [],
        "Detail": json.dumps(detail),
    }


class Notices:
    """Puts events on the bus, on a best-effort basis as AWS does.

    Args:
        world: Its client reaches EventBridge.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._client: Any = None
        self._waiting: deque[dict[str, Any]] = deque()

    def at_max(self, target: Target, activity: Activity) -> None:
        """A target was scaled out to its most; told by the next :meth:`send`."""
        self._waiting.append(max_entry(target, activity))

    def send(self) -> None:
        """Tell what waits; the caller holds no lock, since whoever listens may ask back."""
        while self._waiting:
            entry = self._waiting.popleft()
            try:
                if self._client is None:  # boto3 takes a tenth of a second to build one
                    self._client = self._world.client("events")
                self._client.put_events(Entries=[entry])
            except Exception as error:  # noqa: BLE001  scaling must not end for want of a bus
                log.warning("no event for a target at its most: %s", error)


def _stamp(when: float) -> str:
    return dt.datetime.fromtimestamp(when, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
