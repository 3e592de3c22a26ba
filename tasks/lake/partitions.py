"""Which day a key's folders name, whatever tool has written them. Pure.

Read are, with any folders before, between and below: ``year=2024/month=07/day=01`` (padded or not),
``dt=2024-07-01`` (``date``, ``ds``, ``day``, any name that ends in one of them), ``2024/07/01`` and
``2024-07-01``. Such a partition counts before plain folders, and these before a day under any other
name (``snapshot=2024-07-01``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
_DATE = re.compile(r"(\d{4})([-/_.])(\d{1,2})\2(\d{1,2})(?:[T _-]\d.*)?")
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T?\d{2}(?:\d\d){0,2}Z?)?")
_YEAR = re.compile(r"(?:19|20|21)\d\d")
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
    """

    day: date | None = None
    rule: str = NO_DAY
    shape: str = ""
    folder: str = ""
    rest: str = ""


@dataclass(frozen=True)
class _Named:
    """One naming of a day; ``rank`` 0 counts before 1, and so on."""

    rank: int
    day: date | None
    shape: str
    at: tuple[int, ...]


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
    whole: list[_Named] = []
    for index, folder in enumerate(folders):
        name, sign, value = folder.partition("=")
        name, value = name.strip().lower(), unquote(value).strip()
        if not sign:
            continue
        dated = _DATE.fullmatch(value) or _COMPACT.fullmatch(value)
        if dated and (name in _FIRST or _DATED_NAME.search(name)):
            day = _day(*_numbers(dated))
            whole.append(_Named(0 if name in _FIRST else 1, day, f"{name}=", (index,)))
        elif dated and dated.re is _DATE:
            whole.append(_Named(3, _day(*_numbers(dated)), f"{name}=", (index,)))
        elif name in _ROLES:
            roles.setdefault(_ROLES[name], (index, value))
        elif name in _FIRST or _ONLY_DATES.search(name):
            whole.append(_Named(0 if name in _FIRST else 1, None, f"{name}=", (index,)))
    yield from whole
    if len(roles) == len(set(_ROLES.values())):
        parts = sorted(roles.values())
        yield _Named(0, _of_roles(roles), "year=/month=/day=", tuple(index for index, _ in parts))
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
    for index, folder in enumerate(folders):
        dated = re.fullmatch(r"(\d{4})(-)(\d{1,2})-(\d{1,2})", folder)
        compact = re.fullmatch(r"((?:19|20|21)\d\d)(\d\d)(\d\d)", folder)
        if dated or (compact and _day(*_numbers(compact))):
            day = _day(*_numbers(dated or compact))
            yield _Named(2, day, "YYYY-MM-DD" if dated else "YYYYMMDD", (index,))
    found = False
    for index, three in enumerate(zip(folders, folders[1:], folders[2:], strict=False)):
        year, month, day_ = three
        if _YEAR.fullmatch(year) and _SMALL.fullmatch(month) and _SMALL.fullmatch(day_):
            day = _day(int(year), int(month), int(day_))
            # Below a day may stand any numbers; only another day contradicts it.
            if not found or day is not None:
                yield _Named(2, day, "YYYY/MM/DD", (index, index + 1, index + 2))
            found = True


def _numbers(match: re.Match[str] | None) -> tuple[int, int, int]:
    if match is None:
        return 0, 0, 0
    year, month, day = (int(text) for text in match.groups() if text and text.isdigit())
    return year, month, day


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
