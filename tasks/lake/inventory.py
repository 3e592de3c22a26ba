"""All that lies below a data set's prefix: each object is data of a day, or left out by one rule.

The counts add up: objects + left out = listed. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from tasks import side_files
from tasks.lake.endings import format_of, stem_of
from tasks.lake.partitions import NO_DAY, NO_REAL_DAY, TWO_DAYS, Place, place_of
from tasks.side_files import side_file
from tasks.values import LakeObject, LeftOut

Owns = Callable[[str], bool]
"""Whether a key belongs to a data set."""

OTHER = "other location"
COPY = "copy"
BEFORE = "before the window"
AFTER = "after the window"
NOT_ASKED = "not asked for"
SHOWN = 5

WHY: Mapping[str, str] = {
    side_files.HIDDEN: "a name that begins with _ or . is no data (as Hive, Spark, Athena have it)",
    side_files.TABLE_LOG: (
        "the log of a Delta or Hudi table is not read: rows that a later commit removed count"
    ),
    side_files.FOLDER: "an empty object that stands for a folder",
    side_files.SIDE_FILE: "a checksum or a file of a file manager",
    side_files.UNFINISHED: "a copy that is still being written",
    side_files.BACKUP: "a copy that an editor or a person keeps beside a file",
    OTHER: "the contract's location does not match it",
    NO_DAY: "no folder names its day",
    NO_REAL_DAY: "its folder names a day that does not exist",
    TWO_DAYS: "its folders name two days",
    COPY: "the same file lies in another folder of the same day",
    BEFORE: "its day lies before the window",
    AFTER: "its day lies after the window",
    NOT_ASKED: "this run did not ask for it (curated before)",
}
"""What each rule means, for people."""
UNREAD = frozenset({NO_DAY, NO_REAL_DAY, TWO_DAYS, side_files.TABLE_LOG})
"""Rules that leave out what is perhaps data: people are told, not only shown."""


@dataclass(frozen=True)
class Listed:
    """One current object as S3 lists it. ``size`` in bytes."""

    key: str
    version_id: str
    etag: str
    size: int


@dataclass
class Tally:
    """How many objects each rule left out, and the first of them by name."""

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, rule: str, key: str) -> None:
        """Count one object."""
        self.counts[rule] = self.counts.get(rule, 0) + 1
        self.examples[rule] = min(key, self.examples.get(rule, key))

    def extend(self, groups: Iterable[LeftOut]) -> None:
        """Count what was counted before."""
        for item in groups:
            self.counts[item.rule] = self.counts.get(item.rule, 0) + item.count
            self.examples[item.rule] = min(item.example, self.examples.get(item.rule, item.example))

    def left_out(self) -> tuple[LeftOut, ...]:
        """The counts, in the order in which the rules are applied."""
        known = [*WHY, *sorted(set(self.counts) - set(WHY))]
        return tuple(
            LeftOut(rule=rule, count=self.counts[rule], example=self.examples[rule])
            for rule in known
            if rule in self.counts
        )


@dataclass(frozen=True)
class Inventory:
    """What lies below a prefix.

    Attributes:
        objects: Those that are data and have a day, by key.
        places: Where each of them lies, by key.
        left_out: The others, counted.
    """

    objects: tuple[LakeObject, ...]
    places: Mapping[str, Place]
    left_out: tuple[LeftOut, ...]


def sort_out(listed: Iterable[Listed], prefix: str = "", owns: Owns | None = None) -> Inventory:
    """Give every object its day, or the rule that leaves it out.

    Args:
        listed: Every current object below the prefix.
        prefix: Where the data set's keys begin.
        owns: Which keys belong to it, where data sets share their folders.
    """
    tally = Tally()
    objects: list[LakeObject] = []
    places: dict[str, Place] = {}
    first: dict[tuple[object, ...], str] = {}
    ordered = sorted(listed, key=lambda item: item.key)
    keys = frozenset(item.key for item in ordered)
    for item in ordered:
        rule = side_file(item.key, item.size, prefix, keys)
        if not rule and owns is not None and not owns(item.key):
            rule = OTHER
        if rule:
            tally.add(rule, item.key)
            continue
        place = place_of(item.key, prefix)
        if place.day is None:
            tally.add(place.rule, item.key)
            continue
        # Same day, name and bytes under another spelling of the day: the lake was laid out anew.
        # Another hour of the day is no other spelling.
        same = (
            *(place.day, place.clock, place.rest),
            *(item.etag, item.size, _around(item.key, place)),
        )
        if first.setdefault(same, place.folder) != place.folder:
            tally.add(COPY, item.key)
            continue
        objects.append(
            LakeObject(
                key=item.key,
                version_id=item.version_id,
                etag=item.etag,
                size=item.size,
                day=place.day,
            )
        )
        places[item.key] = place
    return Inventory(tuple(objects), places, tally.left_out())


def _around(key: str, place: Place) -> str:
    """What stands before the folders of the day: ``region=eu`` and ``region=us`` are no copies."""
    head = key[: len(key) - len(place.rest)].rstrip("/")
    return head.removesuffix(place.folder)


def told(left_out: Iterable[LeftOut]) -> str:
    """Rules, counts and examples in one line."""
    return "; ".join(
        f"{item.count:,} {item.rule} ({WHY.get(item.rule, 'left out')}), e.g. "
        f"{ascii(item.example[:200])[1:-1]}"
        for item in left_out
    )


def shapes_of(objects: Iterable[LakeObject], places: Mapping[str, Place]) -> Iterator[str]:
    """Notices on days that lie in more than one spelling of the same layout, or depth."""
    days: dict[object, set[str]] = {}
    for item in objects:
        place = places[item.key]
        depth = "with folders below" if "/" in place.rest else "without folders below"
        if place.clock:
            depth = "with a time behind it"
        days.setdefault(item.day, set()).add(
            f"{unquote(place.folder).removesuffix(place.clock)} ({depth})"
        )
    mixed = {day: sorted(shapes) for day, shapes in days.items() if len(shapes) > 1}
    if mixed:
        day = min(mixed, key=str)
        yield (
            f"{len(mixed):,} days lie in folders of several shapes, and all of them are read; if "
            f"one is a copy of another, rows are there twice. The first: {day}, in "
            f"{', '.join(mixed[day][:SHOWN])}."
        )


def twins_of(objects: Iterable[LakeObject]) -> Iterator[str]:
    """A notice on files that bear one name but for its ending: ``a.json`` beside ``a.json.gz``."""
    named: dict[str, list[str]] = {}
    for item in objects:
        if format_of(item.key) != "image":
            named.setdefault(stem_of(item.key), []).append(item.key)
    twins = sorted(keys for keys in named.values() if len(keys) > 1)
    if twins:
        shown = ", ".join(ascii(key[:200])[1:-1] for key in sorted(twins[0])[:SHOWN])
        yield (
            f"{len(twins):,} times files lie side by side that bear one name but for its ending, "
            "and all of them are read; if one is a copy of another, rows are there twice. The "
            f"first: {shown}."
        )
