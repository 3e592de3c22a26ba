"""The dialog in which a person lets a release go on."""

from __future__ import annotations

from uuid import UUID

from prefect import pause_flow_run, runtime
from prefect.client.orchestration import get_client
from prefect.exceptions import FlowPauseTimeout
from prefect.input import RunInput
from prefect.states import Running
from pydantic import Field

from tasks.clock import system_clock
from tasks.release import Journal
from tasks.release.journal.record import Gate
from tasks.release.pages.timeline import page
from tasks.reports.artifacts import key_for, presented


class Approval(RunInput):
    """What the person fills in."""

    granted: bool = Field(default=False, description="Let the release go on?")
    by: str = Field(description="Your name; it stands in the journal.", min_length=2)
    note: str = Field(default="", description="Why, in a sentence.", max_length=500)


def ask(journal: Journal, gate: Gate) -> tuple[bool, str, str]:
    """Pause the run until a person answers, or the time is up; no answer means no.

    Returns:
        Granted, by whom, and why.
    """
    clock = system_clock()
    seconds = journal.approvals[gate].until - clock.now()
    form = Approval.with_initial_data(description=presented(page(journal)))
    try:
        answer = pause_flow_run(
            wait_for_input=form,
            timeout=max(1, int(seconds / clock.scale)),
            key=key_for("approve", gate),
        )
    except FlowPauseTimeout:
        _go_on()
        return False, "silence", "No answer in time means no."
    return answer.granted, answer.by, answer.note


def _go_on() -> None:
    """Tell the server that this run goes on.

    Out of a pause that timed out it lets no other state, and would end the run with words of its
    own instead of the release's.
    """
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(UUID(str(runtime.flow_run.id)), Running(), force=True)
