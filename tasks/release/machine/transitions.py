"""What to do next. Pure: the journal and one look at the world lead to one action.

Nothing here remembers: an actor that takes over sees what the dead one saw, and gets the same
answer, because every act leaves a trace that can be read (the journal's marks, the endpoint, the
pointer).
"""

from __future__ import annotations

from typing import Literal

from tasks.release.journal.record import RECONCILE, Journal, RollbackOrder
from tasks.release.machine import bounds, questions
from tasks.release.machine.actions import (
    Action,
    Autoscale,
    CleanUp,
    CreateAlarms,
    Enter,
    Finish,
    HealthCheck,
    MovePointer,
    Observe,
    ReadLogs,
    Settle,
    SetWeights,
    Wait,
)
from tasks.release.machine.deploying import POLL, SOON, GivenUp, deploy
from tasks.release.machine.questions import has_control, how, proof
from tasks.release.machine.seen import ObservedState, Part
from tasks.release.machine.undoing import container_said, frozen, undo, until_seen_outside


def next_action(journal: Journal, seen: ObservedState) -> Action:
    """The one act that brings the release on.

    Args:
        journal: The release as last written; its spec was frozen into it when it began.
        seen: One look at the endpoint, the pointer and the alarms.
    """
    if journal.ended:
        return Wait(seconds=0.0, why=f"the release is {journal.phase}")
    if journal.phase == "rolling_back":
        return undo(journal, seen)
    over = given_up(journal, seen)
    if over:
        return frozen(journal, over)
    ends = stop(journal, seen)
    if ends:
        return Enter(phase="rolling_back", reason=ends)
    return _FORWARD[journal.phase](journal, seen)


def given_up(journal: Journal, seen: ObservedState) -> str:
    """Why a person has to look: AWS is away for hours, or no way leads back any more."""
    if journal.phase == "retiring":
        return (
            seen.unreadable or bounds.exhausted(journal, seen.now) or bounds.silent(journal, seen)
        )
    return bounds.silent(journal, seen) if _points(journal, seen) else ""


def stop(journal: Journal, seen: ObservedState) -> str:
    """Why the candidate has to go, or "" when it may stay."""
    if journal.order is not None:
        return undo_order(journal.order)
    if seen.alarms:
        return f"alarm {', '.join(seen.alarms)}"
    ruling = journal.ruling
    if ruling is not None and ruling.action == "roll_back":
        return ruling.reason
    if seen.unreadable:
        return seen.unreadable
    over = bounds.exhausted(journal, seen.now)
    if over:
        return over
    denied = questions.denied(journal, seen.now)
    if denied:
        return denied
    if journal.trouble >= bounds.MOST_TROUBLE and not _points(journal, seen):
        return f"AWS answered with errors {journal.trouble} times in a row"
    return ""


def undo_order(order: RollbackOrder) -> str:
    """Who wanted it back, and why."""
    if order.actor == RECONCILE:
        return f"undone, {order.reason}"
    return f"{order.actor} asked for it: {order.reason}"


def _points(journal: Journal, seen: ObservedState) -> bool:
    return seen.pointer is not None and seen.pointer.version == journal.candidate.version


def _planned(journal: Journal, seen: ObservedState) -> Action:
    if journal.spec.approval == "before_canary":
        question = questions.asked(journal, "before_canary")
        if question is not None:
            return question
    if not has_control(journal) or journal.spec.shadow_seconds == 0:
        return Enter(phase="bring_up", reason=how(journal))
    below = journal.spec.shadow_below
    if below == 0:
        return Enter(phase="shadow", reason="mirrored traffic first")
    if not journal.timeline:
        if seen.now <= journal.phase_since + grace(journal):
            return observed(journal, seen)
        return Enter(phase="shadow", reason="nothing is told of the traffic; mirrored first")
    rate = _requests_per_second(journal)
    if rate < below:
        few = f"{rate:.2g} requests/s are too few for a small share to tell much"
        return Enter(phase="shadow", reason=f"{few}: mirrored traffic first")
    return Enter(phase="bring_up", reason=f"{how(journal)}; {rate:.3g} requests/s need no mirror")


def _requests_per_second(journal: Journal) -> float:
    """What the stable version answered in the windows just past."""
    told = journal.timeline
    answered = sum(point.stable.requests for point in told)
    return answered / (len(told) * journal.spec.window_seconds)


def _shadow(journal: Journal, seen: ObservedState) -> Action:
    step = deploy(journal, seen, "shadow", tries=1)
    if isinstance(step, GivenUp):
        return _not_up(journal, step.reason)
    if step is not None:
        return step
    ruling = journal.ruling
    late = journal.phase_since + journal.spec.shadow_seconds + journal.spec.deadline_seconds
    if seen.now > late + journal.serving.start_seconds + grace(journal):
        return Enter(phase="rolling_back", reason="no window of the mirrored traffic was told")
    if seen.now >= _mirrored_since(journal) + journal.spec.shadow_seconds and ruling is not None:
        return Enter(phase="bring_up", reason=f"shadow is over: {ruling.reason}")
    return observed(journal, seen)


