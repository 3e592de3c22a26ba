"""Rows together: what no single column shows."""

import numpy as np
import pyarrow as pa
import pytest

from tasks.drift import fit_grid
from tasks.drift.comparison.multivariate import kernel_p, told_apart
from tasks.drift.profiles.sample import sample_rows
from tasks.errors import ConfigurationError

COLUMNS = {"a": "numeric", "b": "numeric", "c": "categorical", "d": "numeric"}


def rows(random, size=1_500, correlation=0.0, shift=0.0):
    a, b = random.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], size).T
    codes = random.choice(["x", "y", None], size)
    return pa.table({"a": a, "b": b, "c": pa.array(codes), "d": random.normal(shift, 1, size)})


@pytest.fixture
def random():
    return np.random.default_rng(8)


@pytest.fixture
def grid(random):
    return fit_grid(rows(random), COLUMNS)


def test_a_changed_correlation_is_found_and_its_columns_are_named(random, grid):
    found = told_apart(rows(random), rows(random, correlation=0.9), grid)
    assert found.outcome == "fail"
    assert found.auc > 0.6
    assert {driver.column for driver in found.drivers[:2]} == {"a", "b"}
    assert found.led.startswith(found.drivers[0].column)


def test_rows_of_one_law_are_not_told_apart(random, grid):
    found = told_apart(rows(random), rows(random), grid)
    assert found.outcome == "pass"
    assert abs(found.auc - 0.5) < 0.05


def test_too_few_rows_are_inconclusive_and_foreign_ones_are_refused(random, grid):
    assert told_apart(rows(random), rows(random, 50), grid).outcome == "inconclusive"
    with pytest.raises(ConfigurationError, match="both sides"):
        told_apart(rows(random), pa.table({"z": [1.0]}), grid)


def test_the_kernel_finds_a_small_cluster_and_keeps_its_level():
    random = np.random.default_rng(9)
    base = random.normal(size=(3_000, 8))
    clustered = random.normal(size=(3_000, 8))
    clustered[:150] = random.normal(1.5, 0.1, (150, 8))
    assert kernel_p(base, clustered) < 0.01
    same = [
        kernel_p(random.normal(size=(300, 3)), random.normal(size=(300, 3)), seed)
        for seed in range(40)
    ]
    assert np.mean(np.asarray(same) < 0.1) <= 0.25


def test_a_sample_does_not_depend_on_batches_or_order():
    table = pa.table({"n": np.arange(5_000)})
    whole = sample_rows(table.to_batches(max_chunksize=5_000), "p", 100)
    pieces = sample_rows(table.to_batches(max_chunksize=333), "p", 100)
    assert whole.table["n"].to_pylist() == pieces.table["n"].to_pylist()
    other = sample_rows(table.to_batches(), "q", 100)
    one, two = whole.merge(other), other.merge(whole)
    assert sorted(one.table["n"].to_pylist()) == sorted(two.table["n"].to_pylist())
    assert len(one.table) == 100
    # Uniform: the mean row number of a sample of 100 has standard deviation 144.
    assert abs(np.mean(whole.table["n"].to_pylist()) - 2_500) < 600
