"""What to do next. Pure: the journal and the observed state lead to one action.

Nothing here remembers: an actor that takes over observes what the dead one did, and gets the same
answer, because every act leaves a trace that can be read (the journal's marks, the endpoint, the
pointer).

There is one machine. What a phase means where users are reached is asked of `delivery`.
"""

from __future__ import annotations

from tasks.release.journal.record import RECONCILE, Journal, RollbackOrder
from tasks.release.machine import bounds, questions
from tasks.release.machine.actions import (
    POLL,
    Action,
    CleanUp,
    Enter,
    Finish,
    HealthCheck,
    MovePointer,
    Observe,
    Settle,
    Wait,
)
from tasks.release.machine.delivery import DeliveryRules
from tasks.release.machine.observed import ObservedState
from tasks.release.machine.questions import has_control, how, proof
from tasks.release.machine.undoing import frozen, undo, until_seen_outside


def next_action(journal: Journal, observed: ObservedState, rules: DeliveryRules) -> Action:
    """The one act that brings the release on.

    Args:
        journal: The release as last written; its spec was frozen into it when it began.
        observed: What serves, the pointer and the alarms.
        rules: What the phases mean for the delivery that the spec names.
    """
    if journal.ended:
        return Wait(seconds=0.0, why=f"the release is {journal.phase}")
    if journal.phase == "rolling_back":
        return undo(journal, observed, rules)
    over = given_up(journal, observed, rules)
    if over:
        return frozen(journal, over, rules)
    ends = stop(journal, observed, rules)
    if ends:
        return Enter(phase="rolling_back", reason=ends)
    return _FORWARD[journal.phase](journal, observed, rules)


def given_up(journal: Journal, observed: ObservedState, rules: DeliveryRules) -> str:
    """Why a person has to look: AWS is away for hours, or no way leads back any more."""
    if journal.phase == "retiring":
        return (
            observed.unreadable
            or bounds.exhausted(journal, observed.now, rules.slow)
            or bounds.silent(journal, observed)
        )
    return bounds.silent(journal, observed) if _points(journal, observed) else ""


def stop(journal: Journal, observed: ObservedState, rules: DeliveryRules) -> str:
    """Why the candidate has to go, or "" when it may stay."""
    if journal.order is not None:
        return undo_order(journal.order)
    if observed.alarms:
        return f"alarm {', '.join(observed.alarms)}"
    ruling = journal.ruling
    if ruling is not None and ruling.action == "rollback":
        return ruling.reason
    if observed.unreadable:
        return observed.unreadable
    over = bounds.exhausted(journal, observed.now, rules.slow)
    if over:
        return over
    denied = questions.denied(journal, observed.now)
    if denied:
        return denied
    if journal.trouble >= bounds.MOST_TROUBLE and not _points(journal, observed):
        return f"AWS answered with errors {journal.trouble} times in a row"
    return ""


def undo_order(order: RollbackOrder) -> str:
    """Who wanted it back, and why."""
    if order.actor == RECONCILE:
        return f"undone, {order.reason}"
    return f"{order.actor} asked for it: {order.reason}"


def _points(journal: Journal, observed: ObservedState) -> bool:
    return observed.pointer is not None and observed.pointer.version == journal.candidate.version


def _planned(journal: Journal, observed: ObservedState, rules: DeliveryRules) -> Action:
    if journal.spec.approval == "before_canary":
        question = questions.asked(journal, "before_canary")
        if question is not None:
            return question
    return rules.prepare(journal, observed)


def _prepared(journal: Journal, observed: ObservedState, rules: DeliveryRules) -> Action:
    return rules.prepare(journal, observed)


def _health_check(journal: Journal, observed: ObservedState, rules: DeliveryRules) -> Action:
    strange = rules.strange(journal, observed)
    if strange:
        return Enter(phase="rolling_back", reason=strange)
    health = journal.marks.get("health")
    if health is None:
        return HealthCheck()
    if not health.startswith("pass"):
        return rules.unhealthy(journal, f"the candidate is not healthy: {health}")
    if not has_control(journal):
        promote = Enter(phase="promoting", reason=f"{rules.healthy}; {how(journal)}")
        return _unless_refused(journal, observed, promote)
    return rules.guard(journal) or Enter(phase="canary", step=-1, reason=rules.healthy)


