"""The gate's door: Prefect tasks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from models.runtime.calling import BundleFailed
from models.runtime.split import NoData
from tasks.artefacts.place import place_of
from tasks.gates import scan
from tasks.gates.behaviour.asked import behaviour_of
from tasks.gates.channel import READ
from tasks.gates.decide import findings, verdict_of
from tasks.gates.finding import Finding
from tasks.gates.gathering import gathered
from tasks.gates.page import gate_page
from tasks.gates.rows import judge
from tasks.gates.rows.page import rows_page
from tasks.gates.rows.reading import both_sides
from tasks.gates.trial.act import TRY
from tasks.gates.trial.checks import TRIAL, Trial, checks
from tasks.model_spec import ModelSpec
from tasks.objects import download, read
from tasks.reports.artifacts import key_for, logger, show
from tasks.specs.trial import TrialSpec
from tasks.values import Check, MeasuredChampion, TrainedModel, Verdict

ROWS, GATE, BEHAVIOUR = "rows.json", "gate.json", "behaviour.json"
"""The verdicts on its rows and on the candidate, and what came of the rules of behaviour: in the
bundle's evidence."""
OUTPUT = "output"
"""Folder of a candidate with its metrics; what is kept beside them comes into the bundle."""


@task(name="check rows", cache_policy=NO_CACHE)
def check_rows(
    spec: ModelSpec, data: Mapping[str, Any], work: Path, private: frozenset[str] = frozenset()
) -> Verdict:
    """Judge the rows of both sides before anything learns from them, and show why.

    Args:
        spec: The model.
        data: What `upload_channels` put into S3.
        work: The run's folder; the verdict is kept there, as `ROWS`.
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
    _keep(work / ROWS, verdict.model_dump_json(indent=1))
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
        ActFailed, NotApart: the candidate's own programs could not be run.
    """
    standing = None if champion is None else champion.metrics
    measured = {"candidate": candidate.metrics, "champion": standing or {}}

    @cache
    def columns() -> Path:
        return download(holdout, work / "held-out-columns", READ)

    evidence = gathered(
        spec,
        candidate.folder,
        None if champion is None else champion.folder,
        measured,
        columns,
    )
    found = findings(spec.gates, candidate.metrics, standing, candidate.baseline, evidence)
    if accept_inconclusive:
        found = tuple(finding.accepted() for finding in found)
    scanned = scan.checks(
        scan.scan(candidate.folder / "model.tar.gz", spec.artefact.max_bytes),
        spec.artefact,
        own_code=bool(spec.composition.program),
    )
    behaved: tuple[Finding, ...] = ()
    if spec.behaviour and _stands((*found, *scanned)):
        behaved = behaviour_of(
            spec,
            candidate.folder / "model.tar.gz",
            columns,
            lambda path: _photo(holdout, path),
            work,
            place_of(spec.name),
        )
        said = [finding.check().model_dump() for finding in behaved]
        _keep(candidate.folder / OUTPUT / BEHAVIOUR, json.dumps(said, indent=1, ensure_ascii=False))
    if accept_inconclusive:
        behaved = tuple(finding.accepted() for finding in behaved)
    tried: tuple[Check, ...] = ()
    if spec.trial is not None and _stands((*found, *scanned, *behaved)):
        tried = _tried(spec.name, candidate.folder, spec.trial)
    verdict = verdict_of(spec.name, (*found, *behaved), (*scanned, *tried))
    _keep(candidate.folder / OUTPUT / GATE, verdict.model_dump_json(indent=1))
    page = gate_page(
        spec.name,
        verdict,
        found,
        candidate.metrics,
        standing,
        candidate.baseline,
        evidence,
        behaved,
        {"Archive": scanned} | ({"Serving program": tried} if tried else {}),
    )
    show(key_for("gate", spec.name), page, "Is the candidate good enough to meet users?")
    logger().info(f"Gate: {verdict.outcome}. {verdict.reason}")
    return verdict


def _stands(found: Sequence[Finding | Check]) -> bool:
    """Whether nothing has failed yet: what is rejected is not run, or tried any further."""
    return not any(one.outcome == "fail" for one in found)


def _photo(holdout: str, path: str) -> bytes:
    bucket, _, prefix = holdout.removeprefix("s3://").partition("/")
    found = read(bucket, f"{prefix.rstrip('/')}/{path}")
    if found is None:
        raise NoData(f"{holdout} names {path} and holds no such photo")
    return found.body


def _keep(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")


def _tried(model: str, folder: Path, limits: TrialSpec) -> tuple[Check, ...]:
    """What came of the trial of a candidate's serving program; it is kept beside its metrics."""
    try:
        inputs, left = {"archive": folder / "model.tar.gz"}, folder / "trial"
        place_of(model)(TRY, inputs, left, {"requests": limits.requests})
        trial = Trial.model_validate_json((left / TRIAL).read_bytes())
    except BundleFailed as failed:
        trial = Trial(failure=str(failed))
    _keep(folder / OUTPUT / TRIAL, trial.model_dump_json(indent=1))
    return checks(trial, limits)
