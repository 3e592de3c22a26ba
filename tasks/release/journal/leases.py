"""Who holds a release: leases in the journal."""

from __future__ import annotations

from tasks.errors import LeaseLost, ReleaseError
from tasks.release.actor import write
from tasks.release.context import ReleaseContext
from tasks.release.journal.record import Journal, JournalEntry
from tasks.release.ports import StoredJournal

RESOLUTION = 1.0
"""Seconds: HTTP tells time in whole ones."""


def remaining(context: ReleaseContext, stored: StoredJournal) -> float:
    """Seconds until the owner's lease runs out; negative once it has.

    By the store's clock, from the last write to this reading: a machine whose own clock is an hour
    ahead takes no living owner's release away. Where the store tells no time, and for what we wrote
    ourselves, by ours.
    """
    journal = stored.journal
    if stored.age is not None and journal.lease_seconds > 0.0:
        return journal.lease_seconds - max(0.0, stored.age - RESOLUTION)
    return journal.lease_until - context.clock.now()


def free(context: ReleaseContext, stored: StoredJournal) -> bool:
    """Whether the owner's lease has run out."""
    return remaining(context, stored) <= 0.0


def current(context: ReleaseContext, model: str) -> StoredJournal:
    """The model's journal.

    Raises:
        ReleaseError: there has never been a release.
    """
    stored = context.journals.read(model)
    if stored is None:
        raise ReleaseError(f"{model} has never been released.", "Start a release first.")
    return stored


def kept(context: ReleaseContext, model: str, release_id: str) -> Journal:
    """A release that another one has followed.

    Raises:
        ReleaseError: nothing is kept of it.
    """
    journal = context.journals.archived(model, release_id)
    if journal is None:
        raise ReleaseError(
            f"{model}: release {release_id} is neither the current one nor in the archive.",
            "Look at _releases/ in the registry's bucket for what became of it.",
        )
    return journal


def mine(context: ReleaseContext, stored: StoredJournal) -> StoredJournal:
    """The journal under our lease.

    Raises:
        LeaseLost: another owner's lease still runs.
    """
    journal = stored.journal
    now = context.clock.now()
    if journal.owner == context.owner:
        if remaining(context, stored) > context.lease_seconds / 2.0:
            return stored
        return write(context, stored)
    left = remaining(context, stored)
    if left > 0.0:
        raise LeaseLost(
            f"{journal.model}: release {journal.release_id} belongs to {journal.owner} for "
            f"another {left:.0f} s.",
            "Leave it to its owner, or call roll_back, which takes it over.",
        )
    line = JournalEntry(
        at=now,
        actor=context.owner,
        kind="note",
        action="take over",
        detail=f"the lease of {journal.owner} ran out {-left:.0f} s ago",
    )
    return write(context, stored, line)
