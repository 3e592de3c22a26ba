"""The training's page: the gate's bound in the chart of what it bounds, and in the same unit."""

import base64
import re

from tasks.model_spec import load_model_spec
from tasks.settings import settings
from tasks.training.page import Target, epochs_of, training_page
from tasks.training.tasks import targets_of

LINES = [
    "noise",
    "epoch=1 loss=0.5 val_mae=7e4 seconds=0.2",
    "epoch=2 loss=0.25 val_mae=6.5e4 lr=1e-3 seconds=0.2",
]
MAE = Target("mae", "≤", 80_000.0)


def pictures(page):
    found = re.findall(r"base64,([^)]+)\)", page)
    return [base64.b64decode(data).decode() for data in found]


def test_epochs_are_read_from_the_log():
    series = epochs_of(LINES)
    assert series["loss"] == [(1.0, 0.5), (2.0, 0.25)]
    assert series["val_mae"] == [(1.0, 7e4), (2.0, 6.5e4)]
    assert set(series) == {"loss", "val_mae"}


def test_the_gates_bound_is_a_line_of_its_metrics_chart_and_of_no_other():
    mae, loss = pictures(training_page("job", "Training", LINES, [MAE]))
    assert mae.count("<polyline") == 2
    assert "gate ≤ 80,000" in mae
    assert loss.count("<polyline") == 1
    assert "gate" not in loss


def test_a_bound_far_away_is_told_and_does_not_flatten_the_curve():
    (mae, _) = pictures(training_page("job", "Training", LINES, [Target("mae", "≤", 1e9)]))
    assert mae.count("<polyline") == 1
    assert "gate ≤ 1,000,000,000" in mae


def test_the_result_stands_in_one_table_with_the_bound_beside_it():
    found = {"train:loss": 0.141, "validation:mae": 65_000.4, "holdout:mae": 66_123.4}
    page = training_page("job", "Completed", LINES, [MAE], found)
    assert "| metric | rows learned from | rows set aside | held out | gate |" in page
    assert "| mae | – | 65,000 | 66,123 | ≤ 80,000 |" in page
    assert "| loss | 0.141 | – | – | – |" in page


def test_a_job_that_has_said_nothing_yet_has_a_page():
    page = training_page("job", "Starting", [])
    assert page.startswith("# Training: Starting")
    assert not pictures(page)


def test_a_long_training_makes_a_small_page():
    lines = [f"epoch={n} loss={1 / n:.6g} val_mae={1e5 / n:.6g}" for n in range(1, 10_001)]
    assert len(training_page("job", "Training", lines, [MAE])) < 60_000


def test_every_fixed_bound_of_a_model_is_a_target():
    spec = load_model_spec("price-estimator", settings().models_dir)
    assert targets_of(spec) == (Target("mae", "≤", 150_000.0), Target("abs_bias", "≤", 0.1))
