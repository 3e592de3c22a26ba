"""One text as the date or time that a column's contract says it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, tzinfo

from tasks.contracts.model import Column
from tasks.contracts.moments.forms import Form, form_of
from tasks.contracts.moments.zones import in_utc, zone_named

STAMP = r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?"
CLOCK = r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?"
DAY = "yyyy-MM-dd"
Moment = date | datetime | time

_is_stamp = re.compile(STAMP, re.ASCII).fullmatch
_is_clock = re.compile(CLOCK, re.ASCII).fullmatch


def zone_of(column: Column) -> tzinfo:
    """Zone of texts that name none: the column's own, else UTC, as ODCS says."""
    return zone_named(column.default_timezone or "UTC")


def reader(column: Column) -> Callable[[str], Moment | None]:
    """Reads one text at a time; None when the text is no such date or time.

    Timestamps come in UTC, or without a zone where the contract says that they have none. A wall
    time that a zone skips, or shows twice, names no moment.
    """
    if column.type == "time":
        clock = form_of(column.format, "time") if column.format else None
        return lambda text: _clock(clock, text)
    if column.type == "date":
        days = form_of(column.format or DAY, "date")
        return lambda text: _day(days.read(text))
    form = form_of(column.format, "timestamp") if column.format else None
    zone = zone_of(column)
    return lambda text: placed(_iso(text) if form is None else form.read(text), zone, column)


def placed(moment: Moment | None, zone: tzinfo, column: Column) -> datetime | None:
    """A timestamp as good rows carry it: in UTC, or bare where the contract knows no zone."""
    if moment is None or isinstance(moment, time):
        return None
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    if moment.tzinfo is None:
        instant = in_utc(moment, zone)
    elif column.timezone:
        instant = in_utc(moment.replace(tzinfo=None), moment.tzinfo)
    else:
        return None  # the contract says that these texts name no zone
    return instant if instant is None or column.zoned else instant.replace(tzinfo=None)


def whole_day(moment: date) -> date | None:
    """The day of a typed value: a moment is one only at midnight of the clock that it names."""
    if not isinstance(moment, datetime):
        return moment
    return moment.date() if moment.time() == time() else None


def written_clock(moment: time) -> str:
    """A time of day as good rows carry it: ``HH:mm:ss``, a fraction without trailing zeros."""
    text = moment.isoformat()
    return text.rstrip("0") if "." in text else text


def _clock(form: Form | None, text: str) -> time | None:
    if form is None:
        return time.fromisoformat(text) if _is_clock(text) else None
    moment = form.read(text)
    return moment if isinstance(moment, time) else None


def _day(moment: Moment | None) -> date | None:
    if isinstance(moment, datetime):
        return moment.date()
    return moment if isinstance(moment, date) else None


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if _is_stamp(text) else None
    except ValueError:
        return None
