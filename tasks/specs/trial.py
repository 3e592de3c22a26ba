"""The trial of ``model.yaml``: what a candidate's own serving program may cost."""

from __future__ import annotations

from pydantic import Field

from tasks.strict import Strict


class TrialSpec(Strict):
    """Limits of the serving program, tried before anything is published, apart from the worker.

    They are of the machine that tries it: the canary compares versions on the machines that serve.
    """

    requests: int = Field(
        default=200,
        ge=20,
        le=10_000,
        description="Requests that are timed, one after the other; as many again by four clients "
        "at once.",
    )
    error_share: float = Field(
        default=0.01, ge=0, lt=1, description="Largest share of requests that may fail."
    )
    p95_ms: float | None = Field(
        default=None, gt=0, description="Longest time of 95 % of the requests, milliseconds."
    )
    memory_mb: float | None = Field(
        default=None, gt=0, description="Most memory of the program and its children, megabytes."
    )
    cold_start_seconds: float | None = Field(
        default=None, gt=0, description="Longest time from its start to its first healthy /ping."
    )
