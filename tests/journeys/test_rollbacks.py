"""The ways back, on the running stack: by hand, by an event, by itself; and what a gate refuses."""

import re
import time
from pathlib import Path

import pytest

from tests.journeys.conftest import FIRST_DAY
from tests.journeys.killing import MODEL
from tests.journeys.releasing import (
    FEW_USERS,
    FOREVER,
    journal,
    model_yaml,
    registered,
    sabotaged,
    until,
    users,
)

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900)]
WATCHED = {**FEW_USERS, "watch_seconds": 36_000}
"""Longer than any journey: the release stays young until something ends it."""
HELD = {**FEW_USERS, "ladder": [0.2, 0.3], "beta": 1e-250, "deadline_seconds": 10**8}
"""Nothing proves so much: the release stays in its canary until somebody ends it."""
TAKES_BACK = "rolled_back"


@pytest.fixture(scope="module")
def traffic(journey, survived):
    with users(journey, FIRST_DAY) as traffic:
        yield traffic


def summary(journey) -> str:
    """The newest summary page."""
    return journey.prefect.artifact("summary", MODEL)["data"]


def under_way(journey, policy, after) -> tuple[str, str]:
    """A release with its first share of users; the run and the version."""
    version = sabotaged(journey, "errors", "--after", str(after))
    run = journey.prefect.start(
        "release/manual",
        {"model": MODEL, "version": version, "reason": "to go back from"},
        environment=model_yaml(journey, "way-back", **policy),
    )
    until("the canary has a share", lambda: shared(journey, version))
    return run, version


def shared(journey, version) -> bool:
    now = journal(journey)
    return bool(now["candidate"]["version"] == version and now["moves"])


def test_what_a_gate_refuses_ends_as_rejected_and_the_champion_serves_on(journey, survived):
    stable = journey.outside.pointer(MODEL)
    asked = {"model": MODEL, "reason": "a strict gate", "epochs": 1}
    strict = model_yaml(journey, "strict")
    path = Path(strict["SLUICE_MODELS_DIR"]) / MODEL / "model.yaml"
    path.write_text(re.sub(r"at_most: 150000", "at_most: 1", path.read_text("utf-8")), "utf-8")
    run = journey.prefect.ended(journey.prefect.start("retrain/manual", asked, environment=strict))
    said = run["state"]["message"]
    assert (run["state_type"], run["state_name"]) == ("COMPLETED", "Rejected"), said
    assert "does not pass its gate (fail): mae" in said
    assert "the champion goes on serving" in said
    assert journey.outside.pointer(MODEL) == stable
    journey.outside.only_serves(MODEL, stable["version"])
    page = summary(journey)
    assert page.startswith(f"# {MODEL}: {stable['version']} serves")
    assert "does not pass its gate" in page
    # The candidate is kept with its reason: the same request does not pay for it again.
    jobs = journey.outside.jobs()
    again = journey.prefect.start("retrain/manual", asked, environment=strict)
    assert "mae" in journey.prefect.completed(again)
    assert journey.outside.jobs() == jobs


def test_a_rollback_by_hand_takes_over_a_release_under_way(journey, traffic):
    stable, before = journey.outside.pointer(MODEL), traffic.seen().errors
    run, version = under_way(journey, HELD, FOREVER)
    began = time.monotonic()
    back = journey.prefect.start(
        "rollback/manual", {"model": MODEL, "reason": "a customer complained"}
    )
    said = journey.prefect.completed(back)
    assert f"From {version} to {stable['version']}." in said
    print(f"rolled back by hand: {time.monotonic() - began:.1f} s with the start of the run")
    assert journal(journey)["phase"] == TAKES_BACK
    assert journey.outside.pointer(MODEL) == stable, "the pointer never named it"
    journey.outside.only_serves(MODEL, stable["version"])
    assert traffic.seen().errors == before, traffic.seen().last_error
    ended = journey.prefect.ended(run)
    assert ended["state_name"] == "RolledBack", "the run that lost it says what became of it"
    assert "a customer complained" in ended["state"]["message"]
    assert "| previous version |" in summary(journey)


def test_a_rollback_by_an_event_needs_no_access_and_comes_once(journey, traffic):
    stable = journey.outside.pointer(MODEL)
    _, version = under_way(journey, HELD, FOREVER)
    known = {run["id"] for run in journey.prefect.runs("rollback/on-event")}
    emit(journey, "the shop sells less")
    run = journey.prefect.wait_for_run("rollback/on-event", known)
    assert journey.prefect.running(run) == f"{MODEL} · the shop sells less"
    said = journey.prefect.completed(run)
    assert f"From {version} to {stable['version']}." in said
    assert journey.outside.pointer(MODEL) == stable
    journey.outside.only_serves(MODEL, stable["version"])


def emit(journey, reason) -> None:
    """What a monitor does that has no access to AWS."""
    event = {
        "event": "rollback.wanted",
        "resource": {"prefect.resource.id": f"sluice.model.{MODEL}"},
        "payload": {"model": MODEL, "reason": reason},
        "occurred": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "id": "00000000-0000-4000-8000-" + f"{time.time_ns() % 10**12:012d}",
    }
    journey.prefect._http.post("/events", json=[event]).raise_for_status()


def test_a_version_that_fails_after_promotion_goes_back_by_itself(journey, traffic):
    stable = journey.outside.pointer(MODEL)
    # Good for so many requests that it is proven first; then every user of it suffers.
    run, version = under_way(journey, WATCHED, 2500)
    until("it is promoted", lambda: journey.outside.pointer(MODEL)["version"] == version)
    assert journal(journey)["phase"] in {"promoting", "watching", "rolling_back", TAKES_BACK}
    ended = journey.prefect.ended(run)
    assert ended["state_name"] == "RolledBack", ended["state"]["message"]
    back = journey.outside.pointer(MODEL)
    assert (back["version"], back["previous"], back["rollback"]) == (
        stable["version"],
        version,
        True,
    )
    end = journal(journey)
    assert end["marks"]["cdn"]
    assert end["marks"]["cdn_back"]
    journey.outside.only_serves(MODEL, stable["version"])
    assert registered(journey, version), "it is kept, to be looked at"
