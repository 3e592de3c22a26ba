"""Put the previous version back: one verb, safe to press twice."""

from __future__ import annotations

from typing import Annotated, Any

from prefect import flow, runtime
from prefect.states import Completed, Failed
from pydantic import Field

from flows.recipe import Model
from tasks.registry import Registry
from tasks.release.tasks import desk_of, roll_back


@flow(name="rollback", flow_run_name="{model} · {reason}")
def rollback(
    model: Model,
    reason: Annotated[
        str, Field(description="Why, in a sentence; users' history will show it.", max_length=200)
    ] = "by hand",
    to_version: Annotated[
        str | None,
        Field(description="Version to put back; empty takes the one before what serves now."),
    ] = None,
) -> Any:
    """Move traffic, pointer and CDN back at once, and read back that it is so.

    A release that is under way is taken over and undone, whoever owns it.
    """
    desk = desk_of(Registry.here())
    actor = f"flow run {runtime.flow_run.name}"
    journal = roll_back(desk, model, actor, reason, to_version)
    told = f"{model}: {journal.verdict}"
    return Completed(message=told) if journal.phase == "rolled_back" else Failed(message=told)
