"""What a way to reach users decides for the one state machine. Pure.

A release is the same everywhere: its phases, the judge's rulings, people's answers, the bounds and
the order of the way back are `transitions`. How a share is brought about, what somebody else may
have changed meanwhile, and what must be gone at the end differ, and are asked here.
`tasks.release.endpoint.rules` and `tasks.release.edge.rules` answer.

Every answer that is an action is the *next* one: it is asked again after each act, with what the
journal and the world then say, until it answers None ("so it is").
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from tasks.model_spec import ModelSpec
from tasks.release.journal.record import Journal, Phase, Site
from tasks.release.machine.actions import Action, named
from tasks.release.machine.observed import ObservedState
from tasks.release.machine.plan import Facts, Wish


class DeliveryRules(ABC):
    """The pure half of a delivery; `tasks.release.delivery.Delivery` is the whole.

    Attributes:
        after: What follows ``canary``, ``watching`` and ``promoting``: whether the pointer names
            the candidate before or after the watch.
        slow: Acts that hold only minutes after they were done, by name: their tries are bounded
            by `bounds.UNSEEN_SECONDS` too.
        healthy: What is known once the health check has passed, in a few words.
        promoted: What is so once the pointer names the candidate, in a few words.
    """

    after: ClassVar[Mapping[Phase, Phase]]
    slow: ClassVar[frozenset[str]] = frozenset()
    healthy: ClassVar[str]
    promoted: ClassVar[str]

    @abstractmethod
    def opened(
        self,
        spec: ModelSpec,
        site: Site,
        facts: Facts,
        wish: Wish,
        *,
        now: float,
        owner: str,
        lease: float,
    ) -> Journal:
        """How the journal of a release begins.

        Raises:
            ReleaseMismatch: what serves is not what the pointer names.
            ReleaseInProgress: somebody else is changing it.
        """

    def refused_as(self, journal: Journal, action: Action) -> str:
        """Under which key of ``Journal.rejected`` a refusal of this act is counted."""
        return f"{journal.phase}:{named(action)}"

    @abstractmethod
    def serves(self, facts: Facts) -> bool:
        """Whether users get the version that the pointer names."""

    @abstractmethod
    def serves_alone(self, facts: Facts, version: str) -> bool:
        """Whether users get this version, and no other beside it."""

    @abstractmethod
    def prepare(self, journal: Journal, observed: ObservedState) -> Action:
        """The next act before the candidate can be asked, up to ``Enter(health_check)``."""

    @abstractmethod
    def strange(self, journal: Journal, observed: ObservedState) -> str:
        """What somebody else changed while the release was under way, or ""."""

    @abstractmethod
    def unhealthy(self, journal: Journal, why: str) -> Action:
        """The next act of taking back a candidate that no user has met."""

    @abstractmethod
    def guard(self, journal: Journal) -> Action | None:
        """What must stand before a healthy candidate meets its first user."""

    @abstractmethod
    def share(self, journal: Journal, observed: ObservedState, share: float) -> Action | None:
        """The next act towards the candidate's share of users, between 0 and 1."""

    @abstractmethod
    def before_pointer(self, journal: Journal, observed: ObservedState) -> Action | None:
        """What must be so before the pointer may name the candidate."""

    @abstractmethod
    def retire(self, journal: Journal, observed: ObservedState) -> Action | None:
        """The next act until the promoted candidate serves alone, as the pointer says."""

    @abstractmethod
    def restore(self, journal: Journal, observed: ObservedState) -> Action | None:
        """The next act of the way back, until the stable version serves alone again."""

    @abstractmethod
    def recovery(self, journal: Journal) -> str:
        """What a person has to do about a frozen release, in exact commands."""
