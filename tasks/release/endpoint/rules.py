"""What the phases of a release mean on an endpoint. Pure.

planned → [shadow] → bring_up → health_check → canary(k) → promoting → watching → retiring → done::

    canary     both versions are variants of one configuration; a share is a weight
    promoting  the pointer names the candidate, at the last share
    watching   the old version stays as the control until the watch is over
    retiring   one configuration with the candidate alone
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from tasks.release.endpoint import plan, undoing
from tasks.release.endpoint.deploying import NOTHING_SCALES, GivenUp, config_of, deploy
from tasks.release.hosting.names import variant_of
from tasks.release.journal.record import Journal, Phase
from tasks.release.machine import bounds
from tasks.release.machine.actions import (
    POLL,
    SOON,
    Action,
    Autoscale,
    CreateAlarms,
    CreateEndpoint,
    Enter,
    ReadLogs,
    SetWeights,
    UpdateEndpoint,
    Wait,
)
from tasks.release.machine.delivery import DeliveryRules
from tasks.release.machine.observed import ObservedState, Part
from tasks.release.machine.plan import Facts
from tasks.release.machine.questions import has_control, how
from tasks.release.machine.transitions import grace, next_window
from tasks.release.machine.undoing import frozen

QUOTED_LINES = 3
"""How many of a container's last lines stand in a message; the page shows all that were read."""


class EndpointRules(DeliveryRules):
    """See `tasks.release.machine.delivery.DeliveryRules`."""

    after: ClassVar[Mapping[Phase, Phase]] = {
        "canary": "promoting",
        "promoting": "watching",
        "watching": "retiring",
    }
    healthy = "the candidate answers"
    promoted = "the pointer names the candidate"

    opened = staticmethod(plan.opened)

    def refused_as(self, journal: Journal, action: Action) -> str:
        """By configuration, as updates that were accepted are: `deploying.deploy` reads both."""
        if isinstance(action, UpdateEndpoint | CreateEndpoint):
            return config_of(journal, action.part)
        return super().refused_as(journal, action)

    def serves(self, facts: Facts) -> bool:
        """The endpoint is there and well; `plan.opened` has compared its variants."""
        return facts.endpoint is not None and facts.endpoint.status == "InService"

    def serves_alone(self, facts: Facts, version: str) -> bool:
        """It is the one variant of a well endpoint."""
        variants = tuple(facts.endpoint.variants) if facts.endpoint is not None else ()
        return self.serves(facts) and variants == (variant_of(version),)

    def prepare(self, journal: Journal, observed: ObservedState) -> Action:
        """Mirrored traffic first, where it tells more; then both variants, without traffic."""
        return _PREPARE[journal.phase](journal, observed)

    def strange(self, journal: Journal, observed: ObservedState) -> str:
        """The endpoint is gone, is not well, or runs another configuration."""
        endpoint = observed.endpoint
        wanted = journal.both_config if has_control(journal) else journal.candidate.solo_config
        if endpoint is None:
            return "the endpoint is gone"
        if endpoint.config != wanted:
            return f"the endpoint runs {endpoint.config}, not {wanted}"
        if endpoint.status not in {"InService", "Updating", "SystemUpdating"}:
            return f"the endpoint is {endpoint.status}: {endpoint.failure}"
        return ""

    def unhealthy(self, journal: Journal, why: str) -> Action:
        """What its containers said is read first."""
        return _not_up(journal, why)

    def guard(self, _journal: Journal) -> Action | None:
        """Nothing: the alarms stand since ``bring_up``."""
        return None

    def share(self, journal: Journal, observed: ObservedState, share: float) -> Action | None:
        """The weights, once the endpoint takes them."""
        endpoint = observed.endpoint
        if endpoint is None or endpoint.busy:
            over = bounds.stuck(journal, observed)
            if over:
                return Enter(phase="rolling_back", reason=over)
            return Wait(seconds=SOON, why="the endpoint is busy")
        last = journal.moves[-1].share if journal.moves else 0.0
        if endpoint.shares(journal.candidate.variant, share) and last == share:
            return None
        return SetWeights(share=share)

    def before_pointer(self, journal: Journal, observed: ObservedState) -> Action | None:
        """The endpoint is as we left it, at the last share."""
        strange = self.strange(journal, observed)
        if strange:
            return Enter(phase="rolling_back", reason=strange)
        if has_control(journal):
            return self.share(journal, observed, journal.spec.ladder[-1])
        return None

    def retire(self, journal: Journal, observed: ObservedState) -> Action | None:
        """All traffic to the candidate, then the configuration with it alone."""
        endpoint = observed.endpoint
        if endpoint is not None and endpoint.busy:
            over = bounds.stuck(journal, observed)
            if over:
                return frozen(journal, over, self)
            return Wait(seconds=POLL, why=f"the endpoint is {endpoint.status}")
        if has_control(journal) and endpoint is not None and endpoint.config == journal.both_config:
            moved = self.share(journal, observed, 1.0)
            if moved is not None:
                return moved
            rest = journal.moves[-1].settled + journal.spec.drain_seconds - observed.now
            if rest > 0:
                why = "the old version finishes its last requests"
                return Wait(seconds=min(rest, POLL), why=why)
        if journal.serving.autoscaling is not None and journal.marks.get("scaling") != "candidate":
            return Autoscale(arms=("candidate",))  # a scaled variant cannot be removed
        step = deploy(journal, observed, "candidate", tries=3)
        if isinstance(step, GivenUp):
            return frozen(journal, step.reason, self)
        if step is not None:
            return step
        if observed.pointer is None or observed.pointer.version != journal.candidate.version:
            named = observed.pointer.version if observed.pointer else None
            apart = f"the pointer names {named}, the endpoint {journal.candidate.version}"
            return frozen(journal, apart, self)
        return None

    def restore(self, journal: Journal, observed: ObservedState) -> Action | None:
        """See `undoing`."""
        return undoing.restore(journal, observed, self)

    def recovery(self, journal: Journal) -> str:
        """Look at the endpoint, roll back by hand."""
        back = journal.stable.version if journal.stable else journal.candidate.version
        return (
            f"Look: aws sagemaker describe-endpoint --endpoint-name {journal.endpoint}. "
            f"To serve {back}: prefect deployment run 'rollback/manual' -p model={journal.model} "
            f"-p to_version={back} -p reason='<why>'. The rollback repairs endpoint and pointer "
            "and ends the freeze."
        )


