"""SIGKILL in each stage, and start again: the same end, nothing paid twice, nothing lost."""

import pytest

from tests.journeys.killing import MODEL, PARAMETERS

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900)]


def test_a_run_killed_in_every_stage_reaches_the_same_end(journey, survived):
    assert len(survived.jobs) == 1, "a second training was paid for"
    assert survived.pointer["previous"] is None
    assert survived.serving == {survived.pointer["version"].replace("_", "-"): 1.0}
    assert survived.versions == [survived.pointer["version"]]
    assert journey.outside.verified_bundle(MODEL, survived.pointer["version"]) > 5


def test_the_second_run_finds_nothing_new_and_trains_nothing(journey, survived):
    jobs = journey.outside.jobs()
    again = journey.prefect.start("retrain/manual", PARAMETERS)
    assert journey.prefect.completed(again).startswith("Nothing new")
    assert journey.outside.jobs() == jobs
