"""Captured lines become pairs: the same request, answered by both versions."""

from __future__ import annotations

import base64
import json
import random
import statistics
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.release.observation import pairs
from tasks.release.observation.pairs import Answered
from tests.models.test_tasks import NAMES, fitted, raw

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC).timestamp()
HOUR = (NOON, NOON + 3600.0)


def line(asked: Any, said: Any, at: float = NOON, encoding: str = "JSON", **meta: Any) -> str:
    def side(value: Any) -> dict[str, str]:
        text = json.dumps(value)
        if encoding == "BASE64":
            text = base64.b64encode(text.encode()).decode()
        return {"data": text, "encoding": encoding}

    when = f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
    return json.dumps(
        {
            "captureData": {
                "endpointInput": side({"instances": asked}),
                "endpointOutput": side({"predictions": said}),
            },
            "eventMetadata": {"eventId": "e", "inferenceTime": when, **meta},
        }
    )


def test_the_same_request_on_both_sides_is_a_pair() -> None:
    stable = pairs.answers([line([[1]], [10.0]), line([[2]], [20.0]), line([[3]], [30.0])], HOUR)
    copies = pairs.answers(
        [line([[2]], [20.2], NOON + 5), line([[1]], [11.0]), line([[9]], [0.0])], HOUR
    )
    assert pairs.counted(stable, copies, spread=5.0) == {"pairs": 2, "predictions": (1, 0)}
    assert pairs.counted(copies, stable, spread=5.0) == {"pairs": 2, "predictions": (0, 1)}


def test_an_inference_id_tells_requests_apart_that_look_alike() -> None:
    stable = pairs.answers([line([[1]], [1.0], inferenceId="a")], HOUR)
    copies = pairs.answers([line([[1]], [1.0], inferenceId="b")], HOUR)
    assert pairs.counted(stable, copies, 1.0)["pairs"] == 0
    assert pairs.counted(stable, stable, 1.0)["pairs"] == 1


def test_a_request_that_came_thrice_and_was_mirrored_twice_is_two_pairs() -> None:
    stable = pairs.answers([line([[1]], [1.0], NOON + i) for i in range(3)], HOUR)
    copies = pairs.answers([line([[1]], [1.0], NOON + i) for i in range(2)], HOUR)
    assert pairs.counted(stable, copies, 1.0)["pairs"] == 2


def test_text_and_bytes_are_read_alike() -> None:
    [told] = pairs.answers([line([[1]], [10.0], encoding="BASE64")], HOUR)
    assert told == pairs.answers([line([[1]], [10.0])], HOUR)[0]


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "{",
        "[]",
        "null",
        line([[1]], "no list"),
        line([[1]], [None]),
        line([[1]], [True]),
        line([[1]], []),
        line([[1]], [{"label": "kitchen"}]),
        line([[1]], [1.0]).replace("2026", "then"),
        line([[1]], [1.0]).replace("captureData", "other"),
        line([[1]], [1.0], encoding="BASE64").replace('"data": "', '"data": "?'),
    ],
)
def test_a_line_that_says_nothing_is_left_out(broken: str) -> None:
    assert pairs.answers([broken], HOUR) == []


def test_only_what_was_asked_within_the_span_counts() -> None:
    lines = [line([[1]], [1.0], NOON + at) for at in (-1, 0, 59, 60)]
    assert [told.at - NOON for told in pairs.answers(lines, (NOON, NOON + 60))] == [0.0, 59.0]


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        (3, 3.0),
        (2.5, 2.5),
        ([2.5], 2.5),
        ({"label": "b", "scores": [0.1, 0.7, 0.2]}, 1.7),
        ({"scores": [1.0, 0.0]}, 1 - 1e-6),
        ("b", None),
        ({"scores": ["x"]}, None),
        ([1.0, 2.0], None),
    ],
)
def test_the_score_is_what_the_serving_programs_count(answer: Any, score: float | None) -> None:
    assert pairs.score(answer) == (None if score is None else pytest.approx(score))


@pytest.mark.parametrize("name", NAMES)
def test_serving_programs_and_pairs_read_one_score_out_of_an_answer(name: str) -> None:
    task, _ = fitted(name)
    predicted = task.predicted(raw(task, 6))
    told = json.loads(json.dumps(task.answers(predicted)))
    expected = pytest.approx(list(task.scores(predicted)))
    assert [pairs.score(answer, name) for answer in told] == expected


def test_the_spread_is_the_standard_deviation_of_the_scores_behind_the_edges() -> None:
    normal = statistics.NormalDist(100.0, 15.0)
    edges = [normal.inv_cdf(step / 20) for step in range(1, 20)]
    assert pairs.spread(edges) == pytest.approx(15.0, rel=0.02)
    assert pairs.spread(()) == pairs.spread((1.0,)) == pairs.spread((1.0, 1.0)) == 0.0


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(-9, 9)), max_size=20),
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(-9, 9)), max_size=20),
    st.randoms(use_true_random=False),
)
def test_the_order_of_lines_changes_nothing_and_nobody_counts_twice(
    told: list[tuple[str, float]], copied: list[tuple[str, float]], chosen: random.Random
) -> None:
    stable = [Answered(key, at, score) for at, (key, score) in enumerate(told)]
    copies = [Answered(key, at, score) for at, (key, score) in enumerate(copied)]
    found = pairs.counted(stable, copies, 1.0)
    asked, mirrored = [a.request for a in stable], [c.request for c in copies]
    assert found["pairs"] == sum(min(asked.count(k), mirrored.count(k)) for k in "abc")
    assert sum(found["predictions"]) <= found["pairs"]
    chosen.shuffle(stable)
    chosen.shuffle(copies)
    assert pairs.counted(stable, copies, 1.0) == found


def test_objects_are_looked_for_in_the_hours_in_which_they_are_written() -> None:
    assert pairs.hours((NOON - 30, NOON + 30)) == ("2026/01/31/11", "2026/01/31/12")
    assert pairs.hours((NOON + 60, NOON + 120)) == ("2026/01/31/12",)
    within = pairs.written_within
    span = (NOON + 600, NOON + 660)
    assert within("2026/01/31/12", "10-30-000-x.jsonl", span)
    assert within("2026/01/31/12", "12-00-000-x.jsonl", span), "written later than asked"
    assert not within("2026/01/31/12", "09-59-000-x.jsonl", (NOON + 605, NOON + 660))
    assert within("2026/01/31/12", "00-20-000-x.jsonl", span), "of the hour, written after it"
    assert within("2026/01/31/12", "else.jsonl", span)
