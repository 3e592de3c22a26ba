"""Metrics of weighted rows by sums are those of the rows themselves, each as often as it weighs."""

import numpy as np
import pytest

from models.runtime.tasks.classification import Classification
from models.runtime.tasks.detection import Detection
from models.runtime.tasks.multi_label import MultiLabel
from models.runtime.tasks.probability import Probability
from models.runtime.tasks.ranking import Ranking
from models.runtime.tasks.regression import Regression

ROWS = 60


def made(task, seed):
    """A task, labels and predictions of it."""
    random = np.random.default_rng(seed)
    if task is Regression:
        labels = random.gamma(2, 50, ROWS)
        return Regression({}), labels, labels + random.normal(0, 20, ROWS)
    if task is Ranking:
        described = {"items": list("abcdef"), "k": 2, "most": 4}
        listed = np.argsort(random.random((ROWS, 6)), axis=1)[:, :4] + 1
        taken = [[i for i in "abcdefg" if random.random() < 0.4] or ["g"] for _ in range(ROWS)]
        said = np.concatenate([listed, np.tile([0.4, 0.3, 0.2, 0.1], (ROWS, 1))], axis=1)
        return Ranking(described), Ranking.labels(taken), said
    if task is Probability:
        said = random.beta(1, 3, ROWS)
        return Probability({}), (random.random(ROWS) < said).astype(float), said
    classes = ["a", "b", "c"]
    if task is Detection:
        corners = np.asarray([[0, 0, 0.5, 0.5], [0, 0, 0.4, 0.5], [0.5, 0.5, 1, 1]])
        there = random.integers(-1, 3, (2, ROWS, 2))
        truth, told = [
            [
                [{"label": classes[n], "box": list(corners[n])} for n in row if n >= 0]
                for row in side
            ]
            for side in there
        ]
        made_task = Detection({"classes": classes, "confidence_threshold": 0.5, "most": 4})
        told = [[box | {"confidence": random.random()} for box in row] for row in told]
        return made_task, Detection.labels(truth), made_task.read(told)
    if task is Classification:
        chances = random.dirichlet([0.6] * 3, ROWS)
        labels = np.asarray(classes)[[random.choice(3, p=row) for row in chances]]
        return Classification({"classes": classes, "confidence_threshold": 0.8}), labels, chances
    rows = MultiLabel.labels([[c for c in classes if random.random() < 0.3] for _ in range(ROWS)])
    return MultiLabel({"classes": classes, "threshold": 0.5}), rows, random.random((ROWS, 3))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "task", [Regression, Classification, Probability, MultiLabel, Ranking, Detection]
)
def test_sums_give_what_the_rows_give(task, seed):
    made_task, labels, predicted = made(task, seed)
    sums = made_task.sums(labels, predicted)
    weights = np.random.default_rng(seed).integers(0, 4, (7, ROWS))
    found = sums.metrics(weights.astype(float) @ sums.rows)
    for index, row in enumerate(weights):
        rows = np.repeat(np.arange(ROWS), row)
        expected = made_task.measure(labels[rows], predicted[rows])
        assert {name: values[index] for name, values in found.items()} == pytest.approx(
            {name: expected[name] for name in found}
        )
    for name, column in sums.shares.items():
        assert set(sums.rows[:, column]) <= {0.0, 1.0}
        assert sums.rows[:, column].mean() == pytest.approx(
            made_task.measure(labels, predicted)[name]
        )


def test_what_many_classes_would_cost_is_left_to_the_rows():
    classes = [f"{index:03}" for index in range(100)]
    chances = np.eye(100)
    task = Classification({"classes": classes, "confidence_threshold": 0.8})
    sums = task.sums(np.asarray(classes), chances)
    assert sums.rows.shape == (100, 5)
    assert "macro_f1" not in sums.metrics(sums.rows.sum(axis=0, keepdims=True))
