"""What to do next in an edge release. Pure.

planned → health_check → canary(k) → watching → promoting → retiring → done, or back from any::

    canary     the pointer names the stable version, and shows the candidate to ladder[k] of users
    watching   the same, at the last share: the rest of the users are the control
    promoting  the pointer names the candidate, for everybody

Other than on an endpoint, the watch comes before the pointer names the candidate: a client that
knows nothing of rollouts gets only what was proven, and the control stays alive until then.
"""

from __future__ import annotations

from tasks.release.edge.plan import known, rollout_of
from tasks.release.journal.record import Journal
from tasks.release.machine import bounds, questions
from tasks.release.machine.actions import (
    Action,
    CleanUp,
    CreateAlarms,
    Enter,
    Finish,
    HealthCheck,
    MovePointer,
    Settle,
    SetWeights,
    Wait,
)
from tasks.release.machine.questions import has_control, how, proof
from tasks.release.machine.seen import ObservedState
from tasks.release.machine.transitions import given_up, grace, inconclusive, observed, rung_at, stop
from tasks.release.machine.undoing import end, frozen, until_seen_outside


def next_action(journal: Journal, seen: ObservedState) -> Action:
    """The one act that brings the release on, as `machine.transitions.next_action` says it."""
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


def undo(journal: Journal, seen: ObservedState) -> Action:
    """The next act of a rollback."""
    over = seen.unreadable or bounds.exhausted(journal, seen.now) or bounds.silent(journal, seen)
    if over:
        return frozen(journal, over)
    back = None if journal.stable is None else journal.stable.version
    named = seen.pointer.version if seen.pointer else None
    if named == journal.candidate.version and back is None:
        return frozen(journal, "the first version has to go, and there is no earlier one to serve")
    if named not in {back, journal.candidate.version}:
        return frozen(journal, f"the pointer names {named}, a third version")
    if back is not None:
        if named == journal.candidate.version or _shows(journal, seen):
            return MovePointer(to="stable")
        moved = seen.pointer is not None and seen.pointer.rollback
        if moved and "cdn_back" not in journal.marks:
            return until_seen_outside(journal, seen, "cdn_back")
    if "cleaned" not in journal.marks:
        return CleanUp()
    return end(journal)


def _shows(journal: Journal, seen: ObservedState) -> bool:
    """Whether the candidate is shown to anybody, or a step that was begun could still show it."""
    if seen.pointer is None:
        return False
    if seen.pointer.rollout is not None:
        return True
    begun = any(e.kind == "intent" and e.action == "SetWeights" for e in journal.entries)
    return begun and seen.pointer == known(journal)


def _planned(journal: Journal, _: ObservedState) -> Action:
    if journal.spec.approval == "before_canary":
        question = questions.asked(journal, "before_canary")
        if question is not None:
            return question
    return Enter(phase="health_check", reason=how(journal))


def _health_check(journal: Journal, seen: ObservedState) -> Action:
    strange = _strange(journal, seen)
    if strange:
        return Enter(phase="rolling_back", reason=strange)
    health = journal.marks.get("health")
    if health is None:
        return HealthCheck()
    if not health.startswith("pass"):
        return Enter(phase="rolling_back", reason=f"the candidate is not healthy: {health}")
    if not has_control(journal):
        return _unless_refused(
            journal, seen, Enter(phase="promoting", reason="the files are sound; " + how(journal))
        )
    if "alarms" not in journal.marks:
        return CreateAlarms()
    return Enter(phase="canary", step=-1, reason="the candidate's files are sound")


def _canary(journal: Journal, seen: ObservedState) -> Action:
    strange = _strange(journal, seen)
    if strange:
        return Enter(phase="rolling_back", reason=strange)
    if not journal.moves or journal.wanted > journal.share:
        # Shown to nobody at first: it is the rollout that makes clients tell of both versions.
        return SetWeights(share=journal.wanted)
    ruling = journal.ruling
    last = len(journal.spec.ladder) - 1
    if ruling is not None and ruling.action == "advance":
        rung = rung_at(journal, ruling.share)
        if rung == last:
            return _unless_refused(
                journal, seen, Enter(phase="watching", step=last, reason=ruling.reason)
            )
        if rung > journal.step:
            return Enter(phase="canary", step=rung, reason=ruling.reason)
    late = seen.now > journal.canary_since + journal.spec.deadline_seconds + grace(journal)
    if late or (ruling is not None and ruling.action == "inconclusive"):
        go_on = Enter(phase="watching", step=last, reason="a person decided it")
        return inconclusive(journal, go_on)
    return observed(journal, seen)


def _watching(journal: Journal, seen: ObservedState) -> Action:
    strange = _strange(journal, seen)
    if strange:
        return Enter(phase="rolling_back", reason=strange)
    if journal.spec.ladder[-1] > journal.share:
        return SetWeights(share=journal.spec.ladder[-1])
    ruling = journal.ruling
    promote = Enter(phase="promoting", reason=f"watched for {journal.spec.watch_seconds} s")
    if ruling is not None and ruling.action == "complete":
        return promote.model_copy(update={"reason": ruling.reason})
    late = seen.now > journal.phase_since + journal.spec.watch_seconds + (
        journal.spec.deadline_seconds + grace(journal)
    )
    if late or (ruling is not None and ruling.action == "inconclusive"):
        return inconclusive(journal, promote)
    return observed(journal, seen)


def _promoting(journal: Journal, seen: ObservedState) -> Action:
    if seen.pointer is None or seen.pointer.version != journal.candidate.version:
        strange = _strange(journal, seen)
        if strange:
            return frozen(journal, strange)
        return MovePointer(to="candidate")
    if "cdn" not in journal.marks:
        return until_seen_outside(journal, seen, "cdn")
    return Enter(phase="retiring", reason="everybody is told of the candidate")


def _retiring(journal: Journal, seen: ObservedState) -> Action:
    if seen.pointer is None or seen.pointer.version != journal.candidate.version:
        named = seen.pointer.version if seen.pointer else None
        return frozen(journal, f"the pointer names {named}, not {journal.candidate.version}")
    if "cleaned" not in journal.marks:
        return CleanUp()
    if "ledger" not in journal.marks:
        return Settle(fate="released")
    return Finish(phase="done", verdict=proof(journal))


def _unless_refused(journal: Journal, seen: ObservedState, granted: Action) -> Action:
    if journal.spec.approval != "before_promotion":
        return granted
    question = questions.asked(journal, "before_promotion")
    if isinstance(question, Wait) and journal.phase == "canary":
        return observed(journal, seen)  # a candidate that serves is never left unwatched
    return question or granted


def _strange(journal: Journal, seen: ObservedState) -> str:
    """What somebody else did to the pointer, or ""."""
    pointer = seen.pointer
    named = pointer.version if pointer else None
    before = journal.stable.version if journal.stable else None
    if named != before:
        return f"somebody moved the pointer from {before} to {named} during this release"
    if pointer is None or pointer == known(journal):
        return ""
    # A step that was taken, but not written down: its actor died, or its answer was lost.
    rollout, next_step = pointer.rollout, journal.wanted
    if journal.phase == "watching":
        next_step = journal.spec.ladder[-1]
    if rollout == rollout_of(journal, next_step):
        return ""
    return f"somebody changed the pointer during this release ({pointer.actor}: {pointer.reason})"


_FORWARD = {
    "planned": _planned,
    "health_check": _health_check,
    "canary": _canary,
    "watching": _watching,
    "promoting": _promoting,
    "retiring": _retiring,
}
