"""Standing alarms of the toy model on the embedded AWS, and how its tests look at them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.release import testbed
from tasks.aws import client
from tasks.drift.quality.champion import Followed
from tasks.drift.quality.concept import Period
from tasks.drift.quality.metric_data import metric_data
from tasks.model_spec import ModelSpec
from tasks.release.hosting.names import variant_of
from tasks.release.standing import keeping
from tasks.release.standing.requests import ALONE, PREFIX, composite_name, part_name

TIME_SCALE = 120.0
ON_AWS = (
    pytest.mark.timeout(900),
    pytest.mark.seconds(110),
    pytest.mark.usefixtures("none_left"),
)
MODEL = testbed.MODEL
WHOLE = composite_name(MODEL)
LONGEST = 120.0
"""Real seconds in which an alarm must have rung or calmed down: two periods are five."""
CLASSIFIES = {"task": "classification", "input": "tabular", "backend": "keras"}


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


def calm(here: Any) -> None:
    """All alarms stand, are OK, and tell of rings and calms."""
    keeping.keep(here, MODEL)
    until("calm", lambda: state(WHOLE) == "OK" and state(part_name(MODEL, "endpoint")) == "OK")

    def settled() -> bool:  # ten minutes after a version came silence is an outage again
        keeping.keep(here, MODEL)
        watched = standing()[part_name(MODEL, "endpoint")]
        return watched["TreatMissingData"] == "breaching" and not keeping.due(here, MODEL)

    until("settled", settled)


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


def labels_say(here: Any, *errors: float, of: str = "") -> None:
    """What a watch tells CloudWatch once labels have come for these periods, the oldest first."""
    newest = tuple(
        Period(name=f"p{n}", rows=80, mean=error, variance=0.1) for n, error in enumerate(errors)
    )
    followed = Followed(outcome="pass", reason="", newest=newest)
    variant = variant_of(of or here.registry.pointer(MODEL).version)
    data = metric_data(MODEL, variant, "classification", followed, here.clock.now())
    client("cloudwatch").put_metric_data(Namespace="Sluice", MetricData=data)
