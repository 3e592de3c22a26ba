"""The catalogue says what the programs measure, and which way is better."""

import numpy as np
import pytest

from models.runtime import measures
from tasks.metrics import METRICS, TASKS, names_for, task_class, tasks_of

TRUTH = np.linspace(1.0, 9.0, 40)
CLASSES = np.arange(40) % 4


def probabilities(share, wrong=0):
    """Rows that give the right class ``share``; the first ``wrong`` of each class name another."""
    rows = np.full((40, 4), (1 - share) / 3)
    answered = (CLASSES + (np.arange(40) < 4 * wrong)) % 4
    rows[np.arange(40), answered] = share
    return rows


MEASURED = {
    "regression": measures.regression(TRUTH, TRUTH + 0.1),
    "classification": measures.classification(CLASSES, probabilities(0.7), 0.5),
    "probability": measures.chances(CLASSES == 1, np.full(40, 0.25)),
}


LABELS = np.asarray([(CLASSES == 0) | (CLASSES == 1), CLASSES == 1, CLASSES == 3]).T
NAMED = np.empty(40, dtype=object)
NAMED[:] = [tuple(n for n, h in zip("abc", row, strict=True) if h) for row in LABELS]


def several(task, wrong):
    """Every label right, but for the first ``wrong`` rows of each class."""
    chances = np.where(LABELS, 0.9, 0.1)
    rows = np.arange(40) < 4 * wrong
    chances[rows] = 1 - chances[rows]
    return task.measure(NAMED, chances)


def ordered(liking):
    """Four users who each took up another of four items, put in the order of these scores."""
    task = task_class("ranking")({"items": list("abcd"), "k": 2, "most": 3})
    best = np.argsort(-liking, axis=1, kind="stable")[:, :3]
    scores = np.take_along_axis(liking, best, axis=1)
    labels = task.labels([["a"], ["b"], ["c"], ["d"]])
    return task.measure(labels, task.predicted({"items": best + 1, "scores": scores}))


def boxed(moved):
    """Two photos of one object each, told as much too far to the right."""
    described = {"classes": list("ab"), "confidence_threshold": 0.5, "most": 2}
    task = task_class("detection")(described)
    there = [[{"label": label, "box": [0.1, 0.1, 0.4, 0.4]}] for label in "ab"]
    said = [[{"label": label, "box": [0.1 + moved * 0.3, 0.1, 0.4 + moved * 0.3, 0.4]}]
            for label in "ab"]  # fmt: skip
    return task.measure(task.labels(there), task.read(said))


def good_and_bad(name):
    """A metric of a good and of a bad model, by the first task that has it."""
    if name in MEASURED["regression"]:
        return [measures.regression(TRUTH, TRUTH + far)[name] for far in (0.1, 2.0)]
    if name in MEASURED["classification"]:
        rows = (probabilities(0.9), probabilities(0.5, wrong=3))
        return [measures.classification(CLASSES, row, 0.8)[name] for row in rows]
    if name in MEASURED["probability"]:
        yes = (CLASSES == 1).astype(float)
        good = 0.1 + 0.7 * yes
        bad = np.where(np.arange(40) < 12, 1 - good, good)
        return [measures.chances(yes, chances)[name] for chances in (good, bad)]
    if name in task_class("ranking").metrics:
        return [ordered(rows)[name] for rows in (np.eye(4) * 3 + 1, np.ones((4, 4)))]
    if name in task_class("detection").metrics:
        return [boxed(moved)[name] for moved in (0.1, 0.6)]
    task = task_class("multi-label")({"classes": list("abc"), "threshold": 0.5})
    return [several(task, wrong)[name] for wrong in (0, 3)]


@pytest.mark.parametrize("task", MEASURED)
def test_every_metric_that_is_measured_is_declared_and_the_other_way_round(task):
    assert names_for(task) == tuple(sorted(MEASURED[task]))


@pytest.mark.parametrize("name", METRICS)
def test_the_declared_direction_is_the_true_one(name):
    good, bad = good_and_bad(name)
    better = METRICS[name].better
    if better == "zero":
        assert abs(good) < abs(bad)
    else:
        assert (good < bad) if better == "smaller" else (good > bad)


def test_metrics_of_two_tasks_are_measured_together_for_none():
    assert tasks_of(["mae", "r2"]) == {"regression"}
    assert tasks_of(["mae", "accuracy"]) == set()
    assert tasks_of(["macro_f1"]) == {"classification", "multi-label"}
    assert tasks_of(["pinball"]) == set(TASKS)
