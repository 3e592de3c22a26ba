"""One step of the fold: a window multiplies the evidence and adds to what is remembered."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tasks.judge.boost import spend_overshoot
from tasks.judge.decision import decide, margins_of
from tasks.judge.evidence import (
    ERROR_ODDS,
    ERRORS,
    LIMITS,
    TAIL,
    TAIL_ODDS,
    alternatives_of,
    column_log_e,
    tail_counts,
)
from tasks.judge.hypergeometric import Array
from tasks.judge.ledger import (
    NEVER,
    Ledger,
)
from tasks.judge.policy import JudgePolicy
from tasks.judge.proof import (
    GATES,
    Edges,
    gate_counts,
    gate_edges,
    gate_log_e,
    update_boundary,
)
from tasks.judge.window import Counts

Flags = NDArray[np.bool_]

RICHEST = 1e200
RATE_SECONDS = 60.0
INCIDENT_SECONDS = 30.0
INCIDENT_SIGMAS = 5.0
UPSET_SIGMAS = 3.0
WARM_UP_STAKE = 0.1
STAKE = 0.97
PRIOR_RATES = np.array([0.005, 0.5, 0.1, 0.01, 0.5, 0.5, 0.1, 0.1])
LATENCY_GATES = np.array(["latency" in gate for gate in GATES])


def advance(policy: JudgePolicy, ledger: Ledger, counts: Counts) -> Ledger:
    """Fold one window of every release."""
    began = (counts.weight > 0) | (counts.requests[:, 0, 0] > 0)
    started = np.where((ledger.started == NEVER) & began, counts.t0, ledger.started)
    warm = counts.warmup | (
        (started != NEVER) & (counts.t0 < started + policy.warm_up_seconds - 1e-9)
    )
    ladder = np.asarray(policy.ladder)
    rung: Array = np.asarray(
        np.searchsorted(ladder, counts.weight * 1.02, side="right") - 1, dtype=np.float64
    )
    ledger = replace(ledger, started=started)
    ledger = _against(policy, ledger, counts, warm, rung)
    ledger = _for(policy, ledger, counts, warm)
    ledger = _remember(policy, ledger, counts, warm, rung)
    return decide(policy, ledger, counts, warm)


def _against(
    policy: JudgePolicy, ledger: Ledger, counts: Counts, warm: Flags, rung: Array
) -> Ledger:
    """Multiply the wealth of every column; new mass starts at this window."""
    alternatives = alternatives_of(policy)
    tail = tail_counts(policy, counts, warm, ledger.latency)
    log_e = column_log_e(policy, counts, warm, ledger.latency, ledger.predictions, tail)
    start = _starting(policy, ledger, counts, rung)
    given = ledger.unspent * start
    unspent = ledger.unspent - given
    staked = ledger.wealth + given[..., alternatives.stream] * alternatives.prior
    factor = np.exp(np.minimum(log_e, 460.0))
    wealth = np.minimum(staked * factor, RICHEST)
    unspent = unspent.copy()
    # Mirrored pairs multiply the same columns, and their law is not part of the boost.
    alone = (counts.pairs[:, 0, 0] == 0)[:, None, None]
    for stream, odds, trials, hits in (
        (ERRORS, ERROR_ODDS, counts.trials, counts.bad),
        (TAIL, TAIL_ODDS, *tail),
    ):
        boost = spend_overshoot(
            policy, alternatives, stream, odds, staked, unspent, trials * alone, hits * alone
        )
        wealth[..., alternatives.stream == stream] *= boost[..., None]
        unspent[..., stream] *= boost
    return replace(ledger, unspent=unspent, wealth=wealth)


def _starting(policy: JudgePolicy, ledger: Ledger, counts: Counts, rung: Array) -> Array:
    """Part of the unspent mass that starts at this window, (R, S, streams)."""
    restart = policy.restart
    length = counts.t1 - counts.t0
    part = 1.0 - np.exp(-length / restart.scale_seconds)
    part = np.where(rung > ledger.rung, np.maximum(part, restart.on_step), part)
    last = len(policy.ladder) - 1
    part = np.where((rung == last) & (ledger.rung < last), restart.on_watch, part)
    # What mirrored traffic could not show begins with the first share.
    part = np.where((ledger.rung < 0) & (rung >= 0), restart.first, part)
    part = np.where(ledger.started == NEVER, 0.0, part)
    fresh = ledger.wealth @ alternatives_of(policy).membership == 0.0
    fresh &= ledger.unspent == 1.0
    start = np.where(fresh, restart.first, part[:, None, None])
    # Columns that a window does not judge (latency in warm-up) keep their stake unchanged.
    paired = counts.pairs[:, 0, 0] > 0
    told = (counts.trials[..., 0] > 0) & (counts.trials[..., 1] > 0)
    told[:, 0] |= paired
    start = start * told[..., None]
    # Without any stable share the absolute limits judge alone, from the first window on.
    alone = (counts.weight > 1.0 - 1e-6)[:, None] & (counts.trials[..., 0] > 0)
    opened = np.where(ledger.unspent[..., LIMITS] == 1.0, restart.first, part[:, None])
    start[..., LIMITS] = np.where(alone, opened, start[..., LIMITS])
    return np.asarray(start)


def _for(policy: JudgePolicy, ledger: Ledger, counts: Counts, warm: Flags) -> Ledger:
    """Evidence that the canary is not worse."""
    delta = margins_of(policy)
    edges = gate_edges(policy, ledger.latency[:, 0], ledger.predictions[:, 0])
    trials, hits = gate_counts(
        policy,
        edges,
        counts.trials[:, 0],
        counts.bad[:, 0],
        counts.latency[:, 0],
        counts.predictions[:, 0],
    )
    # While the service is known to be upset nothing is proven; that is known before the window.
    quiet = (counts.t0 >= ledger.upset_until) & (trials[:, :, 0] > 0).any(1)
    boundary = update_boundary(ledger.boundary, delta, _shared_rates(policy, ledger, edges), trials)
    gain = gate_log_e(boundary, delta, trials, hits) * quiet[:, None, None]
    # Part of the stake is kept back, so that the first window of a shared incident, when both
    # arms jump and chance is large, cannot ruin a good canary's proof.
    gain = np.log1p(STAKE * np.expm1(np.minimum(gain, 100.0)))
    warm_proof = ledger.warm_proof
    if warm.any():
        # Latency in warm-up may speak for the canary but not for long against it: the process is
        # a mixture of one that counts warm-up and one that leaves it out.
        within = warm[:, None, None] & LATENCY_GATES[:, None]
        warm_proof = ledger.warm_proof + np.where(within, gain, 0.0)
        mixed = _with_warm_up(warm_proof) - _with_warm_up(ledger.warm_proof)
        gain = np.where(within, mixed, gain)
    proof = ledger.proof + gain
    proven = np.maximum(ledger.proven, proof >= -np.log(policy.beta))
    watching = (ledger.rung == len(policy.ladder) - 1)[:, None]
    return replace(
        ledger,
        boundary=boundary,
        proof=proof,
        warm_proof=warm_proof,
        proven=proven,
        watch_proof=np.where(watching, ledger.watch_proof + gain[..., 0], 0.0),
    )


def _with_warm_up(log_e: Array) -> Array:
    return np.asarray(np.log1p(WARM_UP_STAKE * np.expm1(np.minimum(log_e, 100.0))))


def _shared_rates(policy: JudgePolicy, ledger: Ledger, edges: Edges) -> Array:
    """Rate of every gate's hits in the past, both arms pooled, (R, gates)."""
    trials, hits = gate_counts(
        policy,
        edges,
        ledger.trials,
        ledger.bad,
        np.stack([ledger.latency_canary, ledger.latency[:, 0]], axis=1),
        np.stack([ledger.predictions_canary, ledger.predictions[:, 0]], axis=1),
    )
    rate = (hits.sum(-1) + 0.5) / (trials.sum(-1) + 0.5 / PRIOR_RATES)
    return np.asarray(np.clip(rate, 1e-6, 1.0 - 1e-6))


