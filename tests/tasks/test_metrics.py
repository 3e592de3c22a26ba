"""The catalogue says what the programs measure, and which way is better."""

import numpy as np
import pytest

from models.programs import measures
from tasks.metrics import METRICS, names_for, tasks_of

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
}


@pytest.mark.parametrize("task", MEASURED)
def test_every_metric_that_is_measured_is_declared_and_the_other_way_round(task):
    assert names_for(task) == tuple(sorted(MEASURED[task]))


@pytest.mark.parametrize("name", METRICS)
def test_the_declared_direction_is_the_true_one(name):
    if name in MEASURED["regression"]:
        good = measures.regression(TRUTH, TRUTH + 0.1)[name]
        bad = measures.regression(TRUTH, TRUTH + 2.0)[name]
    else:
        good = measures.classification(CLASSES, probabilities(0.9), 0.8)[name]
        bad = measures.classification(CLASSES, probabilities(0.5, wrong=3), 0.8)[name]
    better = METRICS[name].better
    if better == "zero":
        assert abs(good) < abs(bad)
    else:
        assert (good < bad) if better == "smaller" else (good > bad)


def test_metrics_of_two_tasks_are_measured_together_for_none():
    assert tasks_of(["mae", "r2"]) == {"regression"}
    assert tasks_of(["mae", "accuracy"]) == set()
    assert tasks_of(["pinball"]) == {"regression", "classification"}
