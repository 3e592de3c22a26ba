"""Date and time forms as ODCS writes them: patterns of the JDK's ``DateTimeFormatter``.

A form is understood as a whole or refused when the contract is loaded: every text that is right by
an accepted form is read. Names of months and days are English, as in the JDK's root locale.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache
from itertools import groupby
from typing import Literal

from tasks.contracts.moments.zones import zone_named

Type = Literal["date", "timestamp", "time"]
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
HINTS = {
    "Y": "Y is the year of the week; the year is y",
    "D": "D is the day of the year; the day of the month is d",
    "z": "names of zones are not unique; write an offset (X or Z), VV, or a literal 'GMT'",
    "v": "names of zones are not unique; write an offset (X or Z), VV, or a literal 'GMT'",
    "i": "leave the format out for ISO 8601",
    "e": "leave the format out for ISO 8601; a count of seconds is an integer",
}
FRACTION = 9
Group = tuple[str, str]
"""What a part of the text says, and the regular expression of its shape."""


class UnknownForm(ValueError):
    """A form that would not be understood."""


def _digits(least: int, most: int) -> str:
    return f"[0-9]{{{least},{most}}}"


def _number(most: int) -> Callable[[int], str]:
    """Digits of a field: one letter takes any width, more take exactly that many."""

    def shape(width: int) -> str:
        if width > most:
            raise UnknownForm(f"a field of {width} letters is unknown")
        return _digits(1, most) if width == 1 else _digits(width, width)

    return shape


def _year(width: int) -> str:
    if width not in {1, 2, 4}:
        raise UnknownForm(f"a year of {width} letters is unknown")
    return {1: _digits(1, 4), 2: _digits(2, 2), 4: _digits(4, 4)}[width]


def _names(full: tuple[str, ...]) -> str:
    return "|".join(full)


def _month(width: int) -> str:
    if width <= 2:  # noqa: PLR2004 - one or two letters are digits
        return _number(2)(width)
    if width == 3:  # noqa: PLR2004 - Jan
        return _names(tuple(name[:3] for name in MONTHS))
    if width == 4:  # noqa: PLR2004 - January
        return _names(MONTHS)
    raise UnknownForm("a month of one letter names several")


def _weekday(width: int) -> str:
    if width <= 3:  # noqa: PLR2004 - Mon
        return _names(tuple(name[:3] for name in DAYS))
    if width == 4:  # noqa: PLR2004 - Monday
        return _names(DAYS)
    raise UnknownForm("a day of one letter names several")


def _fraction(width: int) -> str:
    if width > FRACTION:
        raise UnknownForm(f"a fraction of {width} digits is unknown")
    return _digits(width, width)


def _offset(letter: str) -> Callable[[int], str]:
    def shape(width: int) -> str:
        minutes = {1: "([0-5][0-9])?", 2: "[0-5][0-9]", 3: ":[0-5][0-9]"}
        minutes |= {4: "[0-5][0-9]([0-5][0-9])?", 5: ":[0-5][0-9](:[0-5][0-9])?"}
        if width not in minutes:
            raise UnknownForm(f"an offset of {width} letters is unknown")
        numeric = f"[+-][0-9]{{2}}{minutes[width]}"
        return f"Z|{numeric}" if letter == "X" else numeric

    return shape


def _classic(width: int) -> str:
    """``Z``: the JDK reads ``+0000`` only; ISO's ``Z`` and ``+00:00`` mean nothing else."""
    if width == 4:  # noqa: PLR2004 - the JDK's localised form
        return "GMT([+-][0-9]{1,2}(:[0-5][0-9]){0,2})?"
    if width > 5:  # noqa: PLR2004 - the JDK knows five
        raise UnknownForm(f"an offset of {width} letters is unknown")
    return "Z|[+-][0-9]{2}:?[0-5][0-9](:?[0-5][0-9])?"


def _localised(width: int) -> str:
    if width not in {1, 4}:
        raise UnknownForm(f"an offset of {width} letters is unknown")
    return "GMT([+-][0-9]{1,2}(:[0-5][0-9]){0,2})?"


