"""Over-dispersion: requests that are not independent, and what their evidence is then worth.

Requests that one pause of a host holds up, or that one user sends again and again, are slow or
wrong together: a hundred of them prove no more than the one accident behind them. How much less
is measured, as quasi-likelihood does (Wedderburn 1974; McCullagh & Nelder 1989, chapter 4): by the
variance of what differs between windows, over the variance that independent requests would have.
Log evidence is divided by it. For every factor φ ≥ 1 that is known before the window, E[e^(1/φ)] ≤
E[e]^(1/φ) ≤ 1 (Jensen), so an e-value stays one, whatever the estimate is worth.

Shares are compared on the arcsine scale, where their variance does not depend on them: a canary
that is steadily worse does not look over-dispersed. Of the arms' differences only returns are
counted, moves towards a better canary: a fault of the version stays, what comes and goes is chance.
Before the release the stable version's windows are compared with its own past.
"""

from __future__ import annotations

import numpy as np

from tasks.judge.hypergeometric import Array

STREAM_GATES = ((0,), (1, 2), (3,), (4, 5, 6, 7), (0, 1, 2))
"""Of every stream, in the order of evidence.STREAMS: the gates whose shares it moves with."""

HISTORY_PRIOR = 4.0
RELEASE_PRIOR = 20.0
"""Windows that an expectation weighs as much as: of independence, and of what history showed."""
KNOWN = 50
"""Requests of the past from which on a window is compared with it."""

UNKNOWN, PAST, ARMS = range(3)
"""What a window's share was compared with last."""


def standardised_difference(trials: Array, hits: Array) -> Array:
    """Difference of two shares in standard deviations of independent requests; first minus second.

    On the variance-stabilising scale of Anscombe (1948). Zero where one of them has no trials.

    Args:
        trials: Requests, (..., 2).
        hits: Those that are slow, wrong, …, (..., 2).
    """
    angle = np.arcsin(np.sqrt((hits + 0.375) / (trials + 0.75)))
    both = (trials > 0).all(-1)
    precision = 1.0 / np.where(both, (1.0 / np.maximum(trials, 1.0)).sum(-1), 1.0)
    result: Array = np.where(both, 2.0 * (angle[..., 0] - angle[..., 1]) * np.sqrt(precision), 0.0)
    return result


def squared_move(before: Array, now: Array, *, returns: bool) -> Array:
    """Squared move from one standardised difference to the next; expectation 1 when independent.

    Args:
        before: Of the window before.
        now: Of this window.
        returns: Whether only moves to a smaller difference count.
    """
    move = before - now
    return np.asarray(np.square(np.maximum(move, 0.0)) if returns else 0.5 * np.square(move))


def dispersion(history: Array, release: Array, least: float) -> Array:
    """Variance between windows over that of independent requests, by stream, (R, streams); ≥ 1.

    Args:
        history: Sum and number of squared moves of the stable version alone, (R, gates, 2).
        release: The same of the arms' differences.
        least: An estimate below it is taken for chance: 1.
    """
    before = (HISTORY_PRIOR + history[..., 0]) / (HISTORY_PRIOR + history[..., 1])
    estimate = (RELEASE_PRIOR * before + release[..., 0]) / (RELEASE_PRIOR + release[..., 1])
    by_stream = np.stack([estimate[:, list(which)].max(-1) for which in STREAM_GATES], axis=-1)
    return np.asarray(np.where(by_stream >= least, by_stream, 1.0))
