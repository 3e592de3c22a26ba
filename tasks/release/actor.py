"""Doing one thing: write the intent, act, read back, write the outcome.

Every write is a compare-and-swap of the journal, so an actor that was overtaken stops at its next
write. Every act is safe to repeat, so an actor that takes over repeats what was begun.
"""

from __future__ import annotations

from typing import Any

from tasks.errors import AwsDenied, AwsRejected, RegistryError, ReleaseMismatch
from tasks.release import acts
from tasks.release.context import ReleaseContext
from tasks.release.deliveries import delivery_of
from tasks.release.journal.record import Intent, JournalEntry
from tasks.release.machine import bounds
from tasks.release.machine.actions import Action, Enter, Finish, Observe, Wait, described, named
from tasks.release.ports import StoredJournal

REFUSALS = (AwsRejected, AwsDenied, ReleaseMismatch, RegistryError)
KEPT_REVISIONS = 400
"""Longest journal, in lines; the oldest lines about single windows go first."""


def write(
    context: ReleaseContext,
    stored: StoredJournal,
    entry: JournalEntry | None = None,
    **changes: Any,
) -> StoredJournal:
    """Write the journal with one more line, these changes, and the lease renewed.

    Raises:
        LeaseLost: somebody else wrote in the meantime.
    """
    renewed = {
        "owner": context.owner,
        "lease_until": context.clock.now() + context.lease_seconds,
        "lease_seconds": context.lease_seconds,
    }
    journal = stored.journal
    fresh = {**renewed, **changes}
    if entry is not None:
        fresh["entries"] = _kept(_with(journal.entries, entry))
    return context.journals.write(stored, journal.model_copy(update=fresh))


def _with(entries: tuple[JournalEntry, ...], entry: JournalEntry) -> tuple[JournalEntry, ...]:
    """One line more; a trouble that goes on is counted in its line."""
    last = entries[-1] if entries else None
    if last is None or entry.kind != "trouble" or not entry.repeats(last):
        return (*entries, entry)
    again = last.model_copy(update={"times": last.times + 1, "until": entry.at})
    return (*entries[:-1], again)


def act(context: ReleaseContext, stored: StoredJournal, action: Action) -> StoredJournal:
    """Carry out one action.

    Raises:
        LeaseLost: another actor took over; nothing more was written.
        AwsThrottled, AwsUnavailable: AWS did not answer; the intent stands, repeat later.
    """
    if isinstance(action, Wait):
        return stored
    if isinstance(action, Enter):
        return _enter(context, stored, action)
    if isinstance(action, Finish):
        return _finish(context, stored, action)
    if isinstance(action, Observe):
        detail, changes = acts.observe(context, stored.journal)
        return write(context, stored, _line(context, "outcome", action, detail), **changes)
    stored = _intend(context, stored, action)
    try:
        detail, changes = acts.perform(context, stored.journal, action)
    except REFUSALS as error:
        key = delivery_of(stored.journal.spec).rules.refused_as(stored.journal, action)
        refused = {**stored.journal.rejected, key: stored.journal.rejected.get(key, 0) + 1}
        line = _line(context, "trouble", action, f"refused: {error.what}")
        return write(context, stored, line, intent=None, rejected=refused)
    line = _line(context, "outcome", action, detail)
    return write(context, stored, line, **{**_counted(stored, action), **changes})


def _counted(stored: StoredJournal, action: Action) -> dict[str, Any]:
    """What every act that was done changes: that it was done once more is counted."""
    key, tries = bounds.key_of(action), stored.journal.tries
    return {"intent": None, "trouble": 0, "tries": {**tries, key: tries.get(key, 0) + 1}}


def _intend(context: ReleaseContext, stored: StoredJournal, action: Action) -> StoredJournal:
    name, detail = named(action), described(action)
    standing = stored.journal.intent
    begun, line = context.clock.now(), _line(context, "intent", action, detail)
    if standing is not None and (standing.action, standing.detail) == (name, detail):
        begun = standing.at  # begun by an actor that died, or whose answer was lost
        if standing.owner == context.owner:
            return write(context, stored)  # the line stands; the write proves that it still is ours
    intent = Intent(action=name, detail=detail, owner=context.owner, at=begun)
    return write(context, stored, line, intent=intent)


def _enter(context: ReleaseContext, stored: StoredJournal, action: Enter) -> StoredJournal:
    journal = stored.journal
    now = context.clock.now()
    changes: dict[str, Any] = {
        "phase": action.phase,
        "phase_since": now,
        "intent": None,
        "tries": {},
    }
    if action.phase == "canary":
        changes["step"] = action.step
        changes["phase_since"] = now if journal.phase != "canary" else journal.phase_since
        if journal.canary_since == 0.0:
            changes["canary_since"] = now
    if action.phase in {"shadow", "canary"} and journal.judged_until == 0.0:
        changes["judged_until"] = acts.first_window(journal, now)
    line = JournalEntry(
        at=now, actor=context.owner, kind="phase", action=action.phase, detail=action.reason
    )
    return write(context, stored, line, **changes)


def _finish(context: ReleaseContext, stored: StoredJournal, action: Finish) -> StoredJournal:
    now = context.clock.now()
    line = JournalEntry(
        at=now, actor=context.owner, kind="ended", action=action.phase, detail=action.verdict
    )
    stored = write(
        context,
        stored,
        line,
        phase=action.phase,
        phase_since=now,
        ended_at=now,
        verdict=action.verdict,
        recovery=action.recovery,
        intent=None,
    )
    context.journals.archive(stored.journal)
    return stored


def _line(context: ReleaseContext, kind: Any, action: Action, detail: str) -> JournalEntry:
    return JournalEntry(
        at=context.clock.now(), actor=context.owner, kind=kind, action=named(action), detail=detail
    )


def _kept(entries: tuple[JournalEntry, ...]) -> tuple[JournalEntry, ...]:
    """The entries, without the oldest lines about single windows when there are too many."""
    surplus = len(entries) - KEPT_REVISIONS
    if surplus <= 0:
        return entries
    kept: list[JournalEntry] = []
    for entry in entries:
        if surplus > 0 and entry.action == "Observe":
            surplus -= 1
            continue
        kept.append(entry)
    return tuple(kept)
