"""How an endpoint comes to run a configuration: one missing act at a time. Pure."""

from __future__ import annotations

from tasks.release.journal.record import Arm, Journal
from tasks.release.machine import bounds
from tasks.release.machine.actions import (
    POLL,
    Action,
    CreateConfig,
    CreateEndpoint,
    CreateModel,
    DeleteEndpoint,
    UpdateEndpoint,
    Wait,
)
from tasks.release.machine.observed import ObservedEndpoint, ObservedState, Part
from tasks.values import Frozen

NOTHING_SCALES = "none"
"""The journal's mark where no variant is a scalable target."""


class GivenUp(Frozen):
    """The endpoint will not run the configuration; ``reason`` is one sentence."""

    reason: str


def config_of(journal: Journal, part: Part) -> str:
    """Name of the configuration that holds these variants."""
    if part == "both":
        return journal.both_config
    if part == "shadow":
        return journal.shadow_config
    return _arm(journal, part).solo_config


def arms_of(journal: Journal, part: Part) -> tuple[Arm, ...]:
    """The arms whose models a configuration needs."""
    if part in {"both", "shadow"}:
        return tuple(arm for arm in (journal.stable, journal.candidate) if arm is not None)
    return (_arm(journal, part),)


def missing(journal: Journal, observed: ObservedState, part: Part) -> Action | None:
    """The next thing to make before a configuration can be used."""
    if config_of(journal, part) in observed.configs:
        return None
    for arm in arms_of(journal, part):
        if arm.model_name not in observed.models:
            return CreateModel(arm="candidate" if arm == journal.candidate else "stable")
    return CreateConfig(part=part)


def deploy(
    journal: Journal, observed: ObservedState, part: Part, *, tries: int, guarded: bool = False
) -> Action | GivenUp | None:
    """The next act towards an endpoint that runs one configuration.

    SageMaker rolls an update back without a word: the endpoint is InService again, on its old
    configuration. That is told from "not asked yet" by the count of updates it accepted.

    Args:
        journal: The release.
        observed: What AWS says now.
        part: Which configuration.
        tries: How many accepted updates may come to nothing.
        guarded: Let SageMaker's guardrail move the traffic.

    Returns:
        None when the endpoint is InService with it.
    """
    config = config_of(journal, part)
    endpoint = observed.endpoint
    if endpoint is not None and (endpoint.status, endpoint.config) == ("InService", config):
        return None
    if endpoint is not None and endpoint.status == "UpdateRollbackFailed":
        return GivenUp(reason=f"SageMaker could not roll back by itself: {endpoint.failure}")
    if endpoint is not None and endpoint.busy:
        stuck = bounds.stuck(journal, observed)
        if stuck:
            return GivenUp(reason=stuck)
        return Wait(seconds=POLL, why=f"the endpoint is {endpoint.status}")
    lost = _lost(journal, endpoint, config, tries)
    if lost:
        return GivenUp(reason=lost)
    if endpoint is not None and endpoint.status == "Failed":
        return DeleteEndpoint()
    need = missing(journal, observed, part)
    if need is not None:
        return need
    if endpoint is None:
        return CreateEndpoint(part=part)
    return UpdateEndpoint(part=part, guarded=guarded)


def _lost(journal: Journal, endpoint: ObservedEndpoint | None, config: str, tries: int) -> str:
    """Why the configuration is not asked for any more, or ""."""
    failed, refused = journal.accepted.get(config, 0), journal.rejected.get(config, 0)
    if max(failed, refused) < tries:
        return ""
    if endpoint is None or endpoint.status == "Failed":
        failure = endpoint.failure if endpoint is not None else ""
        if not failure and refused:
            failure = bounds.refusal_of(journal, "CreateEndpoint")
        return f"the endpoint could not be created with {config}: {failure or 'it gave no reason'}"
    if failed >= tries:
        why, kind = endpoint.failure or "it gave no reason", "rolled back silently"
    else:
        why, kind = bounds.refusal_of(journal, "UpdateEndpoint"), "was refused"
    return f"the update to {config} {kind}, {endpoint.config} serves ({why.rstrip('.')})"


def _arm(journal: Journal, part: Part) -> Arm:
    if part == "candidate":
        return journal.candidate
    if journal.stable is None:
        raise ValueError("a first version has no stable arm")
    return journal.stable
