"""The rules of one value that holds no others: its type, its bounds, its text."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from tasks.contracts.model import Column
from tasks.contracts.moments.bounds import comparable
from tasks.contracts.moments.reading import placed, reader, written_clock, zone_of
from tasks.contracts.odcs.columns import MOMENTS, limits, within
from tasks.contracts.odcs.formats import NUMBERS, TEXTS
from tasks.contracts.odcs.patterns import python_pattern

LARGEST = 2**63
Rule = Callable[[Any, str], str]
"""(value, where it stands) → what is wrong with it, or ""."""


def plain_rule(column: Column) -> Rule:
    """The rules of a value that holds no others, compiled once."""
    kind = column.type
    read = _reader(column)
    low, high = limits(column)
    allowed = {_comparable(column, value) for value in column.enum}
    pattern = re.compile(python_pattern(column.pattern)).search if column.pattern else None
    named = TEXTS.get(column.format) if kind == "string" else None
    width = NUMBERS.get(column.format) if kind in {"integer", "number"} else None
    private = column.private

    def shown(value: Any) -> str:
        return "(not shown: private)" if private else f"{value!r:.60}"

    def rule(value: Any, where: str) -> str:
        typed = read(value)
        if typed is None:
            like = f" of the form {column.format}" if column.format and kind in MOMENTS else ""
            article = "an" if kind == "integer" else "a"
            return f"{where} is not {article} {kind}{like} but {kind_of(value)}"
        if allowed and typed not in allowed:
            return f"{where} is {shown(value)}, not one of {', '.join(map(str, column.enum[:8]))}"
        if not within(typed, low, high):
            return f"{where} is {shown(value)}, outside its range"
        if width is not None and not width[0] <= typed <= width[1]:
            return f"{where} is {shown(value)}, more than {column.format} holds"
        if column.multiple_of is not None and not is_multiple(typed, column.multiple_of):
            return f"{where} is {shown(value)}, no multiple of {column.multiple_of:g}"
        if kind != "string":
            return ""
        if (
            not (column.min_length or 0)
            <= len(typed)
            <= (len(typed) if column.max_length is None else column.max_length)
        ):
            return f"{where} has {len(typed)} characters"
        if pattern is not None and not pattern(typed):
            return f"{where} is {shown(value)}, not like {column.pattern}"
        if named is not None and not named(typed):
            return f"{where} is {shown(value)}, no {column.format}"
        return ""

    return rule


def _comparable(column: Column, value: Any) -> Any:
    return comparable(column, value) if column.type in MOMENTS else value


def _reader(column: Column) -> Callable[[Any], Any]:
    """Value → what bounds are compared with, or None when it is not of the column's type."""
    kind = column.type
    if kind == "string":
        return lambda value: value if isinstance(value, str) else None
    if kind == "boolean":
        return lambda value: value if isinstance(value, bool) else None
    if kind == "integer":
        return lambda value: (
            value
            if is_number(value)
            and is_finite(value)
            and value == int(value)
            and -LARGEST <= value < LARGEST
            else None
        )
    if kind == "number":
        return lambda value: value if is_number(value) and is_finite(value) else None
    read, zone = reader(column), zone_of(column)

    def moment(value: Any) -> Any:
        if isinstance(value, str):
            reading = read(value)
        elif kind == "time":
            reading = value if isinstance(value, time) else None
        elif kind == "date":
            # Good rows hold what is nested as it came: a moment among days would stay one.
            day = isinstance(value, date) and not isinstance(value, datetime)
            reading = value if day else None
        else:
            # A file with types of its own knows whether its moments have a zone.
            typed = column.model_copy(update={"timezone": True})
            reading = placed(value, zone, typed) if isinstance(value, date | datetime) else None
        if isinstance(reading, datetime):
            return reading.replace(tzinfo=reading.tzinfo or UTC)
        if isinstance(reading, time):
            return written_clock(reading)
        return datetime.combine(reading, time(), UTC) if reading is not None else None

    return moment


def is_multiple(value: float | Decimal, of: float) -> bool:
    """Whether a number is a multiple: of whole ones exactly, else up to what floats make of it."""
    if value == int(value) and of == int(of):
        return int(value) % int(of) == 0
    quotient = float(value) / of
    if math.isinf(quotient):
        return True  # so many times that every number of such size is one
    return abs(quotient - round(quotient)) <= 1e-9 * max(1.0, abs(quotient))


def is_number(value: Any) -> bool:
    """Whether a value is a number, which true and false are not."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def is_finite(value: float | Decimal) -> bool:
    """Whether a number is one that a float can hold."""
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond any float
        return False


def is_void(value: Any) -> bool:
    """Whether a value is none: null, or the NaN of a file with types of its own."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def kind_of(value: Any) -> str:
    """What a value is, in words."""
    names = {dict: "an object", list: "an array", str: "text", bool: "true or false"}
    names |= {bytes: "bytes that are no text", timedelta: "a duration", type(None): "nothing"}
    if isinstance(value, date | time):
        return "a moment"
    if is_number(value):
        return "a number" if is_finite(value) else f"{value!s:.40}"
    return names.get(type(value), getattr(value, "kind", f"a {type(value).__name__}"))
