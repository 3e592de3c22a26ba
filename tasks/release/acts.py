"""The acts of every release: each does one thing, reads it back, and says what to write down.

Those that differ from delivery to delivery are asked of it first.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch
from typing import Any

from tasks.errors import ReleaseMismatch
from tasks.release.context import ReleaseContext
from tasks.release.deliveries import delivery_of
from tasks.release.delivery import Outcome
from tasks.release.journal.record import ApprovalQuestion, Arm, Journal, Point
from tasks.release.machine import actions
from tasks.release.machine.undoing import reason as undo_reason
from tasks.release.observation import outside, windows

MOST_POINTS = 600


def perform(context: ReleaseContext, journal: Journal, action: actions.Action) -> Outcome:
    """Do one thing; the sentence and the changes for the journal.

    Raises:
        AwsRejected, ReleaseMismatch: AWS refuses, or holds something else under the name.
        AwsThrottled, AwsUnavailable: AWS did not answer.
    """
    done = delivery_of(journal.spec).perform(context, journal, action)
    return _perform(action, context, journal) if done is None else done


@singledispatch
def _perform(action: object, _context: ReleaseContext, _journal: Journal) -> Outcome:
    raise TypeError(f"{type(action).__name__} is not an act")


@_perform.register
def _(_: actions.CreateAlarms, context: ReleaseContext, journal: Journal) -> Outcome:
    detail = context.cloud.create_alarms(delivery_of(journal.spec).alarms(journal))
    return detail, _mark(journal, "alarms", "created")


@_perform.register
def _(action: actions.MovePointer, context: ReleaseContext, journal: Journal) -> Outcome:
    target, other = journal.candidate, journal.stable
    why = f"Release {journal.release_id} ({journal.reason})"
    actor = journal.actor
    if action.to == "stable":
        target, other = _arm(journal, "stable"), journal.candidate
        why = undo_reason(journal)
        actor = journal.order.actor if journal.order else journal.actor
    pointer = context.registry.move_pointer(
        journal.model,
        target.version,
        expected=other.version if other else None,
        actor=actor,
        reason=why,
        rollback=action.to == "stable",
        sealed=target.manifest,
    )
    return f"latest.json names {pointer.version} (before: {pointer.previous})", {}


@_perform.register
def _(action: actions.Invalidate, context: ReleaseContext, journal: Journal) -> Outcome:
    pointer = context.registry.pointer(journal.model)
    if pointer is None:
        raise ReleaseMismatch("There is no pointer to invalidate.", "Look who deleted it.")
    detail = context.registry.invalidate(pointer)
    if not outside.shown(context, pointer):
        return f"{detail}; the CDN does not show it yet", {}
    detail = f"{detail}; {outside.visibility(context)}"
    return detail, _mark(journal, action.mark, detail)


@_perform.register
def _(action: actions.Ask, context: ReleaseContext, journal: Journal) -> Outcome:
    now = context.clock.now()
    question = ApprovalQuestion(asked=now, until=now + journal.spec.approval_seconds)
    return action.gate, {"approvals": {**journal.approvals, action.gate: question}}


@_perform.register
def _(action: actions.Settle, context: ReleaseContext, journal: Journal) -> Outcome:
    which = journal.candidate
    if not which.identity:
        return "the version has no identity", _mark(journal, "ledger", "none")
    why = journal.reason if action.outcome == "released" else undo_reason(journal)
    context.registry.record(
        journal.model,
        which.identity,
        action.outcome,
        actor=journal.order.actor if journal.order else journal.actor,
        reason=why,
        version=which.version,
    )
    return f"{which.version}: {action.outcome}", _mark(journal, "ledger", action.outcome)


@_perform.register
def _(action: actions.Notify, context: ReleaseContext, journal: Journal) -> Outcome:
    detail = context.people.tell(action.subject, action.text)
    return detail, _mark(journal, action.mark, detail)


def first_window(journal: Journal, now: float) -> float:
    """Where judging begins."""
    return windows.start_of(
        now, float(journal.spec.window_seconds), float(journal.spec.metrics_lag_seconds)
    )


def observe(context: ReleaseContext, journal: Journal) -> Outcome:
    """Read the windows that are due, keep them, and let the judge fold them."""
    spec = journal.spec
    spans = windows.due(
        journal.judged_until or first_window(journal, context.clock.now()),
        context.clock.now(),
        float(spec.window_seconds),
        float(spec.metrics_lag_seconds),
    )
    complete = context.feed.read(journal, spans, delivery_of(journal.spec).queries(journal))
    if not complete:
        return "no window is told in full yet", {"trouble": 0}
    steady = [w for w in complete if windows.steady((w["t0"], w["t1"]), journal.moves)]
    kept = [context.journals.keep_window(journal, window) for window in steady]
    state, ruling, points = context.analysis.analyse(journal, kept)
    left_out = len(complete) - len(kept)
    detail = f"{len(kept)} windows: {ruling.reason}"
    if left_out:
        detail += f" ({left_out} left out: the shares moved in them)"
    return detail, {
        "judge_state": state,
        "ruling": ruling,
        "timeline": _thinned((*journal.timeline, *points)),
        "judged_until": float(complete[-1]["t1"]),
        "trouble": 0,
    }


def _thinned(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """At most so many points: of the older half every second one goes."""
    if len(points) <= MOST_POINTS:
        return points
    half = len(points) // 2
    return (*points[:half:2], *points[half:])


def _mark(journal: Journal, mark: str, value: str) -> Mapping[str, Any]:
    return {"marks": {**journal.marks, mark: value}}


def _arm(journal: Journal, which: str) -> Arm:
    if which == "candidate":
        return journal.candidate
    if journal.stable is None:
        raise ReleaseMismatch(
            f"{journal.model}: a first version has no stable arm.", "This is a fault in Sluice."
        )
    return journal.stable
