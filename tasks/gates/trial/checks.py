"""What a trial of the serving program found, held to its limits. Pure."""

from __future__ import annotations

from tasks.specs.trial import TrialSpec
from tasks.values import Check, Frozen

SAMPLE = "sample_request.json"
"""The bundle's file with what it is asked."""
LONGEST_TAIL = 600
"""Characters of a program's last words that are told."""
TRIAL = "serving.json"
"""The trial's file beside metrics.json, and in the bundle's evidence."""


class Trial(Frozen):
    """A serving program under its own sample request.

    ``p50_ms`` and ``p95_ms`` are of requests one after the other; ``per_second`` of four clients at
    once; ``memory_mb`` is the most that was seen of the program and its children. ``failure`` holds
    the program's last words when it did not come up.
    """

    requests: int = 0
    errors: int = 0
    p50_ms: float = 0.0
    p95_ms: float = 0.0
    per_second: float = 0.0
    memory_mb: float = 0.0
    cold_start_seconds: float = 0.0
    failure: str = ""


def checks(trial: Trial, limits: TrialSpec) -> tuple[Check, ...]:
    """One check for each limit; a program that did not come up is measured by none of them."""
    if trial.failure:
        return (
            Check(
                name="serving program",
                outcome="fail",
                observed="did not come up",
                bound="answers /ping and its sample request",
                detail=trial.failure,
            ),
        )
    share = trial.errors / trial.requests
    made = [
        Check(
            name="serving errors",
            outcome="pass" if share <= limits.error_share else "fail",
            observed=f"{share:.2%} of {trial.requests}",
            bound=f"≤ {limits.error_share:.2%}",
            detail=f"{trial.per_second:.0f} requests a second by four clients",
        )
    ]
    for name, value, most, unit, detail in (
        ("serving p95", trial.p95_ms, limits.p95_ms, "ms", f"half take {trial.p50_ms:.2f} ms"),
        ("serving memory", trial.memory_mb, limits.memory_mb, "MB", "with its children"),
        ("cold start", trial.cold_start_seconds, limits.cold_start_seconds, "s", "to /ping"),
    ):
        if most is not None:
            made.append(
                Check(
                    name=name,
                    outcome="pass" if value <= most else "fail",
                    observed=f"{value:.4g} {unit}",
                    bound=f"≤ {most:g} {unit}",
                    detail=detail,
                )
            )
    return tuple(made)
