"""Which day a key's folders name, whatever tool has written them. Pure.

Read are, with any folders before, between and below: ``year=2024/month=07/day=01`` (padded or not),
``dt=2024-07-01`` (``date``, ``ds``, ``day``, any name that ends in one of them), ``2024/07/01`` and
``2024-07-01``. Such a partition counts before plain folders, and these before a day under any other
name (``snapshot=2024-07-01``). Where none of them names a day, a plain folder does that has an hour
or a time behind it (``2024-07-01--05``, as Flink writes), and then ``2024_07_01``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import unquote

from tasks.side_files import below

NO_DAY = "no day"
NO_REAL_DAY = "no real day"
TWO_DAYS = "two days"
LAYOUTS = (
    "year=2024/month=07/day=01/…",
    "dt=2024-07-01/… (or date=, ds=, day=)",
    "2024/07/01/…",
    "2024-07-01/…",
)
"""The layouts that are read, as errors and pages name them."""

_ROLES = {
    **dict.fromkeys(("year", "yyyy", "yr", "y"), "year"),
    **dict.fromkeys(("month", "mm", "m"), "month"),
    **dict.fromkeys(("day", "dd", "d"), "day"),
}
_FIRST = frozenset({"dt", "date", "ds", "day", "d"})
_DATED_NAME = re.compile(r"(date|dt|ds|day)$")
_ONLY_DATES = re.compile(r"(^|[_-])(date|dt)$")
_CLOCK = r"(?:[01]?\d|2[0-3])(?:[:_.-]?[0-5]\d){0,2}(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"
"""An hour, or more of a time: what may stand behind a day. A second day may not."""
_SIGNED = r"(?P<year>\d{4})(?P<sign>[-/_.])(?P<month>\d{1,2})(?P=sign)(?P<day>\d{1,2})"
_DIGITS = r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)"
_DATE = re.compile(rf"{_SIGNED}(?P<clock>(?:[T _-]|--){_CLOCK})?")
_COMPACT = re.compile(rf"{_DIGITS}(?P<clock>(?P<sign>[T_-])?{_CLOCK})?")
# What a tool writes behind the day of its partition need be no time: a number, a zone.
_DATE_VALUE = re.compile(rf"{_SIGNED}(?P<clock>(?:[T _-]|--)\d.*)?")
_COMPACT_VALUE = re.compile(
    rf"{_DIGITS}(?P<clock>(?:[T _-]|--)\d.*|\d\d(?:\d\d){{0,2}}Z?|{_CLOCK})?"
)
_AFTER_CLOCK = re.compile(rf"{_CLOCK}[ _-]+(?P<rest>.+)")
_OTHER = date.min
"""Stands for another day than the one that is named."""
_YEAR = re.compile(r"(?:19|20|21)\d\d")
_MINUTES = frozenset({"m", "mm"})
"""Names of a month, and again of a minute (``y=2024/m=07/d=01/h=05/m=30``)."""
_PLAIN, _OTHERS, _TIMED, _BY_UNDERSCORES = 2, 3, 4, 5
"""Which folders count first, behind partitions by day: of plain ones, and others' partitions."""
_SMALL = re.compile(r"\d{1,2}")
_MONTH = re.compile(r"(?:\d{4}-)?(\d{1,2})")


@dataclass(frozen=True)
class Place:
    """Where an object lies in time.

    Attributes:
        day: The day that its folders name; None when there is none.
        rule: Why there is none (``no day``, ``no real day``, ``two days``).
        shape: The layout, without its values: ``year=/month=/day=``, ``dt=``, ``YYYY/MM/DD``.
        folder: The folders that name the day, as they are written.
        rest: What follows them, the file's name included.
        clock: The time of day that stands in the same folder, as it is written.
    """

    day: date | None = None
    rule: str = NO_DAY
    shape: str = ""
    folder: str = ""
    rest: str = ""
    clock: str = ""


@dataclass(frozen=True)
class _Named:
    """One naming of a day; ``rank`` 0 counts before 1, and so on."""

    rank: int
    day: date | None
    shape: str
    at: tuple[int, ...]
    clock: str = ""


def place_of(key: str, prefix: str = "") -> Place:
    """Read the day off a key's folders.

    Folders below the prefix count first; those of the prefix count where they complete them
    (``raw/year=2024/`` and below it ``month=07/day=01/``).
    """
    own = below(key, prefix)
    for path in dict.fromkeys((own, key)):
        segments = path.split("/")
        named = sorted(_named(segments[:-1]), key=lambda naming: naming.rank)
        named = [naming for naming in named if naming.rank == named[0].rank]
        if not named:
            continue
        if any(naming.day is None for naming in named):
            return Place(rule=NO_REAL_DAY)
        if len({naming.day for naming in named}) > 1:
            return Place(rule=TWO_DAYS)
        first = named[0]
        return Place(
            day=first.day,
            rule="",
            shape=first.shape,
            folder="/".join(segments[index] for index in first.at),
            rest="/".join(segments[first.at[-1] + 1 :]),
            clock=first.clock,
        )
    return Place()


def partition_prefix(prefix: str, day: date) -> str:
    """Key prefix of one day's partition, as this pipeline writes it."""
    return f"{prefix}year={day.year:04d}/month={day.month:02d}/day={day.day:02d}/"


