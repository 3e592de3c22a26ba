"""A whole distribution compared as a chain of hypergeometric links.

Bins are ordered. Link k asks: of the requests in bin k-1 or above, how many lie in bin k or above?
Given the pooled counts of all bins (the margins, which tell nothing about the arms) the canary's
count at each link is hypergeometric given the links below it, so the product of the links'
e-values is an e-value that uses the whole distribution and knows no law. It is the partial
likelihood of Cox (1975) with ties.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

from tasks.release.judge.hypergeometric import Array, log_pgf_lower, log_pgf_upper

LARGEST_ODDS = 1e4


def above(bins: Array) -> Array:
    """Counts in bin k or above: cumulative sums from the top along the last axis."""
    result: Array = np.cumsum(bins[..., ::-1], axis=-1)[..., ::-1]
    return result


def reference_tail(reference: Array) -> Array:
    """Share in bin k or above, strictly between 0 and 1 for every k ≥ 1, falling in k."""
    smoothed = reference + 0.02 + 1e-4 * reference.sum(-1, keepdims=True) / reference.shape[-1]
    tail = above(smoothed)
    share: Array = tail / tail[..., :1]
    return share


def shifted(tail: Array, shift: float) -> Array:
    """The tail after a shift by ``shift`` standard deviations on the normal scale of the ranks."""
    result: Array = ndtr(ndtri(tail) + shift)
    return result


def contaminated(tail: Array, share: float) -> Array:
    """The tail when ``share`` of the requests land beyond every bin edge."""
    return tail + (1.0 - tail) * share


def link_log_odds(tail: Array, alternative: Array) -> Array:
    """Log odds ratio of each link when ``alternative`` replaces ``tail``; shape (..., bins - 1)."""
    stay = (alternative[..., :-1] - alternative[..., 1:]) / (tail[..., :-1] - tail[..., 1:])
    move = alternative[..., 1:] / tail[..., 1:]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        log_odds = np.log(move) - np.log(stay)
    bound = np.log(LARGEST_ODDS)
    return np.asarray(
        np.clip(np.nan_to_num(log_odds, nan=0.0, posinf=bound, neginf=-bound), -bound, bound)
    )


def chain_log_e(
    canary: Array, stable: Array, log_odds: Array, log_tolerated: Array | None = None
) -> Array:
    """Log e-value of each alternative against "no link's odds ratio exceeds the tolerated one".

    Args:
        canary: Counts by bin, (..., bins).
        stable: The same of the stable version.
        log_odds: Of each alternative j at each link, (..., j, bins - 1).
        log_tolerated: Largest tolerated log odds ratio per link, (..., bins - 1); None is 0.
    """
    upper_canary, upper_total = above(canary), above(canary + stable)
    draws = upper_canary[..., None, :-1]
    total = upper_total[..., None, :-1]
    bad = upper_total[..., None, 1:]
    hits = upper_canary[..., None, 1:]
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
