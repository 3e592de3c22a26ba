"""Retrain many models at once, each in a run of its own with its own outcome; one page for all."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

import httpx
from prefect import flow, runtime
from prefect.client.orchestration import get_client
from prefect.deployments import run_deployment
from prefect.states import Completed, Failed
from pydantic import Field

from flows.recipe import Day, Model, Reason
from tasks.errors import ConfigurationError, SluiceError
from tasks.model_spec import known_models
from tasks.registry import Registry
from tasks.reports.artifacts import LivePage, key_for, logger
from tasks.settings import settings
from tasks.training.outcomes import ModelOutcome, account, outcomes_page

EACH = "retrain/manual"
LOOK_SECONDS = 5.0


@flow(name="retrain-all", flow_run_name="all models · {reason}")
def retrain_all(
    reason: Reason = "by hand",
    models: Sequence[Model] = (),
    leave_out: Sequence[Model] = (),
    end: Day = None,
    epochs: Annotated[int, Field(ge=0, le=10_000)] = 0,
) -> Any:
    """Start a retraining of every model, beside each other, and tell on one page what became of it.

    Each model has a run of its own, so that one that fails stops no other. This run fails when one
    of them needs a person, and says which.

    Args:
        reason: Why, in a sentence; it stands in the runs' names.
        models: Which models; empty takes all.
        leave_out: Models that are not retrained this time.
        end: Last day of data, like 2026-01-31; empty takes the newest there is.
        epochs: Training epochs of each; 0 takes those of each model.yaml.
    """
    chosen = _chosen(models, leave_out)
    given = {"reason": reason, "epochs": epochs, **({"end": str(end)} if end else {})}
    runs = {model: _start({"model": model, **given}) for model in chosen}
    page = LivePage(key_for("retrain-all"), "What became of each model, and what serves now")
    outcomes = [
        ModelOutcome(model=model, run=str(run), state="Scheduled") for model, run in runs.items()
    ]
    while True:
        outcomes = [_now(outcome) for outcome in outcomes]
        page.update(outcomes_page(outcomes))
        if all(outcome.ended for outcome in outcomes):
            break
        time.sleep(LOOK_SECONDS)
    message = account(outcomes)
    failed = any(outcome.needs_a_person for outcome in outcomes)
    return Failed(message=message) if failed else Completed(message=message)


def _chosen(models: Sequence[str], leave_out: Sequence[str]) -> list[str]:
    known = known_models(settings().models_dir)
    unknown = sorted({*models, *leave_out} - set(known))
    if unknown:
        raise ConfigurationError(
            f"There is no model {', '.join(map(repr, unknown))}.",
            f"Name some of {', '.join(known) or '(there are none)'}.",
        )
    return [model for model in known if model in (models or known) and model not in leave_out]


def _start(parameters: Mapping[str, Any]) -> UUID:
    """A run of its own; the same one when this run is started again after a crash."""
    started: Any = run_deployment(
        EACH,
        parameters=dict(parameters),
        timeout=0,
        idempotency_key=f"{runtime.flow_run.id}:{parameters['model']}",
    )
    return UUID(str(started.id))


def _now(before: ModelOutcome) -> ModelOutcome:
    """How a model's run stands now; as before while the server or the registry is not reached."""
    try:
        with get_client(sync_client=True) as client:
            state = client.read_flow_run(UUID(before.run)).state
        pointer = Registry.here().pointer(before.model)
    except (httpx.HTTPError, SluiceError) as error:
        logger().warning(f"{before.model}: cannot be looked at: {error}")
        return before
    if state is None:
        return before
    return before.model_copy(
        update={
            "state": state.name or state.type.value.capitalize(),
            "message": state.message or "",
            "ended": state.is_final(),
            "decided": state.is_completed(),
            "serves": pointer.version if pointer else "",
            "since": pointer.timestamp if pointer else "",
        }
    )
