"""How a version reaches its users: the one port with two implementations.

A release on an endpoint (`tasks.release.endpoint`) and one to users' own devices
(`tasks.release.edge`) are the same release: one journal, one machine, one judge, one verb to go
back. A delivery answers what differs. A third one is a package beside these two with a class like
theirs, a word in `specs.release.ReleaseSpec.delivery`, and a line in `tasks.release.deliveries`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from tasks.model_spec import ModelSpec
from tasks.release.context import ReleaseContext
from tasks.release.journal.record import Journal
from tasks.release.machine.actions import Action
from tasks.release.machine.delivery import DeliveryRules
from tasks.release.machine.observed import ObservedState
from tasks.release.machine.plan import Facts
from tasks.values import Pointer

Outcome = tuple[str, Mapping[str, Any]]
"""What was done, as a sentence for the journal, and what changes in the journal with it."""


class Delivery(Protocol):
    """What stands, what is observed and what is done at AWS. Thin; ``rules`` decides.

    Every act is safe to repeat, and everything is known from the journal, so that whoever takes
    over goes on.
    """

    @property
    def rules(self) -> DeliveryRules:
        """What the machine asks; pure."""
        ...

    @property
    def monitored(self) -> bool:
        """Whether AWS counts what a version that serves alone answers: what the monitor reads."""
        ...

    def facts(self, context: ReleaseContext, spec: ModelSpec) -> Facts:
        """What stands before a release begins."""
        ...

    def observe(self, context: ReleaseContext, journal: Journal) -> ObservedState:
        """Just what the machine needs in the present phase."""
        ...

    def perform(self, context: ReleaseContext, journal: Journal, action: Action) -> Outcome | None:
        """Do one thing; None when it is done as in every other release (`acts`).

        Raises:
            AwsRejected, ReleaseMismatch: AWS refuses, or holds something else under the name.
            AwsThrottled, AwsUnavailable: AWS did not answer.
        """
        ...

    def alarms(self, journal: Journal) -> Sequence[Mapping[str, Any]]:
        """PutMetricAlarm of the two alarms that stop a candidate when nobody of us is alive."""
        ...

    def queries(self, journal: Journal) -> Sequence[Mapping[str, Any]]:
        """MetricDataQueries of a window, with the ids that `observation.windows` reads."""
        ...

    def withdraw(self, journal: Journal, actor: str, reason: str) -> str:
        """Take the candidate from its users with nothing but AWS and the journal; what was done.

        The failsafe alarm: no owner, no registry and no Prefect need be alive.

        Raises:
            AwsRejected: AWS refuses.
        """
        ...

    def drift(self, context: ReleaseContext, journal: Journal, pointer: Pointer | None) -> str:
        """How what serves differs from what the last release left, or ""; none may be under way."""
        ...

    def where(self, spec: ModelSpec) -> str:
        """Who answers users, as pages say it."""
        ...
