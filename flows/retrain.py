"""Retrain one model: from the lake to users, or to a clear reason why not."""

from __future__ import annotations

from typing import Annotated, Any

from prefect import flow
from prefect.states import Completed
from pydantic import Field

from flows import endings
from flows.admission import admit, validate
from flows.recipe import Day, Model, Reason, prepare, work_folder
from flows.release import ended_with, release_within
from tasks.contracts.tasks import add_expectations, gather_records
from tasks.drift.tasks import compare_with_baseline, drift_expectations
from tasks.gates.tasks import check_rows
from tasks.lake.tasks import snapshot
from tasks.registry.tasks import champion_of, earlier_outcome
from tasks.training.champion import require_comparable
from tasks.training.tasks import measure_champion, train, upload_channels


@flow(name="retrain", flow_run_name="{model} · {reason}")
def retrain(
    model: Model,
    reason: Reason = "by hand",
    end: Day = None,
    window_days: Annotated[int, Field(ge=0)] = 0,
    epochs: Annotated[int, Field(ge=0, le=10_000)] = 0,
    batch_size: Annotated[int, Field(ge=0, le=65_536)] = 0,
    force: bool = False,
    accept_inconclusive: bool = False,
) -> Any:
    """Train on a pinned snapshot and release what passes its gate.

    Safe to repeat and to kill at any line: the next run adopts what this one left and reaches the
    same end. With nothing new it ends in seconds and says so. Rows that do not keep the data gates
    end the run as Rejected before a training is paid for, and so does a candidate that its gate
    refuses; one that is taken back from users ends it as RolledBack, one of which too few held-out
    rows tell whether it is good enough as Inconclusive; Failed is for you.

    Args:
        model: Which model. A model is a folder below models/.
        reason: Why, in a sentence; it stands in the run's name.
        end: Last day of data, like 2026-01-31; empty takes the newest there is.
        window_days: Days of data to learn from; 0 takes model.yaml's window.
        epochs: Training epochs; 0 takes model.yaml's.
        batch_size: Rows in a training batch; 0 takes model.yaml's.
        force: Try a candidate again that was rejected or rolled back before.
        accept_inconclusive: Where an interval of a gate is inconclusive, let its point value
            decide; say why in the reason.
    """
    ready = prepare(model, window_days, {"epochs": epochs, "batch_size": batch_size})
    spec, contract = ready.spec, ready.contract
    window, address = snapshot(
        contract.dataset, contract.location_prefix, ready.window_days, end, contract.owns
    )
    plan = ready.plan(window.fingerprint)
    earlier = earlier_outcome(model, plan.identity)
    if earlier.settled and not force:
        return ended_with(model, Completed(message=str(earlier)))
    if earlier.version:
        return ended_with(model, release_within(model, earlier.version, reason))

    champion = champion_of(model)
    require_comparable(spec, champion)
    work = work_folder(model, plan.identity[:16])
    data, report = validate(ready, window, address, work, end)
    drift = compare_with_baseline(model, champion, data)
    if drift is not None:
        add_expectations(data, report, drift_expectations(contract.dataset, drift))

    rows = gather_records(contract, data)
    split = upload_channels(spec, plan, ready.columns, rows)
    refused = endings.of_rows(model, check_rows(spec, split, work, contract.private_columns))
    if refused is not None:
        return ended_with(model, refused)
    channels = split["channels"]
    training = train.submit(spec, plan, channels, ready.source, reason)
    standing = measure_champion(spec, champion, channels["holdout"])
    admission = admit(
        ready,
        training.result(),
        standing,
        data,
        channels["holdout"],
        plan.hyperparameters,
        accept_inconclusive=accept_inconclusive,
    )
    rejection = endings.of_gate(admission.verdict)
    if rejection is not None:
        return ended_with(model, rejection)
    return ended_with(model, release_within(model, admission.version, reason))