def _planned(journal: Journal, observed: ObservedState) -> Action:
    if not has_control(journal) or journal.spec.shadow_seconds == 0:
        return Enter(phase="bring_up", reason=how(journal))
    below = journal.spec.shadow_below
    if below == 0:
        return Enter(phase="shadow", reason="mirrored traffic first")
    if not journal.timeline:
        if observed.now <= journal.phase_since + grace(journal):
            return next_window(journal, observed)
        return Enter(phase="shadow", reason="nothing is told of the traffic; mirrored first")
    rate = _requests_per_second(journal)
    if rate < below:
        few = f"{rate:.2g} requests/s are too few for a small share to tell much"
        return Enter(phase="shadow", reason=f"{few}: mirrored traffic first")
    return Enter(phase="bring_up", reason=f"{how(journal)}; {rate:.3g} requests/s need no mirror")


def _requests_per_second(journal: Journal) -> float:
    """What the stable version answered in the windows just past."""
    points = journal.timeline
    answered = sum(point.stable.requests for point in points)
    return answered / (len(points) * journal.spec.window_seconds)


def _shadow(journal: Journal, observed: ObservedState) -> Action:
    step = deploy(journal, observed, "shadow", tries=1)
    if isinstance(step, GivenUp):
        return _not_up(journal, step.reason)
    if step is not None:
        return step
    ruling = journal.ruling
    late = journal.phase_since + journal.spec.shadow_seconds + journal.spec.deadline_seconds
    if observed.now > late + journal.serving.start_seconds + grace(journal):
        return Enter(phase="rolling_back", reason="no window of the mirrored traffic was told")
    if (
        observed.now >= _mirrored_since(journal) + journal.spec.shadow_seconds
        and ruling is not None
    ):
        return Enter(phase="bring_up", reason=f"shadow is over: {ruling.reason}")
    return next_window(journal, observed)


def _mirrored_since(journal: Journal) -> float:
    """When the candidate began to answer copies; without any, when it must have stood up at last.

    Bringing it up is no part of the time for which traffic is mirrored.
    """
    answered = (point.at for point in journal.timeline if point.candidate.requests)
    first = next(answered, journal.phase_since + journal.serving.start_seconds)
    return first - journal.spec.window_seconds


def _bring_up(journal: Journal, observed: ObservedState) -> Action:
    if journal.stable is not None and "alarms" not in journal.marks and _alarmed(journal):
        return CreateAlarms()
    part: Part = "both" if has_control(journal) else "candidate"
    scales = journal.serving.autoscaling is not None
    replaces = part == "candidate" and journal.stable is not None
    if scales and replaces and "scaling" not in journal.marks:
        return Autoscale(arms=())  # a scaled variant cannot be removed
    step = deploy(journal, observed, part, tries=1, guarded=journal.strategy == "blue_green")
    if isinstance(step, GivenUp):
        return _not_up(journal, step.reason)
    if step is not None:
        return step
    if scales and journal.marks.get("scaling", NOTHING_SCALES) == NOTHING_SCALES:
        return Autoscale(arms=_present(journal))
    return Enter(phase="health_check", reason="every variant is InService")


def _not_up(journal: Journal, why: str) -> Action:
    """Go back from a candidate that no user has met: what its containers said is read first."""
    if "logs" not in journal.marks:
        return ReadLogs()
    last_lines = _container_said(journal)
    reason = f"{journal.candidate.version} did not come up{last_lines}: {why}"
    return Enter(phase="rolling_back", reason=reason)


def _container_said(journal: Journal) -> str:
    """The last lines of the candidate's container, as a part of a sentence."""
    lines = [line.strip() for line in journal.marks.get("logs", "").splitlines()]
    text = " / ".join(line.rstrip(".") for line in lines[-QUOTED_LINES:] if line)
    return f" (its container wrote last: {text})" if text else ""


def _present(journal: Journal) -> tuple[Literal["candidate", "stable"], ...]:
    return ("candidate", "stable") if has_control(journal) else ("candidate",)


def _alarmed(journal: Journal) -> bool:
    return journal.strategy in {"canary", "blue_green"}


_PREPARE = {"planned": _planned, "shadow": _shadow, "bring_up": _bring_up}
