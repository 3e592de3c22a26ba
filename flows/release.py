"""Put one version before users: shadow, canary steps, promotion, watch; or back, by itself."""

from __future__ import annotations

from typing import Annotated, Any, cast

from prefect import State, flow, runtime
from pydantic import Field

from flows import endings
from flows.approval import ask
from flows.recipe import Model, Reason
from tasks.errors import ReleaseInProgress
from tasks.experiments.assigned import taking_part
from tasks.registry import Registry
from tasks.registry.tasks import archive_old, keep_packages_in_step
from tasks.release.tasks import (
    answer,
    begin,
    carry,
    context_of,
    keep_alarms,
    keep_checklist,
    summarise,
)
from tasks.settings import settings


@flow(name="release", flow_run_name="{model} {version} · {reason}")
def release(
    model: Model, version: Annotated[str, Field(min_length=1)], reason: Reason = "by hand"
) -> Any:
    """Release a version through the phases that model.yaml asks for.

    The journal in S3 is written before each act, so that any later run, or reconcile, finishes or
    undoes what this one leaves. At the end, what serves is read back and compared. A version that
    was taken back ends as RolledBack; Failed is what a person must act on.

    Args:
        model: Which model. A model is a folder below models/.
        version: Version in the registry, like v20260131_020000.
        reason: Why, in a sentence; it stands in the journal.
    """
    context = context_of(Registry.here())
    actor = f"flow run {runtime.flow_run.name}"
    try:
        journal = begin(context, model, version, actor, reason)
    except ReleaseInProgress as error:
        return endings.superseded(error)
    while not journal.ended:
        journal = carry(context, journal)
        question = None if journal.ended else journal.waiting_for
        if question is not None:
            granted, by, note = ask(journal, question)
            answer(context, journal, question, granted, by, note)
    ended = endings.of_release(journal)
    summarise(context, model, str(ended.message))
    # None of these is what users wait for: a failure shows in its own task, and the next run does
    # what it can of it.
    keep_alarms(context, model, return_state=True)
    keep_checklist(context, model, journal.release_id, experiment_of, return_state=True)
    keep_packages_in_step(model, return_state=True)
    if endings.released(ended):
        archive_old(
            model, context.spec(model).release.keep_versions, taking_part, return_state=True
        )
    return ended


def experiment_of(model: str) -> frozenset[str]:
    """Versions that an experiment compares."""
    return taking_part(settings().registry_bucket, model)


def release_within(model: str, version: str, reason: str) -> State[Any]:
    """Release as the last part of another run, which then ends as the release did."""
    return endings.passed_on(cast("State[Any]", release(model, version, reason, return_state=True)))


def ended_with(model: str, ended: State[Any]) -> State[Any]:
    """The end of a run, with a page that says what serves now and how to undo it."""
    summarise(context_of(Registry.here()), model, ended.message or str(ended.name))
    return ended
