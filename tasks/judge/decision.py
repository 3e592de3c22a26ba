"""What follows from the evidence: wait, climb, promote or roll back."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tasks.judge.hypergeometric import Array
from tasks.judge.ledger import (
    NEVER,
    OPEN,
    PROMOTED,
    ROLLED_BACK,
    UNDECIDED,
    Ledger,
    total_evidence,
)
from tasks.judge.policy import JudgePolicy
from tasks.judge.proof import margins, present
from tasks.judge.window import Counts

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


@lru_cache(maxsize=64)
def margins_of(policy: JudgePolicy) -> Array:
    """The margins of a policy, computed once."""
    return margins(policy)


def decide(policy: JudgePolicy, ledger: Ledger, counts: Counts, warm: Flags) -> Ledger:
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
    sound &= now >= ledger.upset_until
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
