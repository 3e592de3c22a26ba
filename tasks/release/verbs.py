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
from tasks.release.deliveries import delivery_of
from tasks.release.desk import Desk
from tasks.release.journal.holding import current, kept, mine
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
    desk: Desk, model: str, version: str, actor: str, reason: str, *, direct: bool = False
) -> Journal:
    """Begin to put a version before users, or go on with a release of it that lost its owner.

    Args:
        desk: What to work with.
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
    spec = desk.spec(model)
    waited_until = desk.clock.now() + spec.release.deadline_seconds
    heir_until = desk.clock.now() + desk.lease_seconds
    undone_until = desk.clock.now() + UNDONE_LEASES * desk.lease_seconds
    while True:
        try:
            return starting.begin(desk, model, version, actor, reason, direct=direct)
        except ReleaseInProgress:
            now = desk.clock.now()
            heir = now < undone_until and starting.inherits(desk, model, version, heir_until)
            if not heir and (spec.release.when_busy == "refuse" or now > waited_until):
                raise
            desk.clock.sleep(min(SHORT_SLEEP, desk.lease_seconds / 6.0))


def release_version(
    desk: Desk, model: str, version: str, actor: str, reason: str, *, direct: bool = False
) -> Journal:
    """Put a named version before users, from start to end; the ended journal."""
    begun = start_release(desk, model, version, actor, reason, direct=direct)
    return run(desk, model, release_id=begun.release_id)


def advance(desk: Desk, model: str, release_id: str | None = None) -> StepResult:
    """Do the next thing of the model's release, whatever it is.

    Args:
        desk: What to work with.
        model: Which model.
        release_id: The one that is meant: who slept for hours must not carry its successor.

    Raises:
        ReleaseError: there is no release.
        LeaseLost: another live actor owns it.
    """
    held = current(desk, model)
    if release_id not in {None, held.journal.release_id}:
        return StepResult(journal=kept(desk, model, str(release_id)), did="ended", ended=True)
    if held.journal.ended:
        desk.journals.archive(held.journal)
        return StepResult(journal=held.journal, did="ended", ended=True)
    held = mine(desk, held)
    try:
        delivery = delivery_of(held.journal.spec)
        seen = delivery.look(desk, held.journal)
        action = next_action(held.journal, seen, delivery.rules)
        before = held.journal.judged_until
        held = act(desk, held, action)
    except (AwsThrottled, AwsUnavailable) as error:
        return _troubled(desk, model, error)
    after = held.journal
    wake = 0.0
    if after.entries[-1].kind == "trouble":
        wake = min(SHORT_SLEEP, desk.lease_seconds / 3.0)
    elif isinstance(action, Wait):
        wake = min(action.seconds, desk.lease_seconds / 3.0)
    elif isinstance(action, Observe) and after.judged_until == before:
        wake = min(SHORT_SLEEP, after.spec.window_seconds / 2.0, desk.lease_seconds / 3.0)
    else:
        tries = after.tries.get(bounds.key_of(action), 0)
        wake = min(bounds.pause(tries), desk.lease_seconds / 3.0)
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


def follow(desk: Desk, model: str, release_id: str | None = None) -> StepResult:
    """Advance; while another actor owns the release, only look what they do.

    An outage in which not even the journal can be read or written is waited out: a run that gave
    up at the first silence would leave a good release to reconcile, which undoes it.

    Raises:
        AwsThrottled, AwsUnavailable: it outlasted so many tries.
    """
    for tried in range(PATIENT_TRIES):
        try:
            return _followed(desk, model, release_id)
        except (AwsThrottled, AwsUnavailable):
            desk.clock.sleep(min(2.0**tried, SHORT_SLEEP, desk.lease_seconds / 6.0))
    return _followed(desk, model, release_id)


def _followed(desk: Desk, model: str, release_id: str | None) -> StepResult:
    try:
        return advance(desk, model, release_id)
    except LeaseLost as error:
        journal = current(desk, model).journal
        return StepResult(
            journal=journal,
            did=f"Wait: {error.what}",
            ended=journal.ended,
            wake_in=desk.lease_seconds / 6.0,
            waiting_for=None,
        )


def run(
    desk: Desk, model: str, seconds: float | None = None, release_id: str | None = None
) -> Journal:
    """Advance until the release has ended, or for so many seconds of our clock."""
    until = None if seconds is None else desk.clock.now() + seconds
    while True:
        step = follow(desk, model, release_id)
        if step.ended or (until is not None and desk.clock.now() >= until):
            return step.journal
        desk.clock.sleep(step.wake_in)


def answer(
    desk: Desk, asked: Journal, gate: Gate, *, granted: bool, by: str, note: str = ""
) -> Journal:
    """Write a person's answer to a question of the release.

    Args:
        desk: What to work with.
        asked: The release that asked; a yes to it is no yes to one that began since.
        gate: Which question.
        granted: Whether the release may go on.
        by: Who answered.
        note: Why.

    Returns:
        The journal with the answer; for a no, as it ended when it was undone before.

    Raises:
        ReleaseError: nothing was asked, or a yes came when the release had ended.
    """
    model = asked.model
    for _ in range(PATIENT_TRIES):
        held = current(desk, model)
        journal = held.journal
        if journal.release_id != asked.release_id:
            journal = kept(desk, model, asked.release_id)
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
        told = question.model_copy(update={"granted": granted, "by": by, "note": note})
        line = JournalEntry(
            at=desk.clock.now(),
            actor=by,
            kind="note",
            action=gate,
            detail=f"{'granted' if granted else 'refused'}: {note}",
        )
        fresh = journal.noted(line, approvals={**journal.approvals, gate: told})
        try:
            return desk.journals.write(held, fresh).journal
        except LeaseLost:
            continue
    raise lost(journal)


def roll_back(
    desk: Desk, model: str, actor: str, reason: str, to_version: str | None = None
) -> Journal:
    """Put the stable version back, now; the same verb for the judge's owner, an alarm or a person.

    A release under way is taken over at once, whoever owns it, and undone. Afterwards, or when
    none is under way, ``to_version`` (by default the version before the one that serves) is
    deployed. Repeating it changes nothing: after a rollback, going back further needs a name.

    Raises:
        VersionUnknown: there is no version to go back to.
    """
    held = desk.journals.read(model)
    if held is not None and not held.journal.ended:
        _order(desk, model, actor, reason)
        ended = run(desk, model)
        if ended.phase != "rolled_back" or to_version in {None, _serving(desk, model)}:
            return ended
        held = desk.journals.read(model)
    begun = starting.begin_rollback(desk, held, model, actor, reason, to_version)
    return begun if begun.ended else run(desk, model)


def _serving(desk: Desk, model: str) -> str | None:
    pointer = desk.registry.pointer(model)
    return pointer.version if pointer else None


def _order(desk: Desk, model: str, actor: str, reason: str) -> None:
    """Write the wish to go back into a live journal, and take it over."""
    for _ in range(PATIENT_TRIES):
        held = current(desk, model)
        journal = held.journal
        if journal.ended:
            return
        now = desk.clock.now()
        changes = {}
        if journal.order is None and journal.phase != "rolling_back":
            changes["order"] = RollbackOrder(actor=actor, reason=reason, at=now)
        line = JournalEntry(at=now, actor=actor, kind="note", action="roll_back", detail=reason)
        try:
            write(desk, held, line, **changes)
        except LeaseLost:
            continue
        return
    raise lost(journal)


def _troubled(desk: Desk, model: str, error: AwsThrottled | AwsUnavailable) -> StepResult:
    """Note that AWS did not answer, and come again a little later."""
    held = mine(desk, current(desk, model))
    journal = held.journal
    line = JournalEntry(
        at=desk.clock.now(),
        actor=desk.owner,
        kind="trouble",
        action=error.code or type(error).__name__,
        detail=error.what,
    )
    held = write(desk, held, line, trouble=journal.trouble + 1)
    wake = min(desk.lease_seconds / 3.0, 2.0 ** min(journal.trouble, 5))
    return StepResult(journal=held.journal, did=f"trouble: {error.what}", ended=False, wake_in=wake)
