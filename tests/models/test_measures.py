import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from models.runtime import measures
from models.runtime.serving.telemetry import Telemetry


def test_regression_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    truth = rng.uniform(1, 9, 200)
    predicted = truth + rng.normal(0.3, 1, 200)
    got = measures.regression(truth, predicted)
    assert got["mae"] == pytest.approx(sk.mean_absolute_error(truth, predicted))
    assert got["rmse"] == pytest.approx(sk.root_mean_squared_error(truth, predicted))
    assert got["mape"] == pytest.approx(sk.mean_absolute_percentage_error(truth, predicted))
    assert got["r2"] == pytest.approx(sk.r2_score(truth, predicted))
    assert got["median_ae"] == pytest.approx(sk.median_absolute_error(truth, predicted))
    assert got["bias"] == pytest.approx((predicted.sum() - truth.sum()) / truth.sum())
    assert got["abs_bias"] == abs(got["bias"])


def test_classification_agrees_with_scikit_learn():
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 4, 300)
    rows = rng.dirichlet(np.ones(4), 300)
    best = rows.argmax(axis=1)
    got = measures.classification(truth, rows, 0.6)
    assert got["accuracy"] == pytest.approx(sk.accuracy_score(truth, best))
    assert got["macro_f1"] == pytest.approx(sk.f1_score(truth, best, average="macro"))
    assert got["lowest_recall"] == pytest.approx(sk.recall_score(truth, best, average=None).min())
    assert got["log_loss"] == pytest.approx(sk.log_loss(truth, rows), rel=1e-6)
    assert got["confident_share"] == pytest.approx((rows.max(axis=1) >= 0.6).mean())


def test_nobody_sure_is_no_accuracy():
    got = measures.classification(np.array([0, 1]), np.full((2, 2), 0.5), 0.8)
    assert (got["confident_share"], got["confident_accuracy"]) == (0.0, 0.0)


scores = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200)


@given(scores)
def test_every_score_falls_into_one_bin_and_the_edges_climb(values):
    got = measures.reference(np.asarray(values))
    assert sum(got["counts"]) == got["rows"] == len(values)
    assert len(got["counts"]) == len(got["edges"]) + 1
    assert got["edges"] == sorted(set(got["edges"]))


@given(scores)
def test_the_server_counts_into_the_bins_that_the_job_counted_into(values):
    reference = measures.reference(np.asarray(values))
    counted = Telemetry(reference["edges"])
    counted.answered(values, 0.001)
    assert list(counted.counts().predictions) == reference["counts"]


def test_many_scores_fill_ten_bins_evenly():
    got = measures.reference(np.random.default_rng(2).normal(size=10_000))
    assert got["counts"] == [1000] * 10
