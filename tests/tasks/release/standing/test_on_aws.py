"""Alarms that stand beside an endpoint, on the embedded AWS: each rings, and calms down again."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from benchmarks.release import testbed
from tasks.aws import client
from tasks.clock import utc
from tasks.errors import AwsUnavailable
from tasks.release.standing import keeping
from tasks.release.standing.requests import composite_name, names, part_name
from tests.tasks.release.standing.place import (
    MODEL,
    ON_AWS,
    TIME_SCALE,
    WHOLE,
    calm,
    context,
    rings_and_calms,
    standing,
    state,
    until,
)

__all__ = ["TIME_SCALE"]
pytestmark = list(ON_AWS)


def turning(place: Any, switch: Path, **turned: Any) -> None:
    """The version that serves behaves so once the switch exists."""
    version = place.publish(turns=str(switch), turned=turned)
    assert place.release(version).phase == "done"


def test_errors_ring_and_calm_down(place: Any, tmp_path: Path, mails: Any) -> None:
    switch = tmp_path / "turns"
    with testbed.LoadGenerator(place.aws.endpoint_url, threads=4):
        turning(place, switch, errors=0.5)
        calm(context(latency_ms=0, slow_ms=0))
        mails()
        switch.touch()
        rings_and_calms("errors", mails, switch.unlink)


def test_slowness_rings_once_for_two_bounds(place: Any, tmp_path: Path, mails: Any) -> None:
    switch = tmp_path / "turns"
    with testbed.LoadGenerator(place.aws.endpoint_url, threads=8):
        turning(place, switch, sleep=1.5)
        calm(context(latency_ms=700, slow_ms=900, least_requests=3, error_rate=0))
        mails()
        switch.touch()
        slow = part_name(MODEL, "slow")
        until("both", lambda: state(slow) == state(part_name(MODEL, "latency")) == "ALARM")
        rings_and_calms("latency", mails, switch.unlink)
        until("the tail calms", lambda: state(slow) == "OK")


def test_one_error_of_one_request_rings_nothing(place: Any, mails: Any) -> None:
    calm(context())
    served = [
        {"Name": "EndpointName", "Value": f"sluice-{MODEL}"},
        {"Name": "VariantName", "Value": next(iter(place.serves()))},
    ]
    here = context()
    for _ in range(8):
        client("cloudwatch").put_metric_data(
            Namespace="AWS/SageMaker",
            MetricData=[
                {"MetricName": name, "Dimensions": served, "Value": 1.0}
                for name in ("Invocations", "Invocation5XXErrors")
            ],
        )
        here.clock.sleep(150)
    assert state(part_name(MODEL, "errors")) == "OK"
    assert mails() == []


def test_memory_rings_and_calms_down(place: Any, mails: Any) -> None:
    here = context()
    calm(here)
    mails()
    served = [
        {"Name": "EndpointName", "Value": f"sluice-{MODEL}"},
        {"Name": "VariantName", "Value": next(iter(place.serves()))},
    ]
    over = threading.Event()

    def fill() -> None:  # what a leak would be told as; the real figures go on beside it
        while not over.wait(0.2):
            client("cloudwatch").put_metric_data(
                Namespace="/aws/sagemaker/Endpoints",
                MetricData=[
                    {"MetricName": "MemoryUtilization", "Dimensions": served, "Value": 93.0}
                ],
            )

    leak = threading.Thread(target=fill)
    leak.start()
    try:
        rings_and_calms("memory", mails, over.set)
    finally:
        over.set()
        leak.join()


def test_what_a_person_deletes_or_changes_comes_back(place: Any) -> None:
    here = context()
    calm(here)
    asked = {name: one["AlarmConfigurationUpdatedTimestamp"] for name, one in standing().items()}
    assert keeping.keep(here, MODEL) == ""
    assert asked == {
        name: one["AlarmConfigurationUpdatedTimestamp"] for name, one in standing().items()
    }
    cloudwatch = client("cloudwatch")
    cloudwatch.delete_alarms(AlarmNames=[WHOLE])
    cloudwatch.delete_alarms(AlarmNames=[part_name(MODEL, "errors")])
    cloudwatch.disable_alarm_actions(AlarmNames=[part_name(MODEL, "memory")])
    said = keeping.keep(here, MODEL)
    assert said == f"{MODEL}: standing alarms made errors, {MODEL}'s own; put right memory"
    assert set(standing()) == set(names(MODEL))
    calm(here)
    cloudwatch.disable_alarm_actions(AlarmNames=[WHOLE])
    assert keeping.due(here, MODEL)
    keeping.keep(here, MODEL)
    assert standing()[WHOLE]["ActionsEnabled"]


def test_a_bound_that_is_left_out_takes_its_alarm_along(place: Any) -> None:
    calm(context())
    keeping.keep(context(slow_ms=0), MODEL)
    assert part_name(MODEL, "slow") not in standing()
    assert not keeping.due(context(slow_ms=0), MODEL)


def test_two_who_keep_at_once_do_no_harm(place: Any) -> None:
    here = context()
    keepers = [threading.Thread(target=keeping.keep, args=(here, MODEL)) for _ in range(4)]
    for keeper in keepers:
        keeper.start()
    for keeper in keepers:
        keeper.join()
    calm(here)
    assert set(standing()) == set(names(MODEL))


class Dying:
    """CloudWatch, to somebody who dies after so many changes."""

    def __init__(self, left: int) -> None:
        self.left = left

    def __getattr__(self, name: str) -> Any:
        call = getattr(client("cloudwatch"), name)
        if name == "get_paginator":
            return call

        def made(**request: Any) -> Any:
            if not self.left:
                raise AwsUnavailable("Dead.", "Rise.")
            self.left -= 1
            return call(**request)

        return made


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"enabled": False}, {}),
        ({}, {"slow_ms": 0, "memory_percent": 50}),
        ({}, {"enabled": False}),
    ],
    ids=["made", "changed", "removed"],
)
def test_whoever_dies_at_any_line_leaves_what_the_next_one_finishes(
    place: Any, monkeypatch: pytest.MonkeyPatch, before: Any, after: Any
) -> None:
    def settle(here: Any) -> None:
        until("settled", lambda: not keeping.keep(here, MODEL) and not keeping.due(here, MODEL))

    lines = 0
    while True:
        settle(context(**before))
        dying = Dying(lines)
        with monkeypatch.context() as patch:
            patch.setattr(keeping, "client", lambda _service, dying=dying: dying)
            try:
                keeping.keep(context(**after), MODEL)
                break
            except AwsUnavailable:
                lines += 1
        settle(context(**after))
    assert lines >= 3


def test_models_that_are_gone_have_none_left_and_those_that_serve_keep_theirs(place: Any) -> None:
    cloudwatch = client("cloudwatch")
    here = context()
    calm(here)
    for name in (part_name("gone", "errors"), part_name("toy", "memory")):
        cloudwatch.put_metric_alarm(
            AlarmName=name, Namespace="N", MetricName="M", Statistic="Sum", Period=60,
            EvaluationPeriods=1, Threshold=1.0, ComparisonOperator="GreaterThanThreshold",
        )  # fmt: skip
    cloudwatch.put_composite_alarm(
        AlarmName=composite_name("gone"), AlarmRule=f'ALARM("{part_name("gone", "errors")}")'
    )
    assert list(keeping.sweep(here, [MODEL, "toy"])) == [
        "gone: standing alarms removed gone's own, errors: the model is gone"
    ]
    assert set(standing()) == {*names(MODEL), part_name("toy", "memory")}
    list(keeping.sweep(here, [MODEL]))
    assert set(standing()) == set(names(MODEL))
    # Its endpoint serves: a folder that does not know it is no reason.
    assert list(keeping.sweep(here, [])) == []
    assert set(standing()) == set(names(MODEL))


def test_the_alarms_of_a_release_are_others(place: Any) -> None:
    calm(context())
    before = standing()
    with testbed.LoadGenerator(place.aws.endpoint_url, threads=3):
        journal = place.release(place.publish())
    assert journal.phase == "done"
    assert set(standing()) == set(before)
    assert {
        name: one["AlarmConfigurationUpdatedTimestamp"] for name, one in standing().items()
    } == {name: one["AlarmConfigurationUpdatedTimestamp"] for name, one in before.items()}
    assert utc(journal.ended_at or 0) > before[WHOLE]["StateUpdatedTimestamp"]
