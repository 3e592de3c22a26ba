"""Put one version before users: shadow, canary steps, promotion, watch; or back, by itself."""

from __future__ import annotations

from typing import Annotated, Any, cast

from prefect import State, flow, runtime
from prefect.states import Completed, Failed
from pydantic import Field

from flows.approval import ask
from flows.recipe import Model, Reason
from tasks.experiments.assigned import taking_part
from tasks.registry import Registry
from tasks.registry.tasks import archive_old
from tasks.release.tasks import answer, begin, carry, desk_of


@flow(name="release", flow_run_name="{model} {version} · {reason}")
def release(
    model: Model, version: Annotated[str, Field(min_length=1)], reason: Reason = "by hand"
) -> Any:
    """Release a version through the phases that model.yaml asks for.

    The journal in S3 is written before each act, so that any later run, or reconcile, finishes or
    undoes what this one leaves. At the end, what serves is read back and compared.

    Args:
        model: Which model. A model is a folder below models/.
        version: Version in the registry, like v20260131_020000.
        reason: Why, in a sentence; it stands in the journal.
    """
    desk = desk_of(Registry.here())
    journal = begin(desk, model, version, f"flow run {runtime.flow_run.name}", reason)
    while not journal.ended:
        journal = carry(desk, journal)
        question = None if journal.ended else journal.waiting_for
        if question is not None:
            granted, by, note = ask(journal, question)
            answer(desk, journal, question, granted, by, note)
    told = f"{model} {version}: {journal.verdict}"
    if journal.phase != "done":
        return Failed(message=told)
    # Tidying up is not what users wait for: a failure shows in its own task, and the next release
    # tidies up again.
    archive_old(model, desk.spec(model).release.keep_versions, taking_part, return_state=True)
    return Completed(message=told)


def release_within(model: str, version: str, reason: str) -> State[Any]:
    """Release as the last part of another run, which then ends with the release's own words."""
    ended = cast("State[Any]", release(model, version, reason, return_state=True))
    told = ended.message or str(ended.name)
    return Completed(message=told) if ended.is_completed() else Failed(message=told)
