"""Models of several named, typed inputs and outputs, converted and answered for real."""

import json

import numpy as np
import pytest

from tasks.conversion.calibration import read
from tasks.conversion.convert import convert_model, modules_folder
from tasks.conversion.refusals import Refused
from tasks.conversion.report import ARTIFACTS
from tasks.conversion.runtimes import install_tfjs, litert_answers, tfjs_answers
from tasks.conversion.signature import signature_of
from tasks.conversion.tracing import one_row
from tasks.conversion.worker import convert_all
from tasks.errors import ConversionError
from tasks.specs.conversion import FORMATS, ConversionSpec
from tests.tasks.conversion.edge_models import pack

FLOAT16, TFJS = "tflite_float16", "tfjs_float16"
PLACES = [
    # The order of the file is not that of the alphabet: a graph flattens by name.
    {"name": "size", "shape": [1, 4], "dtype": "float32"},
    {"name": "places", "shape": [1, 3], "dtype": "int64"},
]
ANSWERS = [
    {"name": "price", "shape": [1, 1], "dtype": "float32"},
    {"name": "kind", "shape": [1, 3], "dtype": "float32"},
    {"name": "best", "shape": [1], "dtype": "int64"},
]


def save(function, inputs, folder, **held):
    """A SavedModel of any batch that serves a function of named tensors."""
    import tensorflow as tf

    module = tf.Module()
    for name, value in held.items():
        setattr(module, name, value)
    specs = [
        tf.TensorSpec([None, *entry["shape"][1:]], entry["dtype"], name=entry["name"])
        for entry in inputs
    ]
    served = tf.function(function, input_signature=specs)
    tf.saved_model.save(module, str(folder / "saved_model/1"), signatures=served)
    return served


def calibrate(folder, served, rows, **more):
    """calibration.npz of the new form, answered by the SavedModel's own function."""
    answers = served(*rows.values())
    path = folder / "calibration.npz"
    arrays = {f"input:{name}": array for name, array in rows.items()}
    arrays |= {f"output:{name}": array.numpy() for name, array in answers.items()}
    np.savez(path, **arrays, **more)
    return path, {name: array.numpy() for name, array in answers.items()}


@pytest.fixture(scope="module")
def homes(tmp_path_factory):
    """A look-up by number beside a vector; a number, classes and the class's number come out."""
    import tensorflow as tf

    folder = tmp_path_factory.mktemp("homes")
    rng = np.random.default_rng(5)
    table = tf.Variable(rng.normal(size=(40, 4)).astype(np.float32))
    weights = tf.Variable(rng.normal(size=(4, 3)).astype(np.float32))

    def serve(size, places):
        seen = tf.nn.relu(tf.reduce_mean(tf.gather(table, places), axis=1) + size)
        scores = tf.matmul(seen, weights)
        return {
            "price": tf.reduce_sum(seen, axis=1, keepdims=True),
            "kind": tf.nn.softmax(4 * scores),
            "best": tf.argmax(scores, axis=1),
        }

    served = save(serve, PLACES, folder, table=table, weights=weights)
    rows = {
        "size": rng.normal(size=(400, 4)).astype(np.float32),
        "places": rng.integers(0, 40, (400, 3)),
    }
    best = serve(*rows.values())["best"].numpy()
    calibration, _ = calibrate(folder, served, rows, targets=best)
    archive = pack(
        folder,
        None,
        signature={"inputs": PLACES, "outputs": ANSWERS},
        output={"kind": "classes", "tensor": "kind", "classes": list("abc")},
    )
    out = folder / "out"
    spec = ConversionSpec(**{name: {} for name in FORMATS})
    return out, convert_model(archive, spec, calibration, out, "homes")


