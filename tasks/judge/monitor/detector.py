"""An e-detector: evidence that something changed, at a time that nobody knows.

Shin, Ramdas & Rinaldo, *E-detectors: a nonparametric framework for sequential change detection*
(2023). With ``e`` a window's e-value under "nothing has changed", the Shiryaev–Roberts form is
``M ← e · (M + 1)``: the sum, over every window at which the change may have begun, of the evidence
since then. While nothing changes ``M`` grows by one a window in expectation at most; so an alarm at
``M ≥ c`` that begins again from nothing rings at most once in ``c`` windows, expected.

The e-value asks one thing of a window: that the *expected* share of bad requests is no larger than
the bound. ``1 + λ (share / bound - 1)`` with 0 < λ < 1 is then an e-value, however the requests of
the window depend on each other (Waudby-Smith & Ramdas, *Estimating means of bounded random
variables by betting*, 2024): a thousand requests that failed together are one draw, and count as
one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STAKES = np.array([0.1, 0.3, 0.9])
"""What is staked on "worse": little finds small changes, much finds large ones soon."""


def e_values(share: Array, bound: Array) -> Array:
    """E-value of each stake, (..., stakes).

    Args:
        share: Bad requests of all, 0..1.
        bound: Largest expected share under "nothing has changed", above 0, of the same shape.
    """
    return np.asarray(1.0 + STAKES * (share / bound - 1.0)[..., None])


def grown(evidence: Array, e: Array, known: NDArray[np.bool_]) -> Array:
    """Evidence after one more window, (..., streams, stakes).

    Args:
        evidence: Before it.
        e: From e_values.
        known: Whether the window tells anything of the stream, (..., streams); one that tells
            nothing changes nothing, and counts as no window.
    """
    return np.asarray(np.where(known[..., None], (evidence + 1.0) * e, evidence))


def total(evidence: Array) -> Array:
    """The mixture over streams and stakes, (...): what is compared with the threshold."""
    return np.asarray(evidence.mean((-1, -2)))
