"""The gate's door: a Prefect task."""

from __future__ import annotations

from collections.abc import Mapping

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.gates.decide import decide
from tasks.gates.page import gate_page
from tasks.model_spec import ModelSpec
from tasks.reports.artifacts import key_for, logger, show
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
    page = gate_page(spec.name, verdict, candidate, champion, baseline)
    show(key_for("gate", spec.name), page, "Is the candidate good enough to meet users?")
    logger().info(f"Gate: {verdict.outcome}. {verdict.reason}")
    return verdict
