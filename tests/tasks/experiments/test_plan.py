"""What cannot be right is one error that names every fault; a bad line loses no other line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import InvalidExperiment
from tasks.experiments.blocks import MILLION
from tasks.experiments.entries import UserEvent, batch
from tasks.experiments.plan import SuccessMetric, assignment, plan
from tests.tasks.experiments.conftest import BOOKED, START, V1, V2, an_experiment

GOOD: dict[str, Any] = {
    "model": "m", "control": V1, "treatment": V2, "known": (V1, V2), "percent": 50, "days": 14.0,
    "window_hours": 24.0, "metrics": [BOOKED], "alpha": 0.05, "when_decided": "tell",
    "actor": "ann", "reason": "to know", "now": START,
}  # fmt: skip
SPENT = {"name": "spent", "kind": "mean", "minimal_difference": 2, "cap": 1}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"treatment": "v9"}, "version 'v9' is not in the registry"),
        ({"control": ""}, "no control is named, and no version serves yet"),
        ({"control": V2}, "control and treatment are the same version"),
        ({"percent": 0}, "split 0 must lie between 1 and 99"),
        ({"percent": 100}, "split 100 must lie between 1 and 99"),
        ({"days": 0}, "days 0 must be above 0"),
        ({"days": float("nan")}, "days nan"),
        ({"window_hours": 500}, "window_hours 500"),
        ({"alpha": 1}, "alpha 1"),
        ({"metrics": []}, "there is no success metric"),
        ({"metrics": [BOOKED, BOOKED]}, "metric 'booked' is named twice"),
        ({"metrics": [{"name": "Booked!", "minimal_difference": 0.1}]}, "must be like demo_booked"),
        ({"metrics": [{"name": "x", "minimal_difference": 0}]}, "minimal_difference 0 must be > 0"),
        ({"metrics": [SPENT]}, "must be below 1, the most that one user counts for"),
        ({"metrics": [{**SPENT, "cap": -1}]}, "cap -1 must be a number above 0"),
        ({"metrics": [{"name": "x"}]}, "minimal_difference: Field required"),
    ],
)
def test_a_plan_that_cannot_be_right_is_refused(change: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidExperiment) as caught:
        plan(**{**GOOD, **change})
    assert named in caught.value.what
    assert caught.value.next_step.startswith("Correct")


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(InvalidExperiment, match=r"'v8'.*'v9'.*split 0.*no success metric"):
        plan(**{**GOOD, "control": "v8", "treatment": "v9", "percent": 0, "metrics": []})


def test_clients_are_told_who_gets_what_until_when() -> None:
    made = plan(**{**GOOD, "percent": 20})
    told = assignment(made).model_dump()
    assert told == {
        "schema_version": 1, "model": "m", "experiment": made.id, "state": "running",
        "control": V1, "treatment": V2, "percent": 20, "salt": f"m-{made.id}",
        "starts": "2026-01-05T08:00:00Z", "ends": "2026-01-19T08:00:00Z", "winner": None,
    }  # fmt: skip


def test_two_experiments_deal_users_anew() -> None:
    one, two = plan(**GOOD), plan(**{**GOOD, "now": START + 1})
    users = [f"u{n}" for n in range(400)]
    same = sum(one.arm_of(user) == two.arm_of(user) for user in users)
    assert 150 < same < 250


def line(**changes: Any) -> str:
    found = {"user_id": "u1", "event_id": "e1", "metric": "booked", "value": 1, **changes}
    return json.dumps({key: value for key, value in found.items() if value is not None})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "is not JSON"),
        ("[1]", "is not a JSON object"),
        (line(user_id=None), "user_id is None"),
        (line(user_id=""), "user_id is ''"),
        (line(event_id=7), "event_id is 7"),
        (line(metric="clicks"), "'clicks' is no metric of this experiment"),
        (line(value="1"), "value is '1', not a number"),
        (line(value=float("nan")), "value is nan"),
        (line(value=1e300), "value is 1e+300"),
        (line(when=1), "unknown keys 'when'"),
    ],
)
def test_a_line_that_is_no_record_is_told_and_loses_no_other(text: str, why: str) -> None:
    found = batch(an_experiment(), [line(event_id="e0"), text, line(event_id="e2")])
    assert len(found.users["u1"]) == 2
    assert found.lines == 3
    assert found.wrong[0].startswith("line 2: ")
    assert why in found.wrong[0]


def test_an_exposure_needs_no_metric_and_a_value_is_one_by_default() -> None:
    found = batch(
        an_experiment(),
        [line(metric=None, value=None, version=V1), line(event_id="e2", value=None), "", "  "],
    )
    assert found.users == {
        "u1": (UserEvent("e1", "", 0, V1), UserEvent("e2", "booked", MILLION, "")),
    }
    assert found.lines == 2


@given(st.permutations([(u, e) for u in "ab" for e in "xyz"] * 2))
def test_the_order_of_lines_does_not_matter_and_repeated_ones_count_once(events: Any) -> None:
    found = batch(an_experiment(), [line(user_id=u, event_id=e) for u, e in events])
    assert found.repeated == 6
    assert {u: {entry.event for entry in entries} for u, entries in found.users.items()} == {
        "a": set("xyz"), "b": set("xyz"),
    }  # fmt: skip


def test_a_metric_explains_itself_in_the_form() -> None:
    fields = SuccessMetric.model_json_schema()["properties"]
    assert all(field["description"] for field in fields.values())
