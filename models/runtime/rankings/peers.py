"""Recommenders that a practitioner would try first: what most people take, and factorisation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.runtime.rankings.search import best

FACTORS = 8
"""Most factors; of few items or users at most a third, or nothing would be left to foresee."""
ROWS = 256
"""Users whose scores are held at once."""
Scores = NDArray[np.float32]


def taken(targets: NDArray[np.integer], items: int) -> Any:
    """Who took up what: a sparse matrix [rows, items] of how often.

    Args:
        targets: Numbers of items from 1, each row filled up with 0 [rows, most of a row].
        items: How many there are.
    """
    from scipy.sparse import csr_matrix

    rows, places = np.nonzero(targets)
    columns = targets[rows, places] - 1
    counts = np.ones(len(rows), dtype=np.float32)
    return csr_matrix((counts, (rows, columns)), shape=(len(targets), items))


def popularity(matrix: Any) -> Scores:
    """How often each item was taken up [items]."""
    return np.asarray(matrix.sum(axis=0), dtype=np.float32).ravel()


def factors(matrix: Any, most: int = FACTORS, seed: int = 0) -> tuple[Scores, Scores]:
    """Truncated SVD of the logarithms of the counts: factors of users [rows, f] and [items, f].

    PureSVD (Cremonesi, Koren & Turrin 2010), which is hard to beat on the first places.
    """
    from sklearn.decomposition import TruncatedSVD

    logged = matrix.copy()
    logged.data = np.log1p(logged.data)
    width = max(1, min(most, min(matrix.shape) // 3))
    model = TruncatedSVD(width, random_state=seed)
    users = model.fit_transform(logged)
    return users.astype(np.float32), model.components_.T.astype(np.float32)


def ordered(
    users: Scores, items: Scores, prior: Scores, seen: Any, count: int
) -> tuple[NDArray[np.int32], Scores]:
    """The best items of each user by the product of their factors, and what it is.

    Args:
        users: Factors [n, f]; zeros where nothing is known of a user, who then gets the prior.
        items: Factors [items, f].
        prior: What decides where factors do not: popularity [items].
        seen: Sparse matrix [n, items] of what must not be put before a user.
        count: Places.

    Returns:
        Numbers of items from 1 [n, count], 0 where none is left; scores, 0 there.
    """
    places = np.zeros((len(users), count), dtype=np.int32)
    scores = np.zeros((len(users), count), dtype=np.float32)
    unknown = np.asarray(~users.any(axis=1), dtype=bool)
    for first in range(0, len(users), ROWS):
        block = users[first : first + ROWS] @ items.T
        block[unknown[first : first + ROWS]] = prior / max(float(prior.max()), 1.0)
        for row, values in enumerate(block, first):
            values[seen.indices[seen.indptr[row] : seen.indptr[row + 1]]] = -np.inf
            found = best(values, count)
            places[row, : len(found)] = found + 1
            scores[row, : len(found)] = values[found]
    return places, scores
