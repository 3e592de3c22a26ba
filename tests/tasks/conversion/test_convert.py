"""Real conversions of a really trained model, answered by the runtimes that clients use."""

import base64
import json
import subprocess
import sys
import tarfile
from dataclasses import replace

import numpy as np
import pytest

from tasks.conversion import runtimes
from tasks.conversion.calibration import Calibration, read
from tasks.conversion.convert import convert_model, modules_folder, parities, require
from tasks.conversion.runtimes import litert_answers, tfjs_answers
from tasks.conversion.signature import GraphSignature, signature_of
from tasks.conversion.unpacking import unpack
from tasks.conversion.vectors import vectors
from tasks.errors import ConversionError
from tasks.specs.conversion import ConversionSpec, FormatSpec
from tests.models.trained import ROOT

LIMITS = ConversionSpec(
    tflite_float16=FormatSpec(max_bytes=200_000, max_error=0.005),
    tflite_int8=FormatSpec(max_bytes=100_000, max_error=0.1),
    tfjs_float16=FormatSpec(max_bytes=200_000, max_error=0.005),
)


@pytest.fixture(scope="module")
def edge(tmp_path_factory, trained):
    out = tmp_path_factory.mktemp("edge")
    report = convert_model(
        trained.archive, LIMITS, trained.output / "calibration.npz", out, model="prices"
    )
    return out, report


@pytest.fixture
def calibration(trained):
    signature = signature_of(trained.json("model/preprocess.json"))
    return read(trained.output / "calibration.npz", signature), signature


@pytest.mark.tensorflow
def test_every_format_is_made_proven_and_small(edge):
    out, report = edge
    require(report)
    assert {made.format for made in report.formats} == {
        "tflite_float16",
        "tflite_int8",
        "tfjs_float16",
    }
    assert all((out / path).stat().st_size for path in report.files)
    assert {"tensorflow", "tensorflowjs", "ai-edge-litert"} <= set(report.versions)
    errors = report.parity
    assert errors["tflite_float16"] < 1e-3
    assert errors["tfjs_float16"] < 1e-3
    assert errors["tflite_int8"] > errors["tflite_float16"]
    sizes = {made.format: made.size for made in report.formats}
    assert sizes["tflite_int8"] < sizes["tflite_float16"]
    shown = report.to_markdown().replace("<br>", " ").replace("\u200b", "")
    assert "TensorFlow.js 4.22.0 (wasm)" in shown


@pytest.mark.tensorflow
def test_a_browser_finds_a_named_input_of_one_row_and_no_debug_operation(edge, trained):
    out, _ = edge
    model = json.loads((out / "tfjs" / "model.json").read_text("utf-8"))
    (name,) = model["signature"]["inputs"]
    spec = trained.json("model/preprocess.json")["signature"]["inputs"][0]
    shape = [int(size["size"]) for size in model["signature"]["inputs"][name]["tensorShape"]["dim"]]
    assert (name, shape) == (spec["name"], spec["shape"])
    operations = {node["op"] for node in model["modelTopology"]["node"]}
    assert operations.isdisjoint({"Assert", "Print", "PrintV2", "CheckNumerics"})


def compared(answers, rows, signature):
    (parity,) = parities(answers, rows, signature, {})
    return parity


@pytest.mark.tensorflow
def test_parity_notices_another_answer(edge, calibration):
    out, _ = edge
    rows, signature = calibration
    moved = replace(rows, outputs={name: array + 1 for name, array in rows.outputs.items()})
    broken = {name: array.copy() for name, array in rows.inputs.items()}
    for array in broken.values():
        array[0] = np.nan
    path, model = out / "tflite" / "model_float16.tflite", out / "tfjs" / "model.json"
    for asked in (
        lambda inputs: litert_answers(path, signature, inputs),
        lambda inputs: tfjs_answers(model, signature, inputs, modules_folder()),
    ):
        found = compared(asked(rows.inputs), moved, signature)
        assert found.mean_error == pytest.approx(1, rel=0.01)
        spoilt = compared(asked(broken), rows, signature)
        assert (spoilt.mean_error, spoilt.max_error) == (None, None)


@pytest.mark.tensorflow
def test_a_model_that_javascript_cannot_run_is_told(edge, calibration, tmp_path):
    out, _ = edge
    rows, signature = calibration
    model = json.loads((out / "tfjs" / "model.json").read_text("utf-8"))
    model["modelTopology"]["node"][-1]["op"] = "NoSuchOperation"
    for shard in (out / "tfjs").glob("*.bin"):
        (tmp_path / shard.name).write_bytes(shard.read_bytes())
    (tmp_path / "model.json").write_text(json.dumps(model), "utf-8")
    with pytest.raises(ConversionError, match="NoSuchOperation"):
        tfjs_answers(tmp_path / "model.json", signature, rows.inputs, modules_folder())


