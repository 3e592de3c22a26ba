"""A release under way is cancelled, loses its worker, loses the Prefect server: under traffic."""

import signal

import pytest

from tests.journeys.conftest import FIRST_DAY
from tests.journeys.interrupting import gone, timed
from tests.journeys.killing import MODEL
from tests.journeys.releasing import (
    FEW_USERS,
    FOREVER,
    journal,
    model_yaml,
    sabotaged,
    until,
    users,
)

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

BOUND = 240.0
"""Lease, schedule, one act, and as much again for a busy machine; real seconds."""


@pytest.fixture(scope="module")
def traffic(journey, survived):
    with users(journey, FIRST_DAY) as traffic:
        yield traffic


def canary(journey, environment=None) -> tuple[str, str]:
    """A good version with its first share of users; the run and the version."""
    version = sabotaged(journey, "errors", "--after", str(FOREVER))
    run = journey.prefect.start(
        "release/manual",
        {"model": MODEL, "version": version, "reason": "interrupted"},
        environment=environment,
    )
    until("the canary has a share", lambda: _shared(journey, version))
    return run, version


def _shared(journey, version) -> bool:
    now = journal(journey)
    return bool(now["candidate"]["version"] == version and now["moves"])


def undone(journey, version, stable) -> None:
    """Wait until users are back on the stable version, verified."""
    until("it is undone", lambda: journal(journey)["phase"] == "rolled_back", BOUND)
    assert journal(journey)["candidate"]["version"] == version
    assert journey.outside.pointer(MODEL) == stable
    journey.outside.only_serves(MODEL, stable["version"])


def test_a_release_that_a_person_cancels_is_undone(journey, traffic):
    stable, before = journey.outside.pointer(MODEL), traffic.seen().errors
    run, version = canary(journey)
    with timed("cancelled, then all users on the stable version"):
        journey.prefect.cancel(run)
        undone(journey, version, stable)
    assert journey.prefect.ended(run)["state_type"] == "CANCELLED"
    assert traffic.seen().errors == before, traffic.seen().last_error


def test_a_release_whose_worker_is_told_to_stop_is_undone_once_there_is_another(journey, traffic):
    stable, before = journey.outside.pointer(MODEL), traffic.seen().errors
    _, version = canary(journey)
    with timed("worker ended and replaced, then all users on the stable version"):
        with gone(journey, "worker", signal.SIGTERM):
            pass
        undone(journey, version, stable)
    assert traffic.seen().errors == before, traffic.seen().last_error


def test_a_release_ends_without_the_prefect_server(journey, traffic):
    before = traffic.seen().errors
    _, version = canary(journey, model_yaml(journey, "few", **FEW_USERS))
    promoted = timed("promoted without the server, and the server back")
    with promoted, gone(journey, "prefect-server", signal.SIGKILL):
        until("it is done", lambda: journal(journey)["phase"] == "done", BOUND)
        assert journey.outside.pointer(MODEL)["version"] == version
        journey.outside.only_serves(MODEL, version)
    assert traffic.seen().errors == before, traffic.seen().last_error
    assert journey.prefect.deployment("release/manual"), "the server is back"
