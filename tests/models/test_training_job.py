"""A real job: the program in a process of its own, from its archive, stopped and resumed."""

import io
import json
import os
import re
import subprocess
import sys
import tarfile

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from models.programs import evaluate
from models.programs.artifacts import check_served
from models.programs.litert import Graph
from models.programs.preprocess import numbers, preprocessor
from models.programs.script_mode import Hyperparameters, Job
from tests.models.trained import EPOCHS, ROOT

pytestmark = pytest.mark.tensorflow


def test_sigterm_ends_the_job_unfinished_and_a_new_one_goes_on(trained):
    assert trained.stopped_status == 143
    assert "stopped; the last whole epoch is in the checkpoints" in trained.stopped_log
    assert re.search(r"resuming after epoch \d", trained.resumed_log)
    assert "epoch=1 " not in trained.resumed_log
    assert f"epoch={EPOCHS} " in trained.resumed_log
    history = trained.json("output/data/history.json")
    assert [entry["epoch"] for entry in history] == list(range(1, EPOCHS + 1))


def test_sagemaker_reads_its_metrics_from_the_log(trained):
    spec = yaml.safe_load((ROOT / "models" / "price-estimator" / "model.yaml").read_text())
    for metric in spec["training"]["metrics"]:
        found = re.findall(metric["regex"], trained.resumed_log)
        assert found, metric["name"]
        assert all(np.isfinite(float(value)) for value in found)


def test_the_model_learned_and_stands_beside_the_baseline(trained):
    measured = trained.json("output/data/metrics.json")
    assert measured["counts"]["holdout"] > 300
    assert measured["candidate"]["r2"] > 0.8
    assert measured["candidate"]["mae"] < 1.25 * measured["baseline"]["mae"]
    assert set(measured["candidate"]) == set(measured["baseline"])
    assert measured["served_error"] < 1e-4


def test_the_model_folder_holds_all_that_later_stages_need(trained):
    for path in (
        "saved_model/1/saved_model.pb",
        "keras/model.keras",
        "litert/model.tflite",
        "preprocess.json",
        "reference.json",
        "model_card.json",
        "sample_request.json",
        "code/serve.py",
        "code/model.py",
        "code/models/programs/serve.py",
    ):
        assert (trained.model / path).stat().st_size > 0, path
    card = trained.json("model/model_card.json")
    assert card["hyperparameters"]["epochs"] == EPOCHS
    assert card["hyperparameters"]["seed"] == 3


def test_predictions_are_the_served_models_own(trained):
    rows = pq.read_table(trained.output / "predictions.parquet").to_pydict()
    measured = trained.json("output/data/metrics.json")
    error = np.abs(np.subtract(rows["prediction"], rows["label"])).mean()
    assert error == pytest.approx(measured["candidate"]["mae"])
    assert len(set(rows["row_id"])) == len(rows["row_id"]) == measured["counts"]["holdout"]
    reference = trained.json("output/data/reference.json")
    assert sum(reference["counts"]) == reference["rows"] == len(rows["score"])
    with np.load(trained.output / "calibration.npz") as file:
        inputs, outputs = file["inputs"], file["outputs"]
    assert len(inputs) == min(512, len(rows["label"]))
    spec = trained.json("model/preprocess.json")
    predicted = numbers(spec, Graph(trained.model / "litert" / "model.tflite").run(inputs))
    np.testing.assert_allclose(predicted, numbers(spec, outputs), rtol=1e-4)
    assert set(np.round(predicted)) <= {
        value for price in rows["prediction"] for value in (np.floor(price), np.ceil(price))
    } | set(np.round(rows["prediction"]))


def test_a_graph_that_answers_otherwise_is_not_served(trained):
    with np.load(trained.output / "calibration.npz") as file:
        inputs, outputs = file["inputs"], file["outputs"]
    graph = trained.model / "litert" / "model.tflite"
    assert check_served(graph, inputs, outputs) < 1e-4
    with pytest.raises(ArithmeticError, match="must not be released"):
        check_served(graph, inputs, outputs + 0.01)
    with pytest.raises(ArithmeticError, match="nan"):
        check_served(graph, inputs, outputs * np.nan)


@pytest.fixture
def evaluation(trained, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.tar.gz").write_bytes(trained.archive.read_bytes())
    channels = {"model": tmp_path / "model", "holdout": trained.base / "input/data/holdout"}
    out = tmp_path / "out"
    return Job(tmp_path, tmp_path / "m", out, channels, Hyperparameters({}))


def test_an_old_model_is_measured_on_a_split_as_its_own_job_measured_it(trained, evaluation):
    evaluate.evaluate(evaluation)
    got = json.loads((evaluation.output_dir / "metrics.json").read_text())
    expected = trained.json("output/data/metrics.json")
    assert got["candidate"] == pytest.approx(expected["candidate"], rel=1e-3)
    assert got["counts"] == {"holdout": expected["counts"]["holdout"]}


def test_a_model_from_elsewhere_is_measured_as_a_training_job_would(trained, evaluation):
    base = evaluation.base
    done = subprocess.run(
        [sys.executable, "evaluate.py"],
        cwd=trained.base / "code",
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("PYTEST")},
            "SAGEMAKER_BASE_DIR": str(base / "job"),
            "SM_CHANNELS": json.dumps(["model", "training", "holdout"]),
            "SM_CHANNEL_MODEL": str(base / "model"),
            "SM_CHANNEL_TRAINING": str(trained.base / "input/data/training"),
            "SM_CHANNEL_HOLDOUT": str(trained.base / "input/data/holdout"),
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    got = json.loads((base / "job/output/data/metrics.json").read_text())
    expected = trained.json("output/data/metrics.json")
    for who in ("candidate", "baseline"):
        assert got[who] == pytest.approx(expected[who], rel=1e-3), who
    with np.load(base / "job/output/data/calibration.npz") as ours:
        rows = min(512, expected["counts"]["holdout"])
        assert (len(ours["inputs"]), len(ours["outputs"])) == (rows, rows)


def test_the_archive_of_the_model_serves_and_leaves_no_path_behind(trained):
    with tarfile.open(fileobj=io.BytesIO(trained.archive.read_bytes())) as archive:
        for entry in archive:
            assert not entry.name.startswith("/")
    spec = trained.json("model/preprocess.json")
    assert spec["schema_version"] == 1
    prepare = preprocessor(spec)
    assert prepare.transform(prepare.decode([prepare.example()])).shape == tuple(
        spec["input"]["shape"]
    )
