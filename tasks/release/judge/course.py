"""One step of the fold, and what follows from it: wait, climb, promote or roll back."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tasks.release.judge.boost import spend_overshoot
from tasks.release.judge.evidence import (
    ERROR_ODDS,
    ERRORS,
    LIMITS,
    TAIL,
    TAIL_ODDS,
    Alternatives,
    column_log_e,
    tail_counts,
)
from tasks.release.judge.hypergeometric import Array
from tasks.release.judge.ledger import (
    NEVER,
    OPEN,
    PROMOTED,
    ROLLED_BACK,
    UNDECIDED,
    Ledger,
    total_evidence,
)
from tasks.release.judge.policy import JudgePolicy
from tasks.release.judge.proof import (
    GATES,
    Edges,
    gate_counts,
    gate_edges,
    gate_log_e,
    margins,
    present,
    update_boundary,
)
from tasks.release.judge.window import Counts

Flags = NDArray[np.bool_]

REASONS = (
    "start",
    "no data",
    "incident",
    "evidence",
    "warm-up",
    "dwell",
    "proof",
    "climb",
    "watch",
    "shadow",
    "rolled back",
    "promoted",
    "deadline",
)
CLIMB, START, WATCH = (REASONS.index(name) for name in ("climb", "start", "watch"))
RICHEST = 1e200
RATE_SECONDS = 60.0
INCIDENT_SECONDS = 30.0
WARM_UP_STAKE = 0.1
STAKE = 0.97
PRIOR_RATES = np.array([0.005, 0.5, 0.1, 0.01, 0.5, 0.5, 0.1, 0.1])
LATENCY_GATES = np.array(["latency" in gate for gate in GATES])


@lru_cache(maxsize=64)
def alternatives_of(policy: JudgePolicy) -> Alternatives:
    """The columns of a policy, computed once."""
    return Alternatives(policy)


@lru_cache(maxsize=64)
def margins_of(policy: JudgePolicy) -> Array:
    """The margins of a policy, computed once."""
    return margins(policy)


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
    return _decide(policy, ledger, counts, warm)


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
    # A stable version known to be in trouble proves nothing; that is known before the window.
    quiet = (counts.t0 >= ledger.incident_until) & (trials[:, :, 0] > 0).any(1)
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
    troubled = _in_trouble(policy, ledger, counts)
    incident = np.where(
        troubled, counts.t1 + INCIDENT_SECONDS + (counts.t1 - counts.t0), ledger.incident_until
    )
    calm = ~troubled
    length = counts.t1 - counts.t0
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
        incident_until=incident,
        pairs=ledger.pairs + counts.pairs[:, 0, 0],
    )


def _in_trouble(policy: JudgePolicy, ledger: Ledger, counts: Counts) -> Flags:
    """Whether the stable version is far off its own past in this window."""
    trials, bad = counts.trials[:, 0, 1], counts.bad[:, 0, 1]
    rate = (ledger.bad[:, 1] + 0.5) / (ledger.trials[:, 1] + 50.0)
    expected = trials * rate
    known = ledger.trials[:, 1] >= 50
    failing = known & (bad > 3.0 * expected) & (bad - expected > 5.0 * np.sqrt(expected + 1.0))
    if not policy.latency_edges:
        return np.asarray(failing)
    past = ledger.latency[:, 0]
    edge = np.argmax(past.cumsum(1) >= 0.9 * past.sum(1)[:, None], axis=1) + 1
    seen = counts.latency[:, 0, 1]
    bins = np.arange(seen.shape[1])
    slow = (seen * (bins >= edge[:, None])).sum(1)
    slowed = (past.sum(1) >= 100) & (slow > 5) & (slow > 0.4 * seen.sum(1))
    return np.asarray(failing | slowed)


def _decide(policy: JudgePolicy, ledger: Ledger, counts: Counts, warm: Flags) -> Ledger:
    """The outcome, the wanted share, and why."""
    ladder = np.asarray(policy.ladder)
    last = len(ladder) - 1
    evidence = total_evidence(policy, ledger)
    rung = ledger.rung.astype(int)
    upper = np.minimum(rung + 1, last)
    share = ladder[upper]
    length = counts.t1 - counts.t0
    rate = ledger.requests / np.maximum(ledger.seconds, 1e-9)
    exposed = share * rate * (length + policy.reaction_seconds)
    allowed = policy.harm / np.maximum(exposed, 1e-9)
    proven = _proven(policy, ledger, allowed, upper == last, warm)

    now = counts.t1
    shadowing = (ledger.pairs > 0) & (rung < 0)
    silent = (rung >= 0) & (counts.requests[:, 0, 0] == 0)
    troubled = now < ledger.incident_until
    alarmed = evidence >= policy.hold_evidence
    at_top = rung == last
    # The share that is asked for now meets the next window, not this one.
    still = counts.warmup | (now < ledger.started + policy.warm_up_seconds - 1e-9)
    warming = still & (share > policy.warm_up_weight) & (rung >= 0)
    young = (rung >= 0) & (now - ledger.rung_since < policy.dwell_seconds - 1e-9)
    why = np.full(len(now), CLIMB)
    for flag, name in (
        (~proven, "proof"),
        (young, "dwell"),
        (warming, "warm-up"),
        (at_top, "watch"),
        (rung < 0, "start"),
        (shadowing & (ledger.pairs < policy.shadow_pairs), "shadow"),
        (alarmed, "evidence"),
        (troubled, "incident"),
        (silent, "no data"),
    ):
        why = np.where(flag, REASONS.index(name), why)

    current = np.where(rung >= 0, ladder[np.maximum(rung, 0)], 0.0)
    target = np.where(why == CLIMB, share, current)
    target = np.where(why == START, first_share(policy, rate, length), target)

    # The watch ends by its own evidence too: a slow decline after the proof must not slip through.
    sound = ((ledger.watch_proof > 0.0) | ~present(policy)).all(1) | (policy.watch_seconds <= 0)
    watched = (why == WATCH) & sound & (now - ledger.watching >= policy.watch_seconds - 1e-9)
    late = (ledger.started != NEVER) & (now - ledger.started >= policy.deadline_seconds)
    overdue = late & (ledger.watching == NEVER)
    # A watch that can never be finished quietly must end too.
    overdue |= (
        (ledger.watching != NEVER)
        & (now - ledger.watching >= policy.watch_seconds + policy.deadline_seconds)
        & ~watched
    )
    outcome = np.where(watched, PROMOTED, np.where(overdue, UNDECIDED, OPEN)).astype(float)
    outcome = np.where(evidence >= policy.threshold, ROLLED_BACK, outcome)
    # The first outcome stands, except that evidence against overrules "undecided".
    standing = (ledger.outcome == ROLLED_BACK) | (ledger.outcome == PROMOTED)
    outcome = np.where(standing, ledger.outcome, outcome)
    fresh = (outcome != OPEN) & (outcome != ledger.outcome)
    for value, name in ((ROLLED_BACK, "rolled back"), (PROMOTED, "promoted"),
                        (UNDECIDED, "deadline")):  # fmt: skip
        why = np.where(outcome == value, REASONS.index(name), why)
    target = np.where(outcome == ROLLED_BACK, 0.0, target)
    target = np.where(outcome == PROMOTED, 1.0, target)
    target = np.where(outcome == UNDECIDED, current, target)
    return replace(
        ledger,
        peak=np.maximum(ledger.peak, evidence),
        outcome=outcome,
        decided=np.where(fresh, now, ledger.decided),
        target=target,
        why=why.astype(float),
    )


def _proven(
    policy: JudgePolicy, ledger: Ledger, allowed: Array, final: Flags, warm: Flags
) -> Flags:
    """Whether every gate is proven at the margin that the next share needs."""
    delta = margins_of(policy)
    needed = np.where(final[:, None], 0.0, allowed[:, None])
    needed = np.maximum(needed, delta[None, :, 0])
    enough = (delta[None] <= needed[..., None] + 1e-12) & (ledger.proven > 0)
    by_gate = enough.any(-1) | ~present(policy)[None]
    # In warm-up latency is not judged, and the share stays low: the other gates suffice.
    by_gate[:, 1:4] |= (warm & ~final)[:, None]
    return np.asarray(by_gate.all(1) | (~final & (allowed >= 1.0)))


def first_share(policy: JudgePolicy, rate: Array, length: Array) -> Array:
    """The first share: the largest rung at which even an outage stays within the harm budget.

    Args:
        policy: The policy.
        rate: Requests per second, (R,); 0 is unknown.
        length: Seconds of a window, (R,).
    """
    ladder = np.asarray(policy.ladder)
    exposed = ladder[None] * (rate * (length + policy.reaction_seconds))[:, None]
    safe = (exposed <= 0.5 * policy.harm) | (rate[:, None] <= 0)
    bound = safe & (ladder <= policy.first_weight)
    if policy.warm_up_seconds > 0:
        bound &= ladder <= policy.warm_up_weight
    bound &= np.arange(len(ladder)) < max(len(ladder) - 1, 1)
    return np.asarray(ladder[np.maximum(bound.sum(1) - 1, 0)])
