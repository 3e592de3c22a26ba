"""Generating function of the hypergeometric law, bracketed in closed form.

Of N requests, K are bad and n belong to the canary. If the arms are exchangeable, the number X of
bad canary requests is hypergeometric whatever the shared rate is. Tests on X need E[θ^X].

X is a sum of m = min(n, K) independent Bernoulli variables (its generating polynomial has only
real roots: Vatutin & Mikhailov 1982), so log E[θ^X] = Σ f(p_i) with f(p) = log(1 + (θ-1) p). The
first three moments of the p_i are known exactly, and the fourth derivative of f is negative for
every θ. By Markov and Krein the two-point Gauss quadrature with these moments is an upper bound
of Σ f(p_i), and the quadrature on {0, x, 1} a lower one. Both are exact for m ≤ 2 and agree to
the fourth order, and neither has a sum in it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

Array = NDArray[np.float64]


def _spread(draws: Array, bad: Array, total: Array) -> tuple[Array, Array, Array, Array]:
    """Terms m, mean p, variance v and half skewness h = s / 2v of the Bernoulli probabilities."""
    terms = np.minimum(draws, bad)
    mean = np.maximum(draws, bad) / np.maximum(total, 1.0)
    variance = mean * (1.0 - mean) * np.maximum(terms - 1.0, 0.0) / np.maximum(total - 1.0, 1.0)
    half_skew = (0.5 - mean) * (terms - 2.0) / np.maximum(total - 2.0, 1.0)
    return terms, mean, variance, half_skew


def log_pgf_upper(draws: Array, bad: Array, total: Array, odds: Array) -> Array:
    """Upper bound of log E[odds^X], X hypergeometric.

    Args:
        draws: Canary requests n.
        bad: Bad requests K of both arms.
        total: All requests N.
        odds: θ > 0. All four broadcast.
    """
    terms, mean, variance, half_skew = _spread(draws, bad, total)
    root = np.sqrt(variance + half_skew * half_skew)
    # Without spread both nodes fall on the mean; any weights then do.
    safe = np.where(variance > 0.0, root, 1.0)
    root = np.where(variance > 0.0, root, 0.0)
    half_skew = np.where(variance > 0.0, half_skew, 0.0)
    high_weight = 0.5 * (1.0 - half_skew / safe)
    centre = mean + half_skew
    gain = odds - 1.0
    result: Array = terms * (
        high_weight * np.log1p(gain * np.minimum(centre + root, 1.0))
        + (1.0 - high_weight) * np.log1p(gain * np.maximum(centre - root, 0.0))
    )
    return result


def log_pgf_lower(draws: Array, bad: Array, total: Array, odds: Array) -> Array:
    """Lower bound of log E[odds^X]; arguments as in log_pgf_upper."""
    terms, mean, variance, half_skew = _spread(draws, bad, total)
    second = mean * mean + variance
    third = mean**3 + 3.0 * mean * variance + 2.0 * half_skew * variance
    ahead = mean - second
    some = ahead > 1e-14
    node = np.where(some, (second - third) / np.where(some, ahead, 1.0), 0.5)
    inner = node * (1.0 - node)
    some = some & (inner > 1e-14)
    weight = np.where(some, ahead / np.where(some, inner, 1.0), 0.0)
    at_one = mean - weight * node
    result: Array = terms * (weight * np.log1p((odds - 1.0) * node) + at_one * np.log(odds))
    return result


def log_pmf(values: Array, draws: Array, bad: Array, total: Array) -> Array:
    """Log probability that X equals each of ``values``; -inf outside the support."""
    good = total - bad
    possible = (values >= 0) & (values <= bad) & (values <= draws) & (draws - values <= good)
    x = np.where(possible, values, np.maximum(draws - good, 0.0))
    log_p = _log_choose(bad, x) + _log_choose(good, draws - x) - _log_choose(total, draws)
    return np.where(possible, log_p, -np.inf)


def _log_choose(n: Array, k: Array) -> Array:
    result: Array = gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)
    return result
