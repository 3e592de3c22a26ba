"""The verbs of a release, usable without Prefect: start, advance, answer, roll back, reconcile."""

from __future__ import annotations

from tasks.errors import (
    AwsThrottled,
    AwsUnavailable,
    LeaseLost,
    ReleaseError,
    ReleaseInProgress,
)
from tasks.release import starting
from tasks.release.actor import act, write
from tasks.release.context import ReleaseContext
from tasks.release.deliveries import delivery_of
from tasks.release.journal.leases import current, kept, mine
from tasks.release.journal.record import Gate, Journal, JournalEntry, RollbackOrder, StepResult
from tasks.release.journal.store import lost
from tasks.release.machine import bounds
from tasks.release.machine.actions import Observe, Wait, described, named
from tasks.release.machine.transitions import next_action

SHORT_SLEEP = 10.0
PATIENT_TRIES = 20
UNDONE_LEASES = 10
"""How long, in leases, a run waits for reconcile to undo what its dead predecessor left."""


def start_release(
    context: ReleaseContext,
    model: str,
    version: str,
    actor: str,
    reason: str,
    *,
    direct: bool = False,
) -> Journal:
    """Begin to put a version before users, or go on with a release of it that lost its owner.

    Args:
        context: What to work with.
        model: Which model.
        version: Version in the registry.
        actor: Who wants it.
        reason: Why, in a sentence that people will read.
        direct: Skip the comparison with the stable version (by hand, for a version that has
            served before).

    Returns:
        The journal; an ended one when the version serves already.

    Raises:
        VersionUnknown: no such version.
        ReleaseInProgress: another release is under way (after waiting, where model.yaml says so).
        ReleaseFrozen: the last release ended in a mismatch.
        ReleaseMismatch: endpoint and pointer do not agree on what serves.
    """
    spec = context.spec(model)
    waited_until = context.clock.now() + spec.release.deadline_seconds
    heir_until = context.clock.now() + context.lease_seconds
    undone_until = context.clock.now() + UNDONE_LEASES * context.lease_seconds
    while True:
        try:
            return starting.begin(context, model, version, actor, reason, direct=direct)
        except ReleaseInProgress:
            now = context.clock.now()
            heir = now < undone_until and starting.inherits(context, model, version, heir_until)
            if not heir and (spec.release.when_busy == "refuse" or now > waited_until):
                raise
            context.clock.sleep(min(SHORT_SLEEP, context.lease_seconds / 6.0))


def release_version(
    context: ReleaseContext,
    model: str,
    version: str,
    actor: str,
    reason: str,
    *,
    direct: bool = False,
) -> Journal:
    """Put a named version before users, from start to end; the ended journal."""
    begun = start_release(context, model, version, actor, reason, direct=direct)
    return run(context, model, release_id=begun.release_id)


def advance(context: ReleaseContext, model: str, release_id: str | None = None) -> StepResult:
    """Do the next thing of the model's release, whatever it is.

    Args:
        context: What to work with.
        model: Which model.
        release_id: The one that is meant: who slept for hours must not carry its successor.

    Raises:
        ReleaseError: there is no release.
        LeaseLost: another live actor owns it.
    """
    stored = current(context, model)
    if release_id not in {None, stored.journal.release_id}:
        return StepResult(journal=kept(context, model, str(release_id)), did="ended", ended=True)
    if stored.journal.ended:
        context.journals.archive(stored.journal)
        return StepResult(journal=stored.journal, did="ended", ended=True)
    stored = mine(context, stored)
    try:
        delivery = delivery_of(stored.journal.spec)
        observed = delivery.observe(context, stored.journal)
        action = next_action(stored.journal, observed, delivery.rules)
        before = stored.journal.judged_until
        stored = act(context, stored, action)
    except (AwsThrottled, AwsUnavailable) as error:
        return _troubled(context, model, error)
    after = stored.journal
    wake = 0.0
    if after.entries[-1].kind == "trouble":
        wake = min(SHORT_SLEEP, context.lease_seconds / 3.0)
    elif isinstance(action, Wait):
        wake = min(action.seconds, context.lease_seconds / 3.0)
    elif isinstance(action, Observe) and after.judged_until == before:
        wake = min(SHORT_SLEEP, after.spec.window_seconds / 2.0, context.lease_seconds / 3.0)
    else:
        tries = after.tries.get(bounds.key_of(action), 0)
        wake = min(bounds.pause(tries), context.lease_seconds / 3.0)
    return StepResult(
        journal=after,
        did=f"{named(action)}: {described(action)}",
        ended=after.ended,
        wake_in=wake,
        waiting_for=_asked(after),
    )


def _asked(journal: Journal) -> Gate | None:
    """The question that people have been told of."""
    gate = None if journal.ended else journal.waiting_for
    return gate if gate is not None and f"notified:{gate}" in journal.marks else None


def follow(context: ReleaseContext, model: str, release_id: str | None = None) -> StepResult:
    """Advance; while another actor owns the release, only look what they do.

    An outage in which not even the journal can be read or written is waited out: a run that gave
    up at the first silence would leave a good release to reconcile, which undoes it.

    Raises:
        AwsThrottled, AwsUnavailable: it outlasted so many tries.
    """
    for tried in range(PATIENT_TRIES):
        try:
            return _followed(context, model, release_id)
        except (AwsThrottled, AwsUnavailable):
            context.clock.sleep(min(2.0**tried, SHORT_SLEEP, context.lease_seconds / 6.0))
    return _followed(context, model, release_id)


