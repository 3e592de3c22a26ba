"""How often and how long one act is tried, and what is said when that is over. Pure.

No act is repeated for ever: each has a bound in tries or in time, with growing pauses, and after it
the release is in a decided state. Before the pointer names the candidate that is the way back;
where there is no way left, the release is frozen and people are told.
"""

from __future__ import annotations

from collections.abc import Container

from tasks.release.journal.record import Journal, JournalEntry
from tasks.release.machine.actions import Action, described, named
from tasks.release.machine.observed import ObservedState

MOST_REFUSALS = 5
"""Refusals of one act in one phase after which it is not tried again."""
MOST_TRIES = 10
"""How often one act may be done in one phase; done more often, it does not hold."""
MOST_TROUBLE = 30
"""Errors of AWS in a row after which an unproven candidate is taken back."""
LONGEST_OUTAGE = 7200.0
"""Seconds without one act that came to something, AWS answering with errors, until it is frozen."""
LONGEST_PAUSE = 20.0
UNSEEN_SECONDS = 1800.0
"""How long a move of the pointer may stay unseen outside: invalidations may take minutes."""
BUSY_SECONDS = 7200.0
"""Shortest bound, in seconds, on how long SageMaker may be busy before we call it stuck."""
GUARDRAIL_SECONDS = 28_800.0
"""SageMaker's own longest bound on an update that its guardrail watches."""

_ELSEWHERE = frozenset({"Invalidate", "Notify", "Observe"})
"""Acts that have bounds of their own: `undoing.until_seen_outside`, `notified`, the deadlines."""


def key_of(action: Action) -> str:
    """Under which key the tries of an act are counted in the present phase."""
    return f"{named(action)} {described(action)}".strip()


def pause(tries: int) -> float:
    """Seconds to wait after an act was done for the n-th time: none at first, then ever longer."""
    return 0.0 if tries < 2 else min(2.0 ** (tries - 1), LONGEST_PAUSE)  # noqa: PLR2004


def exhausted(journal: Journal, now: float, slow: Container[str]) -> str:
    """Which act is not tried any more in the present phase, and why; or "".

    Args:
        journal: The release.
        now: Unix time, seconds.
        slow: Acts that may hold only minutes after they were done
            (`delivery.DeliveryRules.slow`).
    """
    phase = journal.phase.replace("_", " ")
    for key, times in journal.rejected.items():
        where, _, name = key.partition(":")
        if where == journal.phase and times >= MOST_REFUSALS and name != "Notify":
            return f"AWS refused {name} {times} times while {phase}: {refusal_of(journal, name)}"
    for key, times in journal.tries.items():
        name, _, detail = key.partition(" ")
        if times < MOST_TRIES or name in _ELSEWHERE:
            continue
        if name not in slow or now > _first_intent(journal, name, detail) + UNSEEN_SECONDS:
            return f"{key} was done {times} times while {phase}, and did not hold"
    return ""


def _first_intent(journal: Journal, name: str, detail: str) -> float:
    intents = (
        e.at for e in journal.entries if (e.kind, e.action, e.detail) == ("intent", name, detail)
    )
    return next(intents, journal.started)


def refusal_of(journal: Journal, name: str) -> str:
    """What AWS said when it refused an act last."""
    for entry in reversed(journal.entries):
        if entry.kind == "trouble" and entry.action == name:
            return entry.detail.removeprefix("refused: ")
    return "it gave no reason"


def notified(journal: Journal, mark: str) -> bool:
    """Whether people were told, or cannot be: nobody's deafness keeps a release from ending."""
    refused = journal.rejected.get(f"{journal.phase}:Notify", 0) >= MOST_REFUSALS
    return mark in journal.marks or refused or journal.trouble >= MOST_TROUBLE


def waited(journal: Journal, now: float) -> float:
    """Seconds since anything came to something.

    The time in which its owner was dead does not count: nothing was tried then. It counts from the
    first observation of whoever took over.
    """
    since = journal.started
    taken: float | None = None
    for entry in reversed(journal.entries):
        if entry.kind in {"outcome", "phase", "started"}:
            since = entry.at
            break
        if _takes_over(entry):
            taken = entry.at
    return now - (taken if taken is not None else since)


def _takes_over(entry: JournalEntry) -> bool:
    return entry.kind == "note" and entry.action == "take over"


def busy_bound(journal: Journal) -> float:
    """How long SageMaker may be busy with one thing, in seconds."""
    builds = 2.0 * journal.serving.start_seconds + BUSY_SECONDS / 2.0
    guarded = GUARDRAIL_SECONDS if journal.strategy == "blue_green" else 0.0
    return max(BUSY_SECONDS, builds, guarded)


def stuck(journal: Journal, observed: ObservedState) -> str:
    """Why SageMaker is not waited for any longer, or ""."""
    endpoint, bound = observed.endpoint, busy_bound(journal)
    if endpoint is None or not endpoint.busy or waited(journal, observed.now) <= bound:
        return ""
    return f"SageMaker has been {endpoint.status} for over {bound:,.0f} s"


def silent(journal: Journal, observed: ObservedState) -> str:
    """Why an outage is not waited out any longer, or ""."""
    if journal.trouble < MOST_TROUBLE or waited(journal, observed.now) <= LONGEST_OUTAGE:
        return ""
    return f"AWS has answered with errors for over {LONGEST_OUTAGE:,.0f} s"
