"""What became of a candidate: its statuses, oldest first. Pure."""

from __future__ import annotations

from typing import Literal

from pydantic import AliasChoices, ConfigDict, Field

from tasks.values import Frozen

CandidateStatus = Literal[
    "gate_rejected", "conversion_failed", "published", "released", "rolled_back", "superseded"
]


class StatusChange(Frozen):
    """One outcome of one candidate. ``at`` is ISO 8601. Earlier records say ``fate``."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    at: str
    status: CandidateStatus = Field(validation_alias=AliasChoices("status", "fate"))
    actor: str
    reason: str
    version: str = ""


class CandidateHistory(Frozen):
    """All outcomes of one candidate, oldest first."""

    schema_version: Literal[1] = 1
    model: str
    identity: str
    entries: tuple[StatusChange, ...]

    @property
    def status(self) -> CandidateStatus:
        """The newest outcome."""
        return self.entries[-1].status

    @property
    def version(self) -> str:
        """The version that the candidate was published as; "" when it was not."""
        return next((entry.version for entry in reversed(self.entries) if entry.version), "")
