"""What the phases of a release mean where users' own devices answer. Pure.

planned → health_check → canary(k) → watching → promoting → retiring → done, or back from any::

    canary     the pointer names the stable version, and shows the candidate to ladder[k] of users
    watching   the same, at the last share: the rest of the users are the control
    promoting  the pointer names the candidate, for everybody

Other than on an endpoint, the watch comes before the pointer names the candidate: a client that
knows nothing of rollouts gets only what was proven, and the control stays alive until then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from tasks.release.edge import plan
from tasks.release.edge.plan import known, rollout_of
from tasks.release.journal.record import Journal, Phase
from tasks.release.machine.actions import (
    Action,
    CreateAlarms,
    Enter,
    MovePointer,
    SetWeights,
)
from tasks.release.machine.delivery import DeliveryRules
from tasks.release.machine.observed import ObservedState
from tasks.release.machine.plan import Facts
from tasks.release.machine.questions import how
from tasks.release.machine.undoing import NO_WAY_BACK, frozen, until_seen_outside


class EdgeRules(DeliveryRules):
    """See `tasks.release.machine.delivery.DeliveryRules`."""

    after: ClassVar[Mapping[Phase, Phase]] = {
        "canary": "watching",
        "watching": "promoting",
        "promoting": "retiring",
    }
    slow = frozenset({"SetWeights"})  # a share holds once the CDN shows it
    healthy = "the candidate's files are sound"
    promoted = "everybody is told of the candidate"

    opened = staticmethod(plan.opened)

    def serves(self, _facts: Facts) -> bool:
        """Clients follow the pointer; there is nothing else that could be down."""
        return True

    def serves_alone(self, facts: Facts, version: str) -> bool:
        """The pointer names it, and shows no candidate beside it."""
        pointer = facts.pointer
        return pointer is not None and pointer.version == version and pointer.rollout is None

    def prepare(self, journal: Journal, _observed: ObservedState) -> Action:
        """Nothing: the bundle lies where clients will read it."""
        return Enter(phase="health_check", reason=how(journal))

    def strange(self, journal: Journal, observed: ObservedState) -> str:
        """The pointer is neither what the release wrote last nor the step it was taking."""
        pointer = observed.pointer
        named = pointer.version if pointer else None
        before = journal.stable.version if journal.stable else None
        if named != before:
            return f"somebody moved the pointer from {before} to {named} during this release"
        if pointer is None or pointer == known(journal):
            return ""
        # A step that was taken, but not written down: its actor died, or its answer was lost.
        rollout, next_step = pointer.rollout, journal.wanted
        if journal.phase == "watching":
            next_step = journal.spec.ladder[-1]
        if rollout_of(journal, next_step).deals_as(rollout):
            return ""
        who = f"{pointer.actor}: {pointer.reason}"
        return f"somebody changed the pointer during this release ({who})"

    def unhealthy(self, _journal: Journal, why: str) -> Action:
        """There are no containers whose last words could explain it."""
        return Enter(phase="rolling_back", reason=why)

    def guard(self, journal: Journal) -> Action | None:
        """The alarms, before the candidate is shown to anybody."""
        return None if "alarms" in journal.marks else CreateAlarms()

    def share(self, journal: Journal, _observed: ObservedState, share: float) -> Action | None:
        """The percentage in the pointer; it only grows.

        Shown to nobody at first: it is the rollout that makes clients tell of both versions.
        """
        if journal.moves and share <= journal.share:
            return None
        return SetWeights(share=share)

    def before_pointer(self, journal: Journal, observed: ObservedState) -> Action | None:
        """Nobody else has written the pointer."""
        if observed.pointer is not None and observed.pointer.version == journal.candidate.version:
            return None
        strange = self.strange(journal, observed)
        return frozen(journal, strange, self) if strange else None

    def retire(self, journal: Journal, observed: ObservedState) -> Action | None:
        """Nothing: with the pointer the candidate serves alone."""
        named = observed.pointer.version if observed.pointer else None
        if named == journal.candidate.version:
            return None
        return frozen(journal, f"the pointer names {named}, not {journal.candidate.version}", self)

    def restore(self, journal: Journal, observed: ObservedState) -> Action | None:
        """The pointer names the stable version alone, and clients are told so."""
        if observed.unreadable:
            return frozen(journal, observed.unreadable, self)
        back = None if journal.stable is None else journal.stable.version
        named = observed.pointer.version if observed.pointer else None
        if named == journal.candidate.version and back is None:
            return frozen(journal, NO_WAY_BACK, self)
        if named not in {back, journal.candidate.version}:
            return frozen(journal, f"the pointer names {named}, a third version", self)
        if back is None:
            return None
        if named == journal.candidate.version or _shows(journal, observed):
            return MovePointer(to="stable")
        moved = observed.pointer is not None and observed.pointer.rollback
        if moved and "cdn_back" not in journal.marks:
            return until_seen_outside(journal, observed, "cdn_back", self)
        return None

    def recovery(self, journal: Journal) -> str:
        """Look at the pointer on both sides of the CDN, roll back by hand."""
        back = journal.stable.version if journal.stable else journal.candidate.version
        return (
            f"Look at {journal.model}/latest.json in the registry and through the CDN. To serve "
            f"{back}: prefect deployment run 'rollback/manual' -p model={journal.model} "
            f"-p to_version={back} -p reason='<why>'. The rollback withdraws any rollout and ends "
            "the freeze."
        )


def _shows(journal: Journal, observed: ObservedState) -> bool:
    """Whether the candidate is shown to anybody, or a step that was begun could still show it."""
    if observed.pointer is None:
        return False
    if observed.pointer.rollout is not None:
        return True
    begun = any(e.kind == "intent" and e.action == "SetWeights" for e in journal.entries)
    return begun and observed.pointer == known(journal)