def _remember(
    policy: JudgePolicy, ledger: Ledger, counts: Counts, warm: Flags, rung: Array
) -> Ledger:
    """Update references, rate, rung and times."""
    whole = counts.requests[:, 0]
    length = counts.t1 - counts.t0
    calm_again = counts.t1 + INCIDENT_SECONDS + length
    troubled = _off_the_past(policy, ledger, counts, [1], INCIDENT_SIGMAS)
    upset = troubled | _off_the_past(policy, ledger, counts, [0, 1], UPSET_SIGMAS)
    calm = ~upset
    fade = np.exp(-length / RATE_SECONDS)
    climbed = rung != ledger.rung
    last = len(policy.ladder) - 1
    keep = (calm & ~warm)[:, None]
    return replace(
        ledger,
        latency=ledger.latency + counts.latency[:, :, 1] * calm[:, None, None],
        latency_canary=ledger.latency_canary + counts.latency[:, 0, 0] * keep,
        predictions=ledger.predictions + counts.predictions[:, :, 1] * calm[:, None, None],
        predictions_canary=ledger.predictions_canary + counts.predictions[:, 0, 0] * calm[:, None],
        trials=ledger.trials + counts.trials[:, 0] * calm[:, None],
        bad=ledger.bad + counts.bad[:, 0] * calm[:, None],
        requests=ledger.requests * fade + whole.sum(1),
        seconds=ledger.seconds * fade + length,
        rung=rung,
        rung_since=np.where(climbed | (ledger.rung_since == NEVER), counts.t0, ledger.rung_since),
        watching=np.where(
            rung == last, np.where(ledger.watching == NEVER, counts.t0, ledger.watching), NEVER
        ),
        canary_seen=np.where(whole[:, 0] > 0, counts.t1, ledger.canary_seen),
        told=counts.t1,
        incident_until=np.where(troubled, calm_again, ledger.incident_until),
        upset_until=np.where(upset, calm_again, ledger.upset_until),
        pairs=ledger.pairs + counts.pairs[:, 0, 0],
    )


def _off_the_past(
    policy: JudgePolicy, ledger: Ledger, counts: Counts, arms: list[int], sigmas: float
) -> Flags:
    """Whether these arms together are far off the stable version's past in this window."""
    trials, bad = counts.trials[:, 0, arms].sum(1), counts.bad[:, 0, arms].sum(1)
    expected = trials * (ledger.bad[:, 1] + 0.5) / (ledger.trials[:, 1] + 50.0)
    known = ledger.trials[:, 1] >= 50
    excess = bad - expected
    failing = known & (bad > 3.0 * expected) & (excess > sigmas * np.sqrt(expected + 1.0))
    if not policy.latency_edges:
        return np.asarray(failing)
    past = ledger.latency[:, 0]
    edge = np.argmax(past.cumsum(1) >= 0.9 * past.sum(1)[:, None], axis=1) + 1
    seen = counts.latency[:, 0, arms].sum(1)
    bins = np.arange(seen.shape[1])
    slow = (seen * (bins >= edge[:, None])).sum(1)
    slowed = (past.sum(1) >= 100) & (slow > sigmas) & (slow > 0.4 * seen.sum(1))
    return np.asarray(failing | slowed)
