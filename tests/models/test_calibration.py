"""Laws of calibrated chances: what a line may change, and what an error of calibration is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from models.runtime import measures
from models.runtime.baseline import plain_predictions
from models.runtime.family import Family, plug_in
from models.runtime.platt import FEWEST, fitted_line, log_odds, on_line
from models.runtime.script_mode import Hyperparameters
from models.runtime.split import ChannelColumn, Split
from models.runtime.task import CALIBRATION
from models.runtime.train import set_aside

CHANCE = st.floats(0, 1)
LABELLED = st.lists(st.tuples(CHANCE, st.booleans()), min_size=1, max_size=60)


def world(rows, seed=0, rate=-3.0):
    """Chances as they are, and what then happens."""
    rng = np.random.default_rng(seed)
    chances = 1 / (1 + np.exp(-(rate + 1.5 * rng.normal(size=rows))))
    return chances, (rng.random(rows) < chances).astype(np.float64)


def distorted(chances, slope, intercept):
    """A model that says so when the chance is another: too sure of itself, or biased."""
    return on_line(chances, slope, intercept)


@given(LABELLED, st.floats(0.01, 10), st.floats(-10, 10))
def test_a_line_never_changes_the_order(rows, slope, intercept):
    chances = np.sort([chance for chance, _ in rows])
    moved = on_line(chances, slope, intercept)
    assert (np.diff(moved) >= 0).all()
    assert ((moved >= 0) & (moved <= 1)).all()


@given(st.integers(0, 2**31), st.floats(0.2, 2), st.floats(-3, 3))
def test_calibrating_a_model_leaves_its_order_and_lowers_its_loss(seed, slope, intercept):
    chances, happened = world(3_000, seed)
    said = distorted(chances, slope, intercept)
    line = fitted_line(said, happened)
    assert line is not None
    before, after = (measures.chances(happened, p) for p in (said, on_line(said, *line)))
    assert after["average_precision"] == pytest.approx(before["average_precision"], abs=1e-9)
    assert after["auc"] == pytest.approx(before["auc"], abs=1e-9)
    # The labels that Platt fits to are a hair inside of 0 and 1.
    assert after["log_loss"] <= before["log_loss"] + 1e-3


def test_a_line_finds_the_one_that_a_model_was_bent_by():
    chances, happened = world(200_000)
    slope, intercept = fitted_line(distorted(chances, 2.0, 1.0), happened)
    assert slope == pytest.approx(0.5, abs=0.02)
    assert intercept == pytest.approx(-0.5, abs=0.05)


def test_the_line_is_the_likeliest_one():
    chances, happened = world(20_000, seed=3)
    odds = log_odds(chances)[:, None]
    known = LogisticRegression(C=np.inf, tol=1e-10).fit(odds, happened)
    slope, intercept = fitted_line(chances, happened)
    assert slope == pytest.approx(known.coef_[0, 0], abs=5e-3)
    assert intercept == pytest.approx(known.intercept_[0], abs=5e-3)


@given(LABELLED)
def test_whatever_rows_there_are_a_line_rises_or_is_none(rows):
    said, happened = (np.asarray(column, dtype=np.float64) for column in zip(*rows, strict=True))
    line = fitted_line(np.tile(said, FEWEST), np.tile(happened, FEWEST))
    if line is not None:
        assert line[0] > 0
        assert np.isfinite(on_line(said, *line)).all()


def test_too_few_rows_and_rows_that_fall_have_no_line():
    chances, happened = world(3_000)
    assert fitted_line(chances[:FEWEST], happened[:FEWEST]) is None
    assert fitted_line(1 - chances, happened) is None
    perfect = np.repeat([0.0, 1.0], 50)
    assert fitted_line(perfect, perfect) is not None


@pytest.mark.parametrize("rows", [1_000, 10_000, 100_000, 1_000_000])
def test_the_error_of_true_chances_tends_to_zero(rows):
    chances, happened = world(rows, seed=rows)
    rate = happened.mean()
    assert measures.calibration_error(happened, chances) < 4 * np.sqrt(rate * (1 - rate) / rows)


@given(LABELLED, st.randoms(use_true_random=False))
def test_the_error_of_calibration_is_a_mean_distance_whatever_the_order_of_rows(rows, random):
    said, truth = (np.asarray(column, dtype=np.float64) for column in zip(*rows, strict=True))
    found = measures.calibration_error(truth, said)
    assert 0 <= found <= np.abs(said - truth).mean() + 1e-12
    assert found >= abs(said.mean() - truth.mean()) - 1e-12
    order = random.sample(range(len(rows)), len(rows))
    assert measures.calibration_error(truth[order], said[order]) == pytest.approx(found, abs=1e-12)


@given(LABELLED.filter(lambda rows: len({yes for _, yes in rows}) == 2))
def test_chances_are_measured_as_scikit_learn_measures_them(rows):
    said, truth = (np.asarray(column, dtype=np.float64) for column in zip(*rows, strict=True))
    found = measures.chances(truth, said)
    assert found["average_precision"] == pytest.approx(average_precision_score(truth, said))
    assert found["auc"] == pytest.approx(roc_auc_score(truth, said))
    assert found["brier"] == pytest.approx(brier_score_loss(truth, said))
    cut = np.clip(said, measures.SMALLEST, 1 - measures.SMALLEST)
    assert found["log_loss"] == pytest.approx(log_loss(truth, cut), abs=1e-6)


@pytest.mark.parametrize("only", [0.0, 1.0])
def test_rows_of_one_side_alone_are_measured_too(only):
    found = measures.chances(np.full(8, only), np.linspace(0.1, 0.9, 8))
    assert np.isfinite(list(found.values())).all()
    assert (found["auc"], found["average_precision"]) == (0.5, only)


def test_a_task_answers_what_its_line_says_and_a_first_draft_what_the_graph_says():
    task = plug_in("tasks", "probability")
    chances, happened = world(5_000)
    raw = {"prediction": distorted(chances, 1.7, -0.4).astype(np.float32)[:, None]}
    plain = task(task.describe(happened, "matched", None))
    said = plain.predicted(raw)
    found = plain.calibration(happened, said)
    assert found["rows"] == 5_000
    meant = task({**plain.output, CALIBRATION: found}).predicted(raw)
    errors = [measures.chances(happened, answer)["ece"] for answer in (said, meant)]
    assert errors[1] < 0.5 * errors[0]
    assert plain.calibration(happened[:30], said[:30]) is None
    assert plain.output["base_rate"] == happened.mean()


def test_a_chances_error_is_its_share_of_the_brier_score():
    task = plug_in("tasks", "probability")({"kind": "probability"})
    found = task.errors(np.asarray([1.0, 0.0, np.nan]), np.asarray([0.75, 0.5, 0.1]))
    assert found["residual"][:2].tolist() == [-0.25, 0.5]
    assert found["error"][:2].tolist() == [0.0625, 0.25]
    assert np.isnan(found["error"][2])
    assert found["score"].tolist() == [0.75, 0.5, 0.1]


def test_chances_are_read_as_programs_answer_them():
    task = plug_in("tasks", "probability")({"kind": "probability"})
    given = [0.25, {"probability": 0.5}, {"prediction": 1}, [0.125], True, False]
    assert task.read(given).tolist() == [0.25, 0.5, 1, 0.125, 1, 0]


COLUMNS = (ChannelColumn("odds", "number"), ChannelColumn("matched", "boolean"))


def table(rows, seed):
    """A split whose only column is what the chance follows from."""
    chances, happened = world(rows, seed)
    inputs = {"odds": log_odds(chances)}
    return Split(np.arange(rows).astype(str), inputs, happened)


def test_a_plain_model_is_not_bent_by_the_line_of_the_one_that_it_stands_beside():
    family = Family("probability", "tabular", "sklearn", "matched")
    schema = family.input_class.schema(COLUMNS, "matched", {}, Hyperparameters({}))
    training, holdout = table(2_000, 1), table(500, 2)
    output = family.task_class.describe(training.labels, "matched", Hyperparameters({}))
    bent = output | {CALIBRATION: {"slope": 3.0, "intercept": 2.0, "rows": 400}}
    spec = family.input_class(schema).fit(training.inputs, None, Hyperparameters({}))
    answers = [
        plain_predictions(family, {**spec, "output": made}, training, holdout)
        for made in (output, bent)
    ]
    np.testing.assert_array_equal(*answers)


def test_a_task_says_how_many_rows_are_set_aside():
    split = table(1_000, 3)
    for name, rows in (("probability", 200), ("regression", 50)):
        task = plug_in("tasks", name)
        learned, aside = set_aside(split, task)
        assert (len(learned), len(aside)) == (1_000 - rows, rows)
        assert not set(learned.ids) & set(aside.ids)
