"""The shipped text model on made reviews: better than a bag of words, and in every edge format."""

import json
import tarfile
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.training.job import run_job
from deployments.demo.reviews import reviews
from models.runtime import calling
from models.runtime.split import COLUMNS
from tasks.conversion.convert import convert_model, require
from tasks.model_spec import load_model_spec
from tests.models.trained import ROOT, columns_text

pytestmark = [pytest.mark.tensorflow, pytest.mark.seconds(90)]
SPEC = load_model_spec("sentiment", ROOT / "models")
ROWS, HELD_OUT = 4000, 800
MARGIN = 0.05
"""By how much words in their order must beat words in none."""


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """A job by the model's own model.yaml, its reviewers on one side of the split each."""
    base = tmp_path_factory.mktemp("sentiment")
    made = reviews(ROWS, date(2026, 1, 1), 60, seed=8)
    names = sorted(set(made["reviewer"]))
    held = np.isin(made["reviewer"], names[: len(names) * HELD_OUT // ROWS])
    for channel, chosen in (("training", ~held), ("holdout", held)):
        folder = base / "input" / "data" / channel
        folder.mkdir(parents=True)
        table = pa.table({name: values[chosen] for name, values in made.items()})
        pq.write_table(table, folder / "part.parquet")
        (folder / COLUMNS).write_text(columns_text("reviews"), "utf-8")
    return base, run_job(SPEC.name, SPEC.composition, SPEC.training.hyperparameters, base)


def metrics(job):
    return json.loads((job[0] / "output/data/metrics.json").read_text("utf-8"))


def test_it_beats_a_bag_of_words(job):
    measured = metrics(job)
    candidate, plain = (measured[who]["accuracy"] for who in ("candidate", "baseline"))
    assert candidate > plain + MARGIN
    assert measured["candidate"]["lowest_recall"] > 0.7


def test_every_hyperparameter_of_its_model_yaml_is_asked_for(job):
    assert "unknown hyperparameters" not in job[1]


def test_its_answers_bear_the_names_of_model_yaml(job):
    spec = json.loads((job[0] / "model/preprocess.json").read_text("utf-8"))
    assert spec["output"]["classes"] == ["negative", "positive"]
    assert spec["output"]["values"] == ["0", "1"]
    told = pq.read_table(job[0] / "output/data/predictions.parquet")
    assert set(told["prediction"].to_pylist()) == {"0", "1"} == set(told["label"].to_pylist())


def test_it_measures_itself_again(job, tmp_path):
    again = calling.measure(job[0] / "model", job[0] / "input/data/holdout", tmp_path / "out")
    assert again["candidate"] == pytest.approx(metrics(job)["candidate"], rel=1e-3, abs=1e-6)


def test_it_converts_to_every_format_within_its_bounds(job, tmp_path):
    archive = tmp_path / "model.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=1) as made:
        made.add(job[0] / "model", ".")
    calibration = job[0] / "output/data/calibration.npz"
    with np.load(calibration) as rows:
        assert rows["input:words"].dtype == rows["input:pairs"].dtype == np.int32
    report = convert_model(
        archive, SPEC.conversion, calibration, tmp_path / "edge", "classification"
    )
    require(report)
