"""A whole distribution compared by a sequence of conditional tests, one per bin.

Bins are ordered. Going down from the top, test k asks: of the requests in bin k or below, how many
lie in bin k itself? Given the pooled counts of all bins (the margins, which tell nothing about the
arms) the canary's count in it is hypergeometric given the bins above, so the product of the tests'
e-values is an e-value that uses the whole distribution and knows no law. It is a partial likelihood
in the sense of Cox (1975); the odds are those of a continuation ratio. Going down and not up
matters: at the tail, where slow versions show, almost all requests of the window are then still at
risk.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

from tasks.judge.hypergeometric import Array, log_pgf_lower, log_pgf_upper

LARGEST_LOG_ODDS = 9.0


def above(bins: Array) -> Array:
    """Counts in bin k or above: cumulative sums from the top along the last axis."""
    result: Array = np.cumsum(bins[..., ::-1], axis=-1)[..., ::-1]
    return result


def reference_tail(reference: Array) -> Array:
    """Share in bin k or above, falling strictly in k; one entry more than bins, the last is 0."""
    bins = reference.shape[-1]
    tail = np.zeros((*reference.shape[:-1], bins + 1))
    tail[..., :-1] = above(reference + (0.02 + 1e-4 / bins * reference.sum(-1, keepdims=True)))
    share: Array = tail / tail[..., :1]
    return share


def informative_bins(pooled: Array) -> slice:
    """Bins from the first to the last that holds a request anywhere; the others tell nothing.

    Bin 0 is no test: everything is in it or above.
    """
    total = np.asarray(pooled.reshape(-1, pooled.shape[-1]).sum(0))
    full = np.flatnonzero(total[1:]) + 1
    return slice(int(full[0]), int(full[-1]) + 1) if len(full) else slice(1, 1)


def shifted(tail: Array, shift: Array) -> Array:
    """The tail after a shift by ``shift`` standard deviations on the normal scale of the ranks."""
    result: Array = ndtr(ndtri(tail) + shift)
    return result


def contaminated(tail: Array, slowed: Array, share: Array) -> Array:
    """The tail when ``share`` of the requests follow ``slowed`` instead."""
    return tail + share * (slowed - tail)


def bin_log_odds(tail: Array, alternative: Array) -> Array:
    """Log odds ratio of each conditional test when ``alternative`` replaces ``tail``.

    Args:
        tail: Share in bin k or above of successive bins and of the bin after the last of them.
        alternative: The same under the alternative.
    """

    def log_odds(share: Array) -> Array:
        below = np.maximum(1.0 - share[..., :-1], 1e-12)
        inside = np.maximum(share[..., :-1] - share[..., 1:], 1e-300)
        return np.asarray(np.log(inside / below))

    return np.asarray(
        np.clip(log_odds(alternative) - log_odds(tail), -LARGEST_LOG_ODDS, LARGEST_LOG_ODDS)
    )


def conditional_log_e(
    canary: Array,
    stable: Array,
    tested: slice,
    log_odds: Array,
    log_tolerated: Array | None = None,
) -> Array:
    """Log e-value of each alternative against "no test's odds ratio exceeds the tolerated one".

    Only tests where the alternative is above the tolerated odds ratio count.

    Args:
        canary: Counts by bin, (..., bins).
        stable: The same of the stable version.
        tested: The bins that are judged; all others are empty.
        log_odds: Of each alternative j at each test, (..., j, tests).
        log_tolerated: Largest tolerated log odds ratio per test, (..., tests); None is 0.
    """
    pooled = canary + stable
    draws = np.cumsum(canary, axis=-1)[..., None, tested]
    total = np.cumsum(pooled, axis=-1)[..., None, tested]
    bad, hits = pooled[..., None, tested], canary[..., None, tested]
    if log_tolerated is None:
        log_odds = np.maximum(log_odds, 0.0)
        gain = hits * log_odds - log_pgf_upper(draws, bad, total, np.exp(log_odds))
    else:
        tolerated = log_tolerated[..., None, :]
        log_odds = np.maximum(log_odds, tolerated)
        gain = (
            hits * (log_odds - tolerated)
            - log_pgf_upper(draws, bad, total, np.exp(log_odds))
            + log_pgf_lower(draws, bad, total, np.exp(tolerated))
        )
        gain = np.where(log_odds > tolerated, gain, 0.0)
    result: Array = gain.sum(-1)
    return result