def _followed(context: ReleaseContext, model: str, release_id: str | None) -> StepResult:
    try:
        return advance(context, model, release_id)
    except LeaseLost as error:
        journal = current(context, model).journal
        return StepResult(
            journal=journal,
            did=f"Wait: {error.what}",
            ended=journal.ended,
            wake_in=context.lease_seconds / 6.0,
            waiting_for=None,
        )


def run(
    context: ReleaseContext, model: str, seconds: float | None = None, release_id: str | None = None
) -> Journal:
    """Advance until the release has ended, or for so many seconds of our clock."""
    until = None if seconds is None else context.clock.now() + seconds
    while True:
        step = follow(context, model, release_id)
        if step.ended or (until is not None and context.clock.now() >= until):
            return step.journal
        context.clock.sleep(step.wake_in)


def answer(
    context: ReleaseContext, release: Journal, gate: Gate, *, granted: bool, by: str, note: str = ""
) -> Journal:
    """Write a person's answer to a question of the release.

    Args:
        context: What to work with.
        release: The one that asked; a yes to it is no yes to one that began since.
        gate: Which question.
        granted: Whether the release may go on.
        by: Who answered.
        note: Why.

    Returns:
        The journal with the answer; for a no, as it ended when it was undone before.

    Raises:
        ReleaseError: nothing was asked, or a yes came when the release had ended.
    """
    model = release.model
    for _ in range(PATIENT_TRIES):
        stored = current(context, model)
        journal = stored.journal
        if journal.release_id != release.release_id:
            journal = kept(context, model, release.release_id)
        question = journal.approvals.get(gate)
        if question is None:
            raise ReleaseError(
                f"{model}: release {journal.release_id} ({journal.phase}) asks nothing ({gate}).",
                "Look at the journal for what it waits for.",
            )
        if journal.ended and granted:
            raise ReleaseError(
                f"{model}: release {journal.release_id} had ended ({journal.phase}) when {by} "
                f"let it go on ({gate}): {journal.verdict}",
                "Nothing was changed. Release the version again if it is still wanted.",
            )
        if journal.ended or question.granted is not None:
            return journal
        answered = question.model_copy(update={"granted": granted, "by": by, "note": note})
        line = JournalEntry(
            at=context.clock.now(),
            actor=by,
            kind="note",
            action=gate,
            detail=f"{'granted' if granted else 'refused'}: {note}",
        )
        fresh = journal.noted(line, approvals={**journal.approvals, gate: answered})
        try:
            return context.journals.write(stored, fresh).journal
        except LeaseLost:
            continue
    raise lost(journal)


def roll_back(
    context: ReleaseContext, model: str, actor: str, reason: str, to_version: str | None = None
) -> Journal:
    """Put the stable version back, now; the same verb for the judge's owner, an alarm or a person.

    A release under way is taken over at once, whoever owns it, and undone. Afterwards, or when
    none is under way, ``to_version`` (by default the version before the one that serves) is
    deployed. Repeating it changes nothing: after a rollback, going back further needs a name.

    Raises:
        VersionUnknown: there is no version to go back to.
    """
    stored = context.journals.read(model)
    if stored is not None and not stored.journal.ended:
        _order(context, model, actor, reason)
        ended = run(context, model)
        if ended.phase != "rolled_back" or to_version in {None, _serving(context, model)}:
            return ended
        stored = context.journals.read(model)
    begun = starting.begin_rollback(context, stored, model, actor, reason, to_version)
    return begun if begun.ended else run(context, model)


def _serving(context: ReleaseContext, model: str) -> str | None:
    pointer = context.registry.pointer(model)
    return pointer.version if pointer else None


def _order(context: ReleaseContext, model: str, actor: str, reason: str) -> None:
    """Write the wish to go back into a live journal, and take it over."""
    for _ in range(PATIENT_TRIES):
        stored = current(context, model)
        journal = stored.journal
        if journal.ended:
            return
        now = context.clock.now()
        changes = {}
        if journal.order is None and journal.phase != "rolling_back":
            changes["order"] = RollbackOrder(actor=actor, reason=reason, at=now)
        line = JournalEntry(at=now, actor=actor, kind="note", action="roll_back", detail=reason)
        try:
            write(context, stored, line, **changes)
        except LeaseLost:
            continue
        return
    raise lost(journal)


def _troubled(
    context: ReleaseContext, model: str, error: AwsThrottled | AwsUnavailable
) -> StepResult:
    """Note that AWS did not answer, and come again a little later."""
    stored = mine(context, current(context, model))
    journal = stored.journal
    line = JournalEntry(
        at=context.clock.now(),
        actor=context.owner,
        kind="trouble",
        action=error.code or type(error).__name__,
        detail=error.what,
    )
    stored = write(context, stored, line, trouble=journal.trouble + 1)
    wake = min(context.lease_seconds / 3.0, 2.0 ** min(journal.trouble, 5))
    return StepResult(
        journal=stored.journal, did=f"trouble: {error.what}", ended=False, wake_in=wake
    )
