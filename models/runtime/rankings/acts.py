"""Rows of who did what with which item, gathered by user: what an act weighs, what came when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.runtime.signature import Arrays


@dataclass(frozen=True)
class Act:
    """What a user did, all of his acts in order of time; every array is [acts of this user].

    Args:
        days: When, days since 1970; 0 where the data does not say.
        weights: How much each counts.
        attributes: Of the items that were taken up, by column.
    """

    days: NDArray[np.int64]
    weights: NDArray[np.float64]
    attributes: Mapping[str, NDArray[Any]]


def gathered(
    users: NDArray[Any], days: NDArray[np.int64], keep: NDArray[np.bool_]
) -> tuple[list[str], list[NDArray[np.int64]]]:
    """Users in the order of their names, and the rows of each in order of time.

    Args:
        users: Who, of each row [n]; "" is nobody.
        days: When; equal ones keep the order of the rows.
        keep: Rows that count.
    """
    rows = np.flatnonzero(keep & (users != ""))
    names, numbers = np.unique(users[rows].astype(np.str_), return_inverse=True)
    order = rows[np.lexsort((rows, days[rows], numbers))]
    ends = np.cumsum(np.bincount(numbers, minlength=len(names)))
    return names.tolist(), np.split(order, ends[:-1]) if len(names) else []


def weights_of(text: str) -> dict[str, float]:
    """``view=1,book=5`` → a weight by kind of act.

    Raises:
        ValueError: it is no such list, or a weight is none; the message says so.
    """
    weights: dict[str, float] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        name, sign, number = (part.strip() for part in pair.partition("="))
        try:
            weights[name] = float(number)
        except ValueError:
            weights[name] = -1.0
        if not sign or not name or not 0 <= weights[name] < float("inf"):
            raise ValueError(f"{pair!r} is no name=weight with a weight of 0 or more")
    return weights


def last_known(columns: Arrays, rows: Sequence[NDArray[np.int64]], missing: Any) -> dict[str, Any]:
    """The last value that is there in each group of rows, by column.

    Args:
        columns: Values by name.
        rows: Rows of each group, oldest first.
        missing: Tells which values of a column are not there.
    """
    made = {}
    for name, values in columns.items():
        absent = missing(values)
        at = [group[-1] if absent[group].all() else group[~absent[group]][-1] for group in rows]
        made[name] = values[np.asarray(at, dtype=np.int64)]
    return made
