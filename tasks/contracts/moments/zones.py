"""Zones by name, and wall-clock times in them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

OFFSET = re.compile(r"^(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?([0-5]\d))?$")

OF_THE_MACHINE = frozenset({"localtime", "posixrules", "Factory"})
"""Files beside the zones: what a machine takes for its own, and what stands where nobody chose."""


@cache
def known_zones() -> frozenset[str]:
    """Zones that the IANA database names, the same on every machine."""
    return frozenset(available_timezones()) - OF_THE_MACHINE


@lru_cache(maxsize=256)
def zone_named(name: str) -> tzinfo:
    """A zone of the IANA database (``Europe/Berlin``) or an offset (``+10:00``, ``UTC+2``).

    Raises:
        ValueError: there is no such zone.
    """
    if name in {"Z", "UTC", "Etc/UTC", "GMT"}:
        return UTC
    match = OFFSET.match(name)
    if match:
        sign, hours, minutes = match.groups()
        ahead = timedelta(hours=int(hours), minutes=int(minutes or 0))
        return timezone(-ahead if sign == "-" else ahead)
    if name not in known_zones():
        raise ValueError(
            f"{name!r} is no zone; write a name of the IANA database (Europe/Berlin) or an offset "
            "(+01:00)"
        )
    return ZoneInfo(name)


def in_utc(wall: datetime, zone: tzinfo) -> datetime | None:
    """The moment at which clocks of the zone show this time.

    None when they never do (they were put forward past it) or do so twice (they were put back):
    the text alone does not say which of the two it was.
    """
    earlier = wall.replace(tzinfo=zone, fold=0)
    later = wall.replace(tzinfo=zone, fold=1)
    if earlier.utcoffset() != later.utcoffset():
        return None
    try:
        return earlier.astimezone(UTC)
    except OverflowError:  # at the ends of the calendar
        return None
