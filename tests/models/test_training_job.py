"""A real job: the program in a process of its own, from its archive, stopped and resumed."""

import io
import json
import os
import re
import subprocess
import sys
import tarfile
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from models.packaging import MEASURE, measuring_files
from models.runtime import calling
from models.runtime.bundle import Bundle
from models.runtime.outputs import served_error
from tests.models.trained import EPOCHS, ROOT, write_code

pytestmark = pytest.mark.tensorflow


def test_sigterm_ends_the_job_unfinished_and_a_new_one_goes_on(trained):
    assert trained.stopped_status == 143
    assert "stopped; what was learned is in the checkpoints" in trained.stopped_log
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
        "bundle.json",
        "code/entry_point.py",
        "code/family.json",
        "code/model.py",
        "code/models/runtime/serving/app.py",
    ):
        assert (trained.model / path).stat().st_size > 0, path
    described = trained.json("model/bundle.json")
    assert described["entry_point"] == "code/entry_point.py"
    assert described["signature"]["inputs"][0]["name"] == "features"
    assert {"python", "numpy", "tensorflow", "keras"} <= set(described["runtime"])
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
    bundle = Bundle.load(trained.model)
    predicted = bundle.task.predicted(bundle.raw({"features": inputs}))
    expected = bundle.task.predicted({"prediction": outputs})
    np.testing.assert_allclose(predicted, expected, rtol=1e-4)
    assert set(np.round(predicted)) <= {
        value for price in rows["prediction"] for value in (np.floor(price), np.ceil(price))
    } | set(np.round(rows["prediction"]))


def test_a_graph_that_answers_otherwise_is_not_served(trained):
    with np.load(trained.output / "calibration.npz") as file:
        inputs, outputs = file["inputs"], file["outputs"]
    served = Bundle.load(trained.model).raw({"features": inputs})
    assert served_error(served, {"prediction": outputs}) < 1e-4
    with pytest.raises(ArithmeticError, match="must not be released"):
        served_error(served, {"prediction": outputs + 0.01})
    with pytest.raises(ArithmeticError, match="nan"):
        served_error(served, {"prediction": outputs * np.nan})


def measuring(trained, base, *channels):
    """The job that lets a bundle measure itself, as SageMaker runs it."""
    write_code(base / "code", measuring_files())
    (base / "model").mkdir()
    (base / "model" / "model.tar.gz").write_bytes(trained.archive.read_bytes())
    done = subprocess.run(
        [sys.executable, MEASURE],
        cwd=base / "code",
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("PYTEST")},
            "SAGEMAKER_BASE_DIR": str(base / "job"),
            "SM_CHANNEL_MODEL": str(base / "model"),
            **{
                f"SM_CHANNEL_{name.upper()}": str(trained.base / "input/data" / name)
                for name in channels
            },
        },
        capture_output=True,
        text=True,
    )
    return done, base / "job/output"


def test_an_old_model_is_measured_on_a_split_as_its_own_job_measured_it(trained, tmp_path):
    done, output = measuring(trained, tmp_path, "holdout")
    assert done.returncode == 0, done.stderr
    got = json.loads((output / "data/metrics.json").read_text())
    expected = trained.json("output/data/metrics.json")
    assert got["candidate"] == pytest.approx(expected["candidate"], rel=1e-3)
    assert got["counts"] == {"holdout": expected["counts"]["holdout"]}
    assert "holdout_mae=" in done.stdout


def test_a_model_from_elsewhere_is_measured_as_a_training_job_would(trained, tmp_path):
    done, output = measuring(trained, tmp_path, "training", "holdout")
    assert done.returncode == 0, done.stderr
    got = json.loads((output / "data/metrics.json").read_text())
    expected = trained.json("output/data/metrics.json")
    for who in ("candidate", "baseline"):
        assert got[who] == pytest.approx(expected[who], rel=1e-3), who
    with np.load(output / "data/calibration.npz") as ours:
        rows = min(512, expected["counts"]["holdout"])
        assert (len(ours["inputs"]), len(ours["outputs"])) == (rows, rows)


def test_a_bundle_that_does_not_answer_is_not_measured(trained, tmp_path):
    with calling.unpacked(trained.archive) as bundle:
        (bundle / "litert" / "model.tflite").write_bytes(b"none")
        with tarfile.open(tmp_path / "bad.tar.gz", "w:gz") as archive:
            archive.add(bundle, ".")
    trained = replace(trained, base=tmp_path)
    (tmp_path / "bad.tar.gz").rename(tmp_path / "model.tar.gz")
    done, output = measuring(trained, tmp_path / "job", "holdout")
    assert done.returncode == 1
    assert (output / "failure").read_text()


def test_the_process_of_a_bundle_is_given_no_credentials(trained, tmp_path):
    given = {"PATH": "/bin", "AWS_SECRET_ACCESS_KEY": "x", "PREFECT_API_KEY": "x", "HOME": "/h"}
    told = calling.environment(tmp_path, given)
    assert set(told) == {"PATH", "HOME", "PYTHONPATH", "OMP_NUM_THREADS"}


def test_the_archive_of_the_model_serves_and_leaves_no_path_behind(trained):
    with tarfile.open(fileobj=io.BytesIO(trained.archive.read_bytes())) as archive:
        for entry in archive:
            assert not entry.name.startswith("/")
    spec = trained.json("model/preprocess.json")
    assert spec["schema_version"] == 2
    source = Bundle.load(trained.model).input
    (tensor,) = spec["signature"]["inputs"]
    prepared = source.transform(source.decode([source.example()]))
    assert list(prepared[tensor["name"]].shape) == tensor["shape"]
