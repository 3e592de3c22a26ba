"""Schedules of scheduled actions: ``at(…)``, ``rate(…)`` and ``cron(…)``, in a time zone. Pure."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

from embedded_aws.events.expressions import Cron, Rate, ScheduleError, parse_schedule

_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)", re.ASCII)
# Minutes of a day that come twice when clocks are put back, at most.
_REPEATED = 180


@dataclass(frozen=True)
class Once:
    """One moment, in the local time of the schedule."""

    local: dt.datetime


@lru_cache(maxsize=256)
def parse(text: str) -> Once | Rate | Cron:
    """Read a schedule.

    Raises:
        ScheduleError: it is of none of the three forms, or names what does not exist.
    """
    if match := _AT.fullmatch(text):
        try:
            return Once(dt.datetime.fromisoformat(match[1]))
        except ValueError as error:
            raise ScheduleError(str(error)) from None
    return parse_schedule(text)


def zone_of(name: str) -> ZoneInfo:
    """A time zone by its IANA name.

    Raises:
        ScheduleError: there is none of this name.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ScheduleError(f"no time zone {name}") from None


def following(text: str, zone: str, moment: float, since: float) -> float | None:
    """The first time after a moment, in virtual unix seconds; None when there is none.

    Args:
        text: The schedule.
        zone: Its time zone; a rate has none.
        moment: See there.
        since: From when a rate counts.

    Raises:
        ScheduleError: the schedule or the zone cannot be read.
    """
    schedule = parse(text)
    if isinstance(schedule, Rate):
        return schedule.after(moment, since)
    where = zone_of(zone)
    if isinstance(schedule, Once):
        at = schedule.local.replace(tzinfo=where).timestamp()
        return at if at > moment else None
    # The fields name local times: they are looked for as if they were of UTC, then moved.
    local = dt.datetime.fromtimestamp(moment, where).replace(tzinfo=dt.UTC).timestamp()
    for _ in range(_REPEATED):
        found = schedule.after(local, local)
        if found is None:
            return None
        clock = dt.datetime.fromtimestamp(found, dt.UTC).replace(tzinfo=where)
        if (at := clock.timestamp()) > moment:
            return at
        local = found
    return None
