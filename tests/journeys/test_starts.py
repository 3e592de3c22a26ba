"""The event and the schedule each start a run by themselves (the form: see test_ui)."""

from datetime import UTC, datetime, timedelta

import pytest

from deployments.demo.generate import Shift, property_sales
from tests.journeys.conftest import FIRST_DAY
from tests.journeys.killing import MODEL

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]


def known(journey, deployment: str) -> set[str]:
    return {run["id"] for run in journey.prefect.runs(deployment)}


def test_the_schedule_starts_a_run(journey, survived):
    before = known(journey, "retrain/weekly")
    soon = datetime.now(UTC) + timedelta(seconds=30)
    journey.prefect.schedule_once("retrain/weekly", soon, {"model": MODEL, "epochs": 6})
    run = journey.prefect.wait_for_run("retrain/weekly", before)
    assert journey.prefect.completed(run).startswith("Nothing new")


def test_a_drift_alarm_starts_one_retraining_and_the_run_says_why(journey, survived):
    before = known(journey, "retrain/on-drift")
    start = FIRST_DAY + timedelta(days=100)
    journey.load(property_sales(700, start, 14, seed=9, shift=Shift(size=1.3, grade=1)))
    watch = journey.prefect.start("watch-drift/daily", {"model": MODEL})
    assert journey.prefect.completed(watch).startswith("Emitted drift.detected")
    run = journey.prefect.wait_for_run("retrain/on-drift", before)
    name = journey.prefect.running(run)
    journey.prefect.cancel(run)
    assert name.startswith(f"{MODEL} · drift in "), "the run's name tells why it was started"

    again = journey.prefect.start("watch-drift/daily", {"model": MODEL})
    assert "already told" in journey.prefect.completed(again)
    journey.prefect.ended(run)
    assert known(journey, "retrain/on-drift") - before == {run}


def test_every_trigger_template_renders(journey, survived):
    """A template that fails to render fires nothing: only this event tells."""
    failed = journey.prefect.events("prefect.automation.action.failed")
    # A run that is dead by the time its heartbeat is missed cannot be crashed twice: not ours.
    starts = [event for event in failed if event["payload"].get("action_type") == "run-deployment"]
    assert starts == []