def _canary(journal: Journal, observed: ObservedState, rules: DeliveryRules) -> Action:
    strange = rules.strange(journal, observed)
    if strange:
        return Enter(phase="rolling_back", reason=strange)
    moved = rules.share(journal, observed, journal.wanted)
    if moved is not None:
        return moved
    proven = rules.after["canary"]
    ruling = journal.ruling
    if ruling is not None and ruling.action == "step":
        step = step_at(journal, ruling.share)
        if step == len(journal.spec.ladder) - 1:
            return _unless_refused(journal, observed, Enter(phase=proven, reason=ruling.reason))
        if step > journal.step:
            return Enter(phase="canary", step=step, reason=ruling.reason)
    late = observed.now > journal.canary_since + journal.spec.deadline_seconds + grace(journal)
    if late or (ruling is not None and ruling.action == "inconclusive"):
        return _inconclusive(journal, Enter(phase=proven, reason="a person decided it"))
    return next_window(journal, observed)


def _inconclusive(journal: Journal, granted: Action) -> Action:
    """What follows when the deadline came before a proof."""
    measured = journal.ruling.reason if journal.ruling else "nothing was measured"
    if journal.spec.inconclusive == "ask":
        return questions.asked(journal, "inconclusive") or granted
    return Enter(phase="rolling_back", reason=f"inconclusive: {measured}")


def step_at(journal: Journal, share: float) -> int:
    """The highest step of the ladder that is not above a share."""
    return max((i for i, step in enumerate(journal.spec.ladder) if step <= share), default=-1)


def _unless_refused(journal: Journal, observed: ObservedState, granted: Action) -> Action:
    if journal.spec.approval != "before_promotion":
        return granted
    question = questions.asked(journal, "before_promotion")
    if isinstance(question, Wait) and journal.phase == "canary":
        return next_window(journal, observed)  # a candidate that serves is never left unwatched
    return question or granted


def _promoting(journal: Journal, observed: ObservedState, rules: DeliveryRules) -> Action:
    needed = rules.before_pointer(journal, observed)
    if needed is not None:
        return needed
    named = observed.pointer.version if observed.pointer else None
    before = journal.stable.version if journal.stable else None
    if named != journal.candidate.version:
        if named != before:
            moved = f"somebody moved the pointer from {before} to {named} during this release"
            return frozen(journal, moved, rules)
        return MovePointer(to="candidate")
    if "cdn" not in journal.marks:
        return until_seen_outside(journal, observed, "cdn", rules)
    return Enter(phase=rules.after["promoting"], reason=rules.promoted)


def _watching(journal: Journal, observed: ObservedState, rules: DeliveryRules) -> Action:
    strange = rules.strange(journal, observed)
    if strange:
        return Enter(phase="rolling_back", reason=strange)
    onward = rules.after["watching"]
    if journal.stable is None or journal.strategy == "direct":
        return Enter(phase=onward, reason="there is no earlier version to compare with")
    if has_control(journal):
        moved = rules.share(journal, observed, journal.spec.ladder[-1])
        if moved is not None:
            return moved
    watched = Enter(phase=onward, reason=f"watched for {journal.spec.watch_seconds} s")
    over = observed.now >= journal.phase_since + journal.spec.watch_seconds
    if not has_control(journal):
        return watched if over else Wait(seconds=POLL, why="watching the alarms")
    ruling = journal.ruling
    if ruling is not None and ruling.action == "promote":
        return watched.model_copy(update={"reason": ruling.reason})
    if questions.granted_by(journal, "inconclusive"):
        # Whoever let it go on without a proof is not asked again; the watch is as long as any.
        return watched if over else next_window(journal, observed)
    late = observed.now > journal.phase_since + journal.spec.watch_seconds + (
        journal.spec.deadline_seconds + grace(journal)
    )
    if late or (ruling is not None and ruling.action == "inconclusive"):
        return _inconclusive(journal, watched)
    return next_window(journal, observed)


def _retiring(journal: Journal, observed: ObservedState, rules: DeliveryRules) -> Action:
    needed = rules.retire(journal, observed)
    if needed is not None:
        return needed
    if "cleaned" not in journal.marks:
        return CleanUp()
    if "ledger" not in journal.marks:
        return Settle(outcome="released")
    return Finish(phase="done", verdict=proof(journal))


def next_window(journal: Journal, observed: ObservedState) -> Action:
    """Read the next window, or wait until it is complete."""
    ready = journal.judged_until + journal.spec.window_seconds + journal.spec.metrics_lag_seconds
    if observed.now >= ready:
        return Observe()
    return Wait(seconds=ready - observed.now, why="the next window is not told yet")


def grace(journal: Journal) -> float:
    """How long after the judge's own deadline ours comes, in seconds: for when no window comes."""
    return 5.0 * (journal.spec.window_seconds + journal.spec.metrics_lag_seconds)


_FORWARD = {
    "planned": _planned,
    "shadow": _prepared,
    "bring_up": _prepared,
    "health_check": _health_check,
    "canary": _canary,
    "promoting": _promoting,
    "watching": _watching,
    "retiring": _retiring,
}
