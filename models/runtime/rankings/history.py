"""What each user took up while the model learned: kept with it, so that a request needs none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RECENT_DAYS = 28
RECENT_ITEMS = 20
"""Newest different items of a user that others are compared with."""
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class TakenUp:
    """Who took up what: users and items by their numbers from 1, oldest act first.

    Args:
        users: [acts].
        items: [acts].
        days: [acts].
        weights: [acts].
    """

    users: NDArray[np.int64]
    items: NDArray[np.int64]
    days: NDArray[np.int64]
    weights: NDArray[np.float64]

    def __len__(self) -> int:
        """Number of acts."""
        return len(self.items)

    def take(self, rows: Any) -> TakenUp:
        """The chosen acts."""
        return TakenUp(self.users[rows], self.items[rows], self.days[rows], self.weights[rows])

    def parted(self, share: float) -> tuple[TakenUp, TakenUp]:
        """The older acts and the newest share of them, by day and then by their order."""
        order = np.argsort(self.days, kind="stable")
        first = len(order) - round(share * len(order))
        return self.take(order[:first]), self.take(order[first:])

    def shares(self, items: int) -> NDArray[np.float64]:
        """Of all weight, what falls on each item [items]; half an act for one that has none."""
        weight = np.bincount(self.items - 1, weights=self.weights, minlength=items)
        return np.asarray(np.maximum(weight, 0.5) / max(weight.sum(), 1.0))

    def recent_shares(self, items: int) -> NDArray[np.float64]:
        """The same of the newest four weeks [items]."""
        newest = self.days.max(initial=0) - RECENT_DAYS
        return self.take(self.days > newest).shares(items)


class History:
    """The different items of each user, in the order in which he last took them up.

    Args:
        starts: Where each user's items begin [users + 2]; nobody known, user 0, has none.
        items: Numbers of items from 1.
    """

    def __init__(self, starts: NDArray[np.int64], items: NDArray[np.int32]) -> None:
        self.starts, self.items = starts, items

    @classmethod
    def of(cls, acts: TakenUp, users: int) -> History:
        """From acts of so many users, oldest first."""
        order = np.lexsort((np.arange(len(acts)), acts.days, acts.users))
        pairs = np.stack([acts.users[order], acts.items[order]], axis=1)[::-1]
        _, newest = np.unique(pairs, axis=0, return_index=True)
        kept = pairs[np.sort(newest)][::-1]
        counts = np.bincount(kept[:, 0], minlength=users + 1)
        starts = np.concatenate([[0], np.cumsum(counts)])
        return cls(starts.astype(np.int64), kept[:, 1].astype(np.int32))

    def of_user(self, user: int) -> NDArray[np.int32]:
        """Numbers of a user's items, the newest last."""
        return self.items[self.starts[user] : self.starts[user + 1]]

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """As it is saved."""
        return {"history_starts": self.starts, "history_items": self.items}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> History:
        """As it was saved."""
        return cls(arrays["history_starts"], arrays["history_items"])


def padded(rows: Sequence[NDArray[Any]], width: int, dtype: str) -> NDArray[Any]:
    """Rows of different lengths, filled up with 0 [n, width]."""
    made = np.zeros((len(rows), width), dtype=dtype)
    for number, row in enumerate(rows):
        made[number, : len(row)] = row
    return made