def _mirrored_since(journal: Journal) -> float:
    """When the candidate began to answer copies; without any, when it must have stood up at last.

    Bringing it up is no part of the time for which traffic is mirrored.
    """
    answered = (point.at for point in journal.timeline if point.candidate.requests)
    first = next(answered, journal.phase_since + journal.serving.start_seconds)
    return first - journal.spec.window_seconds


def _bring_up(journal: Journal, seen: ObservedState) -> Action:
    if journal.stable is not None and "alarms" not in journal.marks and _alarmed(journal):
        return CreateAlarms()
    part: Part = "both" if has_control(journal) else "candidate"
    step = deploy(journal, seen, part, tries=1, guarded=journal.strategy == "blue_green")
    if isinstance(step, GivenUp):
        return _not_up(journal, step.reason)
    if step is not None:
        return step
    if journal.serving.autoscaling is not None and "scaling" not in journal.marks:
        return Autoscale(arms=_present(journal))
    return Enter(phase="health_check", reason="every variant is InService")


def _health_check(journal: Journal, seen: ObservedState) -> Action:
    strange = _strange(journal, seen)
    if strange:
        return Enter(phase="rolling_back", reason=strange)
    health = journal.marks.get("health")
    if health is None:
        return HealthCheck()
    if not health.startswith("pass"):
        return _not_up(journal, f"the candidate is not healthy: {health}")
    if has_control(journal):
        return Enter(phase="canary", step=-1, reason="the candidate answers")
    return _to_promotion(journal, "the candidate answers; " + how(journal))


def _not_up(journal: Journal, why: str) -> Action:
    """Go back from a candidate that no user has met: what its containers said is read first."""
    if "logs" not in journal.marks:
        return ReadLogs()
    said = container_said(journal)
    told = f"{journal.candidate.version} did not come up{said}: {why}"
    return Enter(phase="rolling_back", reason=told)


def _canary(journal: Journal, seen: ObservedState) -> Action:
    strange = _strange(journal, seen)
    if strange:
        return Enter(phase="rolling_back", reason=strange)
    moved = _weights(journal, seen, journal.wanted)
    if moved is not None:
        return moved
    ruling = journal.ruling
    if ruling is not None and ruling.action == "advance":
        rung = rung_at(journal, ruling.share)
        if rung == len(journal.spec.ladder) - 1:
            return _to_promotion(journal, ruling.reason, seen)
        if rung > journal.step:
            return Enter(phase="canary", step=rung, reason=ruling.reason)
    late = seen.now > journal.canary_since + journal.spec.deadline_seconds + grace(journal)
    if late or (ruling is not None and ruling.action == "inconclusive"):
        return inconclusive(journal, Enter(phase="promoting", reason="a person decided it"))
    return observed(journal, seen)


def inconclusive(journal: Journal, granted: Action) -> Action:
    """What follows when the deadline came before a proof."""
    said = journal.ruling.reason if journal.ruling else "nothing was measured"
    if journal.spec.inconclusive == "ask":
        return questions.asked(journal, "inconclusive") or granted
    return Enter(phase="rolling_back", reason=f"inconclusive: {said}")


def rung_at(journal: Journal, share: float) -> int:
    """The highest step of the ladder that is not above a share."""
    return max((i for i, step in enumerate(journal.spec.ladder) if step <= share), default=-1)


def _to_promotion(journal: Journal, reason: str, seen: ObservedState | None = None) -> Action:
    if journal.spec.approval == "before_promotion":
        question = questions.asked(journal, "before_promotion")
        if question is not None:
            if isinstance(question, Wait) and seen is not None:
                return observed(journal, seen)  # a candidate that serves is never left unwatched
            return question
    return Enter(phase="promoting", reason=reason)


def _promoting(journal: Journal, seen: ObservedState) -> Action:
    strange = _strange(journal, seen)
    if strange:
        return Enter(phase="rolling_back", reason=strange)
    if has_control(journal):
        moved = _weights(journal, seen, journal.spec.ladder[-1])
        if moved is not None:
            return moved
    named = seen.pointer.version if seen.pointer else None
    before = journal.stable.version if journal.stable else None
    if named != journal.candidate.version:
        if named != before:
            return frozen(
                journal,
                f"somebody moved the pointer from {before} to {named} during this release",
            )
        return MovePointer(to="candidate")
    if "cdn" not in journal.marks:
        return until_seen_outside(journal, seen, "cdn")
    return Enter(phase="watching", reason="the pointer names the candidate")


