"""From good rows to a version in the registry: the way that every candidate goes, however made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from flows.curate import referenced
from flows.recipe import Recipe
from tasks.contracts.reports.report import ContractReport
from tasks.contracts.tasks import check_contract
from tasks.conversion.tasks import convert
from tasks.drift.tasks import BASELINE, keep_baseline, keep_errors
from tasks.gates.tasks import ROWS, gate
from tasks.lake.formats import LocalReader
from tasks.lake.tasks import pull_snapshot
from tasks.registry.tasks import publish, reject
from tasks.values import Lineage, MeasuredChampion, Snapshot, TrainedModel, ValidatedData, Verdict


@dataclass(frozen=True)
class Admission:
    """What became of a candidate: ``version`` is "" when its gate did not let it pass."""

    verdict: Verdict
    version: str = ""


def validate(
    ready: Recipe,
    snapshot: Snapshot,
    address: str,
    work: Path,
    end: date | None = None,
    *,
    docs: bool = True,
) -> tuple[ValidatedData, ContractReport]:
    """Pull a snapshot and hold it to its contract; its good rows, and the report on all.

    Raises:
        ContractBroken: it does not keep the contract.
    """
    contract = ready.contract
    report = check_contract(
        contract,
        snapshot,
        pull_snapshot(snapshot, address),
        work,
        LocalReader(),
        referenced(contract),
        as_of=end,
        docs=docs,
    )
    report.require_pass()
    data = ValidatedData(
        snapshot=snapshot,
        address=address,
        contract=report.contract,
        contract_version=report.contract_version,
        kinds=contract.kinds,
        drift_policy=contract.drift_policy,
        good=work / "good",
        work=work,
    )
    return data, report


def admit(
    ready: Recipe,
    candidate: TrainedModel,
    standing: MeasuredChampion | None,
    data: ValidatedData,
    holdout: str,
    hyperparameters: Mapping[str, str],
    version: str = "",
    *,
    accept_inconclusive: bool = False,
) -> Admission:
    """Gate, convert and publish a candidate.

    Args:
        ready: The model.
        candidate: What was trained, or received.
        standing: The champion, measured on the same held-out rows; None without one.
        data: What it was measured on.
        holdout: S3 address of the held-out channel.
        hyperparameters: As it was trained.
        version: Its name, where somebody chose one.
        accept_inconclusive: Whether a person lets point values decide where intervals do not.

    Raises:
        ConversionError: a format could not be made, answers differently, or is too large.
    """
    spec = ready.spec
    verdict = gate(
        spec, candidate, standing, holdout, data.work, accept_inconclusive=accept_inconclusive
    )
    if verdict.outcome == "fail":
        reject(spec.name, candidate.identity, verdict.reason)
    if verdict.outcome != "pass":
        return Admission(verdict)
    conversion = convert(spec, candidate.folder, data.work)
    files: dict[str, Any] = {
        **conversion.files,
        **keep_errors(spec.name, data, candidate.folder / "model.tar.gz", holdout),
        BASELINE: keep_baseline(data),
    }
    if (rows := data.work / ROWS).exists():  # nobody splits the rows of an upload
        files[f"evidence/{ROWS}"] = rows
    lineage = Lineage(
        snapshot=data.address,
        snapshot_fingerprint=data.snapshot.fingerprint,
        code_hash=ready.code_hash,
        contract=data.contract,
        contract_version=data.contract_version,
        hyperparameters=hyperparameters,
        baseline=BASELINE,
    )
    report = conversion.report
    return Admission(
        verdict, publish(candidate, lineage, files, report.parity, report.versions, version)
    )