@pytest.mark.tensorflow
def test_clients_are_told_what_each_files_tensors_are_called(edge, trained):
    out, report = edge
    told = json.loads((out / "signatures.json").read_text("utf-8"))
    given = trained.json("model/preprocess.json")["signature"]["inputs"][0]
    assert set(told) == {made.format for made in report.formats}
    for name, entry in told.items():
        (taken,), (answered,) = entry["inputs"], entry["outputs"]
        assert (out / entry["file"]).is_file()
        assert (taken["name"], taken["shape"], taken["dtype"]) == (
            given["name"], given["shape"], "float32",
        )  # fmt: skip
        assert taken["key"] == given["name"], name
        assert answered["name"] == "prediction"


@pytest.mark.tensorflow
def test_whoever_brings_a_format_to_a_device_can_compare_with_what_it_answered(edge, calibration):
    out, report = edge
    _, signature = calibration
    told = json.loads((out / "vectors.json").read_text("utf-8"))
    assert "vectors.json" in report.files
    assert set(told["answers"]) == {"original", *(made.format for made in report.formats)}
    given = {
        tensor["name"]: np.frombuffer(
            base64.b64decode(tensor["base64"]), np.dtype(tensor["dtype"]).newbyteorder("<")
        ).reshape(tensor["shape"])
        for tensor in told["inputs"]
    }
    assert {len(rows) for rows in given.values()} == {told["rows"]} == {8}
    answered = litert_answers(out / "tflite" / "model_int8.tflite", signature, given).outputs
    for name, rows in told["answers"]["tflite_int8"].items():
        np.testing.assert_allclose(answered[name], rows, rtol=1e-5)
        original = np.array(told["answers"]["original"][name])
        assert 0 < np.abs(original - np.array(rows)).max() < np.abs(original).max()


def test_vectors_are_few_where_rows_are_large_and_hold_no_nan():
    signature = GraphSignature.model_validate(
        {
            "inputs": [{"name": "image", "shape": [1, 200, 200, 3], "dtype": "float32"}],
            "outputs": [{"name": "answer", "shape": [1, 2], "dtype": "float32"}],
        }
    )
    pictures = np.ones((5, 200, 200, 3), np.float32)
    rows = Calibration({"image": pictures}, {"answer": np.full((5, 2), np.nan, np.float32)})
    (tensor,) = (told := vectors(signature, rows, {}))["inputs"]
    assert (told["rows"], tensor["shape"]) == (1, [1, 200, 200, 3])
    assert json.loads(json.dumps(told, allow_nan=False))["answers"]["original"] == {
        "answer": [[None, None]]
    }


def archive(folder, *names):
    packed = folder / "model.tar.gz"
    with tarfile.open(packed, "w:gz") as tar:
        for name in names:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("{}")
            tar.add(path, name)
    return packed


def test_an_archive_without_a_model_is_refused(tmp_path):
    with pytest.raises(ConversionError, match=r"holds no saved_model/1/saved_model\.pb"):
        unpack(archive(tmp_path, "preprocess.json"), tmp_path / "out")
    with pytest.raises(ConversionError, match=r"holds no preprocess\.json"):
        unpack(archive(tmp_path, "saved_model/1/saved_model.pb"), tmp_path / "out2")


def test_a_torn_archive_is_refused(tmp_path):
    torn = tmp_path / "model.tar.gz"
    torn.write_bytes(b"\x1f\x8b\x08torn")
    with pytest.raises(ConversionError, match="cannot be unpacked"):
        unpack(torn, tmp_path / "out")


def test_nothing_asked_for_takes_no_time(tmp_path):
    report = convert_model(
        tmp_path / "none.tar.gz", ConversionSpec(), tmp_path / "none.npz", tmp_path / "out"
    )
    assert (report.verdict.outcome, report.files) == ("pass", ())


def test_what_a_flow_imports_imports_no_tensorflow():
    code = (
        "import sys, tasks.conversion.convert, tasks.conversion.report; "
        "print([m for m in sys.modules if m.split('.')[0] in "
        "{'tensorflow', 'keras', 'tensorflowjs', 'ai_edge_litert', 'numpy'}])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_lock_file_pins_what_is_asked_for_and_names_no_host():
    asked = json.loads((runtimes.RUNNER / "package.json").read_text("utf-8"))["dependencies"]
    text = (runtimes.RUNNER / "package-lock.json").read_text("utf-8")
    lock = json.loads(text)["packages"]
    assert {name: lock[f"node_modules/{name}"]["version"] for name in asked} == asked
    assert all("integrity" in entry for name, entry in lock.items() if name)
    assert "http" not in text


def test_a_machine_without_node_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(runtimes.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(runtimes.os, "defpath", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConversionError, match="There is no npm"):
        runtimes.install_tfjs(tmp_path / "tfjs")
