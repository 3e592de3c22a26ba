"""Tests of non-inferiority: the canary is not worse, the gates of promotion.

Gate: some share (errors; requests slower than a stable quantile; scores beyond one) of the canary
exceeds the stable version's by less than δ. H0: p_canary ≥ p_stable + δ. H0 is convex in the pair
of rates, so the likelihood ratio of (q, q) to its Kullback-Leibler projection (s + δ, s) on the
boundary is an e-value (Turner, Ly & Grünwald 2024). The projection is parametrised by s, chosen
from the past, and q follows from it in closed form, so that the pair is an exact projection for
this window's request counts whatever s is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tasks.judge.conditional_tests import above
from tasks.judge.hypergeometric import Array
from tasks.judge.policy import JudgePolicy

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
SCORE_LEVELS = (0.5, 0.1)
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


@lru_cache(maxsize=64)
def present(policy: JudgePolicy) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which gates the policy has counts for."""
    latency, predictions = bool(policy.latency_edges), policy.prediction_bins > 1
    return np.array([True] + [latency] * 3 + [predictions] * 4)


Edges = NDArray[np.int64]


@dataclass(frozen=True)
class GateEdges:
    """Where every gate but the first begins, known before the window.

    Attributes:
        first: First bin that counts, (R, gates - 1); -1 while unknown.
        excess: Share of the stable version's requests that lie there beyond the gate's level,
            (R, gates - 1), because its quantile lies inside a bin.
    """

    first: Edges
    excess: Array


def gate_edges(policy: JudgePolicy, latency: Array, predictions: Array) -> GateEdges:
    """The gates' edges in the stable counts before this window, (R, bins) each.

    A quantile lies inside a bin, between two edges. Who is slower than the quantile is slower than
    the lower one, so a canary that is worse by δ at the quantile is worse by at least δ less the
    ``excess`` at the lower edge: there the gate asks for that smaller margin and promises what it
    says of the quantile itself. Where this would cost more than half of the margin, because bins
    are that wide, the upper edge has to do, and the gate speaks of it. Scores are counted between
    the stable version's own quantiles, so theirs is the upper one.
    """
    first = np.full((len(latency), len(GATES) - 1), -1)
    excess = np.zeros(first.shape)
    if policy.latency_edges:
        tail = above(latency)
        upper = _edges(tail, LEVELS)
        lower = np.maximum(upper - 1, 0)
        share = np.take_along_axis(tail, lower, axis=1) / np.maximum(tail[:, :1], 1.0)
        beyond = share - np.asarray(LEVELS)
        most = 0.5 * np.minimum(margins(policy)[1:4, 0], 0.5)
        exact = np.take_along_axis(tail, np.maximum(upper, 0), axis=1) == tail[:, :1] * LEVELS
        within = (upper > 0) & (beyond <= most) & ~exact
        first[:, :3] = np.where(within, lower, upper)
        excess[:, :3] = np.where(within, beyond, 0.0)
    if policy.prediction_bins > 1:
        first[:, 3::2] = _edges(above(predictions), SCORE_LEVELS)
        first[:, 4::2] = _edges(above(predictions[:, ::-1]), SCORE_LEVELS)
    return GateEdges(first, excess)


def gate_counts(
    policy: JudgePolicy, edges: Edges, units: Array, bad: Array, latency: Array, predictions: Array
) -> tuple[Array, Array]:
    """Trials and hits of every gate, each (R, gates, 2).

    Args:
        policy: The policy.
        edges: First bin that counts for every gate but the first, (R, gates - 1).
        units: Units of the error test by arm, (R, 2); ``bad`` likewise.
        bad: Those with an error.
        latency: Counts by bin, (R, 2, bins).
        predictions: The same of predictions.
    """
    trials = np.zeros((len(units), len(GATES), 2))
    hits = np.zeros_like(trials)
    trials[:, 0], hits[:, 0] = units, bad
    if policy.latency_edges:
        _take(trials, hits, slice(1, 4), above(latency), edges[:, :3])
    if policy.prediction_bins > 1:
        _take(trials, hits, slice(4, 8, 2), above(predictions), edges[:, 3::2])
        _take(trials, hits, slice(5, 8, 2), above(predictions[..., ::-1]), edges[:, 4::2])
    return trials, hits


def _edges(tail: Array, levels: tuple[float, ...]) -> Edges:
    total = tail[:, :1]
    wanted = total * np.asarray(levels)
    edge = np.argmax(tail[:, None] <= wanted[..., None], axis=2)
    edge = np.where(edge == 0, tail.shape[1] - 1, edge)
    return np.where(wanted >= 1.0, edge, -1)


def _take(trials: Array, hits: Array, gates: slice, cumulative: Array, edge: Edges) -> None:
    known = (edge >= 0)[..., None]
    beyond = np.take_along_axis(cumulative, np.maximum(edge, 0)[:, None], axis=2).swapaxes(1, 2)
    trials[:, gates] = np.where(known, cumulative[:, None, :, 0], 0.0)
    hits[:, gates] = np.where(known, beyond, 0.0)


def update_boundary(boundary: Array, delta: Array, wanted: Array, trials: Array) -> Array:
    """Move s so that the projected q comes near ``wanted``; one Newton step on log s.

    Args:
        boundary: s of the window before, (R, gates, multiples).
        delta: Margins, (R, gates, multiples).
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
