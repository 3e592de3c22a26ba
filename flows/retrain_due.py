"""Ask each day whether a model is due for retraining, and start it when it is."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.deployments import run_deployment
from prefect.states import Completed, Failed

from flows.recipe import prepare
from tasks.drift.tasks import watched
from tasks.errors import SluiceError
from tasks.lake.tasks import snapshot_after
from tasks.model_spec import known_models
from tasks.registry.tasks import champion_of
from tasks.settings import settings
from tasks.training.due import reasons
from tasks.training.tasks import standing_of


@flow(name="retrain-due", flow_run_name="all models")
def retrain_due(start: bool = True) -> Any:
    """Look at every champion's age, new data, error and drift; say what is due and why; start it.

    Error and drift are what watch-drift found last. Its alarm starts a retraining by itself; only
    one that the same champion has outlived by a day is a reason here. A model that cannot be looked
    at is named, the others go on, and the run fails.

    Args:
        start: Start retrain/manual for what is due; off only tells.
    """
    sentences: list[str] = []
    wrong: list[str] = []
    for model in known_models(settings().models_dir):
        try:
            sentences.append(f"{model}: {_look(model, start=start)}")
        except SluiceError as error:  # one model in trouble does not stop the others
            wrong.append(f"{model} was left out: {error}")
    message = ". ".join([*wrong, *sentences]) or "There are no models."
    return Failed(message=message) if wrong else Completed(message=message)


def _look(model: str, *, start: bool) -> str:
    """Why one model is due, after its retraining was started; or that it is not."""
    ready = prepare(model)
    champion = champion_of(model)
    if champion is None:
        return "nothing serves yet"
    baseline, standing = standing_of(champion)
    contract = ready.contract
    fresh = snapshot_after(
        contract.dataset, contract.location_prefix, baseline.end, None, contract.owns
    )
    watch, alarm = watched(champion)
    standing = standing.model_copy(
        update={
            "new_bytes": fresh.size if fresh else 0,
            "metric_then": watch.then if watch else None,
            "metric_now": watch.now if watch else None,
            "drift": alarm,
        }
    )
    why = "; ".join(reasons(standing, ready.spec.retrain_when))
    if why and start:
        parameters = {"model": model, "reason": why[:200]}
        run_deployment("retrain/manual", parameters=parameters, timeout=0)
    return why or "not due"
