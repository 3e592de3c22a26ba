"""Dates and times that a contract itself writes: bounds and allowed values."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from tasks.contracts.model import Column
from tasks.contracts.moments.reading import Moment, reader, written_clock


def moment_of(column: Column, text: str) -> Moment | None:
    """What a contract's text means for a column: ISO 8601, else the column's own form.

    Returns:
        A date, a time, or a timestamp in UTC (bare where the column knows no zone); None when the
        text is none.
    """
    iso = column.model_copy(update={"format": ""})
    found = reader(iso)(text)
    if found is None and column.type == "timestamp" and not column.timezone:
        # A bound may name its zone though the data do not.
        found = reader(iso.model_copy(update={"timezone": True}))(text)
        if isinstance(found, datetime) and not column.zoned:
            found = found.replace(tzinfo=None)
    return found if found is not None else reader(column)(text)


def comparable(column: Column, text: str) -> datetime | str:
    """The same as a typed table compares it: moments in UTC, times of day as text.

    Raises:
        ValueError: the text is no such date or time.
    """
    found = moment_of(column, text)
    if isinstance(found, datetime):
        return found.replace(tzinfo=found.tzinfo or UTC)
    if isinstance(found, date):
        return datetime.combine(found, time(), UTC)
    if isinstance(found, time):
        return written_clock(found)
    raise ValueError(f"{text!r} is no {column.type}")
