"""The dialog in which a person lets a release go on."""

from __future__ import annotations

from prefect import pause_flow_run
from prefect.exceptions import FlowPauseTimeout
from prefect.input import RunInput
from pydantic import Field

from tasks.clock import system_clock
from tasks.release import Journal
from tasks.release.journal import Gate
from tasks.release.timeline import page
from tasks.reports.artifacts import key_for


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
    left = journal.approvals[gate].until - clock.now()
    asked = Approval.with_initial_data(description=page(journal))
    try:
        answer = pause_flow_run(
            wait_for_input=asked,
            timeout=max(1, int(left / clock.scale)),
            key=key_for("approve", gate),
        )
    except FlowPauseTimeout:
        return False, "nobody", "No answer in time means no."
    return answer.granted, answer.by, answer.note
