"""The bootstrap of rows and groups: coverage in simulated worlds, order, pairs, bounds of time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from models.runtime.tasks.probability import Probability
from models.runtime.tasks.regression import Regression
from tasks.gates.intervals import bca
from tasks.gates.resampling import (
    FEWEST_DRAWS,
    MOST_DRAWS,
    MOST_ROWS,
    MOST_UNITS,
    draws_for,
    replicated,
    statistic,
    units_of,
)

REGRESSION = Regression({})
NAIVE = 60


def interval(labels, one, other, groups=None, metric="mae", draws=400):
    units = units_of([f"{row:05}" for row in range(len(labels))], groups)
    made = [
        replicated(statistic(REGRESSION, labels, said, units, {metric})[0], units, draws)
        for said in (one, other)
    ]
    point, drawn, left = (
        made[0].point[metric] - made[1].point[metric],
        made[0].drawn[metric] - made[1].drawn[metric],
        made[0].jackknife[metric] - made[1].jackknife[metric],
    )
    return bca(point, drawn, left, 0.9, units.count)


@pytest.mark.parametrize("grouped", [False, True])
def test_the_true_difference_is_inside_as_often_as_promised(grouped):
    """Skewed errors; in groups, all rows of one share an error, which rows alone would not see."""
    random = np.random.default_rng(3)
    worlds, groups, each = 200, 40, 4 if grouped else 1
    names = [f"g{index // each}" for index in range(groups * each)] if grouped else None
    covered = naive = 0
    for world in range(worlds):
        labels = np.full(groups * each, 100.0)
        shared = random.exponential(2.0, groups).repeat(each)
        one = labels + shared + random.exponential(0.5, groups * each)
        other = labels + random.exponential(2.0, groups).repeat(each)
        true = 0.5
        found = interval(labels, one, other, names)
        covered += found.low <= true <= found.high
        if grouped and world < NAIVE:
            rows = interval(labels, one, other)
            naive += rows.low <= true <= rows.high
    # A bootstrap of 40 units is sound to about three points (Efron & Tibshirani 1993, table 14.2).
    assert covered >= binom.ppf(0.001, worlds, 0.87)
    if grouped:
        assert naive < binom.ppf(0.001, NAIVE, 0.9), "rows of one group were taken for independent"


@given(seed=st.integers(0, 50))
@settings(max_examples=10)
def test_swapped_models_mirror_the_interval_and_equal_ones_differ_by_nothing(seed):
    random = np.random.default_rng(seed)
    labels = random.normal(10, 2, 50)
    one, other = (labels + random.normal(0, 1, 50) for _ in range(2))
    there, back = interval(labels, one, other), interval(labels, other, one)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))
    same = interval(labels, one, one)
    assert (same.low, same.high) == (0.0, 0.0)


def test_a_row_without_a_group_is_a_group_of_its_own():
    units = units_of(["a", "b", "c", "d"], ["u", "", "u", ""])
    assert units.count == 3
    assert units.of_row[0] == units.of_row[2]
    assert len(set(units.of_row.tolist())) == 3


def test_a_metric_without_sums_is_measured_on_the_drawn_rows():
    random = np.random.default_rng(4)
    said = random.beta(1, 4, 80)
    labels = (random.random(80) < said).astype(float)
    units = units_of([f"{row:03}" for row in range(80)], None)
    task = Probability({})
    measured, sums = statistic(task, labels, said, units, {"auc", "brier"})
    assert not sums
    weights = random.multinomial(80, [1 / 80] * 80, 3)
    found = measured(weights)
    for index, row in enumerate(weights):
        rows = np.repeat(np.arange(80), row)
        expected = task.measure(labels[rows], said[rows])
        assert found["auc"][index] == expected["auc"]
        assert found["brier"][index] == pytest.approx(expected["brier"])


def test_draws_are_as_many_as_the_end_needs_and_the_time_allows():
    assert draws_for(1_000, 0.025, sums=True) == 2_000
    assert draws_for(1_000, 0.004, sums=True) == 5_000
    assert draws_for(10**7, 0.0001, sums=True) == MOST_DRAWS
    assert draws_for(40_000, 0.025, sums=False) == MOST_ROWS // 40_000
    assert draws_for(10**7, 0.025, sums=False) == FEWEST_DRAWS


def test_very_many_rows_are_drawn_in_blocks_of_nearly_one_size():
    units = units_of([str(row) for row in range(MOST_UNITS + 5_000)], None)
    assert units.count == MOST_UNITS
    assert set(np.bincount(units.of_row).tolist()) == {1, 2}
