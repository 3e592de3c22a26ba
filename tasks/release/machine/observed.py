"""What AWS says at one moment, as far as the machine needs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from tasks.values import Frozen, Pointer

BUSY = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"})
TOLERANCE = 1e-4  # weights travel as 32-bit floats


class ObservedVariant(Frozen):
    """One variant. Weights are relative to the other variants' weights."""

    weight: float
    instances: int = 1


class ObservedEndpoint(Frozen):
    """One endpoint. ``config`` is what serves, ``pending`` what an update is heading for."""

    status: str
    config: str
    pending: str = ""
    failure: str = ""
    variants: Mapping[str, ObservedVariant] = {}

    @property
    def busy(self) -> bool:
        """Whether SageMaker refuses changes at the moment."""
        return self.status in BUSY

    def share(self, variant: str) -> float:
        """Share of traffic that goes to a variant, between 0 and 1."""
        total = sum(item.weight for item in self.variants.values())
        known = self.variants.get(variant)
        return known.weight / total if known is not None and total > 0 else 0.0

    def shares(self, variant: str, share: float) -> bool:
        """Whether the variant has just this share."""
        return abs(self.share(variant) - share) < TOLERANCE


class ObservedState(Frozen):
    """Everything at one moment.

    ``models`` and ``configs`` are the names, of those the release needs, that exist. ``alarms`` are
    the release's alarms that are in state ALARM. ``unreadable`` says why there is no pointer,
    although there is one.
    """

    now: float
    endpoint: ObservedEndpoint | None = None
    models: frozenset[str] = frozenset()
    configs: frozenset[str] = frozenset()
    pointer: Pointer | None = None
    unreadable: str = ""
    alarms: tuple[str, ...] = ()


Part = Literal["both", "shadow", "candidate", "stable"]
