"""What the machine can ask for. Each is one act that is safe to repeat."""

from __future__ import annotations

from typing import Literal

from tasks.release.journal.record import Gate, Phase
from tasks.release.machine.observed import Part
from tasks.values import Frozen

POLL = 10.0
SOON = 5.0
"""Seconds between two observations while something is built, and while shares move."""


class CreateModel(Frozen):
    """Make the SageMaker model of one arm."""

    arm: Literal["candidate", "stable"]


class CreateConfig(Frozen):
    """Make the endpoint configuration with these variants."""

    part: Part


class CreateEndpoint(Frozen):
    """Make the endpoint with one arm alone."""

    part: Part


class UpdateEndpoint(Frozen):
    """Put another configuration on the endpoint.

    ``guarded``: SageMaker's own blue/green guardrail moves the traffic and watches the alarms.
    """

    part: Part
    guarded: bool = False


class DeleteEndpoint(Frozen):
    """Remove an endpoint that failed, or that a first version leaves behind."""


class SetWeights(Frozen):
    """Give the candidate this share of traffic."""

    share: float


class Autoscale(Frozen):
    """Let just these variants scale with their load; none, when nothing is to serve."""

    arms: tuple[Literal["candidate", "stable"], ...]


class CreateAlarms(Frozen):
    """Make the alarms that stop the candidate without us."""


class PullAlarm(Frozen):
    """Set an alarm by hand, so that SageMaker rolls its own update back."""


class HealthCheck(Frozen):
    """Ask the candidate itself, past the weights."""


class ReadLogs(Frozen):
    """Read what the candidate's containers wrote last, for the people who must mend it."""


class Observe(Frozen):
    """Read the windows that are ready, and judge."""


class MovePointer(Frozen):
    """Let latest.json name an arm's version."""

    to: Literal["candidate", "stable"]


class Invalidate(Frozen):
    """Invalidate the CDN for the pointer as it stands. ``mark`` is what the outcome is kept as."""

    mark: str


class Ask(Frozen):
    """Put a question to a person."""

    gate: Gate


class CleanUp(Frozen):
    """Delete what neither serves nor is the way back."""


class Settle(Frozen):
    """Write what became of the candidate into its history.

    ``published`` when its release was undone without a judgement: the next run releases it again.
    """

    outcome: Literal["released", "rolled_back", "published"]


class Notify(Frozen):
    """Tell people. ``mark`` is what the outcome is kept as."""

    mark: str
    subject: str
    text: str


class Enter(Frozen):
    """Go on to another phase."""

    phase: Phase
    reason: str
    step: int = 0


class Finish(Frozen):
    """End the release: everything was read back and found so."""

    phase: Literal["done", "rolled_back", "mismatch"]
    verdict: str
    recovery: str = ""


class Wait(Frozen):
    """Nothing to do before this many seconds have passed."""

    seconds: float
    why: str


Action = (
    CreateModel
    | CreateConfig
    | CreateEndpoint
    | UpdateEndpoint
    | DeleteEndpoint
    | SetWeights
    | Autoscale
    | CreateAlarms
    | PullAlarm
    | HealthCheck
    | ReadLogs
    | Observe
    | MovePointer
    | Invalidate
    | Ask
    | CleanUp
    | Settle
    | Notify
    | Enter
    | Finish
    | Wait
)


def named(action: Action) -> str:
    """The action's name, as it stands in the journal."""
    return type(action).__name__


def described(action: Action) -> str:
    """The action's arguments, as they stand in the journal."""
    given = action.model_dump()
    return ", ".join(f"{key}={value}" for key, value in given.items() if value not in ("", False))
