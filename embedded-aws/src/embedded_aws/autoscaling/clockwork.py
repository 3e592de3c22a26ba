"""What scaling does by itself, in virtual time: each minute, by schedule, and to its end."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from embedded_aws.autoscaling import wording
from embedded_aws.autoscaling.ledger import Key, Ledger
from embedded_aws.autoscaling.model import FAILED, SUCCESSFUL, Activity, ScheduledAction, Target
from embedded_aws.autoscaling.scaler import Scaler
from embedded_aws.autoscaling.schedules import following
from embedded_aws.clock import Clock
from embedded_aws.hosting.ticker import Ticker

log = logging.getLogger(__name__)

# An alarm that stays in its state asks for its action again and again.
AGAIN_SECONDS = 60.0
# Looks are this far apart in virtual time, within these bounds in real time.
_VIRTUAL_SECONDS = 5.0
_REAL_SECONDS = (0.05, 1.0)


class Clockwork:
    """Looks at all targets again and again, on a thread of its own.

    Args:
        clock: Virtual clock.
        ledger: What is known of targets.
        scaler: Changes them.
        sweep: Lets a target go whose endpoint is gone; whether it did.
    """

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        scaler: Scaler,
        sweep: Callable[[Target], bool],
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._scaler = scaler
        self._sweep = sweep
        self._due: dict[str, float] = {}
        self._next: dict[Key, tuple[ScheduledAction, float | None]] = {}
        self._ticker: Ticker | None = None
        self._closed = False

    def start(self) -> None:
        """Begin."""
        low, high = _REAL_SECONDS
        interval = min(max(self._clock.real_seconds(_VIRTUAL_SECONDS), low), high)
        self._ticker = Ticker("autoscaling", interval, self.look)

    def close(self) -> None:
        """End; what is under way is finished by the next process."""
        self._closed = True
        if self._ticker is not None:
            self._ticker.close()

    def trigger(self, resource_id: str) -> None:
        """An alarm has just asked for a target to be scaled."""
        if self._closed:
            return
        self._due[resource_id] = self._clock.now() + AGAIN_SECONDS
        self._scaler.consider(resource_id)

    def look(self) -> None:
        """Do what is due. What fails for one target is tried again, and stops no other."""
        if self._closed:
            return
        self._safely(self._scaler.follow)
        for action in list(self._ledger.actions.values()):
            self._safely(partial(self._fire_when_due, action))
        for target in list(self._ledger.targets.values()):
            self._safely(partial(self._look_at, target))
        self._due = {
            key: due for key, due in list(self._due.items()) if key in self._ledger.targets
        }
        self._next = {key: due for key, due in self._next.items() if key in self._ledger.actions}

    def _look_at(self, target: Target) -> None:
        if target.owed:
            self._scaler.enforce(target.resource_id)
        now = self._clock.now()
        if now < self._due.get(target.resource_id, now):
            return
        self._due[target.resource_id] = now + AGAIN_SECONDS
        if not self._sweep(target):
            self._scaler.consider(target.resource_id)

    def _fire_when_due(self, action: ScheduledAction) -> None:
        now = self._clock.now()
        due = self._first_due(action)
        if due is None or due > now:
            return
        # Several that were missed while nothing ran come to one.
        latest = due
        while (later := _after(action, latest)) is not None and later <= now:
            latest = later
        with self._ledger.lock:
            if self._ledger.actions.get((action.resource_id, action.name)) is action:
                self._fire(action, latest)

    def _first_due(self, action: ScheduledAction) -> float | None:
        """When it is due next, which is looked for once: a rare one is far to seek."""
        key = (action.resource_id, action.name)
        known = self._next.get(key)
        if known is None or known[0] is not action:
            known = self._next[key] = (action, _after(action, action.fired))
        return known[1]

    def _fire(self, action: ScheduledAction, due: float) -> None:
        target = self._ledger.targets[action.resource_id]
        if not target.suspends("ScheduledScaling"):
            low = action.bounds.get("MinCapacity", target.low)
            high = action.bounds.get("MaxCapacity", target.high)
            words = wording.bounds(action.bounds)
            status, message = SUCCESSFUL, f"Successfully set {words}"
            if low > high:
                status = FAILED
                reason = "Maximum capacity cannot be less than minimum capacity"
                message = f"Failed to set {words}. Reason: {reason}"
            else:
                self._ledger.put_target(replace(target, low=low, high=high, owed=True))
            self._ledger.put_activity(
                Activity(
                    id=str(uuid.uuid4()),
                    resource_id=target.resource_id,
                    description=f"Setting {words}",
                    cause=wording.scheduled(action.name),
                    started=self._clock.now(),
                    status=status,
                    message=message,
                )
            )
        self._ledger.put_action(replace(action, fired=due))
        self._scaler.enforce(action.resource_id)

    def _safely(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:
            log.exception("scaling")


def _after(action: ScheduledAction, moment: float) -> float | None:
    """The first time after a moment that lies between the action's start and end."""
    if action.start is not None:
        moment = max(moment, action.start - 0.001)
    since = action.since if action.start is None else action.start
    due = following(action.schedule, action.zone or "UTC", moment, since)
    return None if due is None or (action.end is not None and due > action.end) else due
