"""The load test of ``model.yaml``: what a candidate's own variant is asked before it has users."""

from __future__ import annotations

from pydantic import Field

from tasks.strict import Strict


class LoadTestSpec(Strict):
    """Requests to the candidate's variant, past the weights; beyond a bound it is taken back."""

    requests: int = Field(
        default=50,
        ge=3,
        le=10_000,
        description="Sample requests, of four clients at once, for twenty seconds at most.",
    )
    error_share: float = Field(
        default=0.01, ge=0, lt=1, description="Largest share of them that may fail."
    )
    p95_ms: float | None = Field(
        default=None,
        gt=0,
        description="Longest time of 95 % of them, milliseconds; none: `max_latency_ms` of the "
        "release.",
    )
