"""SIGKILL in each stage, and start again: the same end, nothing paid twice, nothing lost."""

import pytest

from tests.journeys.killing import MODEL, PARAMETERS

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900)]


def test_a_run_killed_in_every_stage_reaches_the_same_end(journey, survived):
    assert len(journey.outside.jobs()) == 1, "a second training was paid for"
    pointer = journey.outside.pointer(MODEL)
    assert pointer["previous"] is None
    journey.outside.only_serves(MODEL, pointer["version"])
    assert journey.outside.verified_bundle(MODEL, pointer["version"]) > 5
    assert journey.outside.versions(MODEL) == [pointer["version"]]


def test_the_second_run_finds_nothing_new_and_trains_nothing(journey, survived):
    again = journey.prefect.start("retrain/manual", PARAMETERS)
    assert journey.prefect.completed(again).startswith("Nothing new")
    assert len(journey.outside.jobs()) == 1