@pytest.mark.tensorflow
def test_two_inputs_and_three_outputs_are_true_in_every_format(homes):
    _, report = homes
    assert report.verdict.outcome == "pass", report.verdict.reason
    assert [made.format for made in report.formats] == list(FORMATS)
    for made in report.formats:
        by_output = {parity.output: parity for parity in made.parities}
        assert list(by_output) == ["price", "kind", "best"]
        assert [by_output[name].kind for name in by_output] == ["numbers", "classes", "values"]
        assert made.parity.mean_error == max(parity.mean_error for parity in made.parities)
        # The true answers are those of the output that preprocess.json tells about.
        measured = [name for name, parity in by_output.items() if parity.metric_loss is not None]
        assert measured == ["kind"]
    errors = {made.format: made.parities[0].mean_error for made in report.formats}
    assert errors["tflite_float16"] < 1e-3 < errors["tflite_int8"]
    assert errors["tfjs_float16"] < 1e-3


@pytest.mark.tensorflow
def test_the_page_has_a_row_for_each_output_and_names_every_tensor(homes):
    _, report = homes
    page = report.to_markdown().replace("<br>", " ").replace("\u200b", "")
    for name in ("price", "kind", "best"):
        assert sum(f"| `{name}` |" in line and "LiteRT" in line for line in page.split("\n")) == 2
    assert "| TensorFlow.js float16 | takes | `places` | `places` | [1, 3] | int32 |" in page
    names = {check.name for check in report.verdict.checks}
    assert {"tflite_int8 kind agreement", "tflite_int8 price relative error"} <= names
    assert {"tfjs_float16 best agreement", "tfjs_float16 kind metric"} <= names


@pytest.mark.tensorflow
def test_clients_find_names_and_dtypes_beside_the_files(homes):
    out, _ = homes
    told = json.loads((out / "signatures.json").read_text("utf-8"))
    types = {
        name: [(one["key"], one["dtype"]) for one in (*entry["inputs"], *entry["outputs"])]
        for name, entry in told.items()
    }
    wide = [
        ("size", "float32"), ("places", "int64"), ("price", "float32"), ("kind", "float32"),
        ("best", "int64"),
    ]  # fmt: skip
    assert types["tflite_float16"] == types["tflite_int8"] == wide
    assert types["tfjs_float16"] == [(name, kind.replace("int64", "int32")) for name, kind in wide]


MIXED = [
    {"name": "z", "shape": [1, 2], "dtype": "float32"},
    {"name": "a", "shape": [1, 2], "dtype": "float32"},
    {"name": "count", "shape": [1, 2], "dtype": "int32"},
    {"name": "known", "shape": [1], "dtype": "bool"},
]


def mixed(z, a, count, known):
    """Tensors of one shape, so that a swap changes the answers and no shape."""
    import tensorflow as tf

    return {
        "y": z + 10.0 * a + 100.0 * tf.cast(count, tf.float32),
        "b": z - a,
        "more": count + 1,
        "sure": tf.logical_and(known, z[:, 0] > 0.0),
    }


