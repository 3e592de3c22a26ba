"""What follows from the evidence: wait, climb, promote or roll back."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tasks.judge.hypergeometric import Array
from tasks.judge.non_inferiority import margins, present
from tasks.judge.policy import JudgePolicy
from tasks.judge.sample_ratio import missing
from tasks.judge.sequential import (
    INCONCLUSIVE,
    NEVER,
    OPEN,
    PROMOTE,
    ROLLBACK,
    SequentialState,
    total_evidence,
)
from tasks.judge.window import WindowArrays

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
    "unknown",
    "load",
)
CLIMB, START, WATCH = (REASONS.index(name) for name in ("climb", "start", "watch"))


@lru_cache(maxsize=64)
def margins_of(policy: JudgePolicy) -> Array:
    """The margins of a policy, computed once."""
    return margins(policy)


def decide(
    policy: JudgePolicy, state: SequentialState, counts: WindowArrays, warm: Flags
) -> SequentialState:
    """The outcome, the wanted share, and why."""
    ladder = np.asarray(policy.ladder)
    last = len(ladder) - 1
    evidence = total_evidence(policy, state)
    step = state.step.astype(int)
    upper = np.minimum(step + 1, last)
    share = ladder[upper]
    length = counts.t1 - counts.t0
    rate = state.requests / np.maximum(state.seconds, 1e-9)
    exposed = share * rate * (length + policy.reaction_seconds)
    allowed = policy.harm / np.maximum(exposed, 1e-9)
    proven = _proven(policy, state, allowed, upper == last, warm)

    now = counts.t1
    shadowing = (state.pairs > 0) & (step < 0)
    silent = (step >= 0) & (counts.requests[:, 0, 0] == 0)
    unknown = (step >= 0) & counts.unknown
    troubled = now < state.incident_until
    alarmed = evidence >= policy.hold_evidence
    at_top = step == last
    # The share that is asked for now meets the next window, not this one.
    still = counts.warmup | (now < state.started + policy.warm_up_seconds - 1e-9)
    warming = still & (share > policy.warm_up_weight) & (step >= 0)
    young = (step >= 0) & (now - state.step_since < policy.dwell_seconds - 1e-9)
    why = np.full(len(now), CLIMB)
    for flag, name in (
        (~proven, "proof"),
        (young, "dwell"),
        (warming, "warm-up"),
        (at_top, "watch"),
        (step < 0, "start"),
        (shadowing & (state.pairs < policy.shadow_pairs), "shadow"),
        (alarmed, "evidence"),
        (troubled, "incident"),
        (unknown, "unknown"),
        (silent, "no data"),
    ):
        why = np.where(flag, REASONS.index(name), why)

    current = np.where(step >= 0, ladder[np.maximum(step, 0)], 0.0)
    target = np.where(why == CLIMB, share, current)
    target = np.where(why == START, first_share(policy, rate, length), target)

    # The watch ends by its own evidence too: a slow decline after the proof must not slip through.
    sound = ((state.watch_non_inferiority > 0.0) | ~present(policy)).all(1) | (
        policy.watch_seconds <= 0
    )
    sound &= now >= state.upset_until
    watched = (why == WATCH) & sound & (now - state.watching >= policy.watch_seconds - 1e-9)
    # What is slow only under load looks well until there is some.
    idle = watched & (state.busiest < policy.demanded_rate)
    why = np.where(idle, REASONS.index("load"), why)
    watched &= ~idle
    late = (state.started != NEVER) & (now - state.started >= policy.deadline_seconds)
    overdue = late & (state.watching == NEVER)
    # A watch that can never be finished quietly must end too.
    overdue |= (
        (state.watching != NEVER)
        & (now - state.watching >= policy.watch_seconds + policy.deadline_seconds)
        & ~watched
    )
    outcome = np.where(watched, PROMOTE, np.where(overdue, INCONCLUSIVE, OPEN)).astype(float)
    found = (evidence >= policy.threshold) | missing(state.sample_ratio)
    outcome = np.where(found, ROLLBACK, outcome)
    # The first outcome stands, except that evidence against overrules "undecided".
    standing = (state.outcome == ROLLBACK) | (state.outcome == PROMOTE)
    outcome = np.where(standing, state.outcome, outcome)
    fresh = (outcome != OPEN) & (outcome != state.outcome)
    for value, name in ((ROLLBACK, "rolled back"), (PROMOTE, "promoted"),
                        (INCONCLUSIVE, "deadline")):  # fmt: skip
        why = np.where(outcome == value, REASONS.index(name), why)
    target = np.where(outcome == ROLLBACK, 0.0, target)
    target = np.where(outcome == PROMOTE, 1.0, target)
    target = np.where(outcome == INCONCLUSIVE, current, target)
    return replace(
        state,
        peak=np.maximum(state.peak, evidence),
        outcome=outcome,
        decided=np.where(fresh, now, state.decided),
        target=target,
        why=why.astype(float),
    )


def _proven(
    policy: JudgePolicy, state: SequentialState, allowed: Array, final: Flags, warm: Flags
) -> Flags:
    """Whether every gate is proven at the margin that the next share needs."""
    delta = margins_of(policy)
    needed = np.where(final[:, None], 0.0, allowed[:, None])
    needed = np.maximum(needed, delta[None, :, 0])
    enough = (delta[None] <= needed[..., None] + 1e-12) & (state.proven > 0)
    by_gate = enough.any(-1) | ~present(policy)[None]
    # In warm-up latency is not judged, and the share stays low: the other gates suffice.
    by_gate[:, 1:4] |= (warm & ~final)[:, None]
    return np.asarray(by_gate.all(1) | (~final & (allowed >= 1.0)))


def first_share(policy: JudgePolicy, rate: Array, length: Array) -> Array:
    """The first share: the largest step at which even an outage stays within the harm budget.

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
