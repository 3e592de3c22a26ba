"""What the monitor promises, and what it counts."""

from __future__ import annotations

from functools import cache

from pydantic import Field

from tasks.judge.policy import Immutable, geometric_edges

STREAMS = ("errors", "latency")
WINDOW_SECONDS = 300
HOUR_SECONDS, DAY_SECONDS, WEEK_SECONDS = 3600, 86_400, 604_800
YEAR_SECONDS = 365 * DAY_SECONDS
FINEST_MS, RATIO, EDGES = 0.5, 1.25, 50
"""Latency is counted from half a millisecond to 28 seconds: CloudWatch is paid by the bin."""


@cache
def latency_edges() -> tuple[float, ...]:
    """Inner edges of the latency bins, ms."""
    return geometric_edges(FINEST_MS, RATIO, EDGES)


class MonitorPolicy(Immutable):
    """How much worse than its own past a champion may be, and how often an alarm may be false."""

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
        description="Points of error rate above past weeks' that ring not.",
    )
    slower: float = Field(
        default=0.25,
        gt=0,
        le=10,
        description="Share by which the slowest tenth may be slower than in past weeks.",
    )

    @property
    def threshold(self) -> float:
        """Evidence at which the alarm rings: windows in a year, by the false alarms allowed."""
        return YEAR_SECONDS / WINDOW_SECONDS / self.false_alarms_per_year
