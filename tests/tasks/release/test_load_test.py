"""What a candidate's own variant answers before it has users."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.release.hosting.answers import Answer, ruling, unsound

ANSWERS = st.lists(
    st.builds(Answer, st.floats(0.1, 5_000), st.sampled_from(["", "", "", "500"])), min_size=1
)


@given(ANSWERS, st.floats(0, 0.99), st.floats(1, 5_000))
def test_it_passes_within_both_bounds_and_only_there(answers, error_share, longest_ms):
    said = ruling("v1", answers, 2.0, error_share, longest_ms)
    failed = sum(bool(answer.fault) for answer in answers)
    slow = sum(answer.ms > longest_ms for answer in answers)
    good = failed <= error_share * len(answers) and slow <= 0.05 * len(answers)
    assert said.startswith("pass: v1 answered" if good else "fail: ")


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([], "fail: v1 answered nothing within 2 s"),
        (
            [Answer(4.0)] * 50,
            "pass: v1 answered 50 sample requests at 25 a second, 0 failed, p95",
        ),
        (
            [Answer(4.0)] * 49 + [Answer(9.0, "InvokeEndpoint: model error")],
            "fail: 1 of 50 sample requests at 25 a second failed, at most 1.00% may "
            "(release.load_test.error_share): InvokeEndpoint: model error",
        ),
        (
            [Answer(4.0)] * 47 + [Answer(3_100.0)] * 3,
            "fail: of 50 sample requests at 25 a second 95 % took up to 3100 ms, 2000 ms may be",
        ),
    ],
)
def test_every_sentence_names_the_figure_the_bound_and_its_key(answers, said):
    assert ruling("v1", answers, 2.0, 0.01, 2_000).startswith(said)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ({"predictions": [1.5, {"score": 0.5}]}, ""),
        ({"predictions": [True, ["a", 2]]}, ""),
        ({"predictions": [1.5]}, "2 instances, but 1 predictions"),
        ({"predictions": [1.0, math.nan]}, "a prediction is not a finite number"),
        ({"predictions": [1.0, {"box": [math.inf]}]}, "a prediction is not a finite number"),
        ({"error": "no"}, "the answer has no predictions"),
        ([1.0, 2.0], "the answer has no predictions"),
    ],
)
def test_an_answer_is_held_to_its_request(answer, fault):
    request = json.dumps({"instances": [1, 2]}).encode()
    assert unsound(request, json.dumps(answer).encode()).startswith(fault)
    assert fault or unsound(request, json.dumps(answer).encode()) == ""


def test_an_answer_that_is_no_json_is_named():
    assert unsound(b"{}", b"<html>").startswith("the answer is not JSON: b'<html>'")
