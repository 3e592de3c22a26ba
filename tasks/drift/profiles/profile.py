"""The profile: everything a check needs to know of some rows, in some ten kilobytes of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

from tasks.drift.profiles.counts import CategoryCounts, Counts, NumericCounts
from tasks.drift.profiles.grid import KNOWN_GRIDS, Grid
from tasks.errors import ProfileIncompatible, UnreadableData

FORMAT = "sluice.drift-profile"
VERSION = 1


@dataclass(frozen=True)
class Profile:
    """Counts of some partitions' rows on one grid.

    Attributes:
        grid: The frozen grid that the numbers were counted on.
        rows: Rows seen.
        partitions: Names of the partitions that are in it, in order.
        columns: Counts by column; text, image and vector columns appear as their parts.
    """

    grid: Grid
    rows: int
    partitions: tuple[str, ...]
    columns: Mapping[str, Counts]

    def merge(self, other: Profile) -> Profile:
        """The profile of both: exact, associative and commutative in all counts.

        Raises:
            ProfileIncompatible: the grids differ, or a partition stands in both.
        """
        if self.grid != other.grid:
            raise ProfileIncompatible(
                f"The profiles of {_label(self)} and {_label(other)} were made on different grids.",
                "Profile both with the baseline's grid.",
            )
        twice = set(self.partitions) & set(other.partitions)
        if twice:
            raise ProfileIncompatible(
                f"Partition {min(twice)!r} would be counted twice.",
                "Merge each partition once.",
            )
        columns = {
            name: joined(counts, other.columns[name]) for name, counts in self.columns.items()
        }
        partitions = tuple(sorted((*self.partitions, *other.partitions)))
        return Profile(self.grid, self.rows + other.rows, partitions, columns)

    def to_json(self) -> str:
        """One line of JSON, the same for the same counts."""
        return json.dumps(
            {
                "format": FORMAT,
                "version": VERSION,
                "grid": self.grid.model_dump(mode="json"),
                "rows": self.rows,
                "partitions": list(self.partitions),
                "columns": {name: counts.to_dict() for name, counts in self.columns.items()},
            },
            sort_keys=True,
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> Profile:
        """The inverse of :meth:`to_json`.

        Raises:
            UnreadableData: it is no profile, or one of another version.
        """
        try:
            value = json.loads(text)
            _known(value["format"], value["version"], value["grid"]["version"])
            grid = Grid.model_validate(value["grid"])
            columns = {name: _counts(name, item, grid) for name, item in value["columns"].items()}
            return cls(grid, int(value["rows"]), tuple(value["partitions"]), columns)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnreadableData(
                f"This is no drift profile that can be read: {error}.",
                "Profile the partition again with the baseline's grid.",
            ) from error


def merged(profiles: Iterable[Profile]) -> Profile:
    """One profile of many.

    Raises:
        ProfileIncompatible: there is none, or they do not fit each other.
    """
    parts = list(profiles)
    if not parts:
        raise ProfileIncompatible("There is no profile to merge.", "Profile a partition first.")
    return reduce(Profile.merge, parts)


def joined(a: Counts, b: Counts) -> Counts:
    """Counts of one column in two partitions.

    Raises:
        ProfileIncompatible: they were not counted alike.
    """
    if isinstance(a, NumericCounts) and isinstance(b, NumericCounts):
        return a.merge(b)
    if isinstance(a, CategoryCounts) and isinstance(b, CategoryCounts):
        return a.merge(b)
    raise ProfileIncompatible(
        "A column is numeric in one profile and categorical in the other.",
        "Profile both with the baseline's grid.",
    )


def _known(name: str, version: int, grid: int) -> None:
    if name != FORMAT:
        raise ValueError(f"its format is {name!r}")
    if version != VERSION or grid not in KNOWN_GRIDS:
        raise ValueError(
            f"its version is {version} on a grid of version {grid}, and this release reads "
            f"{VERSION} on {', '.join(map(str, sorted(KNOWN_GRIDS)))}"
        )


def _counts(name: str, value: Mapping[str, Any], grid: Grid) -> Counts:
    if value["kind"] == "numeric":
        return NumericCounts.from_dict(value, grid.numeric[name])
    return CategoryCounts.from_dict(value)


def _label(profile: Profile) -> str:
    names = profile.partitions
    return f"{names[0]} … {names[-1]}" if names else "an unnamed partition"
