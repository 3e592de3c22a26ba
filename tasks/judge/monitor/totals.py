"""What was counted in a window, or in an hour of the past."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import Field

from tasks.judge.policy import Immutable


class Totals(Immutable):
    """Requests, their errors (None: not told), and how many took how long, by latency bin."""

    requests: int = Field(default=0, ge=0)
    errors: int | None = Field(default=0, ge=0)
    latency: Mapping[int, int] = Field(
        default_factory=dict, description="Bin → requests; empty bins are left out."
    )

    @property
    def timed(self) -> int:
        """Requests whose latency is known."""
        return sum(self.latency.values())

    def slower_than(self, edge: int) -> int:
        """Requests above the inner edge of this index."""
        return sum(count for place, count in self.latency.items() if place > edge)


def together(parts: Iterable[Totals]) -> Totals:
    """The sum; errors of those parts alone that told them, so that shares are of what is known."""
    requests, errors = 0, 0
    latency: dict[int, int] = {}
    for part in parts:
        if part.errors is not None:
            requests += part.requests
            errors += part.errors
        for place, count in part.latency.items():
            latency[place] = latency.get(place, 0) + count
    return Totals(requests=requests, errors=errors, latency=latency)
