"""The gate's door: Prefect tasks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from models.runtime.calling import BundleFailed
from tasks.gates.channel import READ
from tasks.gates.decide import findings, verdict_of
from tasks.gates.gathering import gathered
from tasks.gates.page import gate_page
from tasks.gates.rows import judge
from tasks.gates.rows.page import rows_page
from tasks.gates.rows.reading import both_sides
from tasks.gates.serving import try_serving
from tasks.gates.trial import TRIAL, Trial, checks
from tasks.model_spec import ModelSpec
from tasks.objects import download
from tasks.reports.artifacts import key_for, logger, show
from tasks.specs.trial import TrialSpec
from tasks.values import Check, MeasuredChampion, TrainedModel, Verdict


@task(name="check rows", cache_policy=NO_CACHE)
def check_rows(
    spec: ModelSpec, data: Mapping[str, Any], work: Path, private: frozenset[str] = frozenset()
) -> Verdict:
    """Judge the rows of both sides before anything learns from them, and show why.

    Args:
        spec: The model.
        data: What `upload_channels` put into S3.
        work: The run's folder.
        private: Columns whose values no page may show.

    Raises:
        NoDataInWindow: a side has no labelled row.
    """
    folders = {
        side: Path(data["split"]) / side
        if "split" in data
        else download(address, work / "checked" / side)
        for side, address in data["channels"].items()
    }
    training, holdout, features = both_sides(spec, folders)
    found = judge.findings(spec, training, holdout, features, private)
    verdict = judge.verdict_of(spec.name, found)
    page = rows_page(spec.name, verdict, found, len(training), len(holdout))
    show(key_for("rows", spec.name), page, "Can these rows be learned from, and measured on?")
    for finding in found:
        if finding.level == "warn":
            logger().warning(str(finding))
    logger().info(f"Rows: {verdict.outcome}. {verdict.reason}")
    return verdict


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
    tried: tuple[Check, ...] = ()
    if spec.trial is not None and not any(finding.outcome == "fail" for finding in found):
        tried = _tried(candidate.folder, spec.trial)
    verdict = verdict_of(spec.name, found, tried)
    page = gate_page(
        spec.name, verdict, found, candidate.metrics, standing, candidate.baseline, evidence, tried
    )
    show(key_for("gate", spec.name), page, "Is the candidate good enough to meet users?")
    logger().info(f"Gate: {verdict.outcome}. {verdict.reason}")
    return verdict


def _tried(folder: Path, limits: TrialSpec) -> tuple[Check, ...]:
    """What came of the trial of a candidate's serving program; it is kept beside its metrics."""
    try:
        trial = try_serving(folder / "model.tar.gz", limits.requests)
    except BundleFailed as failed:
        trial = Trial(failure=str(failed))
    kept = folder / "output" / TRIAL
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(trial.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return checks(trial, limits)
