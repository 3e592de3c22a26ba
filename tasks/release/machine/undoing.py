"""The way back. Pure.

Order: move the traffic, then say so (pointer, CDN), then scale down. Nothing that could serve is
deleted before the stable version was read back as serving.
"""

from __future__ import annotations

from tasks.release.journal.record import Arm, Journal
from tasks.release.machine import bounds
from tasks.release.machine.actions import (
    Action,
    Autoscale,
    CleanUp,
    DeleteEndpoint,
    Finish,
    Invalidate,
    MovePointer,
    Notify,
    PullAlarm,
    ReadLogs,
    Settle,
    SetWeights,
    Wait,
)
from tasks.release.machine.deploying import POLL, SOON, GivenUp, deploy
from tasks.release.machine.seen import ObservedState

TOLD_LINES = 3
"""How many of a container's last lines stand in a message; the page shows all that were read."""
UNSEEN_TRIES = 10
"""How often a move is looked for outside at least, besides `bounds.UNSEEN_SECONDS`.

Both, since an owner that died for an hour has tried nothing in that hour.
"""


def undo(journal: Journal, seen: ObservedState) -> Action:
    """The next act of a rollback."""
    over = given_up(journal, seen)
    if over:
        return frozen(journal, over)
    return _first(journal, seen) if journal.stable is None else _back(journal, seen, journal.stable)


def given_up(journal: Journal, seen: ObservedState) -> str:
    """Why the way back is not tried any longer, or ""."""
    return (
        bounds.exhausted(journal, seen.now)
        or bounds.silent(journal, seen)
        or bounds.stuck(journal, seen)
    )


def frozen(journal: Journal, why: str) -> Action:
    """End in a state that a person must look at, after telling them."""
    if not bounds.told(journal, "notified:frozen"):
        return Notify(
            mark="notified:frozen",
            subject=f"Frozen: {journal.model} {journal.candidate.version}",
            text=f"{why}. {recovery(journal)}",
        )
    return Finish(phase="mismatch", verdict=why, recovery=recovery(journal))


def until_seen_outside(journal: Journal, seen: ObservedState, mark: str) -> Action:
    """Invalidate the CDN until it shows the pointer; frozen when it goes on not to."""
    tries = [
        entry.at
        for entry in journal.entries
        if (entry.kind, entry.action, entry.detail) == ("intent", "Invalidate", f"mark={mark}")
    ]
    if len(tries) >= UNSEEN_TRIES and seen.now > tries[0] + bounds.UNSEEN_SECONDS:
        return frozen(journal, "the CDN goes on serving an old latest.json")
    return Invalidate(mark=mark)


def recovery(journal: Journal) -> str:
    """What a person has to do, in exact commands."""
    back = journal.stable.version if journal.stable else journal.candidate.version
    if journal.at_edge:
        return (
            f"Look at {journal.model}/latest.json in the registry and through the CDN. To serve "
            f"{back}: prefect deployment run 'rollback/manual' -p model={journal.model} "
            f"-p to_version={back} -p reason='<why>'. The rollback withdraws any rollout and ends "
            "the freeze."
        )
    return (
        f"Look: aws sagemaker describe-endpoint --endpoint-name {journal.endpoint}. "
        f"To serve {back}: prefect deployment run 'rollback/manual' -p model={journal.model} "
        f"-p to_version={back} -p reason='<why>'. The rollback repairs endpoint and pointer and "
        "ends the freeze."
    )


def _back(journal: Journal, seen: ObservedState, stable: Arm) -> Action:
    traffic = _traffic(journal, seen, stable)
    if traffic is not None:
        return traffic
    pointer = _pointer(journal, seen, stable)
    if pointer is not None:
        return pointer
    if _judged(journal) and "logs" not in journal.marks:
        return ReadLogs()  # before its containers are gone
    if "scaling" in journal.marks and journal.marks["scaling"] != "stable":
        return Autoscale(arms=("stable",))  # a scaled variant cannot be removed
    step = deploy(journal, seen, "stable", tries=3)
    if isinstance(step, GivenUp):
        return frozen(journal, step.reason)
    if step is not None:
        return step
    if "cleaned" not in journal.marks:
        return CleanUp()
    return end(journal)


