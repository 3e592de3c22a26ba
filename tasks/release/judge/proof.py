"""Proof that the canary is not worse: the gates of promotion.

Gate: some share (errors; requests slower than a stable quantile; scores beyond one) of the canary
exceeds the stable version's by less than δ. H0: p_canary ≥ p_stable + δ. H0 is convex in the pair
of rates, so the likelihood ratio of (q, q) to its Kullback-Leibler projection (s + δ, s) on the
boundary is an e-value (Turner, Ly & Grünwald 2024). The projection is parametrised by s, chosen
from the past, and q follows from it in closed form, so that the pair is an exact projection for
this window's request counts whatever s is.
"""

from __future__ import annotations

import numpy as np

from tasks.release.judge.chain import above
from tasks.release.judge.hypergeometric import Array
from tasks.release.judge.policy import JudgePolicy
from tasks.release.judge.window import Counts

GATES = (
    "errors",
    "latency p50",
    "latency p90",
    "latency p99",
    "predictions above p50",
    "predictions below p50",
    "predictions above p90",
    "predictions below p10",
)
LEVELS = (0.5, 0.1, 0.01)
MULTIPLES = 2.0 ** np.arange(7)
"""Margins that are proved side by side: the tolerance times these."""


def margins(policy: JudgePolicy) -> Array:
    """δ of every gate and multiple, (gates, multiples), at most 0.95."""
    tolerance = policy.tolerance

    def by_odds(share: float) -> float:
        odds = tolerance.predictions * share / (1.0 - share)
        return odds / (1.0 + odds) - share

    final = np.array(
        [
            tolerance.errors,
            tolerance.latency_p50,
            tolerance.latency_p90,
            tolerance.latency_p99,
            by_odds(0.5),
            by_odds(0.5),
            by_odds(0.1),
            by_odds(0.1),
        ]
    )
    return np.asarray(np.minimum(final[:, None] * MULTIPLES, 0.95))


def present(policy: JudgePolicy) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which gates the policy has counts for."""
    latency, predictions = bool(policy.latency_edges), policy.prediction_bins > 1
    return np.array([True] + [latency] * 3 + [predictions] * 4)


def gate_counts(
    policy: JudgePolicy, counts: Counts, latency: Array, predictions: Array
) -> tuple[Array, Array]:
    """Trials and hits of every gate of the whole release, each (R, gates, 2).

    The edges are the first at or beyond the stable quantile in the counts before this window
    (``latency``, ``predictions``: (R, bins)), so they are chosen from the past.
    """
    releases = len(counts.t0)
    trials = np.zeros((releases, len(GATES), 2))
    hits = np.zeros_like(trials)
    trials[:, 0], hits[:, 0] = counts.trials[:, 0], counts.bad[:, 0]
    if policy.latency_edges:
        seen = above(counts.latency[:, 0])
        tail = above(latency)
        for gate, level in enumerate(LEVELS, start=1):
            _take(trials, hits, gate, seen, _edge(tail, level))
    if policy.prediction_bins > 1:
        for offset, bins, past in (
            (4, counts.predictions[:, 0], predictions),
            (5, counts.predictions[:, 0, :, ::-1], predictions[:, ::-1]),
        ):
            seen, tail = above(bins), above(past)
            for gate, level in ((offset, 0.5), (offset + 2, 0.1)):
                _take(trials, hits, gate, seen, _edge(tail, level))
    return trials, hits


def _edge(tail: Array, level: float) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Bin from which on at most ``level`` of the past lies; the last bin at most; -1 unknown."""
    total = tail[:, 0]
    edge = np.argmax(tail <= level * total[:, None], axis=1)
    edge = np.where(edge == 0, tail.shape[1] - 1, edge)
    return np.where(total * level >= 1.0, edge, -1)


def _take(
    trials: Array,
    hits: Array,
    gate: int,
    seen: Array,
    edge: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> None:
    known = edge >= 0
    row = np.arange(len(edge))
    trials[:, gate] = np.where(known[:, None], seen[:, :, 0], 0.0)
    hits[:, gate] = np.where(known[:, None], seen[row, :, edge], 0.0)


def update_boundary(boundary: Array, delta: Array, wanted: Array, trials: Array) -> Array:
    """Move s so that the projected q comes near ``wanted``; one Newton step on log s.

    Args:
        boundary: s of the window before, (R, gates, multiples).
        delta: Margins, (gates, multiples).
        wanted: Shared rate estimated from the past, (R, gates).
        trials: Requests of this window, (R, gates, 2).
    """
    s = boundary
    c, ours, theirs, rate = _project(s, delta, trials)
    slope = (
        ours
        + theirs
        - ours * (1.0 - 2.0 * c) / (c * (1.0 - c)) * (c - rate)
        - theirs * (1.0 - 2.0 * s) / (s * (1.0 - s)) * (s - rate)
    ) / (ours + theirs)
    step = (wanted[..., None] - rate) / np.maximum(s * slope, 1e-12)
    moved = s * np.exp(np.clip(step, -1.0, 1.0))
    return np.clip(moved, 1e-9, 1.0 - delta - 1e-6)


def gate_log_e(boundary: Array, delta: Array, trials: Array, hits: Array) -> Array:
    """Log e-value of every gate and margin in one window, (R, gates, multiples)."""
    s = boundary
    c, _, _, q = _project(s, delta, trials)
    hit, miss = hits[..., None], (trials - hits)[..., None]
    result: Array = (
        hit[:, :, 0] * np.log(q / c)
        + miss[:, :, 0] * np.log((1.0 - q) / (1.0 - c))
        + hit[:, :, 1] * np.log(q / s)
        + miss[:, :, 1] * np.log((1.0 - q) / (1.0 - s))
    )
    return result


def _project(s: Array, delta: Array, trials: Array) -> tuple[Array, Array, Array, Array]:
    """Canary rate c on the boundary, precisions of both arms, and q, their weighted mean."""
    c = s + delta
    ours = trials[..., 0, None] / (c * (1.0 - c))
    theirs = trials[..., 1, None] / (s * (1.0 - s))
    total = ours + theirs
    q = np.where(total > 0.0, (ours * c + theirs * s) / np.where(total > 0.0, total, 1.0), s)
    return c, ours, np.where(total > 0.0, theirs, 1.0), q
