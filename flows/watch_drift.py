"""Look at what is new in a model's data; alarm when it is no longer what the champion learned."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.states import Completed

from flows.admission import validate
from flows.recipe import Day, Model, prepare, work_folder
from tasks import model_page
from tasks.contracts.tasks import add_expectations
from tasks.drift.bundle import baseline_of
from tasks.drift.tasks import (
    alarm,
    compare_with_baseline,
    drift_expectations,
    follow_champion,
    tell_quality,
)
from tasks.lake.tasks import snapshot_after
from tasks.registry.tasks import champion_of
from tasks.release.deliveries import delivery_of
from tasks.release.hosting.names import variant_of
from tasks.reports.artifacts import key_for, show


@flow(name="watch-drift", flow_run_name="{model} · drift watch")
def watch_drift(model: Model, end: Day = None) -> Any:
    """Compare what is new with the champion's baseline, follow its error, emit drift.detected.

    Each new day is profiled once. Rows whose label has arrived show whether the champion still
    errs as it did; of the others its error is estimated. Never trains by itself: the event starts
    retrain/on-drift.

    Args:
        model: Which model. A model is a folder below models/.
        end: Last day to look at, like 2026-01-31; empty takes the newest there is.
    """
    ready = prepare(model)
    contract = ready.contract
    where = delivery_of(ready.spec.release).where(ready.spec)
    watched = model_page.page(ready.spec, contract, where)
    show(key_for("watched", model), watched, "What is watched of it")
    champion = champion_of(model)
    standing = baseline_of(champion)
    if champion is None or standing is None:
        return Completed(message=f"{model} has no champion to compare with.")
    snapshot = snapshot_after(
        contract.dataset, contract.location_prefix, standing[1], end, contract.owns
    )
    if snapshot is None:
        return Completed(message=f"Nothing came after {standing[1]}, the champion's last day.")
    work = work_folder(model, f"watch-{snapshot.fingerprint[:16]}")
    data, report = validate(ready, snapshot, "", work, end)
    drift = compare_with_baseline(model, champion, data)
    add_expectations(data, report, drift_expectations(contract.dataset, drift))
    performance = follow_champion(champion, data)
    # What CloudWatch does not take shows in its own task, and keeps no alarm back.
    variant = variant_of(champion.version)
    tell_quality(champion, variant, ready.spec.family.task, performance, return_state=True)
    return Completed(message=alarm(champion, data, drift, performance))
