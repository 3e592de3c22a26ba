"""The margin of harm: how much worse a canary may be without ever being rolled back for it.

Without a margin "worse" is any difference at all, and at a thousand requests a second any
difference is found: a version 3 % slower goes back as surely as one that hangs. With one the
rollback's H0 is "worse by no more than the margin", test by test: the odds ratio of each is at
most what the stable version's own past, moved by the margin, would show.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from tasks.judge.hypergeometric import Array

LEAST_RATE = 1e-4
"""Error share that a stable version without errors is taken to have."""


def slowed(tail: Array, edges: tuple[float, ...], margin: float) -> Array:
    """The tail when every request takes ``1 + margin`` times as long.

    Between edges the tail is taken to be straight on the normal scale over the logarithm of time,
    as a log-normal's is.

    Args:
        tail: Share in bin k or above, one entry more than bins, (..., bins + 1).
        edges: Inner edges of the bins, ms.
        margin: 0.05 is five per cent slower.
    """
    lower, part = _before(edges, margin)
    score = ndtri(tail[..., 1:-1])
    moved = score[..., lower] + part * (score[..., lower + 1] - score[..., lower])
    result = tail.copy()
    result[..., 1:-1] = np.maximum(ndtr(moved), tail[..., 1:-1])
    return result


@lru_cache(maxsize=64)
def _before(edges: tuple[float, ...], margin: float) -> tuple[NDArray[np.int64], Array]:
    """Where each edge lay before it was slowed: the edge below, and how far on to the next.

    Below the first edge the first bins' slope goes on.
    """
    logs = np.log(edges)
    was = logs - np.log1p(margin)
    lower = np.clip(np.searchsorted(logs, was, side="right") - 1, 0, len(edges) - 2)
    return lower, (was - logs[lower]) / np.diff(logs)[lower]


def tolerated_error_odds(trials: Array, bad: Array, points: float) -> Array:
    """Log odds ratio of a share of errors that is ``points`` above the stable version's past.

    Args:
        trials: Requests of the stable version so far.
        bad: Those with an error.
        points: Points of error share, 0.003 is three in a thousand.
    """
    rate = np.clip((bad + 0.5) / (trials + 1.0), LEAST_RATE, 0.5)
    worse = np.minimum(rate + points, 0.9)
    return np.asarray(np.log(worse / (1.0 - worse)) - np.log(rate / (1.0 - rate)))
