"""Rows that never were, with what a test plants in them."""

import numpy as np

from tasks.gates.rows.sides import ChannelRows, RowFeature
from tasks.gates.rows.targets import RowTarget

DAY = np.datetime64("2026-01-05")
WORDS = [
    "good",
    "bad",
    "service",
    "food",
    "nice",
    "room",
    "dark",
    "light",
    "was",
    "is",
    "very",
    "not",
    "the",
    "a",
    "of",
]


def texts(values):
    return np.array([str(value) for value in values], dtype=object)


def rows(columns, labels=None, days=None, key=("id",), first=0):
    """Labelled rows of these columns."""
    count = len(next(iter(columns.values())))
    return ChannelRows(
        names=np.asarray([f"k{number}" for number in range(first, first + count)]),
        labels=np.full(count, "a") if labels is None else np.asarray(labels),
        columns={
            name: values if isinstance(values, np.ndarray) else np.asarray(values)
            for name, values in columns.items()
        },
        days=np.full(count, DAY) if days is None else np.asarray(days, dtype="datetime64[D]"),
        key=key,
    )


def feature(name, kind="number", *, key=False):
    return RowFeature(name, kind, key)


def yes(values):
    return RowTarget("yes or no", np.asarray(values, dtype=bool)[:, None], ("sold",))


def number(values):
    return RowTarget("number", np.asarray(values, dtype=float), ("price",))


def classes(values, names="abcdefgh"):
    return RowTarget("classes", np.asarray(values), tuple(names[: max(values) + 1]))
