"""Alarms that stand beside an endpoint, on the embedded AWS: each rings, and calms down again."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.release import testbed
from tasks.aws import client
from tasks.clock import utc
from tasks.drift.quality.champion import Followed
from tasks.drift.quality.concept import Period
from tasks.drift.quality.told import metric_data
from tasks.errors import AwsUnavailable
from tasks.model_spec import ModelSpec
from tasks.release import verbs
from tasks.release.hosting.names import variant_of
from tasks.release.standing import keeping
from tasks.release.standing.requests import ALONE, PREFIX, composite_name, names, part_name

TIME_SCALE = 120.0
MODEL = testbed.MODEL
WHOLE = composite_name(MODEL)
LONGEST = 120.0
"""Real seconds in which an alarm must have rung or calmed down: two periods are five."""
CLASSIFIES = {"task": "classification", "input": "tabular", "backend": "keras"}

pytestmark = [pytest.mark.timeout(900), pytest.mark.seconds(150)]


def spec(**alarms: Any) -> ModelSpec:
    """The toy model as a classifier, so that it has an accuracy."""
    told = testbed.spec().model_dump()
    gates = [{"metric": "accuracy", "no_worse_than_champion": 0.02}]
    return ModelSpec.model_validate(
        {**told, "family": CLASSIFIES, "gates": gates, "alarms": alarms}
    )


def context(**alarms: Any) -> Any:
    return testbed.context("ann", spec(**alarms))


def standing() -> dict[str, dict[str, Any]]:
    pages = client("cloudwatch").get_paginator("describe_alarms")
    kinds = ["MetricAlarm", "CompositeAlarm"]
    found = {}
    for page in pages.paginate(AlarmNamePrefix=PREFIX, AlarmTypes=kinds):
        for alarm in page["MetricAlarms"] + page["CompositeAlarms"]:
            found[alarm["AlarmName"]] = alarm
    return found


def state(name: str) -> str:
    found = standing()
    return str(found[name]["StateValue"]) if name in found else "gone"


def until(what: str, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONGEST
    while not holds():
        states = {name: one["StateValue"] for name, one in standing().items()}
        assert time.monotonic() < deadline, f"{what} not seen: {states}"
        time.sleep(0.1)


@pytest.fixture
def mails(place: Any) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What the topic said of standing alarms since the last look."""
    url = place.queue("standing-mails")
    sqs = place.aws.client("sqs")

    def read() -> list[dict[str, Any]]:
        told = []
        while got := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for one in got:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
                text = json.loads(one["Body"])["Message"]
                if text.startswith("{") and json.loads(text)["AlarmName"].startswith(PREFIX):
                    told.append(json.loads(text))
        return told

    yield read
    sqs.delete_queue(QueueUrl=url)


@pytest.fixture(autouse=True)
def none_left(place: Any) -> Iterator[None]:
    """Each test begins and ends without a standing alarm."""
    keeping.keep(context(enabled=False), MODEL)
    yield
    keeping.keep(context(enabled=False), MODEL)
    assert standing() == {}


def calm(here: Any) -> None:
    """All alarms stand, are OK, and tell of rings and calms."""
    keeping.keep(here, MODEL)
    until("calm", lambda: state(WHOLE) == "OK" and state(part_name(MODEL, "endpoint")) == "OK")
    keeping.keep(here, MODEL)
    assert not keeping.due(here, MODEL)


def rings_and_calms(
    part: str, mails: Callable[[], list[dict[str, Any]]], mend: Callable[[], object]
) -> None:
    """The part rings; people hear of it once, and once that it is over."""
    name = part_name(MODEL, part)
    tells = name if part in ALONE else WHOLE
    until(f"{part} rings", lambda: state(name) == "ALARM" and state(tells) == "ALARM")
    mend()
    until(f"{part} calms", lambda: state(name) != "ALARM" and state(tells) == "OK")
    told: list[dict[str, Any]] = []
    until("the mails", lambda: len(told.extend(mails()) or told) >= 2)
    assert [(one["AlarmName"], one["NewStateValue"]) for one in told] == [
        (tells, "ALARM"),
        (tells, "OK"),
    ]
    assert name in told[0]["NewStateReason"] + json.dumps(told[0])
    assert "docs/operations.md" in told[0]["AlarmDescription"]


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


def labels_say(here: Any, *errors: float, of: str = "") -> None:
    """What a watch tells CloudWatch once labels have come for these periods, the oldest first."""
    newest = tuple(
        Period(name=f"p{n}", rows=80, mean=error, variance=0.1) for n, error in enumerate(errors)
    )
    followed = Followed(outcome="pass", reason="", newest=newest)
    variant = variant_of(of or here.registry.pointer(MODEL).version)
    data = metric_data(MODEL, variant, "classification", followed, here.clock.now())
    client("cloudwatch").put_metric_data(Namespace="Sluice", MetricData=data)


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
    assert keeping.sweep(here, [MODEL, "toy"]) == [
        "gone: standing alarms removed gone's own, errors: the model is gone"
    ]
    assert set(standing()) == {*names(MODEL), part_name("toy", "memory")}
    keeping.sweep(here, [MODEL])
    assert set(standing()) == set(names(MODEL))
    # Its endpoint serves: a folder that does not know it is no reason.
    assert keeping.sweep(here, []) == []
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
