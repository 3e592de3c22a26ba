"""One update of the sequential state: a window multiplies the evidence and adds to the sums."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tasks.judge import sample_ratio
from tasks.judge.decision import decide, margins_of
from tasks.judge.dispersion import (
    ARMS,
    KNOWN,
    PAST,
    dispersion,
    squared_move,
    standardised_difference,
)
from tasks.judge.evidence import (
    ERROR_ODDS,
    ERRORS,
    LIMITS,
    TAIL,
    TAIL_ODDS,
    alternatives_of,
    column_log_e,
)
from tasks.judge.far_tail import tail_counts
from tasks.judge.gates import GateCounts, gates_of
from tasks.judge.hypergeometric import Array
from tasks.judge.latency_bins import together
from tasks.judge.non_inferiority import (
    GATES,
    gate_log_e,
    update_boundary,
)
from tasks.judge.overshoot import overshoot_correction
from tasks.judge.policy import JudgePolicy
from tasks.judge.sequential import (
    NEVER,
    SequentialState,
)
from tasks.judge.window import WindowArrays

Flags = NDArray[np.bool_]

RICHEST = 1e200
RATE_SECONDS = 60.0
INCIDENT_SECONDS = 30.0
INCIDENT_SIGMAS = 5.0
UPSET_SIGMAS = 3.0
WARM_UP_STAKE = 0.1
STAKE = 0.97
LATENCY_GATES = np.array(["latency" in gate for gate in GATES])


def update(policy: JudgePolicy, state: SequentialState, counts: WindowArrays) -> SequentialState:
    """Fold one window of every release."""
    began = (counts.weight > 0) | (counts.requests[:, 0, 0] > 0)
    started = np.where((state.started == NEVER) & began, counts.t0, state.started)
    warm = counts.warmup | (
        (started != NEVER) & (counts.t0 < started + policy.warm_up_seconds - 1e-9)
    )
    ladder = np.asarray(policy.ladder)
    step: Array = np.asarray(
        np.searchsorted(ladder, counts.weight * 1.02, side="right") - 1, dtype=np.float64
    )
    state = replace(state, started=started)
    state = _test_inferiority(policy, state, counts, warm, step)
    gates = gates_of(policy, state, counts)
    state = _test_non_inferiority(policy, state, counts, warm, gates)
    troubled = _off_the_past(policy, state, counts, [1], INCIDENT_SIGMAS)
    upset = troubled | _off_the_past(policy, state, counts, [0, 1], UPSET_SIGMAS)
    state = _disperse(state, warm, upset, gates)
    state = _remember(policy, state, counts, warm, step, troubled, upset)
    if policy.sample_ratio:
        ratio = sample_ratio.update(state.sample_ratio, counts.weight, counts.requests[:, 0])
        state = replace(state, sample_ratio=ratio)
    return decide(policy, state, counts, warm)


def _test_inferiority(
    policy: JudgePolicy, state: SequentialState, counts: WindowArrays, warm: Flags, step: Array
) -> SequentialState:
    """Multiply the wealth of every column; new mass starts at this window."""
    alternatives = alternatives_of(policy)
    compared = replace(counts, latency=together(counts.latency, policy.latency_edges))
    reference = together(state.latency, policy.latency_edges)
    tail = tail_counts(policy, compared, warm, reference)
    log_e = column_log_e(
        policy,
        compared,
        warm,
        reference,
        state.predictions,
        tail,
        (state.trials[:, 1], state.bad[:, 1]),
    )
    dispersed = dispersion(state.history_moves, state.release_moves, policy.dispersion_from)
    log_e = log_e / dispersed[:, None, alternatives.stream]
    start = _starting(policy, state, counts, step)
    given = state.unspent * start
    unspent = state.unspent - given
    staked = state.wealth + given[..., alternatives.stream] * alternatives.prior
    factor = np.exp(np.minimum(log_e, 460.0))
    wealth = np.minimum(staked * factor, RICHEST)
    unspent = unspent.copy()
    # Mirrored pairs multiply the same columns, and their law is not part of the correction.
    alone = (counts.pairs[:, 0, 0] == 0)[:, None, None]
    margin = policy.harm_margin
    for stream, odds, trials, hits, tolerated in (
        (ERRORS, ERROR_ODDS, counts.trials, counts.bad, margin.errors),
        (TAIL, TAIL_ODDS, tail.trials, tail.hits, margin.latency),
    ):
        # The law of the jump is known where the arms are exchangeable, one request like another.
        lawful = alone & (tolerated == 0.0) & (dispersed[:, stream, None, None] == 1.0)
        correction = overshoot_correction(
            policy, alternatives, stream, odds, staked, unspent, trials * lawful, hits * lawful
        )
        wealth[..., alternatives.stream == stream] *= correction[..., None]
        unspent[..., stream] *= correction
    return replace(state, unspent=unspent, wealth=wealth)


def _starting(
    policy: JudgePolicy, state: SequentialState, counts: WindowArrays, step: Array
) -> Array:
    """Part of the unspent mass that starts at this window, (R, S, streams)."""
    restart = policy.restart
    length = counts.t1 - counts.t0
    part = 1.0 - np.exp(-length / restart.scale_seconds)
    part = np.where(step > state.step, np.maximum(part, restart.on_step), part)
    last = len(policy.ladder) - 1
    part = np.where((step == last) & (state.step < last), restart.on_watch, part)
    # What mirrored traffic could not show begins with the first share.
    part = np.where((state.step < 0) & (step >= 0), restart.first, part)
    part = np.where(state.started == NEVER, 0.0, part)
    fresh = state.wealth @ alternatives_of(policy).membership == 0.0
    fresh &= state.unspent == 1.0
    start = np.where(fresh, restart.first, part[:, None, None])
    # Columns that a window does not judge (latency in warm-up) keep their stake unchanged.
    paired = counts.pairs[:, 0, 0] > 0
    observed = (counts.trials[..., 0] > 0) & (counts.trials[..., 1] > 0)
    observed[:, 0] |= paired
    start = start * observed[..., None]
    # Without any stable share the absolute limits judge alone, from the first window on.
    alone = (counts.weight > 1.0 - 1e-6)[:, None] & (counts.trials[..., 0] > 0)
    opened = np.where(state.unspent[..., LIMITS] == 1.0, restart.first, part[:, None])
    start[..., LIMITS] = np.where(alone, opened, start[..., LIMITS])
    return np.asarray(start)


def _test_non_inferiority(
    policy: JudgePolicy,
    state: SequentialState,
    counts: WindowArrays,
    warm: Flags,
    gates: GateCounts,
) -> SequentialState:
    """Evidence that the canary is not worse."""
    delta = margins_of(policy) - gates.excess[..., None]
    trials, hits = gates.trials, gates.hits
    # While the service is known to be upset nothing is proven; that is known before the window.
    quiet = (counts.t0 >= state.upset_until) & (trials[:, :, 0] > 0).any(1)
    boundary = update_boundary(state.boundary, delta, gates.shared_rates, trials)
    gain = gate_log_e(boundary, delta, trials, hits) * quiet[:, None, None]
    # Part of the stake is kept back, so that the first window of a shared incident, when both
    # arms jump and chance is large, cannot ruin a good canary's evidence.
    gain = np.log1p(STAKE * np.expm1(np.minimum(gain, 100.0)))
    warm_up_non_inferiority = state.warm_up_non_inferiority
    if warm.any():
        # Latency in warm-up may speak for the canary but not for long against it: the process is
        # a mixture of one that counts warm-up and one that leaves it out.
        within = warm[:, None, None] & LATENCY_GATES[:, None]
        warm_up_non_inferiority = state.warm_up_non_inferiority + np.where(within, gain, 0.0)
        mixed = _with_warm_up(warm_up_non_inferiority) - _with_warm_up(
            state.warm_up_non_inferiority
        )
        gain = np.where(within, mixed, gain)
    non_inferiority = state.non_inferiority + gain
    proven = np.maximum(state.proven, non_inferiority >= -np.log(policy.beta))
    watching = (state.step == len(policy.ladder) - 1)[:, None]
    return replace(
        state,
        boundary=boundary,
        non_inferiority=non_inferiority,
        warm_up_non_inferiority=warm_up_non_inferiority,
        proven=proven,
        watch_non_inferiority=np.where(watching, state.watch_non_inferiority + gain[..., 0], 0.0),
    )


def _disperse(
    state: SequentialState, warm: Flags, upset: Flags, gates: GateCounts
) -> SequentialState:
    """Add how far shares moved since the window before: between the arms, or from the past."""
    # Before the release the stable version stands beside its own past.
    alone = (state.started == NEVER)[:, None]
    trials = np.where(alone[..., None], gates.stable(gates.trials, gates.past_trials), gates.trials)
    hits = np.where(alone[..., None], gates.stable(gates.hits, gates.past_hits), gates.hits)
    # A shared incident moves the stable version far from its past, but not the arms apart.
    known = (trials > 0).all(-1) & ~np.where(alone, upset[:, None], warm[:, None])
    known &= ~alone | (trials[..., 1] >= KNOWN)
    beside = np.where(alone, PAST, ARMS)
    difference = standardised_difference(trials, hits)
    followed = known & (state.compared_with == beside)
    moves = {}
    for name, returns, kind in (("history_moves", False, PAST), ("release_moves", True, ARMS)):
        counted = followed & (beside == kind)
        squared = np.where(counted, squared_move(state.difference, difference, returns=returns), 0)
        moves[name] = getattr(state, name) + np.stack([squared, counted], axis=-1)
    return replace(
        state,
        difference=np.where(known, difference, state.difference),
        compared_with=np.where(known, beside, state.compared_with).astype(float),
        **moves,
    )


def _with_warm_up(log_e: Array) -> Array:
    return np.asarray(np.log1p(WARM_UP_STAKE * np.expm1(np.minimum(log_e, 100.0))))


def _remember(
    policy: JudgePolicy,
    state: SequentialState,
    counts: WindowArrays,
    warm: Flags,
    step: Array,
    troubled: Flags,
    upset: Flags,
) -> SequentialState:
    """Update references, rate, step and times."""
    whole = counts.requests[:, 0]
    length = counts.t1 - counts.t0
    calm_again = counts.t1 + INCIDENT_SECONDS + length
    calm = ~upset
    fade = np.exp(-length / RATE_SECONDS)
    climbed = step != state.step
    last = len(policy.ladder) - 1
    keep = (calm & ~warm)[:, None]
    # Of windows that were at the last step from their beginning to their end.
    watched = (step == last) & (state.step == last)
    rate = whole.sum(1) / length
    return replace(
        state,
        busiest=np.where(watched, np.maximum(state.busiest, rate), 0.0),
        latency=state.latency + counts.latency[:, :, 1] * calm[:, None, None],
        latency_canary=state.latency_canary + counts.latency[:, 0, 0] * keep,
        predictions=state.predictions + counts.predictions[:, :, 1] * calm[:, None, None],
        predictions_canary=state.predictions_canary + counts.predictions[:, 0, 0] * calm[:, None],
        trials=state.trials + counts.trials[:, 0] * calm[:, None],
        bad=state.bad + counts.bad[:, 0] * calm[:, None],
        requests=state.requests * fade + whole.sum(1),
        seconds=state.seconds * fade + length,
        step=step,
        step_since=np.where(climbed | (state.step_since == NEVER), counts.t0, state.step_since),
        watching=np.where(
            step == last, np.where(state.watching == NEVER, counts.t0, state.watching), NEVER
        ),
        canary_active=np.where(whole[:, 0] > 0, counts.t1, state.canary_active),
        observed=counts.t1,
        incident_until=np.where(troubled, calm_again, state.incident_until),
        upset_until=np.where(upset, calm_again, state.upset_until),
        pairs=state.pairs + counts.pairs[:, 0, 0],
    )


def _off_the_past(
    policy: JudgePolicy,
    state: SequentialState,
    counts: WindowArrays,
    arms: list[int],
    sigmas: float,
) -> Flags:
    """Whether these arms together are far off the stable version's past in this window."""
    trials, bad = counts.trials[:, 0, arms].sum(1), counts.bad[:, 0, arms].sum(1)
    expected = trials * (state.bad[:, 1] + 0.5) / (state.trials[:, 1] + 50.0)
    known = state.trials[:, 1] >= 50
    excess = bad - expected
    failing = known & (bad > 3.0 * expected) & (excess > sigmas * np.sqrt(expected + 1.0))
    if not policy.latency_edges:
        return np.asarray(failing)
    past = together(state.latency[:, 0], policy.latency_edges)
    edge = np.argmax(past.cumsum(1) >= 0.9 * past.sum(1)[:, None], axis=1) + 1
    latency = together(counts.latency[:, 0, arms].sum(1), policy.latency_edges)
    bins = np.arange(latency.shape[1])
    slow = (latency * (bins >= edge[:, None])).sum(1)
    slowed = (past.sum(1) >= 100) & (slow > sigmas) & (slow > 0.4 * latency.sum(1))
    return np.asarray(failing | slowed)
