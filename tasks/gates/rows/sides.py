"""The rows of both sides of a split, as the model would learn them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from models.runtime.images.index import listed
from models.runtime.split import ChannelColumn, columns_of
from models.runtime.tables.columns import CLIENT_TYPES, array, read_table, row_ids
from models.runtime.task import Task
from tasks.good_rows import DAY, LABEL_DAY, day_of

FeatureKind = Literal["number", "date", "category", "text"]
FREE_TEXT = "text"
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
        keyed: Whether ``names`` are the contract's key, and not numbers.
        files: Of photos.
    """

    names: NDArray[np.str_]
    labels: NDArray[Any]
    columns: Mapping[str, NDArray[Any]]
    days: NDArray[Any]
    keyed: bool = False
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
            self.keyed,
            [self.files[row] for row in at] if self.files else (),
        )

    def together(self, other: ChannelRows) -> ChannelRows:
        """These rows, then the other ones."""
        return ChannelRows(
            np.concatenate([self.names, other.names]),
            np.concatenate([self.labels, other.labels]),
            {n: np.concatenate([v, other.columns[n]]) for n, v in self.columns.items()},
            np.concatenate([self.days, other.days]),
            self.keyed and other.keyed,
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


def features_of(
    schema: Mapping[str, Any], columns: Sequence[ChannelColumn]
) -> tuple[RowFeature, ...]:
    """The features of a table or a text, from what its input says of reading it."""
    keys = {column.name for column in columns if column.key}
    return tuple(
        RowFeature(entry["name"], _kind(entry), entry["name"] in keys)
        for entry in schema.get("columns", ())
    )


def _kind(entry: Mapping[str, Any]) -> FeatureKind:
    if entry["type"] == "date":
        return "date"
    if entry["type"] == "text":
        # A text alone says nothing of how it is looked at.
        free = "look" not in entry or FREE_TEXT in {entry["look"], entry.get("treatment")}
        return "text" if free else "category"
    named = entry.get("treatment") == "category" or entry.get("look") == "categorical"
    return "category" if named else "number"


def read_side(
    folder: Path, label: str, task: type[Task], features: Sequence[RowFeature]
) -> ChannelRows:
    """The labelled rows of a channel.

    Args:
        folder: Local copy of it, with its ``_columns.json``.
        label: Column that is predicted.
        task: What is predicted.
        features: Columns to read; of photos none.

    Raises:
        NoData: the channel holds no row, lacks the label, or has no ``_columns.json``.
    """
    described = columns_of(folder)
    pictures = list(listed(folder))
    if pictures:
        return _photos(pictures, label, task)
    types = {column.name: CLIENT_TYPES[column.type] for column in described
             if column.type in CLIENT_TYPES}  # fmt: skip
    key = [column.name for column in described if column.key and column.type in CLIENT_TYPES]
    names = [feature.name for feature in features]
    optional = [name for name in (*names, DAY) if name not in {*key, label}]
    table = read_table(folder, list(dict.fromkeys([*key, label])), list(dict.fromkeys(optional)))
    labels = task.labels(table[label].to_pylist())
    rows = ChannelRows(
        names=row_ids(table, key),
        labels=labels,
        columns={name: array(table[name], types[name]) for name in names},
        days=_days(table[DAY].to_pylist()),
        keyed=bool(key),
    )
    return rows.take(task.labelled(labels))


def _photos(
    pictures: Sequence[tuple[str, Path, Mapping[str, Any]]], label: str, task: type[Task]
) -> ChannelRows:
    labels = task.labels([entry.get(label) for _, _, entry in pictures])
    digests = [sha256(path.read_bytes()).hexdigest() for _, path, _ in pictures]
    rows = ChannelRows(
        names=np.asarray([name for name, _, _ in pictures], dtype=np.str_),
        labels=labels,
        columns={PICTURE: np.asarray(digests, dtype=object)},
        days=_days([entry.get(LABEL_DAY) for _, _, entry in pictures]),
        keyed=True,
        files=[path for _, path, _ in pictures],
    )
    return rows.take(task.labelled(labels))


def _days(values: Sequence[Any]) -> NDArray[Any]:
    return np.asarray(
        [np.datetime64("NaT") if value is None else day_of(value) for value in values],
        dtype="datetime64[D]",
    )


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
