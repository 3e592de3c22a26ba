"""What starts by itself: schedule, event and daily question (the form: see test_ui)."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import yaml

from deployments.demo.generate import Shift, property_sales
from tests.journeys.killing import MODEL, NEW_DAY, PARAMETERS
from tests.journeys.releasing import model_yaml

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]


def known(journey, deployment: str) -> set[str]:
    return {run["id"] for run in journey.prefect.runs(deployment)}


def watch(journey, **parameters) -> str:
    run = journey.prefect.start("watch-drift/daily", {"model": MODEL, **parameters})
    return journey.prefect.completed(run)


def test_the_schedule_starts_a_run(journey, survived):
    before, each = known(journey, "retrain-all/weekly"), known(journey, "retrain/manual")
    soon = datetime.now(UTC) + timedelta(seconds=30)
    weekly = {"models": [MODEL], "reason": "weekly schedule"}
    weekly |= {key: PARAMETERS[key] for key in ("epochs", "end")}
    journey.prefect.schedule_once("retrain-all/weekly", soon, weekly)
    run = journey.prefect.wait_for_run("retrain-all/weekly", before)
    assert journey.prefect.completed(run) == "1 of 1 models: 1 Completed."
    [retraining] = known(journey, "retrain/manual") - each
    assert journey.prefect.running(retraining) == f"{MODEL} · weekly schedule"
    assert journey.prefect.completed(retraining).startswith("Nothing new")
    page = journey.prefect.artifact("retrain-all", "")["data"]
    assert "Nothing new" in page
    assert journey.outside.pointer(MODEL)["version"] in page


@pytest.fixture(scope="module")
def quiet_days(journey, survived):
    """Three more days of the same market: what the watch said before them, and after."""
    before = watch(journey, end=PARAMETERS["end"])
    return before, watch(journey, end=journey.load_quiet_days())


def test_a_watch_that_finds_nothing_says_so_and_starts_nothing(journey, quiet_days):
    nothing_new, nothing_found = quiet_days
    assert nothing_new.startswith(f"Nothing came after {PARAMETERS['end']}")
    assert nothing_found.startswith(f"{MODEL}: ")
    assert "columns differs by more than chance allows" in nothing_found
    assert not [
        run
        for run in journey.prefect.runs("retrain/on-drift")
        if run["parameters"].get("reason", "") in nothing_found
    ]


def test_the_daily_question_names_new_rows_and_starts_one_retraining(journey, quiet_days):
    before = known(journey, "retrain/manual")
    environment = model_yaml(journey, "due")
    path = Path(environment["SLUICE_MODELS_DIR"]) / MODEL / "model.yaml"
    spec = yaml.safe_load(path.read_text("utf-8"))
    spec["retrain_when"] = {**spec["retrain_when"], "min_new_rows": 60}
    path.write_text(yaml.safe_dump(spec), "utf-8")

    asked = journey.prefect.start("retrain-due/daily", {"start": False}, environment=environment)
    told = journey.prefect.completed(asked)
    assert f"{MODEL}: about " in told
    assert "new rows (from 60 on)" in told
    assert known(journey, "retrain/manual") == before, "it was only asked"

    journey.prefect.completed(
        journey.prefect.start("retrain-due/daily", {"start": True}, environment=environment)
    )
    run = journey.prefect.wait_for_run("retrain/manual", before)
    name = journey.prefect.running(run)
    journey.prefect.cancel(run)
    assert name.startswith(f"{MODEL} · about "), "the run's name tells why it was started"
    journey.prefect.ended(run)
    assert known(journey, "retrain/manual") - before == {run}


def test_a_fresh_champion_is_not_due(journey, survived):
    environment = model_yaml(journey, "idle")
    run = journey.prefect.start("retrain-due/daily", {"start": True}, environment=environment)
    assert f"{MODEL}: not due" in journey.prefect.completed(run)


def test_a_drift_alarm_starts_one_retraining_and_the_run_says_why(journey, quiet_days):
    before = known(journey, "retrain/on-drift")
    start = NEW_DAY + timedelta(days=3)
    journey.load(property_sales(700, start, 14, seed=9, shift=Shift(size=1.3, grade=1)))
    assert watch(journey).startswith("Emitted drift.detected")
    run = journey.prefect.wait_for_run("retrain/on-drift", before)
    name = journey.prefect.running(run)
    journey.prefect.cancel(run)
    assert name.startswith(f"{MODEL} · drift in "), "the run's name tells why it was started"

    assert "was told, and goes on as it was told" in watch(journey)
    journey.prefect.ended(run)
    assert known(journey, "retrain/on-drift") - before == {run}


def test_a_storm_of_events_starts_one_run(journey):
    """Of a model without data, so that the one run ends by itself, for a reason of its own."""
    before = known(journey, "retrain/on-drift")
    events = [
        {
            "event": "drift.detected",
            "resource": {"prefect.resource.id": "sluice.model.partner-match"},
            "payload": {"model": "partner-match", "reason": f"storm {number}"},
            "occurred": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "id": str(uuid4()),
        }
        for number in range(300)
    ]
    for first in range(0, len(events), 50):
        answer = journey.prefect._http.post("/events", json=events[first : first + 50])
        answer.raise_for_status()
    run = journey.prefect.wait_for_run("retrain/on-drift", before)
    journey.prefect.ended(run)
    started = known(journey, "retrain/on-drift") - before
    assert len(started) <= 2, "of 300 events, should posting them have taken half a minute"


def test_every_trigger_template_renders(journey, survived):
    """A template that fails to render fires nothing: only this event tells."""
    failed = journey.prefect.events("prefect.automation.action.failed")
    # A run that is dead by the time its heartbeat is missed cannot be crashed twice: not ours.
    starts = [event for event in failed if event["payload"].get("action_type") == "run-deployment"]
    assert starts == []
