"""The way back. Pure.

Order: move the traffic, then say so (pointer, CDN), then scale down. Nothing that could serve is
deleted before the stable version was read back as serving.
"""

from __future__ import annotations

from tasks.release.journal.record import Journal
from tasks.release.machine import bounds
from tasks.release.machine.actions import Action, CleanUp, Finish, Invalidate, Notify, Settle
from tasks.release.machine.delivery import DeliveryRules
from tasks.release.machine.observed import ObservedState

NO_WAY_BACK = "the first version has to go, and there is no earlier one to serve"
UNSEEN_TRIES = 10
"""How often a move is looked for outside at least, besides `bounds.UNSEEN_SECONDS`.

Both, since an owner that died for an hour has tried nothing in that hour.
"""


def undo(journal: Journal, observed: ObservedState, rules: DeliveryRules) -> Action:
    """The next act of a rollback."""
    over = bounds.exhausted(journal, observed.now, rules.slow) or bounds.silent(journal, observed)
    if over:
        return frozen(journal, over, rules)
    needed = rules.restore(journal, observed)
    if needed is not None:
        return needed
    if "cleaned" not in journal.marks:
        return CleanUp()
    return end(journal)


def frozen(journal: Journal, why: str, rules: DeliveryRules) -> Action:
    """End in a state that a person must look at, after telling them what to do."""
    recovery = rules.recovery(journal)
    if not bounds.notified(journal, "notified:frozen"):
        return Notify(
            mark="notified:frozen",
            subject=f"Frozen: {journal.model} {journal.candidate.version}",
            text=f"{why}. {recovery}",
        )
    return Finish(phase="mismatch", verdict=why, recovery=recovery)


def until_seen_outside(
    journal: Journal, observed: ObservedState, mark: str, rules: DeliveryRules
) -> Action:
    """Invalidate the CDN until it shows the pointer; frozen when it goes on not to."""
    tries = [
        entry.at
        for entry in journal.entries
        if (entry.kind, entry.action, entry.detail) == ("intent", "Invalidate", f"mark={mark}")
    ]
    if len(tries) >= UNSEEN_TRIES and observed.now > tries[0] + bounds.UNSEEN_SECONDS:
        return frozen(journal, "the CDN goes on serving an old latest.json", rules)
    return Invalidate(mark=mark)


def end(journal: Journal) -> Action:
    """What is left once the stable version serves: the history, the people, the end."""
    why = reason(journal)
    if "ledger" not in journal.marks:
        return Settle(outcome="published" if journal.unjudged else "rolled_back")
    if not bounds.notified(journal, "notified:rolled_back"):
        serves = journal.stable.version if journal.stable else "nothing"
        return Notify(
            mark="notified:rolled_back",
            subject=f"Rolled back: {journal.model} {journal.candidate.version}",
            text=f"{sentence(why)} {went(journal)} Now serving: {serves}.",
        )
    return Finish(phase="rolled_back", verdict=f"{sentence(why)} {went(journal)}")


def went(journal: Journal) -> str:
    """From where to where a rollback went, in a sentence."""
    if journal.stable is None:
        return "It was the first version: nothing serves, and everything made for it was removed."
    if journal.candidate.version == journal.stable.version:
        return f"{journal.stable.version} was put back."
    return f"From {journal.candidate.version} to {journal.stable.version}."


def sentence(text: str) -> str:
    """A text with a stop at its end."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def reason(journal: Journal) -> str:
    """Why the release is rolled back, as the journal has it."""
    for entry in reversed(journal.entries):
        if entry.kind == "phase" and entry.action == "rolling_back":
            return entry.detail
    return journal.reason
