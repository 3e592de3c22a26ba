"""Sample-ratio mismatch: a canary that answers far fewer requests than its share.

A version that hangs, or whose answers nobody counts, has no errors and no slow answers to be judged
by. What it has is too few: each request goes to it with the probability of its share, so of N
requests fewer than a quarter, or none, are as telling as any error (Fabijan et al. 2019; Lindon &
Malek 2022 for the sequential test). H0 is "at least nine tenths of its share", which leaves room
for a router that is not exact; against each smaller share the likelihood ratio falls in the
canary's count, so its expectation is at most one at every probability that H0 allows.

One window proves at most so much, since a feed may tell one arm before the other: it takes two.
"""

from __future__ import annotations

import numpy as np

from tasks.judge.hypergeometric import Array

SLACK = 0.9
"""Part of its share from which on a canary is not missing."""
ALTERNATIVES = (1 / 4, 1 / 40)
"""Parts of its share that a missing canary answers."""
MOST = 1e4
"""What one window multiplies the evidence by at most."""
ALPHA = 1e-4
"""Chance of ever taking a canary for missing that is not; beside the policy's α."""
FIRST = 0.5
"""Mass that starts at the first window. After n windows FIRST / n is left to start: a canary may
fall silent at any of them, however late."""


def initial() -> Array:
    """Unspent mass, then the wealth of every alternative."""
    return np.array([1.0, *np.zeros(len(ALTERNATIVES))])


def update(mass: Array, weight: Array, requests: Array) -> Array:
    """Fold one window.

    Args:
        mass: Unspent mass and wealth, (R, 1 + alternatives).
        weight: The canary's share, (R,); windows of neither or of all of the traffic tell nothing.
        requests: By arm, canary first, (R, 2).
    """
    told = (weight > 0.0) & (weight < 1.0) & (requests.sum(-1) > 0)
    unspent = mass[:, 0]
    start = np.where(unspent == 1.0, FIRST, unspent * unspent / (FIRST + unspent)) * told
    share = np.where(told, SLACK * weight, 0.5)[:, None]
    fewer = np.asarray(ALTERNATIVES) * np.where(told, weight, 0.5)[:, None]
    log_e = requests[:, :1] * np.log(fewer / share) + requests[:, 1:] * (
        np.log1p(-fewer) - np.log1p(-share)
    )
    factor = np.exp(np.minimum(log_e, np.log(MOST)))
    wealth = mass[:, 1:] + (start / len(ALTERNATIVES))[:, None]
    wealth = np.where(told[:, None], np.minimum(wealth * factor, 1e200), wealth)
    return np.concatenate([(unspent - start)[:, None], wealth], axis=1)


def evidence(mass: Array) -> Array:
    """Evidence that the canary is missing, expectation at most one, (R,)."""
    return np.asarray(mass.sum(-1))


def missing(mass: Array) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Whether the canary is taken for missing, (R,)."""
    return np.asarray(evidence(mass) >= 1.0 / ALPHA)
