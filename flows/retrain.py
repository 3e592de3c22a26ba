"""Retrain one model: from the lake to users, or to a clear reason why not."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from prefect import flow
from prefect.states import Completed
from pydantic import Field

from flows.recipe import Model, prepare, work_folder
from flows.release import release
from tasks.contracts.tasks import check_contract
from tasks.conversion.tasks import convert
from tasks.drift.tasks import BASELINE, compare_with_baseline, keep_baseline
from tasks.gates.decide import require_pass
from tasks.gates.tasks import gate
from tasks.lake.formats import LocalReader
from tasks.lake.tasks import pull_snapshot, snapshot
from tasks.registry.tasks import champion_of, earlier_outcome, publish, reject
from tasks.training.tasks import hand_over, measure_champion, train


@flow(name="retrain", flow_run_name="{model} · {reason}")
def retrain(
    model: Model,
    reason: Annotated[
        str, Field(description="Why, in a sentence; it stands in the run's name.", max_length=200)
    ] = "by hand",
    end: Annotated[
        date | None, Field(description="Last day of data; empty takes the newest there is.")
    ] = None,
    window_days: Annotated[
        int | None, Field(description="Days of data; empty takes model.yaml's window.", ge=1)
    ] = None,
    epochs: Annotated[
        int | None, Field(description="Training epochs; empty takes model.yaml's.", ge=1, le=10_000)
    ] = None,
    batch_size: Annotated[
        int | None, Field(description="Batch size; empty takes model.yaml's.", ge=1, le=65_536)
    ] = None,
    force: Annotated[
        bool, Field(description="Try a candidate again that was rejected or rolled back before.")
    ] = False,
) -> Any:
    """Train on a pinned snapshot and release what passes its gate.

    Safe to repeat and to kill at any line: the next run adopts what this one left and reaches the
    same end. With nothing new it ends in seconds and says so.
    """
    ready = prepare(model, window_days, {"epochs": epochs, "batch_size": batch_size})
    spec, contract = ready.spec, ready.contract
    pinned, address = snapshot(contract.dataset, contract.location_prefix, ready.window_days, end)
    plan = ready.plan(pinned.fingerprint)
    earlier = earlier_outcome(model, plan.identity)
    if earlier.settled and not force:
        return Completed(message=str(earlier))
    if earlier.version:
        return release(model, earlier.version, reason)

    champion = champion_of(model)
    work = work_folder(model, plan.identity[:16])
    checked = check_contract(contract, pinned, pull_snapshot(pinned, address), work, LocalReader())
    checked.require_pass()
    good = work / "good"
    drift = (contract.version, contract.kinds, contract.drift_policy, good)
    compare_with_baseline(model, champion, pinned, *drift)

    data = hand_over(spec, plan, good, work)
    trained = train.submit(spec, plan, data["channels"], ready.source, reason)
    standing = measure_champion(
        spec, plan.code_hash, ready.source, champion, data["channels"]["holdout"]
    )
    candidate = trained.result()
    verdict = gate(spec, candidate.metrics, standing, candidate.baseline)
    if verdict.outcome == "fail":
        reject(model, plan.identity, verdict.reason)
    require_pass(verdict)

    converted = convert(spec, candidate.folder, work)
    facts = {
        "snapshot": address,
        "code_hash": plan.code_hash,
        "contract": checked.contract,
        "contract_version": checked.contract_version,
        "baseline": BASELINE,
    }
    files = {**converted.files, BASELINE: keep_baseline(pinned, *drift, work)}
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
    return release(model, version, reason)
