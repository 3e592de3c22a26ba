"""The rows of both sides of a split, as the model would learn them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

FeatureKind = Literal["number", "date", "category", "text"]
PICTURE = "picture"
"""Name of the one feature of a photo: the SHA-256 of its file."""


@dataclass(frozen=True)
class ChannelRows:
    """Labelled rows of one channel; each array and list has one entry a row.

    Args:
        names: What each row is called: the values of the contract's key, or its number.
        labels: As the task reads them.
        columns: Features by name: float64 (NaN where missing), ``datetime64[D]`` (NaT), or text
            ("") as object.
        days: Of their partitions, ``datetime64[D]``; NaT where the channel names none.
        key: Columns that ``names`` are made of; without one they are numbers.
        files: Of photos.
    """

    names: NDArray[np.str_]
    labels: NDArray[Any]
    columns: Mapping[str, NDArray[Any]]
    days: NDArray[Any]
    key: tuple[str, ...] = ()
    files: Sequence[Path] = field(default=())

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.names)

    def take(self, rows: NDArray[Any]) -> ChannelRows:
        """The chosen rows (indices or a mask)."""
        at = np.flatnonzero(rows) if rows.dtype == bool else rows
        return ChannelRows(
            self.names[at],
            self.labels[at],
            {name: values[at] for name, values in self.columns.items()},
            self.days[at],
            self.key,
            [self.files[int(row)] for row in at] if self.files else (),
        )

    def together(self, other: ChannelRows) -> ChannelRows:
        """These rows, then the other ones."""
        return ChannelRows(
            np.concatenate([self.names, other.names]),
            np.concatenate([self.labels, other.labels]),
            {n: np.concatenate([v, other.columns[n]]) for n, v in self.columns.items()},
            np.concatenate([self.days, other.days]),
            self.key,
            [*self.files, *other.files],
        )


@dataclass(frozen=True)
class RowFeature:
    """A column that the model learns from.

    Args:
        name: Its name.
        kind: What its values are; ``text`` is free text, read as words.
        key: Whether the contract says that it only tells rows apart.
    """

    name: str
    kind: FeatureKind
    key: bool = False


def sample(rows: int, most: int, seed: int = 0) -> NDArray[np.intp]:
    """At most so many of the rows, in their order; the same each time."""
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def percent(share: float) -> str:
    """A share for a table: three digits are enough.

    >>> percent(0.05), percent(1.0), percent(0.00012)
    ('5 %', '100 %', '0.012 %')
    """
    return f"{100 * share:.3g} %"


def shares(count: int, rows: int) -> str:
    """A count with its share, for a table."""
    return f"{count:,} of {rows:,} ({percent(count / rows)})" if rows else "none"
