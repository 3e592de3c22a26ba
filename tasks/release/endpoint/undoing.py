"""The way back of an endpoint: its traffic, its pointer, its parts. Pure."""

from __future__ import annotations

from tasks.release.endpoint.deploying import NOTHING_SCALES, GivenUp, deploy
from tasks.release.journal.record import Arm, Journal
from tasks.release.machine import bounds
from tasks.release.machine.actions import (
    POLL,
    SOON,
    Action,
    Autoscale,
    DeleteEndpoint,
    MovePointer,
    PullAlarm,
    ReadLogs,
    SetWeights,
    Wait,
)
from tasks.release.machine.delivery import DeliveryRules
from tasks.release.machine.observed import ObservedState
from tasks.release.machine.undoing import NO_WAY_BACK, frozen, until_seen_outside


def restore(journal: Journal, observed: ObservedState, rules: DeliveryRules) -> Action | None:
    """See `delivery.DeliveryRules.restore`."""
    stuck = bounds.stuck(journal, observed)
    if stuck:
        return frozen(journal, stuck, rules)
    if journal.stable is None:
        return _first(journal, observed, rules)
    return _back(journal, observed, journal.stable, rules)


def _back(
    journal: Journal, observed: ObservedState, stable: Arm, rules: DeliveryRules
) -> Action | None:
    traffic = _traffic(journal, observed, stable, rules)
    if traffic is not None:
        return traffic
    pointer = _pointer(journal, observed, stable, rules)
    if pointer is not None:
        return pointer
    if _judged(journal) and "logs" not in journal.marks:
        return ReadLogs()  # before its containers are gone
    if "scaling" in journal.marks and journal.marks["scaling"] != "stable":
        return Autoscale(arms=("stable",))  # a scaled variant cannot be removed
    step = deploy(journal, observed, "stable", tries=3)
    return frozen(journal, step.reason, rules) if isinstance(step, GivenUp) else step


def _traffic(
    journal: Journal, observed: ObservedState, stable: Arm, rules: DeliveryRules
) -> Action | None:
    """Bring every request to the stable version; None when that is so."""
    endpoint = observed.endpoint
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
    if _candidate_scales(journal):
        return Autoscale(arms=())  # a scaled variant cannot be removed
    step = deploy(journal, observed, "stable", tries=3)
    return frozen(journal, step.reason, rules) if isinstance(step, GivenUp) else step


def _candidate_scales(journal: Journal) -> bool:
    """Whether the variant that has to go may be a scalable target."""
    before = "candidate" if journal.kind == "rollback" else NOTHING_SCALES
    return journal.serving.autoscaling is not None and "candidate" in journal.marks.get(
        "scaling", before
    )


def _judged(journal: Journal) -> bool:
    """Whether it goes because it was found wanting."""
    return journal.kind == "release" and not journal.unjudged


def _pointer(
    journal: Journal, observed: ObservedState, stable: Arm, rules: DeliveryRules
) -> Action | None:
    if observed.unreadable:
        return frozen(
            journal, f"the endpoint serves {stable.version}, but {observed.unreadable}", rules
        )
    named = observed.pointer.version if observed.pointer else None
    if named == journal.candidate.version:
        return MovePointer(to="stable")
    if named not in {None, stable.version}:
        return frozen(journal, f"the pointer names {named}, a third version", rules)
    moved_back = (
        observed.pointer is not None
        and observed.pointer.rollback
        and observed.pointer.previous == journal.candidate.version
    )
    if (moved_back or "cdn" in journal.marks) and "cdn_back" not in journal.marks:
        return until_seen_outside(journal, observed, "cdn_back", rules)
    return None


def _first(journal: Journal, observed: ObservedState, rules: DeliveryRules) -> Action | None:
    """A first version has no way back: it is taken down, if nobody was told of it yet."""
    if observed.unreadable:
        return frozen(journal, observed.unreadable, rules)
    if observed.pointer is not None and observed.pointer.version == journal.candidate.version:
        return frozen(journal, NO_WAY_BACK, rules)
    if _judged(journal) and "logs" not in journal.marks:
        return ReadLogs()
    if journal.marks.get("scaling", NOTHING_SCALES) != NOTHING_SCALES:
        return Autoscale(arms=())
    endpoint = observed.endpoint
    if endpoint is not None:
        if endpoint.busy:
            return Wait(seconds=POLL, why=f"the endpoint is {endpoint.status}")
        return DeleteEndpoint()
    return None