def _traffic(journal: Journal, seen: ObservedState, stable: Arm) -> Action | None:
    """Bring every request to the stable version; None when that is so."""
    endpoint = seen.endpoint
    if endpoint is not None and endpoint.status == "Updating":
        guarded = journal.strategy == "blue_green" and "alarms" in journal.marks
        if guarded and "pulled" not in journal.marks:
            return PullAlarm()
        return Wait(seconds=SOON, why="the endpoint is Updating")
    if endpoint is not None and endpoint.busy:
        return Wait(seconds=SOON, why=f"the endpoint is {endpoint.status}")
    if endpoint is not None and endpoint.status == "InService":
        if endpoint.shares(stable.variant, 1.0):
            return None
        if stable.variant in endpoint.variants and journal.candidate.variant in endpoint.variants:
            return SetWeights(share=0.0)
    # Only the candidate is there, or nothing is: the stable version is brought up at once.
    step = deploy(journal, seen, "stable", tries=3)
    return frozen(journal, step.reason) if isinstance(step, GivenUp) else step


def _judged(journal: Journal) -> bool:
    """Whether it goes because it was found wanting."""
    return journal.kind == "release" and not journal.unjudged


def _pointer(journal: Journal, seen: ObservedState, stable: Arm) -> Action | None:
    if seen.unreadable:
        return frozen(journal, f"the endpoint serves {stable.version}, but {seen.unreadable}")
    named = seen.pointer.version if seen.pointer else None
    if named == journal.candidate.version:
        return MovePointer(to="stable")
    if named not in {None, stable.version}:
        return frozen(journal, f"the pointer names {named}, a third version")
    moved_back = (
        seen.pointer is not None
        and seen.pointer.rollback
        and seen.pointer.previous == journal.candidate.version
    )
    if (moved_back or "cdn" in journal.marks) and "cdn_back" not in journal.marks:
        return until_seen_outside(journal, seen, "cdn_back")
    return None


def _first(journal: Journal, seen: ObservedState) -> Action:
    """A first version has no way back: it is taken down, if nobody was told of it yet."""
    if seen.unreadable:
        return frozen(journal, seen.unreadable)
    if seen.pointer is not None and seen.pointer.version == journal.candidate.version:
        return frozen(journal, "the first version has to go, and there is no earlier one to serve")
    if _judged(journal) and "logs" not in journal.marks:
        return ReadLogs()
    if journal.marks.get("scaling", "none") != "none":
        return Autoscale(arms=())
    endpoint = seen.endpoint
    if endpoint is not None:
        if endpoint.busy:
            return Wait(seconds=POLL, why=f"the endpoint is {endpoint.status}")
        return DeleteEndpoint()
    if "cleaned" not in journal.marks:
        return CleanUp()
    return end(journal)


def end(journal: Journal) -> Action:
    """What is left once the stable version serves: the ledger, the people, the end."""
    why = reason(journal)
    if "ledger" not in journal.marks:
        return Settle(fate="published" if journal.unjudged else "rolled_back")
    if not bounds.told(journal, "notified:rolled_back"):
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


def container_said(journal: Journal) -> str:
    """The last lines of the candidate's container, as a part of a sentence."""
    lines = [line.strip() for line in journal.marks.get("logs", "").splitlines()]
    said = " / ".join(line.rstrip(".") for line in lines[-TOLD_LINES:] if line)
    return f" (its container wrote last: {said})" if said else ""


def reason(journal: Journal) -> str:
    """Why the release is rolled back, as the journal has it."""
    for entry in reversed(journal.entries):
        if entry.kind == "phase" and entry.action == "rolling_back":
            return entry.detail
    return journal.reason
