"""How good an order is: recall and NDCG of the first places, row by row, in NumPy.

Items are numbers from 1; 0 stands where there is none. A row is one user: what was put before him,
and what he took up later. Items are relevant or not (implicit feedback), and an item counts once,
however often it was taken up.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


def hits(
    ordered: NDArray[np.integer], relevant: Sequence[NDArray[np.integer]]
) -> NDArray[np.bool_]:
    """Which places hold something relevant.

    Args:
        ordered: Items in their order [n, places]; 0 holds none. No item twice in a row.
        relevant: Of each row, the items that were taken up; none of them 0.

    Returns:
        [n, places].
    """
    places: Indices = np.asarray(ordered, dtype=np.int64)
    lengths = [len(items) for items in relevant]
    if not sum(lengths):
        return np.zeros(places.shape, dtype=bool)
    taken = np.concatenate([np.asarray(items, dtype=np.int64) for items in relevant])
    stride = int(max(taken.max(), places.max(initial=0))) + 1
    rows = np.arange(len(places), dtype=np.int64)
    wanted = np.repeat(rows, lengths) * stride + taken
    return np.asarray(np.isin(rows[:, None] * stride + places, wanted) & (places > 0))


def recall(hit: NDArray[np.bool_], relevant: NDArray[np.integer], k: int) -> Floats:
    """Share of what is relevant that stands on the first k places.

    Args:
        hit: What :func:`hits` found [n, places].
        relevant: How many different items are relevant [n], at least 1.
        k: Places that count.

    Returns:
        [n], from 0 to 1; it never falls as k grows.
    """
    return np.asarray(hit[:, :k].sum(axis=1) / relevant, dtype=np.float64)


def ndcg(hit: NDArray[np.bool_], relevant: NDArray[np.integer], k: int) -> Floats:
    """Normalised discounted cumulative gain (Järvelin & Kekäläinen 2002) of the first k places.

    A hit on place i is worth 1 / log2(i + 1); the sum is divided by that of the best order, which
    has something relevant on each of its first min(k, relevant) places.

    Args:
        hit: What :func:`hits` found [n, places].
        relevant: How many different items are relevant [n], at least 1.
        k: Places that count.

    Returns:
        [n], from 0 to 1.
    """
    worth = 1 / np.log2(np.arange(2, k + 2))
    best = np.cumsum(worth)[np.minimum(relevant, k) - 1]
    found = hit[:, :k]
    return np.asarray((found * worth[: found.shape[1]]).sum(axis=1) / best, dtype=np.float64)


def coverage(ordered: NDArray[np.integer], items: int, k: int) -> float:
    """Share of the catalogue that stands on the first k places of anybody.

    Args:
        ordered: Items in their order [n, places]; 0 holds none.
        items: How many the catalogue has.
        k: Places that count.
    """
    shown = np.unique(ordered[:, :k])
    return float((shown > 0).sum() / items)
