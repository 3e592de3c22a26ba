"""The monitor of ``model.yaml``: how a champion is compared with its own past."""

from __future__ import annotations

from pydantic import Field

from tasks.strict import Strict


class MonitorSpec(Strict):
    """After the watch of a release: the same hour of past weeks is what a champion is held to."""

    enabled: bool = Field(
        default=True, description="Endpoints: compare with past weeks, four times an hour."
    )
    false_alarms_per_year: float = Field(
        default=0.5,
        gt=0,
        le=12,
        description="Most alarms a year, expected, of a champion that is as its past weeks were.",
    )
    errors: float = Field(
        default=0.01,
        gt=0,
        lt=0.5,
        description="Points of error rate above past weeks' that ring nothing.",
    )
    slower: float = Field(
        default=0.25,
        gt=0,
        le=10,
        description="Share by which the slowest tenth may be slower than in past weeks.",
    )
