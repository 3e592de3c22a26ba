"""Doing one thing: write the intent, act, read back, write the outcome.

Every write is a compare-and-swap of the journal, so an actor that was overtaken stops at its next
write. Every act is safe to repeat, so an actor that takes over repeats what was begun.
"""

from __future__ import annotations

from typing import Any

from tasks.errors import AwsDenied, AwsRejected, RegistryError, ReleaseMismatch
from tasks.release import acts
from tasks.release.deliveries import delivery_of
from tasks.release.desk import Desk
from tasks.release.journal.record import Intent, JournalEntry
from tasks.release.machine import bounds
from tasks.release.machine.actions import Action, Enter, Finish, Observe, Wait, described, named
from tasks.release.ports import Held

REFUSALS = (AwsRejected, AwsDenied, ReleaseMismatch, RegistryError)
KEPT_REVISIONS = 400
"""Longest journal, in lines; the oldest lines about single windows go first."""


def write(desk: Desk, held: Held, entry: JournalEntry | None = None, **changes: Any) -> Held:
    """Write the journal with one more line, these changes, and the lease renewed.

    Raises:
        LeaseLost: somebody else wrote in the meantime.
    """
    renewed = {"owner": desk.owner, "lease_until": desk.clock.now() + desk.lease_seconds}
    journal = held.journal
    fresh = {**renewed, **changes}
    if entry is not None:
        fresh["entries"] = _kept(_with(journal.entries, entry))
    return desk.journals.write(held, journal.model_copy(update=fresh))


def _with(entries: tuple[JournalEntry, ...], entry: JournalEntry) -> tuple[JournalEntry, ...]:
    """One line more; a trouble that goes on is counted in its line."""
    last = entries[-1] if entries else None
    if last is None or entry.kind != "trouble" or not entry.repeats(last):
        return (*entries, entry)
    again = last.model_copy(update={"times": last.times + 1, "until": entry.at})
    return (*entries[:-1], again)


def act(desk: Desk, held: Held, action: Action) -> Held:
    """Carry out one action.

    Raises:
        LeaseLost: another actor took over; nothing more was written.
        AwsThrottled, AwsUnavailable: AWS did not answer; the intent stands, repeat later.
    """
    if isinstance(action, Wait):
        return held
    if isinstance(action, Enter):
        return _enter(desk, held, action)
    if isinstance(action, Finish):
        return _finish(desk, held, action)
    if isinstance(action, Observe):
        detail, changes = acts.observe(desk, held.journal)
        return write(desk, held, _line(desk, "outcome", action, detail), **changes)
    held = _intend(desk, held, action)
    try:
        detail, changes = acts.perform(desk, held.journal, action)
    except REFUSALS as error:
        key = delivery_of(held.journal.spec).rules.refused_as(held.journal, action)
        refused = {**held.journal.rejected, key: held.journal.rejected.get(key, 0) + 1}
        line = _line(desk, "trouble", action, f"refused: {error.what}")
        return write(desk, held, line, intent=None, rejected=refused)
    line = _line(desk, "outcome", action, detail)
    return write(desk, held, line, **{**_counted(held, action), **changes})


def _counted(held: Held, action: Action) -> dict[str, Any]:
    """What every act that was done changes: that it was done once more is counted."""
    key, tries = bounds.key_of(action), held.journal.tries
    return {"intent": None, "trouble": 0, "tries": {**tries, key: tries.get(key, 0) + 1}}


def _intend(desk: Desk, held: Held, action: Action) -> Held:
    name, detail = named(action), described(action)
    standing = held.journal.intent
    begun, line = desk.clock.now(), _line(desk, "intent", action, detail)
    if standing is not None and (standing.action, standing.detail) == (name, detail):
        begun = standing.at  # begun by an actor that died, or whose answer was lost
        if standing.owner == desk.owner:
            return write(desk, held)  # the line stands; the write proves that it still is ours
    intent = Intent(action=name, detail=detail, owner=desk.owner, at=begun)
    return write(desk, held, line, intent=intent)


def _enter(desk: Desk, held: Held, action: Enter) -> Held:
    journal = held.journal
    now = desk.clock.now()
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
        at=now, actor=desk.owner, kind="phase", action=action.phase, detail=action.reason
    )
    return write(desk, held, line, **changes)


def _finish(desk: Desk, held: Held, action: Finish) -> Held:
    now = desk.clock.now()
    line = JournalEntry(
        at=now, actor=desk.owner, kind="ended", action=action.phase, detail=action.verdict
    )
    held = write(
        desk,
        held,
        line,
        phase=action.phase,
        phase_since=now,
        ended_at=now,
        verdict=action.verdict,
        recovery=action.recovery,
        intent=None,
    )
    desk.journals.archive(held.journal)
    return held


def _line(desk: Desk, kind: Any, action: Action, detail: str) -> JournalEntry:
    return JournalEntry(
        at=desk.clock.now(), actor=desk.owner, kind=kind, action=named(action), detail=detail
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