def _watching(journal: Journal, seen: ObservedState) -> Action:
    strange = _strange(journal, seen)
    if strange:
        return Enter(phase="rolling_back", reason=strange)
    if journal.stable is None or journal.strategy == "direct":
        return Enter(phase="retiring", reason="there is no earlier version to compare with")
    if has_control(journal):
        moved = _weights(journal, seen, journal.spec.ladder[-1])
        if moved is not None:
            return moved
    retire = Enter(phase="retiring", reason=f"watched for {journal.spec.watch_seconds} s")
    over = seen.now >= journal.phase_since + journal.spec.watch_seconds
    if not has_control(journal):
        return retire if over else Wait(seconds=POLL, why="watching the alarms")
    ruling = journal.ruling
    if ruling is not None and ruling.action == "complete":
        return retire.model_copy(update={"reason": ruling.reason})
    late = seen.now > journal.phase_since + journal.spec.watch_seconds + (
        journal.spec.deadline_seconds + grace(journal)
    )
    if late or (ruling is not None and ruling.action == "inconclusive"):
        return inconclusive(journal, retire)
    return observed(journal, seen)


def _retiring(journal: Journal, seen: ObservedState) -> Action:
    endpoint = seen.endpoint
    if endpoint is not None and endpoint.busy:
        over = bounds.stuck(journal, seen)
        if over:
            return frozen(journal, over)
        return Wait(seconds=POLL, why=f"the endpoint is {endpoint.status}")
    if has_control(journal) and endpoint is not None and endpoint.config == journal.both_config:
        moved = _weights(journal, seen, 1.0)
        if moved is not None:
            return moved
        rest = journal.moves[-1].settled + journal.spec.drain_seconds - seen.now
        if rest > 0:
            return Wait(seconds=min(rest, POLL), why="the old version finishes its last requests")
    if journal.serving.autoscaling is not None and journal.marks.get("scaling") != "candidate":
        return Autoscale(arms=("candidate",))  # a scaled variant cannot be removed
    step = deploy(journal, seen, "candidate", tries=3)
    if isinstance(step, GivenUp):
        return frozen(journal, step.reason)
    if step is not None:
        return step
    if seen.pointer is None or seen.pointer.version != journal.candidate.version:
        named = seen.pointer.version if seen.pointer else None
        return frozen(
            journal, f"the pointer names {named}, the endpoint {journal.candidate.version}"
        )
    if "cleaned" not in journal.marks:
        return CleanUp()
    if "ledger" not in journal.marks:
        return Settle(fate="released")
    return Finish(phase="done", verdict=proof(journal))


def _weights(journal: Journal, seen: ObservedState, share: float) -> Action | None:
    endpoint = seen.endpoint
    if endpoint is None or endpoint.busy:
        over = bounds.stuck(journal, seen)
        if over:
            return Enter(phase="rolling_back", reason=over)
        return Wait(seconds=SOON, why="the endpoint is busy")
    last = journal.moves[-1].share if journal.moves else 0.0
    if endpoint.shares(journal.candidate.variant, share) and last == share:
        return None
    return SetWeights(share=share)


def _strange(journal: Journal, seen: ObservedState) -> str:
    """What somebody else did to the endpoint, or ""."""
    endpoint = seen.endpoint
    wanted = journal.both_config if has_control(journal) else journal.candidate.solo_config
    if endpoint is None:
        return "the endpoint is gone"
    if endpoint.config != wanted:
        return f"the endpoint runs {endpoint.config}, not {wanted}"
    if endpoint.status not in {"InService", "Updating", "SystemUpdating"}:
        return f"the endpoint is {endpoint.status}: {endpoint.failure}"
    return ""


def observed(journal: Journal, seen: ObservedState) -> Action:
    """Read the next window, or wait until it is told."""
    ready = journal.judged_until + journal.spec.window_seconds + journal.spec.metrics_lag_seconds
    if seen.now >= ready:
        return Observe()
    return Wait(seconds=ready - seen.now, why="the next window is not told yet")


def _present(journal: Journal) -> tuple[Literal["candidate", "stable"], ...]:
    return ("candidate", "stable") if has_control(journal) else ("candidate",)


def _alarmed(journal: Journal) -> bool:
    return journal.strategy in {"canary", "blue_green"}


def grace(journal: Journal) -> float:
    """How long after the judge's own deadline ours comes, in seconds: for when no window comes."""
    return 5.0 * (journal.spec.window_seconds + journal.spec.metrics_lag_seconds)


_FORWARD = {
    "planned": _planned,
    "shadow": _shadow,
    "bring_up": _bring_up,
    "health_check": _health_check,
    "canary": _canary,
    "promoting": _promoting,
    "watching": _watching,
    "retiring": _retiring,
}
