"""How an endpoint comes to run a configuration: one missing act at a time. Pure."""

from __future__ import annotations

from tasks.release.actions import (
    Action,
    CreateConfig,
    CreateEndpoint,
    CreateModel,
    DeleteEndpoint,
    UpdateEndpoint,
    Wait,
)
from tasks.release.journal import Arm, Journal
from tasks.release.seen import Part, Seen
from tasks.values import Frozen

POLL = 10.0
SOON = 5.0
"""Seconds between looks at an endpoint while it is built, and while its weights move."""
STUCK = 7200.0
"""Longest time, in seconds, that SageMaker may be busy before we call it stuck."""


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


def missing(journal: Journal, seen: Seen, part: Part) -> Action | None:
    """The next thing to make before a configuration can be used."""
    if config_of(journal, part) in seen.configs:
        return None
    for arm in arms_of(journal, part):
        if arm.model_name not in seen.models:
            return CreateModel(arm="candidate" if arm == journal.candidate else "stable")
    return CreateConfig(part=part)


def deploy(
    journal: Journal, seen: Seen, part: Part, *, tries: int, guarded: bool = False
) -> Action | GivenUp | None:
    """The next act towards an endpoint that runs one configuration.

    SageMaker rolls an update back without a word: the endpoint is InService again, on its old
    configuration. That is told from "not asked yet" by the count of updates it accepted.

    Args:
        journal: The release.
        seen: One look.
        part: Which configuration.
        tries: How many accepted updates may come to nothing.
        guarded: Let SageMaker's guardrail move the traffic.

    Returns:
        None when the endpoint is InService with it.
    """
    config = config_of(journal, part)
    endpoint = seen.endpoint
    if endpoint is not None and (endpoint.status, endpoint.config) == ("InService", config):
        return None
    if endpoint is not None and endpoint.status == "UpdateRollbackFailed":
        return GivenUp(reason=f"SageMaker could not roll back by itself: {endpoint.failure}")
    if endpoint is not None and endpoint.busy:
        if seen.now - journal.phase_since > STUCK:
            return GivenUp(reason=f"SageMaker has been {endpoint.status} for over {STUCK:.0f} s")
        return Wait(seconds=POLL, why=f"the endpoint is {endpoint.status}")
    need = missing(journal, seen, part)
    if need is not None:
        return need
    failed = journal.accepted.get(config, 0)
    refused = journal.rejected.get(config, 0)
    if endpoint is None or endpoint.status == "Failed":
        if max(failed, refused) >= tries:
            why = endpoint.failure if endpoint else ""
            return GivenUp(reason=f"the endpoint could not be created with {config}: {why}")
        return CreateEndpoint(part=part) if endpoint is None else DeleteEndpoint()
    if failed >= tries or refused >= tries:
        why = endpoint.failure or "it gave no reason"
        kind = "rolled back silently" if failed >= tries else "was refused"
        return GivenUp(reason=f"the update to {config} {kind}, {endpoint.config} serves ({why})")
    return UpdateEndpoint(part=part, guarded=guarded)


def _arm(journal: Journal, part: Part) -> Arm:
    if part == "candidate":
        return journal.candidate
    if journal.stable is None:
        raise ValueError("a first version has no stable arm")
    return journal.stable
