"""The gate's door: a Prefect task."""

from __future__ import annotations

from collections.abc import Mapping

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.gates.decide import decide
from tasks.model_spec import ModelSpec
from tasks.reports.artifacts import key_for, logger, show
from tasks.reports.pages import verdict_page
from tasks.values import Verdict


@task(name="gate", cache_policy=NO_CACHE)
def gate(
    spec: ModelSpec,
    candidate: Mapping[str, float],
    champion: Mapping[str, float] | None,
    baseline: Mapping[str, float],
) -> Verdict:
    """Judge the candidate and show why."""
    verdict = decide(spec.name, spec.gates, candidate, champion, baseline)
    both = ", ".join(
        f"{name} {value:,.6g} (scikit-learn baseline {baseline[name]:,.6g})"
        for name, value in sorted(candidate.items())
        if name in baseline
    )
    show(
        key_for("gate", spec.name),
        verdict_page(f"Gate of {spec.name}", verdict, f"Held-out split: {both}." if both else ""),
        "Is the candidate good enough to meet users?",
    )
    logger().info(f"Gate: {verdict.outcome}. {verdict.reason} {both}")
    return verdict