def _named(folders: Sequence[str]) -> Iterator[_Named]:
    yield from _partitions(folders)
    yield from _plain(folders)


def _partitions(folders: Sequence[str]) -> Iterator[_Named]:
    roles: dict[str, tuple[int, str]] = {}
    values: dict[str, set[int]] = {}
    whole: list[_Named] = []
    for index, folder in enumerate(folders):
        name, sign, value = folder.partition("=")
        name, value = name.strip().lower(), unquote(value).strip()
        if not sign:
            continue
        dated = _DATE_VALUE.fullmatch(value) or _COMPACT_VALUE.fullmatch(value)
        if dated and _until(dated["clock"] or ""):
            dated = None
        clock = (dated and dated["clock"]) or ""
        if dated and (name in _FIRST or _DATED_NAME.search(name)):
            day = _day_of(dated)
            whole.append(_Named(0 if name in _FIRST else 1, day, f"{name}=", (index,), clock))
        elif dated and dated.re is _DATE_VALUE:
            whole.append(_Named(_OTHERS, _day_of(dated), f"{name}=", (index,), clock))
        elif name in _ROLES:
            roles.setdefault(_ROLES[name], (index, value))
            if value.isdecimal() and name not in _MINUTES:
                values.setdefault(name, set()).add(int(value))
        elif name in _FIRST or _ONLY_DATES.search(name):
            whole.append(_Named(0 if name in _FIRST else 1, None, f"{name}=", (index,)))
    yield from whole
    if len(roles) == len(set(_ROLES.values())):
        parts = sorted(roles.values())
        found = _Named(0, _of_roles(roles), "year=/month=/day=", tuple(at for at, _ in parts))
        yield found
        if found.day is not None and any(len(several) > 1 for several in values.values()):
            yield replace(found, day=_OTHER)
    elif {"year", "month"} <= set(roles):
        # year=2024/month=07/dt=2024-06-30: the parts contradict each other.
        for naming in whole:
            if naming.day is not None:
                first = {"day": (0, "1"), **roles}
                month = _of_roles(first)
                if month is None or month != naming.day.replace(day=1):
                    yield _Named(naming.rank, month, "year=/month=", naming.at)


def _of_roles(roles: dict[str, tuple[int, str]]) -> date | None:
    year, month, day = (roles[role][1] for role in ("year", "month", "day"))
    number = _MONTH.fullmatch(month)
    if not (re.fullmatch(r"\d{4}", year) and number and _SMALL.fullmatch(day)):
        return None
    return _day(int(year), int(number.group(1)), int(day))


def _plain(folders: Sequence[str]) -> Iterator[_Named]:
    found: dict[int, list[_Named]] = {}
    for index, folder in enumerate(folders):
        dated = _DATE.fullmatch(folder) or _COMPACT.fullmatch(folder)
        if dated is None:
            continue
        signed, clock = dated.re is _DATE, dated["clock"] or ""
        # 1001_20_30 is an id; and a folder with a time may tell when a job ran.
        if not (signed and dated["sign"] == "-") and not _is_plain(dated, set_apart=not signed):
            continue
        rank = _BY_UNDERSCORES if signed and dated["sign"] == "_" else _TIMED if clock else _PLAIN
        shape = dated["sign"].join(("YYYY", "MM", "DD")) if signed else "YYYYMMDD"
        found.setdefault(rank, []).append(_Named(rank, _day_of(dated), shape, (index,), clock))
    for index, three in enumerate(zip(folders, folders[1:], folders[2:], strict=False)):
        year, month, day = three
        if _YEAR.fullmatch(year) and _SMALL.fullmatch(month) and _SMALL.fullmatch(day):
            at = (index, index + 1, index + 2)
            named = _Named(_PLAIN, _day(int(year), int(month), int(day)), "YYYY/MM/DD", at)
            found.setdefault(_PLAIN, []).append(named)
    for namings in found.values():
        first, *more = sorted(namings, key=lambda naming: naming.at)
        yield first
        # Below a day may stand any numbers and times; only another day contradicts it.
        yield from (naming for naming in more if naming.day is not None and not naming.clock)


def _is_plain(dated: re.Match[str], *, set_apart: bool = False) -> bool:
    """Whether digits are a day and no other number: one of our time, and its hour set apart."""
    if dated["sign"] in {"/", "."}:
        return False
    ours = _YEAR.fullmatch(dated["year"]) and _day_of(dated) is not None
    return bool(ours and not (set_apart and dated["clock"] and not dated["sign"]))


def _until(behind: str) -> bool:
    """Whether a second day stands behind the first: a span, of which no day holds all rows."""
    text = behind.lstrip("T _-")
    after = _AFTER_CLOCK.fullmatch(text)
    for rest, timed in ((text, False), (after["rest"] if after else "", True)):
        dated = _DATE.fullmatch(rest) or _COMPACT.fullmatch(rest)
        if dated and _YEAR.fullmatch(dated["year"]) and _day_of(dated):
            return timed or not dated["clock"]
    return False


def _day_of(match: re.Match[str]) -> date | None:
    return _day(*(int(match[part]) for part in ("year", "month", "day")))


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
