"""The alarms of ``model.yaml`` that stand as long as an endpoint serves, and tell people."""

from __future__ import annotations

from pydantic import Field

from tasks.strict import Strict


class AlarmsSpec(Strict):
    """Alarms that stand as long as an endpoint serves: they tell people, and change nothing.

    Each looks at 300 seconds, and rings when two of them in a row lie beyond its bound. A bound of
    0 makes no such alarm. That nothing serves rings as long as any alarm stands. Bounds are refused
    with `release.delivery: edge`: no endpoint serves there.
    """

    enabled: bool = Field(
        default=True, description="Endpoints: false removes all of them, and makes none."
    )
    accuracy: float | None = Field(
        default=None,
        ge=0,
        lt=1,
        description="Share that labels which came say was right, below which it rings. Empty: "
        "0.85, or what a gate on accuracy asks for where that is less; no alarm where that share "
        "is no accuracy. Refused for a task whose error is no share.",
    )
    error: float = Field(
        default=0.0,
        ge=0,
        description="Tasks whose error is no share of wrong answers: mean error on labels that "
        "came, above which it rings.",
    )
    memory_percent: float = Field(
        default=80.0, ge=0, lt=100, description="Memory of the fullest instance, percent of it."
    )
    error_rate: float = Field(
        default=0.05, ge=0, lt=1, description="Share of requests that fail (4XX and 5XX)."
    )
    latency_ms: float = Field(default=3000.0, ge=0, description="Mean latency, milliseconds.")
    slow_ms: float = Field(
        default=5000.0, ge=0, description="Latency of the slowest twentieth (p95), milliseconds."
    )
    least_requests: int = Field(
        default=20,
        ge=1,
        description="Requests in 300 seconds below which errors and latency ring nothing: one "
        "error of one request is no rate.",
    )
