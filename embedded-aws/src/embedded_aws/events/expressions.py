"""Schedules of EventBridge rules: ``rate(5 minutes)`` and ``cron(0 10 ? * MON-FRI *)``. Pure.

Times are unix seconds; those of cron are of UTC.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

DAY = 86_400
_SECONDS = {"minute": 60, "hour": 3600, "day": DAY}
_RATE = re.compile(r"rate\(([1-9]\d{0,8}) (minute|hour|day)(s?)\)", re.ASCII)
_CRON = re.compile(r"cron\(([^()]*)\)")
_NUMBERS = re.compile(r"(\*|\w+)(?:-(\w+))?(?:/(\d+))?", re.ASCII)
_NEAREST = re.compile(r"(\d{1,2})W", re.ASCII)
_NTH = re.compile(r"(\w+)#([1-5])", re.ASCII)
_LAST = re.compile(r"(\w+)L", re.ASCII)
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_YEARS = (1970, 2199)

IsDay = Callable[[dt.date], bool]


class ScheduleError(ValueError):
    """A schedule expression cannot be read."""


@dataclass(frozen=True)
class Rate:
    """Again and again, so many seconds after the rule was made or changed."""

    seconds: int

    def after(self, moment: float, start: float) -> float | None:
        """The first time after a moment; ``start`` is when the rule was made."""
        return start + (math.floor((max(moment, start) - start) / self.seconds) + 1) * self.seconds


@dataclass(frozen=True)
class Cron:
    """At the minutes that all fields name."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: frozenset[int]
    years: frozenset[int]
    is_day: IsDay

    def after(self, moment: float, start: float) -> float | None:
        """The first time after a moment, and after the rule was made; None when there is none."""
        next_minute = (math.floor(max(moment, start) / 60) + 1) * 60
        for midnight in self._days(dt.datetime.fromtimestamp(next_minute, dt.UTC).date()):
            for hour in self.hours:
                for minute in self.minutes:
                    at = midnight + hour * 3600 + minute * 60
                    if at >= next_minute:
                        return float(at)
        return None

    def _days(self, first: dt.date) -> Iterator[int]:
        """Midnights of the days that are named."""
        for year in range(first.year, _YEARS[1] + 1):
            if year not in self.years:
                continue
            for month in sorted(self.months):
                for number in range(1, monthrange(year, month)[1] + 1):
                    day = dt.date(year, month, number)
                    if day >= first and self.is_day(day):
                        yield (day - dt.date(1970, 1, 1)).days * DAY


Schedule = Rate | Cron


@lru_cache(maxsize=256)
def parse_schedule(text: str) -> Schedule:
    """Read a schedule expression.

    Raises:
        ScheduleError: it is of neither form, or names what does not exist.
    """
    if rate := _RATE.fullmatch(text):
        count, unit, plural = int(rate[1]), rate[2], rate[3]
        if (count == 1) == bool(plural):
            raise ScheduleError(f"{count} {unit}{plural}: one is singular, more are plural")
        return Rate(count * _SECONDS[unit])
    cron = _CRON.fullmatch(text)
    fields = cron[1].upper().split() if cron else []
    if len(fields) != 6:
        raise ScheduleError("neither rate(number unit) nor cron(six fields)")
    minutes, hours, day, month, weekday, year = fields
    if (day == "?") == (weekday == "?"):
        raise ScheduleError("? stands in one of day-of-month and day-of-week, and only there")
    return Cron(
        tuple(sorted(_numbers(minutes, 0, 59))),
        tuple(sorted(_numbers(hours, 0, 23))),
        _numbers(month, 1, 12, _MONTHS),
        _numbers(year, *_YEARS),
        _day_of_month(day) if weekday == "?" else _day_of_week(weekday),
    )


def _day_of_month(field: str) -> IsDay:
    if field == "L":
        return lambda day: day.day == monthrange(day.year, day.month)[1]
    if nearest := _NEAREST.fullmatch(field):
        [number] = _numbers(nearest[1], 1, 31)
        return lambda day: day.day == _nearest_weekday(day.year, day.month, number)
    days = _numbers(field, 1, 31)
    return lambda day: day.day in days


def _nearest_weekday(year: int, month: int, number: int) -> int:
    """The day from Monday to Friday next to a day, within its month; 0 in a month without it."""
    last = monthrange(year, month)[1]
    if number > last:
        return 0
    weekday = dt.date(year, month, number).isoweekday()
    if weekday == 6:
        return number - 1 if number > 1 else number + 2
    if weekday == 7:
        return number + 1 if number < last else number - 2
    return number


def _day_of_week(field: str) -> IsDay:
    if field == "L":
        return lambda day: _weekday(day) == 7
    if nth := _NTH.fullmatch(field):
        [number] = _numbers(nth[1], 1, 7, _WEEKDAYS)
        return lambda day: _weekday(day) == number and (day.day - 1) // 7 + 1 == int(nth[2])
    if last := _LAST.fullmatch(field):
        [number] = _numbers(last[1], 1, 7, _WEEKDAYS)
        return lambda day: (
            _weekday(day) == number and day.day + 7 > monthrange(day.year, day.month)[1]
        )
    if "/" in field:
        raise ScheduleError("day-of-week has no increments")
    days = _numbers(field, 1, 7, _WEEKDAYS)
    return lambda day: _weekday(day) in days


def _weekday(day: dt.date) -> int:
    """From 1, Sunday, to 7."""
    return day.isoweekday() % 7 + 1


def _numbers(field: str, low: int, high: int, names: tuple[str, ...] = ()) -> frozenset[int]:
    """``*``, ``5``, ``1-5``, ``*/10``, ``1/10``, ``MON-FRI``, and several with commas between."""
    found: set[int] = set()
    for part in field.split(","):
        match = _NUMBERS.fullmatch(part)
        if match is None or (match[1] == "*" and match[2]):
            raise ScheduleError(f"{part!r} is no value")
        first = low if match[1] == "*" else _number(match[1], low, high, names)
        last = _number(match[2], low, high, names) if match[2] else first
        if match[1] == "*" or (match[3] and not match[2]):
            last = high
        step = int(match[3] or 1)
        if step < 1 or first > last:
            raise ScheduleError(f"{part!r} names nothing")
        found.update(range(first, last + 1, step))
    return frozenset(found)


def _number(text: str, low: int, high: int, names: tuple[str, ...]) -> int:
    number = low + names.index(text) if text in names else int(text) if text.isdecimal() else -1
    if not low <= number <= high:
        raise ScheduleError(f"{text!r} is not from {low} to {high}")
    return number
