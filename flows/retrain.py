"""Retrain one model: from the lake to users, or to a clear reason why not."""

from __future__ import annotations

from typing import Annotated, Any

from prefect import flow
from prefect.states import Completed
from pydantic import Field

from flows import endings
from flows.curate import referenced
from flows.recipe import Day, Model, Reason, prepare, work_folder
from flows.release import ended_with, release_within
from tasks.contracts.tasks import check_contract, enlarge_docs
from tasks.conversion.tasks import convert
from tasks.drift.tasks import (
    BASELINE,
    compare_with_baseline,
    drift_expectations,
    keep_baseline,
    keep_errors,
)
from tasks.gates.tasks import gate
from tasks.lake.formats import LocalReader
from tasks.lake.tasks import pull_snapshot, snapshot
from tasks.own_code import require_comparable
from tasks.registry.tasks import champion_of, earlier_outcome, publish, reject
from tasks.training.tasks import hand_over, measure_champion, train


@flow(name="retrain", flow_run_name="{model} · {reason}")
def retrain(
    model: Model,
    reason: Reason = "by hand",
    end: Day = None,
    window_days: Annotated[int, Field(ge=0)] = 0,
    epochs: Annotated[int, Field(ge=0, le=10_000)] = 0,
    batch_size: Annotated[int, Field(ge=0, le=65_536)] = 0,
    force: bool = False,
) -> Any:
    """Train on a pinned snapshot and release what passes its gate.

    Safe to repeat and to kill at any line: the next run adopts what this one left and reaches the
    same end. With nothing new it ends in seconds and says so. A candidate that its gate refuses
    ends the run as Rejected, one that is taken back from users as RolledBack; Failed is for you.

    Args:
        model: Which model. A model is a folder below models/.
        reason: Why, in a sentence; it stands in the run's name.
        end: Last day of data, like 2026-01-31; empty takes the newest there is.
        window_days: Days of data to learn from; 0 takes model.yaml's window.
        epochs: Training epochs; 0 takes model.yaml's.
        batch_size: Rows in a training batch; 0 takes model.yaml's.
        force: Try a candidate again that was rejected or rolled back before.
    """
    ready = prepare(model, window_days, {"epochs": epochs, "batch_size": batch_size})
    spec, contract = ready.spec, ready.contract
    pinned, address = snapshot(
        contract.dataset, contract.location_prefix, ready.window_days, end, contract.owns
    )
    plan = ready.plan(pinned.fingerprint)
    earlier = earlier_outcome(model, plan.identity)
    if earlier.settled and not force:
        return ended_with(model, Completed(message=str(earlier)))
    if earlier.version:
        return ended_with(model, release_within(model, earlier.version, reason))

    champion = champion_of(model)
    comparable = require_comparable(spec, ready.own, champion)
    work = work_folder(model, plan.identity[:16])
    paths = pull_snapshot(pinned, address)
    checked = check_contract(
        contract, pinned, paths, work, LocalReader(), referenced(contract), as_of=end
    )
    checked.require_pass()
    good = work / "good"
    drift = (contract.version, contract.kinds, contract.drift_policy, good)
    drifted = compare_with_baseline(model, champion, pinned, *drift)
    if drifted is not None:
        found = drift_expectations(contract.dataset, drifted)
        enlarge_docs(pinned, checked, work, found)

    data = hand_over(spec, plan, good, work)
    trained = train.submit(spec, plan, data["channels"], ready.source, reason, ready.own)
    standing = measure_champion(
        spec, plan.code_hash, ready.source, champion, data["channels"]["holdout"], comparable
    )
    candidate = trained.result()
    verdict = gate(spec, candidate.metrics, standing, candidate.baseline)
    rejected = endings.of_gate(verdict)
    if rejected is not None:
        reject(model, plan.identity, verdict.reason)
        return ended_with(model, rejected)

    converted = convert(spec, candidate.folder, work)
    facts = {
        "snapshot": address,
        "code_hash": plan.code_hash,
        "contract": checked.contract,
        "contract_version": checked.contract_version,
        "baseline": BASELINE,
    }
    archive, holdout = candidate.folder / "model.tar.gz", data["channels"]["holdout"]
    errors = keep_errors(pinned, contract.drift_policy, archive, holdout, work)
    files = {**converted.files, **errors, BASELINE: keep_baseline(pinned, *drift, work)}
    version = publish(
        spec,
        facts,
        plan.hyperparameters,
        pinned,
        candidate,
        files,
        converted.report.parity,
        converted.report.versions,
    )
    return ended_with(model, release_within(model, version, reason))
