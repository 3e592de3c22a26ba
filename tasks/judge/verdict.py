"""The verdict: what to do now, on what evidence, in one sentence."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

import numpy as np
from pydantic import Field

from tasks.judge import sample_ratio
from tasks.judge.decision import REASONS, margins_of
from tasks.judge.dispersion import dispersion
from tasks.judge.evidence import STREAMS, alternatives_of
from tasks.judge.information import gain
from tasks.judge.non_inferiority import GATES, gate_edges, present
from tasks.judge.policy import Immutable, JudgePolicy
from tasks.judge.sequential import (
    NEVER,
    OPEN,
    PROMOTE,
    ROLLBACK,
    SequentialState,
    stream_evidence,
    total_evidence,
)
from tasks.judge.state import JudgeState, observe
from tasks.judge.window import Window

Action = Literal["hold", "step", "promote", "rollback", "inconclusive"]


class StreamEvidence(Immutable):
    """Evidence against the canary from one stream; ``log_evidence`` is natural."""

    stream: str
    segment: str = ""
    share: float = Field(description="Part of α that the stream holds.")
    log_evidence: float
    dispersion: float = Field(
        default=1.0,
        description="Variance between windows over that of independent requests; the log evidence "
        "of the next window is divided by it.",
    )


class Margin(Immutable):
    """What one gate has proven: the canary is worse by less than ``proven`` (share points)."""

    gate: str
    proven: float | None
    tolerance: float
    log_evidence: float = Field(description="At the tolerance; needs log(1/β).")
    seconds_left: float | None = Field(
        default=None, description="Expected time to the proof at today's traffic and share."
    )


class CanaryVerdict(Immutable):
    """What to do now.

    ``weight`` is the wanted share of the canary: where to step, where to stay, 1 after promotion,
    0 after rollback. ``then`` says what an inconclusive release does: roll back or ask.
    """

    action: Action
    weight: float
    reason: str
    log_evidence: float = Field(description="Natural log of E; rollback at log(1/α).")
    log_threshold: float
    streams: tuple[StreamEvidence, ...] = ()
    margins: tuple[Margin, ...] = ()
    log_proof_needed: float
    information_limited: bool = False
    recommend: str = ""
    then: Literal["roll_back", "ask"] = "roll_back"
    at: float = Field(description="End of the last window, unix seconds; 0 before the first.")


def verdict(state: JudgeState) -> CanaryVerdict:
    """The verdict on all windows folded so far."""
    policy, sequential = state.policy, state.sequential
    evidence = float(total_evidence(policy, sequential)[0])
    streams = _streams(policy, sequential)
    margins = _margins(policy, sequential)
    action, weight = _action(policy, sequential)
    # A version that was found worse needs no more traffic to be proven.
    limited = action != "rollback" and _limited(policy, sequential, margins)
    return CanaryVerdict(
        action=action,
        weight=weight,
        reason=_reason(state, sequential, action, weight, evidence, streams, margins),
        log_evidence=_log(evidence),
        log_threshold=math.log(policy.threshold),
        streams=streams,
        margins=margins,
        log_proof_needed=-math.log(policy.beta),
        information_limited=limited,
        recommend=_RECOMMEND if limited else "",
        then=policy.on_deadline,
        at=float(sequential.observed[0]) if float(sequential.observed[0]) != NEVER else 0.0,
    )


def judge(policy: JudgePolicy, windows: Iterable[Window]) -> CanaryVerdict:
    """Fold all windows, in the order in which they came, up to a rollback or promotion."""
    state = JudgeState.start(policy)
    for window in windows:
        state = observe(state, window)
        if state.standing is not None:
            break
    return verdict(state)


_RECOMMEND = (
    "Traffic is too low for a proof before the deadline: mirror requests (shadow) or replay "
    "captured ones, or raise the share."
)


def _action(policy: JudgePolicy, sequential: SequentialState) -> tuple[Action, float]:
    outcome = float(sequential.outcome[0])
    target = float(sequential.target[0])
    if outcome == ROLLBACK:
        return "rollback", 0.0
    if outcome == PROMOTE:
        return "promote", 1.0
    if outcome != OPEN:
        return "inconclusive", target
    if float(sequential.observed[0]) == NEVER:
        return "step", _blind_share(policy)
    step = int(sequential.step[0])
    current = policy.ladder[step] if step >= 0 else 0.0
    return ("step" if target > current else "hold"), target


def _blind_share(policy: JudgePolicy) -> float:
    ceiling = policy.first_weight
    if policy.warm_up_seconds > 0:
        ceiling = min(ceiling, policy.warm_up_weight)
    return max([share for share in policy.ladder if share <= ceiling] or [policy.ladder[0]])


def _streams(policy: JudgePolicy, sequential: SequentialState) -> tuple[StreamEvidence, ...]:
    alternatives = alternatives_of(policy)
    values = stream_evidence(policy, sequential)[0]
    names = ("", *policy.segments)
    dispersed = _dispersion(policy, sequential)
    return tuple(
        StreamEvidence(
            stream=stream,
            segment=names[row],
            share=float(alternatives.rows[row] * alternatives.weights[column]),
            log_evidence=_log(float(values[row, column])),
            dispersion=dispersed[column],
        )
        for row in range(len(names))
        for column, stream in enumerate(STREAMS)
        if alternatives.weights[column] > 0
    )


def _dispersion(policy: JudgePolicy, sequential: SequentialState) -> list[float]:
    moves = sequential.history_moves, sequential.release_moves
    by_stream: list[float] = dispersion(*moves, policy.dispersion_from)[0].tolist()
    return by_stream


def _margins(policy: JudgePolicy, sequential: SequentialState) -> tuple[Margin, ...]:
    delta = margins_of(policy)
    results = []
    for gate in np.flatnonzero(present(policy)):
        reached = delta[gate][sequential.proven[0, gate] > 0]
        proof = float(sequential.non_inferiority[0, gate, 0])
        results.append(
            Margin(
                gate=GATES[gate],
                proven=float(reached.min()) if len(reached) else None,
                tolerance=float(delta[gate, 0]),
                log_evidence=proof,
                seconds_left=_seconds_left(policy, sequential, int(gate), proof),
            )
        )
    return tuple(results)


def _seconds_left(
    policy: JudgePolicy, sequential: SequentialState, gate: int, proof: float
) -> float | None:
    """Missing evidence over what a good canary adds per second; None where it cannot be known."""
    if sequential.proven[0, gate, 0] > 0:
        return 0.0
    step = int(sequential.step[0])
    rate = float(sequential.requests[0] / max(sequential.seconds[0], 1e-9))
    if step < 0 or rate <= 0:
        return None
    share = policy.ladder[step]
    s = float(sequential.boundary[0, gate, 0])
    edges = gate_edges(policy, sequential.latency[:, 0], sequential.predictions[:, 0])
    excess = float(edges.excess[0, gate - 1]) if gate else 0.0
    delta = float(margins_of(policy)[gate, 0]) - excess
    per_second = rate * gain(s, delta, share)
    missing = -math.log(policy.beta) - proof
    return max(missing, 0.0) / per_second if per_second > 0 else None


def _limited(policy: JudgePolicy, sequential: SequentialState, margins: tuple[Margin, ...]) -> bool:
    """Whether the deadline will come before the proof, whatever the canary is."""
    started = float(sequential.started[0])
    if started == NEVER or float(sequential.watching[0]) != NEVER or not margins:
        return False
    left = started + policy.deadline_seconds - float(sequential.observed[0])
    step = int(sequential.step[0])
    if step < 0:
        return False
    # A low step says little about the speed of the highest one: the share is what sets it.
    best = policy.ladder[max(len(policy.ladder) - 2, 0)]
    faster = best / policy.ladder[step]
    needed = max((m.seconds_left or 0.0) for m in margins) / max(faster, 1.0)
    return needed > max(left, 0.0)


def _reason(
    state: JudgeState,
    sequential: SequentialState,
    action: Action,
    weight: float,
    evidence: float,
    streams: tuple[StreamEvidence, ...],
    margins: tuple[Margin, ...],
) -> str:
    policy = state.policy
    shown = f"{weight:.0%}"
    odds = f"{evidence:.3g}" if evidence < 1e6 else f"10^{math.log10(evidence):.0f}"
    open_gates = [m for m in margins if m.proven is None or m.proven > m.tolerance]
    missing = ", ".join(m.gate for m in open_gates) or "nothing"
    why = REASONS[int(sequential.why[0])]
    busiest = float(sequential.busiest[0])
    if action == "rollback" and evidence < policy.threshold:
        ratio = float(sample_ratio.evidence(sequential.sample_ratio)[0])
        return (
            "The canary answers far fewer requests than its share (sample-ratio mismatch): "
            f"evidence {ratio:.3g} reached {1.0 / sample_ratio.ALPHA:,.0f}; one that answers all "
            f"gets here with a chance of at most {sample_ratio.ALPHA:.2%}."
        )
    if action == "rollback":
        worst = max(streams, key=lambda item: item.log_evidence + math.log(item.share))
        where = f" in segment {worst.segment}" if worst.segment else ""
        return (
            f"The canary is worse than the stable version in {worst.stream}{where}: evidence "
            f"{odds} reached {policy.threshold:.0f}; a version that is not worse gets here with a "
            f"chance of at most {policy.alpha:.2%}."
        )
    if action == "promote":
        return (
            f"Proven not worse in all {len(margins)} gates (error at most {policy.beta:.0%} each), "
            f"and quiet through the watch of {policy.watch_seconds:.0f} s."
        )
    if action == "inconclusive" and not open_gates and busiest < policy.demanded_rate:
        return (
            f"Proven not worse in all {len(margins)} gates, but at {busiest:.3g} requests/s in the "
            f"busiest window of the watch; {policy.demanded_rate:.3g} must have been seen, and the "
            f"deadline of {policy.deadline_seconds:.0f} s came first."
        )
    if action == "inconclusive":
        return (
            f"The deadline of {policy.deadline_seconds:.0f} s came before the proof; still open: "
            f"{missing}."
        )
    if float(sequential.observed[0]) == NEVER:
        return f"No window yet: start at {shown}."
    measured = float(sequential.trials[0, 1]) > 0
    sentences = {
        "start": f"The stable version is measured: start at {shown}."
        if measured
        else f"The stable version was not asked yet: start at {shown}.",
        "no data": f"No canary request in the last window: stay at {shown}.",
        "unknown": "A version answers, and its errors or latencies are not told; unknown is not "
        f"none: stay at {shown}.",
        "incident": f"The stable version is in trouble itself: stay at {shown}.",
        "evidence": f"Evidence {odds} against the canary, not enough to decide: stay at {shown}.",
        "warm-up": f"Warming up: stay at {shown}.",
        "dwell": f"Too short at {shown} to climb.",
        "proof": f"Not yet proven for the next share: {missing}; stay at {shown}.",
        "climb": f"Proven safe enough for the next share: step to {shown}.",
        "load": f"Quiet through the watch, at {busiest:.3g} requests/s in its busiest "
        f"window; {policy.demanded_rate:.3g} must have been seen: watching at {shown}.",
        "watch": f"The last step, the old version kept as control: watching at {shown}.",
        "shadow": f"{sequential.pairs[0]:.0f} of {policy.shadow_pairs} mirrored pairs compared.",
    }
    return sentences.get(why, f"Stay at {shown}.") + _clustered(streams)


def _clustered(streams: tuple[StreamEvidence, ...]) -> str:
    """A sentence on requests that depend on each other; empty when they seem not to."""
    found = {
        item.stream: item.dispersion
        for item in streams
        if item.dispersion > 1.0 and item.stream != "limits"
    }
    if not found:
        return ""
    named = ", ".join(f"{stream} × {value:.1f}" for stream, value in found.items())
    return (
        f" Requests are slow or wrong together, not one by one (variance between windows: {named}):"
        " evidence counts for as much less."
    )


def _log(value: float) -> float:
    return math.log(max(value, 1e-300))
