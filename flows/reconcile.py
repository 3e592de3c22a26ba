"""Finish or undo what a dead run left half done. Runs every minute, and after every crash."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.states import Completed, Failed

from tasks.model_spec import known_models
from tasks.registry import Registry
from tasks.release.tasks import desk_of
from tasks.release.tasks import reconcile as look_after
from tasks.settings import settings
from tasks.training.tasks import stop_orphans
from tasks.uploads.tasks import listen


@flow(name="reconcile", flow_run_name="all models")
def reconcile() -> Any:
    """Look after every model; a frozen release or a change by hand fails the run, to be seen.

    Uploaded artefacts are announced first, so that they need not wait for the models.
    """
    heard = listen(return_state=True)
    desk = desk_of(Registry.here())
    reports = [look_after(desk, model) for model in known_models(settings().models_dir)]
    stopped = stop_orphans()
    told = [f"{r.model} {r.state}: {r.detail}" for r in reports if r.state != "nothing"]
    told += [f"stopped {name}: the run that paid for it was cancelled" for name in stopped]
    told += [f"uploads: {heard.message}"] if heard.is_failed() else heard.result()
    message = "; ".join(told) or "Nothing was left half done."
    wrong = any(report.needs_person for report in reports) or heard.is_failed()
    return Failed(message=message) if wrong else Completed(message=message)