@pytest.mark.tensorflow
def test_every_dtype_goes_to_the_tensor_of_its_name(tmp_path):
    served = save(mixed, MIXED, tmp_path)
    rng = np.random.default_rng(6)
    rows = {
        "z": rng.normal(size=(20, 2)).astype(np.float32),
        "a": rng.normal(size=(20, 2)).astype(np.float32),
        "count": rng.integers(-5, 5, (20, 2)).astype(np.int32),
        "known": rng.random(20) < 0.5,
    }
    calibration, truth = calibrate(tmp_path, served, rows)
    outputs = [
        {"name": name, "shape": [1, *array.shape[1:]], "dtype": array.dtype.name}
        for name, array in truth.items()
    ]
    signature = signature_of({"signature": {"inputs": MIXED, "outputs": outputs}})
    job = {
        "saved_model": str(tmp_path / "saved_model/1"),
        "signature": signature.model_dump(),
        "calibration": str(calibration),
        "out": str(tmp_path),
        "formats": {name: ARTIFACTS[name] for name in (FLOAT16, TFJS)},
    }
    convert_all(job, tmp_path / "at.txt")
    modules = install_tfjs(modules_folder())
    for answers in (
        litert_answers(tmp_path / ARTIFACTS[FLOAT16], signature, rows),
        tfjs_answers(tmp_path / ARTIFACTS[TFJS], signature, rows, modules),
    ):
        for name, array in truth.items():
            answered = np.array(answers.outputs[name]).reshape(array.shape)
            assert answered == pytest.approx(array.astype(float), abs=1e-3), name
        held = {one.name: one.dtype for one in answers.signature.inputs}
        assert held == {entry["name"]: entry["dtype"] for entry in MIXED}


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("inputs", "outputs", "words"),
    [
        ([MIXED[0], MIXED[1]], None, ["4 inputs (a, count, known, z)", "2 inputs (a, z)"]),
        (MIXED, [{"name": "y", "shape": [1, 2], "dtype": "float32"}], ["4 outputs", "one output"]),
        ([*MIXED[:2], {**MIXED[2], "dtype": "int64"}, MIXED[3]], None, ["'count'", "int32"]),
        ([{**MIXED[0], "shape": [1, 3]}, *MIXED[1:]], None, ["'z'", "[1, 3]", "(None, 2)"]),
    ],
)
def test_a_saved_model_of_another_signature_is_refused(inputs, outputs, words, tmp_path):
    import tensorflow as tf

    save(mixed, MIXED, tmp_path)
    outputs = outputs or [
        {"name": "y", "shape": [1, 2], "dtype": "float32"},
        {"name": "b", "shape": [1, 2], "dtype": "float32"},
        {"name": "more", "shape": [1, 2], "dtype": "int32"},
        {"name": "sure", "shape": [1], "dtype": "bool"},
    ]
    signature = signature_of({"signature": {"inputs": inputs, "outputs": outputs}})
    with pytest.raises(Refused) as refused:
        one_row(tf, tmp_path / "saved_model/1", signature)
    assert all(word in refused.value.what for word in words), refused.value.what


@pytest.mark.tensorflow
@pytest.mark.parametrize(("dtype", "words"), [("string", "is text"), ("float64", "is float64")])
def test_a_saved_model_of_text_is_refused_though_its_file_says_nothing(dtype, words, tmp_path):
    import tensorflow as tf

    def serve(x):
        return {"y": tf.zeros([tf.shape(x)[0], 1])}

    save(serve, [{"name": "x", "shape": [1, 2], "dtype": dtype}], tmp_path)
    older = signature_of({"input": {"name": "x", "shape": [1, 2]}})
    with pytest.raises(ConversionError, match=words):
        one_row(tf, tmp_path / "saved_model/1", older)


@pytest.mark.tensorflow
def test_a_single_tensor_may_bear_any_name_and_its_rows_lie_in_the_old_arrays(tmp_path):
    given = [{"name": "features", "shape": [1, 2], "dtype": "float32"}]
    named = [{"name": "score", "shape": [1, 2], "dtype": "float32"}]
    served = save(lambda x: {"output_0": 2.0 * x}, [{**given[0], "name": "inputs"}], tmp_path)
    rows = np.random.default_rng(7).normal(size=(9, 2)).astype(np.float32)
    path = tmp_path / "calibration.npz"
    np.savez(path, inputs=rows, outputs=served(rows)["output_0"].numpy())
    signature = signature_of({"signature": {"inputs": given, "outputs": named}})
    job = {
        "saved_model": str(tmp_path / "saved_model/1"),
        "signature": signature.model_dump(),
        "calibration": str(path),
        "out": str(tmp_path),
        "formats": {FLOAT16: ARTIFACTS[FLOAT16]},
    }
    convert_all(job, tmp_path / "at.txt")
    held = read(path, signature)
    answers = litert_answers(tmp_path / ARTIFACTS[FLOAT16], signature, held.inputs)
    assert np.array(answers.outputs["score"]) == pytest.approx(2 * rows, abs=1e-5)
