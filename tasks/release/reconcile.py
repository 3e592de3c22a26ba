"""Finishing or undoing what a dead owner left, and noticing what nobody did."""

from __future__ import annotations

from collections.abc import Callable

from tasks.errors import LeaseLost
from tasks.release.actor import write
from tasks.release.context import ReleaseContext
from tasks.release.deliveries import delivery_of
from tasks.release.journal.leases import free, remaining
from tasks.release.journal.record import (
    BEFORE_POINTER,
    RECONCILE,
    Journal,
    JournalEntry,
    Report,
    RollbackOrder,
)
from tasks.release.observation.state import pointer_of
from tasks.release.ports import StoredJournal
from tasks.release.verbs import advance
from tasks.values import Pointer


def fell_silent(owner: str) -> str:
    """What became of an owner of whom nothing more is known."""
    return f"its owner {owner} fell silent"


def reconcile(
    context: ReleaseContext,
    model: str,
    seconds: float = 50.0,
    owner_state: Callable[[str], str] = fell_silent,
) -> Report:
    """Look after one model once.

    A release whose owner is silent is undone as long as the pointer does not name the candidate,
    and finished from then on. One that waits for a person goes on being watched, and is undone
    when nobody answers in time.

    Args:
        context: What to work with.
        model: Which model.
        seconds: Longest stay, in seconds of our clock; the next call goes on.
        owner_state: What became of an owner, as a sentence without a stop; who knows more than that
            it is silent (a person cancelled its run) says so.
    """
    stored = context.journals.read(model)
    if stored is not None and stored.journal.ended:
        context.journals.archive(stored.journal)
    report = _report(context, model, stored)
    if stored is None or report.state != "left":
        return report
    try:
        stored = _take(context, stored, owner_state(stored.journal.owner))
        return _work(context, stored.journal, seconds)
    except LeaseLost as error:
        return report.model_copy(update={"state": "alive", "detail": error.what})


def status(context: ReleaseContext, model: str, *, audit: bool = True) -> Report:
    """What ``reconcile`` would meet, without touching it.

    Args:
        context: What to work with.
        model: Which model.
        audit: Whether to ask AWS if what serves is still what the last release left.

    Returns:
        ``left`` when a release has no living owner, ``frozen`` or ``drifted`` when a person is
        needed, ``alive`` or ``nothing`` when there is nothing to do.
    """
    return _report(context, model, context.journals.read(model), audit=audit)


def _report(
    context: ReleaseContext, model: str, stored: StoredJournal | None, *, audit: bool = True
) -> Report:
    if stored is None:
        return Report(model=model, state="nothing", detail="never released")
    journal = stored.journal
    if journal.ended:
        ended = f"the last release is {journal.phase}"
        if not audit:
            return Report(model=model, state="nothing", detail=ended)
        return _audit(context, journal)
    at_work = not free(context, stored) and journal.owner != context.owner
    doing = "is at work on" if at_work else "has left"
    return Report(
        model=model,
        state="alive" if at_work else "left",
        detail=f"{journal.owner} {doing} {journal.candidate.version} ({journal.phase})",
        release_id=journal.release_id,
    )


def must_undo(journal: Journal, pointer: Pointer | None, now: float) -> bool:
    """Whether a release without an owner is undone rather than finished. Pure.

    The pointer's move is the commit: before it, undo; after it, finish. A question that may still
    be answered keeps the release as it is.
    """
    if journal.phase not in {*BEFORE_POINTER, "promoting"}:
        return False
    if pointer is not None and pointer.version == journal.candidate.version:
        return False
    gate = journal.waiting_for
    return gate is None or now > journal.approvals[gate].until


def _take(context: ReleaseContext, stored: StoredJournal, ending: str) -> StoredJournal:
    journal, now = stored.journal, context.clock.now()
    changes = {}
    what = "finish"
    pointer, _ = pointer_of(context, journal.model)
    if must_undo(journal, pointer, now) and journal.order is None:
        what = "undo"
        where = journal.phase.replace("_", " ")
        changes["order"] = RollbackOrder(actor=RECONCILE, reason=f"{ending} in {where}", at=now)
    if journal.waiting_for and what == "finish":
        what = "watch while a person decides"
    line = JournalEntry(
        at=now,
        actor=context.owner,
        kind="note",
        action="take over",
        detail=f"{ending}; its lease ran out {-remaining(context, stored):.0f} s ago: {what}",
    )
    return write(context, stored, line, **changes)


def _work(context: ReleaseContext, journal: Journal, seconds: float) -> Report:
    did: list[str] = []
    until = context.clock.now() + seconds
    while True:
        step = advance(context, journal.model)
        did.append(step.did)
        if step.ended or context.clock.now() + step.wake_in >= until:
            break
        context.clock.sleep(step.wake_in)
    after = step.journal
    if not after.ended:
        _let_go(context, after.model)
    states = {"done": "finished", "rolled_back": "undone", "mismatch": "frozen"}
    state = states.get(after.phase) or ("waiting" if after.waiting_for else "ongoing")
    return Report.model_validate(
        {
            "model": after.model,
            "state": state,
            "detail": after.verdict or f"{after.phase}: {did[-1]}",
            "release_id": after.release_id,
            "did": tuple(line for line in did if not line.startswith("Wait")),
        }
    )


def _let_go(context: ReleaseContext, model: str) -> None:
    """End our lease, so that the next to come (or a person's flow) need not wait for it."""
    stored = context.journals.read(model)
    if stored is None or stored.journal.ended or stored.journal.owner != context.owner:
        return
    ended = {"lease_until": context.clock.now(), "lease_seconds": 0.0}
    free_now = stored.journal.model_copy(update=ended)
    context.journals.write(stored, free_now)


def _audit(context: ReleaseContext, journal: Journal) -> Report:
    """Whether what serves is still what the last release left."""
    base = {"model": journal.model, "release_id": journal.release_id}
    if journal.phase == "mismatch":
        return Report(state="frozen", detail=f"{journal.verdict}. {journal.recovery}", **base)
    pointer = context.registry.pointer(journal.model)
    drifted = delivery_of(journal.spec).drift(context, journal, pointer)
    if drifted:
        return Report(state="drifted", detail=drifted, **base)
    return Report(state="nothing", detail=f"the last release is {journal.phase}", **base)
