"""Evidence against the canary in one window: the log e-value of every alternative.

An alternative is one size of one fault in one stream. Under H0 (in every window the canary is no
worse than the stable version at that moment) each column's e-value has expectation at most one
given the past and the window's margins, so its running product is a test supermartingale.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from tasks.judge.conditional_tests import (
    bin_log_odds,
    conditional_log_e,
    contaminated,
    informative_bins,
    reference_tail,
    shifted,
)
from tasks.judge.far_tail import TailCounts
from tasks.judge.harm import slowed, tolerated_error_odds
from tasks.judge.hypergeometric import Array, log_pgf_lower, log_pgf_upper
from tasks.judge.latency_bins import quickened
from tasks.judge.policy import JudgePolicy
from tasks.judge.window import WindowArrays

STREAMS = ("errors", "latency", "latency tail", "predictions", "limits")
ERRORS, LATENCY, TAIL, PREDICTIONS, LIMITS = range(5)

ERROR_ODDS = (1.6, 2.5, 4.5, 12.0, 60.0)
ERROR_PRIOR = (0.07, 0.17, 0.36, 0.32, 0.08)

LATENCY_SHIFTS = (0.2, 0.5, 1.2, 3.0)
LATENCY_PRIOR = (0.50, 0.18, 0.13, 0.07)
WARM_UP_SHIFT = 1.0
WARM_UP_PRIOR = 0.12
LATENCY_PAIR_ODDS = (1.5, 2.5, 6.0, 50.0, 1.0)

HALF_MINUTE = 30.0
TAIL_ODDS = (5.0, 30.0)
TAIL_PRIOR = (0.3, 0.7)

PREDICTION_SHIFTS = (0.4, 1.0)
PREDICTION_TAIL = (0.15, 2.5)
PREDICTION_PRIOR = (0.30, 0.12, 0.08)
PREDICTION_PAIR_SHARES = (0.75, 0.95, 0.75)


@dataclass(frozen=True)
class Alternatives:
    """The columns: which stream each belongs to and its share of the stream's mass."""

    policy: JudgePolicy

    @cached_property
    def prior(self) -> Array:
        """Prior mass of each column within its stream."""
        return np.concatenate(
            [
                ERROR_PRIOR,
                (*LATENCY_PRIOR, WARM_UP_PRIOR),
                TAIL_PRIOR,
                PREDICTION_PRIOR,
                PREDICTION_PRIOR,
                (0.6, 0.4),
            ]
        )

    @cached_property
    def stream(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Index into STREAMS of each column."""
        sizes = (
            len(ERROR_PRIOR),
            len(LATENCY_PRIOR) + 1,
            len(TAIL_PRIOR),
            2 * len(PREDICTION_PRIOR),
            2,
        )
        return np.repeat(np.arange(len(STREAMS)), sizes)

    @cached_property
    def membership(self) -> Array:
        """Columns by streams, 1 where the column belongs to the stream."""
        return np.asarray(self.stream[:, None] == np.arange(len(STREAMS)), dtype=np.float64)

    @cached_property
    def weights(self) -> Array:
        """Share of α of each stream; absent streams give theirs to the present ones."""
        share = self.policy.streams
        present = np.array(
            [
                share.errors,
                share.latency if self.policy.latency_edges else 0.0,
                share.tail if self.policy.latency_edges else 0.0,
                share.predictions if self.policy.prediction_bins else 0.0,
                share.limits,
            ]
        )
        return np.asarray(present / present.sum())

    @cached_property
    def rows(self) -> Array:
        """Share of α of the whole (row 0) and of each segment."""
        names = self.policy.segments
        if not names:
            return np.ones(1)
        share = self.policy.segment_share
        return np.array([1.0 - share] + [share / len(names)] * len(names))


@lru_cache(maxsize=64)
def alternatives_of(policy: JudgePolicy) -> Alternatives:
    """The columns of a policy, computed once."""
    return Alternatives(policy)


def column_log_e(
    policy: JudgePolicy,
    counts: WindowArrays,
    warm: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
    latency_reference: Array,
    prediction_reference: Array,
    tail: TailCounts,
    past_errors: tuple[Array, Array],
) -> Array:
    """Log e-value of every column in one window, (R, S, columns).

    Args:
        policy: The policy.
        counts: The window, its latencies by compared bin.
        warm: Whether the window lies in warm-up, (R,).
        latency_reference: The stable version's counts by compared bin before this window,
            (R, S, bins).
        prediction_reference: The same of predictions.
        tail: From tail_counts.
        past_errors: Requests of the stable version so far, and those with an error, each (R,).
    """
    tolerated_errors = None
    if policy.harm_margin.errors > 0:
        tolerated_errors = tolerated_error_odds(*past_errors, policy.harm_margin.errors)[:, None]
    parts = [
        binary_log_e(counts.trials, counts.bad, ERROR_ODDS, tolerated_errors),
        _latency(policy, counts, warm, latency_reference),
        binary_log_e(tail.trials, tail.hits, TAIL_ODDS, tail.log_tolerated),
        _predictions(policy, counts, prediction_reference),
        _limits(policy, counts),
    ]
    log_e = np.concatenate(parts, axis=-1)
    # A part of an e-value is one: what is cut off costs speed and no promise.
    slowness = np.isin(alternatives_of(policy).stream, (LATENCY, TAIL))
    most = np.log(policy.window_evidence) * np.maximum((counts.t1 - counts.t0) / HALF_MINUTE, 1.0)
    log_e[..., slowness] = np.minimum(log_e[..., slowness], most[:, None, None])
    if counts.pairs[:, 0, 0].any():
        log_e[:, 0] += _paired(counts)
    return log_e


def binary_log_e(
    trials: Array, hits: Array, odds: tuple[float, ...], log_tolerated: Array | None = None
) -> Array:
    """Log e-value of every odds ratio, (R, S, odds), from trials and hits by arm, (R, S, 2).

    Args:
        trials: Requests by arm.
        hits: Those that count.
        odds: Odds ratios of the alternatives.
        log_tolerated: Largest log odds ratio of H0, broadcast to (R, S); None is 0. What does not
            exceed it is no alternative.
    """
    theta = np.array(odds)
    ours = hits[..., 0, None]
    margins = trials[..., 0, None], hits.sum(-1)[..., None], trials.sum(-1)[..., None]
    if log_tolerated is None:
        result: Array = ours * np.log(theta) - log_pgf_upper(*margins, theta)
        return result
    tolerated = np.broadcast_to(log_tolerated, hits.shape[:-1])[..., None]
    gain = (
        ours * (np.log(theta) - tolerated)
        - log_pgf_upper(*margins, theta)
        + log_pgf_lower(*margins, np.exp(tolerated))
    )
    return np.asarray(np.where(np.log(theta) > tolerated, gain, 0.0))


def _latency(
    policy: JudgePolicy,
    counts: WindowArrays,
    warm: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
    reference: Array,
) -> Array:
    columns = len(LATENCY_PRIOR) + 1
    if not policy.latency_edges:
        return np.zeros((*counts.trials.shape[:2], columns))
    canary, stable = counts.latency[:, :, 0], counts.latency[:, :, 1]
    log_e = np.zeros((*canary.shape[:2], columns))
    tail = reference_tail(reference + 0.2 * (canary + stable))
    cold = ~warm
    if cold.any() and canary[cold].any():
        tested = informative_bins(canary[cold] + stable[cold])
        part = tail[cold][..., None, tested.start : tested.stop + 1]
        odds = bin_log_odds(part, shifted(part, np.array(LATENCY_SHIFTS)[:, None]))
        tolerated = None
        if policy.harm_margin.latency > 0:
            moved = slowed(tail[cold], policy.compared_edges, policy.harm_margin.latency)
            moved = moved[..., tested.start : tested.stop + 1]
            tolerated = np.maximum(bin_log_odds(part[..., 0, :], moved), 0.0)
        log_e[cold, :, : columns - 1] = conditional_log_e(
            canary[cold], stable[cold], tested, odds, tolerated
        )
    if warm.any():
        # Canary bins move down by the tolerated factor: a canary slower by just that factor is
        # then exchangeable with the stable version.
        warmed = canary[warm] @ quickened(policy.compared_edges, policy.warm_up_factor)
        tested = informative_bins(warmed + stable[warm])
        part = tail[warm][..., None, tested.start : tested.stop + 1]
        odds = bin_log_odds(part, shifted(part, np.asarray(WARM_UP_SHIFT)))
        log_e[warm, :, columns - 1 :] = conditional_log_e(warmed, stable[warm], tested, odds)
    return log_e


def _predictions(policy: JudgePolicy, counts: WindowArrays, reference: Array) -> Array:
    columns = 2 * len(PREDICTION_PRIOR)
    if not policy.prediction_bins:
        return np.zeros((*counts.trials.shape[:2], columns))
    if not counts.predictions[:, :, 0].any():
        return np.zeros((*counts.trials.shape[:2], columns))
    arms = np.stack([counts.predictions, counts.predictions[..., ::-1]], axis=2)
    bins = reference + 0.2 * counts.predictions.sum(2)
    tail = reference_tail(np.stack([bins, bins[..., ::-1]], axis=2))
    tested = informative_bins(arms.sum(3))
    tail = tail[..., None, tested.start : tested.stop + 1]
    share, distance = PREDICTION_TAIL
    bent = shifted(tail, np.array([policy.prediction_drift, *PREDICTION_SHIFTS, distance])[:, None])
    bent[..., -1, :] = contaminated(tail[..., 0, :], bent[..., -1, :], np.asarray(share))
    odds = np.maximum(bin_log_odds(tail, bent), 0.0)
    log_e = conditional_log_e(
        arms[..., 0, :], arms[..., 1, :], tested, odds[..., 1:, :], odds[..., 0, :]
    )
    return log_e.reshape(*log_e.shape[:2], columns)


def _limits(policy: JudgePolicy, counts: WindowArrays) -> Array:
    """Absolute floors: H0 is "within the limit, or no worse than the stable version".

    The smaller of two e-values, each valid on its half, is valid on the union. Without stable
    traffic the limit alone judges.
    """
    log_e = np.zeros((*counts.trials.shape[:2], 2))
    limits = policy.limits
    # By its share, not by chance: a window without stable requests at 90 % compares nothing.
    alone = (counts.weight > 1.0 - 1e-6)[:, None]
    if limits.max_error_rate is not None:
        log_e[..., 0] = _beyond(counts.trials, counts.bad, limits.max_error_rate, alone)
    if limits.max_latency_ms is not None and policy.latency_edges:
        edge = int(np.searchsorted(policy.compared_edges, limits.max_latency_ms))
        slow = counts.latency[..., edge + 1 :].sum(-1)
        log_e[..., 1] = _beyond(counts.latency.sum(-1), slow, limits.max_slow_share, alone)
        log_e[:, :, 1][counts.warmup] = 0.0
    return log_e


def _beyond(trials: Array, hits: Array, limit: float, alone: NDArray[np.bool_]) -> Array:
    worse = min(3.0 * limit, 0.5 * (1.0 + limit))
    ours = trials[..., 0]
    absolute = hits[..., 0] * np.log(worse / limit) + (ours - hits[..., 0]) * np.log(
        (1.0 - worse) / (1.0 - limit)
    )
    odds = np.float64(3.0)
    relative = hits[..., 0] * np.log(odds) - log_pgf_upper(
        ours, hits.sum(-1), trials.sum(-1), np.asarray(odds)
    )
    return np.asarray(np.where(alone, absolute, np.minimum(absolute, relative)))


def _paired(counts: WindowArrays) -> Array:
    """Shadow traffic: pairs that differ, worse against better, are fair coins under H0.

    Predictions: the median shift is at most the tolerated one, so at most half of all pairs lie
    beyond it; and the same downwards.
    """
    worse, better = counts.pairs[:, 1:, 0, None], counts.pairs[:, 1:, 1, None]
    pairs = counts.pairs[:, 0, 0, None]

    def coins(stream: int, odds: tuple[float, ...]) -> Array:
        theta = np.array(odds)
        total = worse[:, stream] + better[:, stream]
        return np.asarray(worse[:, stream] * np.log(theta) - total * np.log((1.0 + theta) / 2.0))

    def beyond(hits: Array) -> Array:
        share = np.array(PREDICTION_PAIR_SHARES)
        return np.asarray(hits * np.log(2.0 * share) + (pairs - hits) * np.log(2.0 * (1.0 - share)))

    return np.concatenate(
        [
            coins(0, ERROR_ODDS),
            coins(1, LATENCY_PAIR_ODDS),
            np.zeros((len(worse), len(TAIL_PRIOR))),
            beyond(worse[:, 2]),
            beyond(better[:, 2]),
            np.zeros((len(worse), 2)),
        ],
        axis=-1,
    )
