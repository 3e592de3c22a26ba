"""Fires the schedules of EventBridge rules, in virtual time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

from embedded_aws.clock import Clock
from embedded_aws.events.delivery import scheduled_event
from embedded_aws.events.expressions import Schedule, ScheduleError, parse_schedule
from embedded_aws.events.rules import is_owner
from embedded_aws.hosting.ticker import Ticker
from embedded_aws.world import ACCOUNT_ID

log = logging.getLogger(__name__)

# What a machine that slept has missed for longer, in real seconds, is not made up for.
LONGEST_BEHIND = 10.0
# A schedule is of minutes: to look twice in one is enough.
_VIRTUAL_SECONDS = 30.0
_REAL_SECONDS = (0.05, 1.0)


class _Box(Protocol):
    def itself(self) -> AbstractContextManager[None]: ...


class Scheduler:
    """Looks at the rules twice in a virtual minute, or every second.

    Args:
        clock: Virtual clock.
        box: In whose name events are sent.
        kept: Called after events were sent, to keep what they have changed.
    """

    def __init__(self, clock: Clock, box: _Box, kept: Callable[[], None]) -> None:
        self._clock = clock
        self._box = box
        self._kept = kept
        self._looked = clock.now()
        self._next: dict[tuple[str, float], tuple[float, float | None]] = {}
        low, high = _REAL_SECONDS
        interval = min(max(clock.real_seconds(_VIRTUAL_SECONDS), low), high)
        self._ticker = Ticker("schedules", interval, self._look)

    def close(self) -> None:
        """Fire what is due, and then nothing any more."""
        self._ticker.close()

    def _look(self) -> None:
        now = self._clock.now()
        since = max(self._looked, now - LONGEST_BEHIND * self._clock.scale)
        self._looked = now
        sent = False
        for rule in list(_rules()):
            for at in self._due(rule, since, now):
                self._fire(rule, at)
                sent = True
        if sent:
            self._kept()

    def _due(self, rule: Any, since: float, now: float) -> Iterator[float]:
        if rule.state == "DISABLED" or not is_owner(self._box, rule):
            return
        try:
            schedule = parse_schedule(rule.scheduled_expression)
        except ScheduleError:  # from a state folder of a time when anything was taken
            return
        if not hasattr(rule, "scheduled_since"):
            rule.scheduled_since = now
        start = rule.scheduled_since
        at = self._after(rule.scheduled_expression, schedule, since, start)
        while at is not None and at <= now:
            yield at
            at = self._after(rule.scheduled_expression, schedule, at, start)

    def _after(
        self, expression: str, schedule: Schedule, moment: float, start: float
    ) -> float | None:
        """The next time, which is looked for once: a rare one is far to seek."""
        known = self._next.get((expression, start))
        if known and known[0] <= moment and (known[1] is None or moment < known[1]):
            return known[1]
        at = schedule.after(moment, start)
        if len(self._next) > 1000:
            self._next.clear()
        self._next[expression, start] = (moment, at)
        return at

    def _fire(self, rule: Any, at: float) -> None:
        with self._box.itself():
            try:
                rule.send_scheduled(scheduled_event(rule, at))
            except Exception:  # the other rules have their times, too
                log.exception("rule %s could not fire", rule.name)


def anybody_listens() -> bool:
    """Whether there is a rule, or an archive's, that takes events."""
    return any(
        not rule.scheduled_expression or rule.event_pattern.get_pattern() for rule in _all_rules()
    )


def _rules() -> Iterator[Any]:
    return (rule for rule in _all_rules() if rule.scheduled_expression)


def _all_rules() -> Iterator[Any]:
    from moto.events.models import events_backends

    for backend in list(events_backends[ACCOUNT_ID].values()):
        for bus in list(backend.event_buses.values()):
            yield from list(bus.rules.values())
