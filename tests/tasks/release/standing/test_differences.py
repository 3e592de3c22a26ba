"""What has to be done so that those stand which should."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tasks.release.standing.differences import AlarmChanges, changes, stands
from tasks.release.standing.requests import requests
from tests.tasks.release.standing.test_requests import TOPIC, V1, spec

V2 = "v20260102_020000"


def wanted(version: str = V1, **alarms: Any) -> list[dict[str, Any]]:
    return requests(spec(**alarms), version, "Sluice", TOPIC)


def standing(*asked: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """As DescribeAlarms tells of them: with more, and in an order of its own."""
    found = {}
    for one in copy.deepcopy(asked):
        for member in ("Metrics", "Dimensions"):
            if member in one:
                one[member].reverse()
        if "AlarmRule" in one:
            one["AlarmRule"] = one["AlarmRule"].replace('"', "").replace(" OR ", "  OR\n")
        told = {"AlarmArn": "arn", "StateValue": "OK", "StateReason": "", "Dimensions": []}
        found[one["AlarmName"]] = {**told, **one}
    return found


def test_what_stands_is_left_alone() -> None:
    change = changes(wanted(), standing(*wanted()))
    assert not change
    assert change == AlarmChanges()
    assert change.sentence("toy") == ""


def test_what_is_missing_is_made_the_whole_at_the_end() -> None:
    change = changes(wanted(), {})
    assert [one["AlarmName"] for one in change.put] == [one["AlarmName"] for one in wanted()]
    assert "AlarmRule" in change.put[-1]
    assert change.sentence("toy").startswith("toy: standing alarms made accuracy, memory, ")


@pytest.mark.parametrize(
    "by_hand",
    [
        {"Threshold": 99.0},
        {"ActionsEnabled": False},
        {"AlarmActions": ["arn:aws:sns:us-east-1:123456789012:other"]},
        {"TreatMissingData": "missing"},
        {"Unit": "Bytes"},
        {"Dimensions": [{"Name": "EndpointName", "Value": "sluice-toy"}]},
        {"Statistic": None, "ExtendedStatistic": "p99"},
        {"AlarmDescription": "hands off"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_a_person_changed_is_put_right(by_hand: dict[str, Any]) -> None:
    found = standing(*wanted())
    found["sluice-standing-toy.memory"].update(by_hand)
    change = changes(wanted(), found)
    assert [one["AlarmName"] for one in change.put] == ["sluice-standing-toy.memory"]
    assert change.sentence("toy") == "toy: standing alarms put right memory"


@pytest.mark.parametrize("by_hand", [{"ActionsSuppressor": "mine"}, {"AlarmRule": "FALSE"}])
def test_a_whole_that_was_silenced_rings_again(by_hand: dict[str, Any]) -> None:
    found = standing(*wanted())
    found["sluice-standing-toy"].update(by_hand)
    assert [one["AlarmName"] for one in changes(wanted(), found).put] == ["sluice-standing-toy"]


def test_queries_are_compared_one_by_one() -> None:
    [errors] = [one for one in wanted() if one["AlarmName"].endswith(".errors")]
    found = standing(errors)["sluice-standing-toy.errors"]
    assert stands(errors, found)
    found["Metrics"].pop()
    assert not stands(errors, found)
    [other] = [one for one in wanted(V2) if one["AlarmName"].endswith(".errors")]
    assert not stands(errors, standing(other)[other["AlarmName"]])


def test_a_part_goes_after_the_whole_no_longer_needs_it() -> None:
    change = changes(wanted(slow_ms=0), standing(*wanted()))
    assert [one["AlarmName"] for one in change.put] == ["sluice-standing-toy"]
    assert change.remove == ("sluice-standing-toy.slow",)


def test_all_go_the_whole_first() -> None:
    change = changes([], standing(*wanted()))
    assert change.remove[0] == "sluice-standing-toy"
    assert set(change.remove) == {one["AlarmName"] for one in wanted()}
    assert not change.put


def test_another_version_calms_what_labels_said_of_the_last_one() -> None:
    change = changes(wanted(V2), standing(*wanted(V1)))
    assert change.calm == ("sluice-standing-toy.accuracy",)
    assert len(change.put) == len(wanted())
    assert changes(wanted(V1, accuracy=0.5), standing(*wanted(V1))).calm == ()
    assert changes(wanted(V1), {}).calm == ()


def test_nobody_is_told_of_the_end_of_what_never_began() -> None:
    first = changes(wanted(), {}).put
    telling = {one["AlarmName"] for one in first if one["AlarmActions"] == [TOPIC]}
    assert telling == {f"sluice-standing-toy{part}" for part in ("", ".accuracy", ".endpoint")}
    assert [one["OKActions"] for one in first] == [[]] * len(first)
    found = standing(*first)
    for name in telling:
        found[name]["StateValue"] = "INSUFFICIENT_DATA"
    assert not changes(wanted(), found)
    for name in telling:
        found[name]["StateValue"] = "OK"
    change = changes(wanted(), found)
    assert {one["AlarmName"] for one in change.put} == telling
    assert all(one["OKActions"] == [TOPIC] for one in change.put)


def test_a_whole_without_parts_goes_before_them() -> None:
    none = {"memory_percent": 0, "error_rate": 0, "latency_ms": 0, "slow_ms": 0}
    change = changes(wanted(**none), standing(*wanted()))
    assert not change.put
    assert change.remove[0] == "sluice-standing-toy"
    assert len(change.remove) == 5


def test_a_whole_that_held_all_parts_gives_two_of_them_free() -> None:
    found = standing(*wanted())
    every = " OR ".join(f'ALARM("{name}")' for name in found if "." in name)
    found["sluice-standing-toy"]["AlarmRule"] = every
    for part in ("accuracy", "endpoint"):
        found[f"sluice-standing-toy.{part}"].update(AlarmActions=[], OKActions=[])
    change = changes(wanted(), found)
    assert [one["AlarmName"].removeprefix("sluice-standing-toy") for one in change.put] == [
        ".accuracy",
        ".endpoint",
        "",
    ]