def _zone(width: int) -> str:
    if width != 2:  # noqa: PLR2004 - the JDK takes VV alone
        raise UnknownForm("a zone is written VV")
    return "[A-Za-z][A-Za-z0-9_+/-]*"


LETTERS: dict[str, tuple[str, Callable[[int], str]]] = {
    "y": ("year", _year),
    "u": ("year", _year),
    "M": ("month", _month),
    "L": ("month", _month),
    "d": ("day", _number(2)),
    "E": ("weekday", _weekday),
    "a": ("half", lambda _: "[AaPp][Mm]"),
    "H": ("hour", _number(2)),
    "k": ("hour_from_1", _number(2)),
    "K": ("half_hour", _number(2)),
    "h": ("half_hour_from_1", _number(2)),
    "m": ("minute", _number(2)),
    "s": ("second", _number(2)),
    "S": ("fraction", _fraction),
    "X": ("offset", _offset("X")),
    "x": ("offset", _offset("x")),
    "Z": ("offset", _classic),
    "O": ("offset", _localised),
    "V": ("zone", _zone),
}
CALENDAR = frozenset({"year", "month", "day", "weekday"})
HOURS = frozenset({"hour", "hour_from_1", "half_hour", "half_hour_from_1"})
ZONES = frozenset({"offset", "zone"})


@dataclass(frozen=True)
class Form:
    """A form, compiled.

    Attributes:
        written: As the contract writes it.
        shape: Regular expression of the whole text.
        fields: What a text may say, by name.
        certain: What every text says: the fields that stand in no optional section.
    """

    written: str
    shape: re.Pattern[str]
    fields: frozenset[str]
    certain: frozenset[str]

    def read(self, text: str) -> date | datetime | time | None:
        """The moment (with its zone where the text names one), or None when it names none.

        A form without a day gives a time, one without an hour a date.
        """
        match = self.shape.match(text)
        if not match:
            return None
        parts = {name: value for name, value in match.groupdict().items() if value is not None}
        try:
            return _moment(parts)
        except (ValueError, OverflowError):  # the 30th of February; 25 o'clock
            return None


def _moment(parts: dict[str, str]) -> date | datetime | time:
    clock = _clock(parts)
    if "year" not in parts:
        return clock or time()
    year = int(parts["year"]) + (2000 if len(parts["year"]) == 2 else 0)  # noqa: PLR2004 - as the JDK
    month = parts["month"]
    number = int(month) if month.isdigit() else [n[:3] for n in MONTHS].index(month[:3]) + 1
    day = date(year, number, int(parts["day"]))
    if "weekday" in parts and DAYS[day.weekday()][:3] != parts["weekday"][:3]:
        raise ValueError(parts["weekday"])
    if clock is None:
        return day
    whole = datetime.combine(day, clock)
    if "offset" in parts:
        return whole.replace(tzinfo=_offset_of(parts["offset"]))
    if "zone" in parts:
        return whole.replace(tzinfo=zone_named(parts["zone"]))
    return whole


def _clock(parts: dict[str, str]) -> time | None:
    if "hour" in parts:
        hour = int(parts["hour"])
    elif "hour_from_1" in parts:
        hour = _within(int(parts["hour_from_1"]), 1, 24) % 24
    elif "half_hour" in parts:
        hour = _within(int(parts["half_hour"]), 0, 11) + _afternoon(parts)
    elif "half_hour_from_1" in parts:
        hour = _within(int(parts["half_hour_from_1"]), 1, 12) % 12 + _afternoon(parts)
    else:
        return None
    micros = int(parts.get("fraction", "0").ljust(6, "0")[:6])
    return time(hour, int(parts.get("minute", 0)), int(parts.get("second", 0)), micros)


def _within(value: int, low: int, high: int) -> int:
    if not low <= value <= high:
        raise ValueError(value)
    return value


def _afternoon(parts: dict[str, str]) -> int:
    return 12 if parts["half"].upper() == "PM" else 0


def _offset_of(text: str) -> timezone:
    digits = re.findall(r"[0-9]+", text)
    if len(digits) == 1:
        digits = re.findall(r"..?", digits[0])
    hours, minutes, seconds = (int(part) for part in (*digits, "0", "0", "0")[:3])
    ahead = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return timezone(-ahead if "-" in text else ahead)


