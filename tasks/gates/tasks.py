"""The gate's door: a Prefect task."""

from __future__ import annotations

from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.gates.channel import READ
from tasks.gates.decide import findings, verdict_of
from tasks.gates.gathering import gathered
from tasks.gates.page import gate_page
from tasks.model_spec import ModelSpec
from tasks.objects import download
from tasks.reports.artifacts import key_for, logger, show
from tasks.values import MeasuredChampion, TrainedModel, Verdict


@task(name="gate", cache_policy=NO_CACHE)
def gate(
    spec: ModelSpec,
    candidate: TrainedModel,
    champion: MeasuredChampion | None,
    holdout: str,
    work: Path,
    *,
    accept_inconclusive: bool = False,
) -> Verdict:
    """Judge the candidate and show why.

    Args:
        spec: The model.
        candidate: What was trained, or received.
        champion: What serves, measured on the same rows; None without one.
        holdout: S3 address of the held-out channel.
        work: The run's folder.
        accept_inconclusive: Whether a person lets point values decide where intervals do not.

    Raises:
        GateUndecided: a file of answers cannot be believed.
    """
    standing = None if champion is None else champion.metrics
    measured = {"candidate": candidate.metrics, "champion": standing or {}}
    evidence = gathered(
        spec,
        candidate.folder,
        None if champion is None else champion.folder,
        measured,
        lambda: download(holdout, work / "held-out-columns", READ),
    )
    found = findings(spec.gates, candidate.metrics, standing, candidate.baseline, evidence)
    if accept_inconclusive:
        found = tuple(finding.accepted() for finding in found)
    verdict = verdict_of(spec.name, found)
    page = gate_page(
        spec.name, verdict, found, candidate.metrics, standing, candidate.baseline, evidence
    )
    show(key_for("gate", spec.name), page, "Is the candidate good enough to meet users?")
    logger().info(f"Gate: {verdict.outcome}. {verdict.reason}")
    return verdict
