"""What is no finite number is named before anything is measured or written."""

from types import SimpleNamespace

import numpy as np
import pytest

from models.runtime.bundle import Unmeasurable, measure, require_finite
from models.runtime.own import OwnCode
from models.runtime.tasks.regression import Regression

ROWS = np.asarray(["a-1", "a-2", "a-3"])
LABELS = np.asarray([1.0, 2.0, 3.0])
TASK = Regression({"kind": "number", "name": "y", "transform": "none", "offset": 0, "scale": 1})


@pytest.mark.parametrize(
    ("predicted", "said"),
    [
        ([1.0, np.nan, np.inf], "the model answered row a-2 with nan, and 2 of 3 rows in all"),
        ([[0.5, 0.5], [0.5, 0.5], [np.nan, 0.5]], r"row a-3 with \[nan 0.5\], and 1 of 3 rows"),
    ],
)
def test_an_answer_that_is_no_number_is_named_by_its_row(predicted, said):
    with pytest.raises(Unmeasurable, match=said):
        require_finite(ROWS, np.asarray(predicted), "the model")


def test_answers_that_are_numbers_pass():
    require_finite(ROWS, LABELS, "the model")
    require_finite(ROWS, np.zeros((3, 2)), "the model")
    require_finite(ROWS[:0], LABELS[:0], "the model")


def own(value):
    return OwnCode(SimpleNamespace(metrics=lambda _labels, _predicted: {"within": value}))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, "high", np.float64("nan")])
def test_a_metric_that_is_no_number_is_named(value):
    said = r"metrics\(\) of model\.py measures of 3 rows within = .*, which is no finite number"
    with pytest.raises(Unmeasurable, match=said):
        measure(TASK, own(value), LABELS, LABELS + 1)


def test_a_metric_of_the_tasks_that_is_no_number_is_named():
    with pytest.raises(Unmeasurable, match=r"the task measures of 3 rows .* = nan"):
        measure(TASK, OwnCode(), LABELS, LABELS * np.nan)


def test_own_metrics_stand_beside_the_tasks():
    measured = measure(TASK, own(np.float32(0.5)), LABELS, LABELS + 1)
    assert measured["within"] == 0.5
    assert set(measured) == {*TASK.metrics, "within"}