@lru_cache(maxsize=512)
def form_of(written: str, kind: Type) -> Form:
    """Compile a form for a column of that type.

    Raises:
        UnknownForm: some part of it would not be understood, or it names no moment of that type.
    """
    shape, fields = _compiled(written)
    optional = _optional(written)
    certain = fields - optional
    days, hours = fields & CALENDAR, fields & HOURS
    if kind == "time" and (days or fields & ZONES):
        raise UnknownForm("a time of day has neither a day nor a zone")
    if kind != "time" and not certain >= {"year", "month", "day"}:
        raise UnknownForm("it names no day: year (y), month (M) and day (d) are needed")
    if kind == "time" and not certain & HOURS:
        raise UnknownForm("it names no hour")
    if len(hours) > 1:
        raise UnknownForm("it names the hour twice")
    halves = hours & {"half_hour", "half_hour_from_1"}
    if halves and ("half" not in fields or ("half" in optional and not halves <= optional)):
        raise UnknownForm("h and K need AM or PM (a); an hour of 24 is H")
    if ("half" in fields and not halves) or (fields & ZONES and not hours):
        raise UnknownForm("AM, PM and zones need an hour that they belong to")
    if ("minute" in fields and not hours) or ("second" in fields and "minute" not in fields):
        raise UnknownForm("minutes need an hour, and seconds need minutes")
    if "fraction" in fields and "second" not in fields:
        raise UnknownForm("a fraction needs seconds")
    return Form(written, re.compile(f"(?:{shape})\\Z"), frozenset(fields), frozenset(certain))


def _tokens(written: str) -> list[tuple[str, str]]:
    """(kind, text): ``letters``, ``literal``, ``open`` and ``close`` of optional sections."""
    tokens: list[tuple[str, str]] = []
    rest = written
    while rest:
        if rest[0] == "'":
            quoted = re.match(r"'((?:[^']|'')*)'", rest)
            if not quoted:
                raise UnknownForm("a quote is not closed")
            tokens.append(("literal", quoted.group(1).replace("''", "'") or "'"))
            rest = rest[quoted.end() :]
        elif rest[0] in "[]":
            tokens.append(("open" if rest[0] == "[" else "close", rest[0]))
            rest = rest[1:]
        elif rest[0] in "{}#":
            raise UnknownForm(f"{rest[0]!r} is reserved")
        elif rest[0] == "T":
            # No letter of the JDK, and in everybody's patterns the T of ISO 8601.
            tokens.append(("literal", "T"))
            rest = rest[1:]
        elif rest[0].isascii() and rest[0].isalpha():
            run = "".join(next(groupby(rest))[1])
            tokens.append(("letters", run))
            rest = rest[len(run) :]
        else:
            tokens.append(("literal", rest[0]))
            rest = rest[1:]
    return tokens


def _compiled(written: str) -> tuple[str, set[str]]:
    shape, fields, depth = "", set[str](), 0
    for what, text in _tokens(written):
        if what == "literal":
            shape += re.escape(text)
        elif what == "open":
            shape, depth = f"{shape}(?:", depth + 1
        elif what == "close":
            shape, depth = f"{shape})?", depth - 1
            if depth < 0:
                raise UnknownForm("a bracket is not opened")
        else:
            name, digits = _field(text)
            if name in fields:
                raise UnknownForm(f"it names the {name.replace('_', ' ')} twice")
            fields.add(name)
            shape += f"(?P<{name}>{digits})"
    if depth:
        raise UnknownForm("a bracket is not closed")
    return shape, fields


def _field(run: str) -> Group:
    letter = run[0]
    if letter not in LETTERS:
        raise UnknownForm(HINTS.get(letter, f"the letter {letter} is not known here"))
    name, shape = LETTERS[letter]
    return name, shape(len(run))


def _optional(written: str) -> set[str]:
    fields, depth = set[str](), 0
    for what, text in _tokens(written):
        depth += {"open": 1, "close": -1}.get(what, 0)
        if what == "letters" and depth:
            fields.add(_field(text)[0])
    return fields
