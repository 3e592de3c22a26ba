"""Put the previous version back: one verb, safe to press twice."""

from __future__ import annotations

from typing import Any

from prefect import flow, runtime

from flows import endings
from flows.recipe import Model, Reason
from tasks.registry import Registry
from tasks.registry.tasks import keep_packages_in_step
from tasks.release.tasks import context_of, keep_alarms, roll_back, summarise


@flow(name="rollback", flow_run_name="{model} · {reason}")
def rollback(model: Model, reason: Reason = "by hand", to_version: str = "") -> Any:
    """Move traffic, pointer and CDN back at once, and read back that it is so.

    A release that is under way is taken over and undone, whoever owns it.

    Args:
        model: Which model. A model is a folder below models/.
        reason: Why, in a sentence; the pointer's history will show it.
        to_version: Version to put back; empty takes the one before what serves now.
    """
    context = context_of(Registry.here())
    actor = f"flow run {runtime.flow_run.name}"
    journal = roll_back(context, model, actor, reason, to_version or None)
    state = endings.of_rollback(journal)
    summarise(context, model, str(state.message))
    keep_alarms(context, model, return_state=True)
    keep_packages_in_step(model, return_state=True)
    return state
