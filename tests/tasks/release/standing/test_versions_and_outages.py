"""What labels say of a version, and an endpoint that serves nothing, on the embedded AWS."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from benchmarks.release import testbed
from tasks.aws import client
from tasks.clock import system_clock
from tasks.release import verbs
from tasks.release.standing import keeping
from tasks.release.standing.requests import part_name
from tasks.values import Pointer
from tests.tasks.release.standing.place import (
    MODEL,
    ON_AWS,
    TIME_SCALE,
    WHOLE,
    calm,
    context,
    labels_say,
    rings_and_calms,
    standing,
    state,
    until,
)

__all__ = ["TIME_SCALE"]
pytestmark = list(ON_AWS)


def test_accuracy_rings_for_two_bad_periods_of_labels_and_until_better_ones_come(
    place: Any, mails: Any
) -> None:
    here = context()
    calm(here)
    mails()
    accuracy = part_name(MODEL, "accuracy")
    labels_say(here, 0.1, 0.4)
    here.clock.sleep(1500)
    assert state(accuracy) == "OK"
    keeping.keep(here, MODEL)  # from now on it says that it is over, too
    labels_say(here, 0.2, 0.4)
    until("accuracy rings", lambda: state(accuracy) == "ALARM")
    here.clock.sleep(1800)  # nobody looked: no reason to calm down
    assert state(accuracy) == "ALARM"
    rings_and_calms("accuracy", mails, lambda: labels_say(here, 0.1, 0.1))


def test_another_version_is_not_told_of_for_the_labels_of_the_last_one(
    place: Any, mails: Any
) -> None:
    here = context()
    calm(here)
    accuracy = part_name(MODEL, "accuracy")
    labels_say(here, 0.3, 0.3)
    until("accuracy rings", lambda: state(accuracy) == "ALARM")
    before = standing()[part_name(MODEL, "errors")]["Metrics"]
    here.clock.sleep(1500)
    with testbed.LoadGenerator(place.aws.endpoint_url, threads=3):
        assert place.release(place.publish()).phase == "done"
    assert "put right" in keeping.keep(here, MODEL)
    assert state(accuracy) == "OK"
    assert standing()[part_name(MODEL, "errors")]["Metrics"] != before
    until("calm", lambda: state(WHOLE) == "OK")


def test_what_labels_said_of_a_bad_version_rings_nobody_once_it_is_taken_back(
    place: Any, mails: Any
) -> None:
    here = context()
    accuracy = part_name(MODEL, "accuracy")
    with testbed.LoadGenerator(place.aws.endpoint_url, threads=3):
        assert place.release(place.publish()).phase == "done"
        bad = here.registry.pointer(MODEL)
        calm(here)
        mails()
        labels_say(here, 0.4, 0.4)
        until("accuracy rings", lambda: state(accuracy) == "ALARM")
        keeping.keep(here, MODEL)
        verbs.roll_back(here, MODEL, "ann", "it is bad", None)
    assert here.registry.pointer(MODEL).version == bad.previous
    labels_say(here, 0.4, 0.4, of=bad.version)  # what a watch tells that began before
    keeping.keep(here, MODEL)
    told: list[dict[str, Any]] = []
    until("the mails", lambda: len(told.extend(mails()) or told) >= 2)
    here.clock.sleep(1500)
    told += mails()
    assert state(accuracy) == "OK"
    assert [one["NewStateValue"] for one in told if one["AlarmName"] == accuracy] == ["ALARM", "OK"]


def test_an_outage_is_told_while_labels_say_that_the_model_is_bad(place: Any, mails: Any) -> None:
    here = context()
    calm(here)
    mails()
    accuracy, endpoint = part_name(MODEL, "accuracy"), part_name(MODEL, "endpoint")
    labels_say(here, 0.4, 0.4)
    until("accuracy rings", lambda: state(accuracy) == "ALARM")
    sagemaker, name = client("sagemaker"), f"sluice-{MODEL}"
    config = sagemaker.describe_endpoint(EndpointName=name)["EndpointConfigName"]
    sagemaker.delete_endpoint(EndpointName=name)
    told: list[dict[str, Any]] = []
    until("the mails", lambda: len(told.extend(mails()) or told) >= 2)
    assert [(one["AlarmName"], one["NewStateValue"]) for one in told] == [
        (accuracy, "ALARM"),
        (endpoint, "ALARM"),
    ]
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig={"Delay": 1})
    until("the endpoint calms", lambda: state(endpoint) == "OK")
    labels_say(here, 0.1, 0.1)
    until("accuracy calms", lambda: state(accuracy) == "OK")


def test_a_version_that_has_just_come_rings_nobody(place: Any, mails: Any) -> None:
    here = context()
    calm(here)
    mails()
    endpoint = part_name(MODEL, "endpoint")
    with testbed.LoadGenerator(place.aws.endpoint_url, threads=3):
        assert place.release(place.publish()).phase == "done"
    pointer = here.registry.pointer(MODEL)
    now = here.clock.now()
    assert keeping.age_of(pointer, now) + 60 == pytest.approx(keeping.age_of(pointer, now + 60))
    states = set()
    until(
        "settled",
        lambda: bool(
            states.add(state(endpoint))
            or (not keeping.keep(here, MODEL) and keeping.age_of(pointer, here.clock.now()) > 900)
        ),
    )
    assert "ALARM" not in states
    assert [one["AlarmName"] for one in mails() if one["AlarmName"] == endpoint] == []


@pytest.mark.parametrize(
    ("told", "age"),
    [
        ("2026-01-01T02:00:00.000+00:00", 60.0),
        ("2026-01-01T02:00:00", 60.0),
        ("2026-01-01T02:05:00.000+00:00", 240.0),
        ("2099-01-01T02:00:00.000+00:00", None),
        ("yesterday", None),
    ],
)
def test_the_age_of_a_pointer_is_on_the_clock(place: Any, told: str, age: float | None) -> None:
    moved = Pointer(model=MODEL, version="v1", timestamp=told, actor="a", reason="r")
    at = datetime(2026, 1, 1, 2, 1, tzinfo=UTC).timestamp()
    clock = system_clock()
    found = keeping.age_of(moved, clock.epoch + (at - clock.epoch) * clock.scale)
    if age is None:
        assert found > 86_400
    else:
        assert found == pytest.approx(age * clock.scale, abs=1)


def test_an_endpoint_that_serves_nothing_rings_and_calms_down(place: Any, mails: Any) -> None:
    here = context()
    calm(here)
    mails()
    sagemaker = client("sagemaker")
    endpoint = f"sluice-{MODEL}"
    config = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    sagemaker.delete_endpoint(EndpointName=endpoint)

    def mend() -> None:
        sagemaker.create_endpoint(EndpointName=endpoint, EndpointConfigName=config)

    rings_and_calms("endpoint", mails, mend)
    sagemaker.get_waiter("endpoint_in_service").wait(
        EndpointName=endpoint, WaiterConfig={"Delay": 1}
    )
