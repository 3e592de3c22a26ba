"""The far tail: requests that are slower than almost all of the stable version's ever were."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.judge.conditional_tests import above, reference_tail
from tasks.judge.harm import slowed
from tasks.judge.hypergeometric import Array
from tasks.judge.policy import JudgePolicy
from tasks.judge.window import WindowArrays

TAIL_LEVEL = 0.0007
"""Share of the stable version's requests beyond the edge that the tail stream watches."""


@dataclass(frozen=True)
class TailCounts:
    """Requests and requests beyond the far tail's edge, by arm, each (R, S, 2).

    ``log_tolerated`` is the log odds ratio of that share after the margin of harm, (R, S); None
    without one.
    """

    trials: Array
    hits: Array
    log_tolerated: Array | None = None


def tail_counts(
    policy: JudgePolicy,
    counts: WindowArrays,
    warm: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
    reference: Array,
) -> TailCounts:
    """What lies beyond the stable version's far tail.

    The edge follows from the past: the first with at most TAIL_LEVEL (or one request) beyond it.
    Nothing is counted in warm-up. ``counts`` and ``reference`` are by compared bin.
    """
    shape = counts.trials.shape
    if not policy.latency_edges:
        return TailCounts(np.zeros(shape), np.zeros(shape))
    past = above(reference)
    total = past[..., :1]
    beyond = past <= np.maximum(TAIL_LEVEL * total, 1.0)
    edge = np.where(total[..., 0] >= 50, np.maximum(np.argmax(beyond, axis=-1), 1), 0)
    judged = (edge > 0) & ~warm[:, None]
    cumulative = above(counts.latency)
    hits = np.take_along_axis(cumulative, edge[..., None, None], axis=-1)[..., 0]
    tolerated = None
    if policy.harm_margin.latency > 0:
        odds = _tolerated_slowness(policy, reference_tail(reference))
        tolerated = np.take_along_axis(odds, edge[..., None], axis=-1)[..., 0]
    return TailCounts(cumulative[..., 0] * judged[..., None], hits * judged[..., None], tolerated)


def _tolerated_slowness(policy: JudgePolicy, tail: Array) -> Array:
    """Log odds ratio of a request in bin k or above after the margin of harm, (..., bins)."""
    moved = slowed(tail, policy.compared_edges, policy.harm_margin.latency)
    inner, past = moved[..., 1:-1], tail[..., 1:-1]
    odds = np.log(inner / (1.0 - inner)) - np.log(past / (1.0 - past))
    return np.concatenate([np.zeros((*odds.shape[:-1], 1)), odds], axis=-1)
