"""The product's clock.

In production one second is one second. With ``SLUICE_TIME_SCALE`` above 1 the same durations pass
faster, so that a rehearsal can show a watch hour in a minute; both sides of the wire then read
``SLUICE_TIME_SCALE`` and ``SLUICE_TIME_EPOCH``.

Leases, periods and windows count on this clock, as AWS does. People live on the wall's: what they
read, a version's name, a day of data, an age, is `wall` of a moment.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the stages need to know about time."""

    def now(self) -> float:
        """Unix time, in seconds."""
        ...

    def sleep(self, seconds: float) -> None:
        """Block for a duration."""
        ...


@dataclass(frozen=True)
class ScaledClock:
    """``now = epoch + (real - epoch) * scale``."""

    scale: float = 1.0
    epoch: float = 0.0

    def now(self) -> float:
        """Unix time on this clock, in seconds."""
        real = time.time()
        return real if self.scale == 1.0 else self.epoch + (real - self.epoch) * self.scale

    def wall(self, at: float) -> float:
        """The real unix time at which this clock shows, or showed, a moment."""
        return at if self.scale == 1.0 else self.epoch + (at - self.epoch) / self.scale

    def sleep(self, seconds: float) -> None:
        """Block for a duration on this clock."""
        time.sleep(max(0.0, seconds / self.scale))

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait for an event for at most a duration on this clock; True when it was set."""
        return event.wait(max(0.0, seconds / self.scale))


def system_clock() -> ScaledClock:
    """The clock that the settings ask for."""
    from tasks.settings import settings

    chosen = settings()
    return ScaledClock(scale=chosen.time_scale, epoch=chosen.time_epoch)


def wall(at: float) -> float:
    """The real unix time of a moment on the clock that the settings ask for."""
    return system_clock().wall(at)


def pace() -> str:
    """How fast durations pass, for people: ``60× time``; "" where a second is a second."""
    scale = system_clock().scale
    return "" if scale == 1.0 else f"{scale:g}× time"


def utc(seconds: float) -> datetime:
    """A unix time as an aware datetime in UTC."""
    return datetime.fromtimestamp(seconds, tz=UTC)
