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
    moment = reader(iso)(text)
    if moment is None and column.type == "timestamp" and not column.timezone:
        # A bound may name its zone though the data do not.
        moment = reader(iso.model_copy(update={"timezone": True}))(text)
        if isinstance(moment, datetime) and not column.zoned:
            moment = moment.replace(tzinfo=None)
    return moment if moment is not None else reader(column)(text)


def comparable(column: Column, text: str) -> datetime | str:
    """The same as a typed table compares it: moments in UTC, times of day as text.

    Raises:
        ValueError: the text is no such date or time.
    """
    moment = moment_of(column, text)
    if isinstance(moment, datetime):
        return moment.replace(tzinfo=moment.tzinfo or UTC)
    if isinstance(moment, date):
        return datetime.combine(moment, time(), UTC)
    if isinstance(moment, time):
        return written_clock(moment)
    raise ValueError(f"{text!r} is no {column.type}")
