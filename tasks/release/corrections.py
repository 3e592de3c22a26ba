"""What Prefect knows of a release's owners, and the pages that they left half way.

A run that was killed or cancelled leaves a page that says for good where it stood; whoever ends the
release brings it up to date, wherever it is shown.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactUpdate
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterKey,
)
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound

from tasks.release.journal.record import Journal
from tasks.release.pages import timeline
from tasks.release.reconcile import fell_silent
from tasks.reports.artifacts import current_flow_run_id, key_for, logger, presented, show

T = TypeVar("T")
FLOW_RUN = "flow-run/"
LONGEST_ANSWER = 10.0
"""Real seconds that Prefect may take; users must not wait for a server that is away."""


def run_of(owner: str) -> UUID | None:
    """The flow run that an owner is; None for any other process."""
    try:
        return UUID(owner.removeprefix(FLOW_RUN)) if owner.startswith(FLOW_RUN) else None
    except ValueError:
        return None


def owner_state(owner: str) -> str:
    """What became of an owner, as a part of a sentence: a person who cancelled it is no silence."""
    run = run_of(owner)
    if run is None:
        return fell_silent(owner)

    def ask() -> str:
        try:
            with get_client(sync_client=True) as client:
                flow_run = client.read_flow_run(run)
        except ObjectNotFound:
            return fell_silent(owner)
        return ending(flow_run.name, flow_run.state)

    return answered(ask, fell_silent(owner))


def ending(name: str, state: State | None) -> str:
    """What a run's state says of its end. Pure."""
    if state is None:
        return f"the run {name} fell silent"
    if state.is_cancelled() or state.is_cancelling():
        message = f" ({state.message})" if state.message else ""
        return f"a person cancelled the run {name}{message}"
    if state.is_crashed():
        return f"the run {name} crashed ({state.message or 'without a word'})"
    if state.is_final():
        return f"the run {name} had ended ({state.name})"
    if state.is_paused():
        return f"the run {name} is paused until a person answers"
    return f"the run {name} fell silent"


def bring_up_to_date(journal: Journal) -> None:
    """Correct the page of each run that worked on a release; the newest of its key is this one."""
    page = timeline.page(journal)
    key = key_for("release", journal.model)
    here = current_flow_run_id()
    owners = {entry.actor for entry in journal.entries} | {journal.owner}
    runs = {run for run in map(run_of, owners) if run is not None and str(run) != here}
    if not runs:
        return

    def correct() -> bool:
        with get_client(sync_client=True) as client:
            left = client.read_artifacts(
                artifact_filter=ArtifactFilter(
                    key=ArtifactFilterKey(any_=[key]),
                    flow_run_id=ArtifactFilterFlowRunId(any_=sorted(runs)),
                )
            )
            for artifact in left:
                client.update_artifact(artifact.id, ArtifactUpdate(data=presented(page)))
        if not left:  # a run that died before its first page
            show(key, page, "How the release went on")
        return True

    answered(correct, False)


def answered(ask: Callable[[], T], otherwise: T) -> T:
    """What Prefect answers, or something else when it does not in time; it never stops a release.

    A server that is away holds a call up for more than a minute.
    """
    answers: list[T] = []

    def work() -> None:
        try:
            answers.append(ask())
        except Exception as error:  # noqa: BLE001  what it knows is a courtesy
            logger().warning(f"Prefect does not answer: {error}")

    thread = threading.Thread(
        target=contextvars.copy_context().run, args=(work,), name="prefect-asked", daemon=True
    )
    thread.start()
    thread.join(LONGEST_ANSWER)
    return answers[0] if answers else otherwise
