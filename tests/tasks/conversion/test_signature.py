"""What preprocess.json, calibration.npz and a made file say of tensors; refusals before work."""

import io
import json
import tarfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.conversion.calibration import fit, fit_int32, read
from tasks.conversion.convert import convert_model
from tasks.conversion.edge_signature import EdgeTensor, matched, of_graph_model, with_names
from tasks.conversion.signature import (
    EDGE_DTYPES,
    GraphSignature,
    GraphTensor,
    carried,
    meant,
    signature_of,
)
from tasks.errors import ConversionError
from tasks.specs.conversion import ConversionSpec

ONE = {"name": "features", "shape": [1, 24], "dtype": "float32"}
IDS = {"name": "ids", "shape": [1, 3], "dtype": "int64"}
SCORE = {"name": "score", "shape": [1, 1], "dtype": "float32"}

tensors = st.builds(
    GraphTensor,
    name=st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,12}", fullmatch=True),
    shape=st.lists(st.integers(1, 9), max_size=3).map(lambda sizes: (1, *sizes)),
    dtype=st.sampled_from(EDGE_DTYPES),
)
sides = st.lists(tensors, min_size=1, max_size=4, unique_by=lambda tensor: tensor.name)


def signature(*inputs, outputs=(SCORE,)):
    return signature_of({"signature": {"inputs": list(inputs), "outputs": list(outputs)}})


@given(sides, sides)
def test_a_signature_is_read_as_it_was_written(inputs, outputs):
    made = GraphSignature(inputs=tuple(inputs), outputs=tuple(outputs))
    written = json.loads(made.model_dump_json(exclude={"named"}))
    assert carried(signature_of({"signature": written})) == made


def test_an_older_file_tells_one_input_and_means_one_output():
    told = signature_of({"input": {"name": "inputs", "shape": [1, 4]}})
    assert told.inputs == (GraphTensor(name="inputs", shape=(1, 4), dtype="float32"),)
    assert [(one.name, one.dtype) for one in told.outputs] == [("prediction", "float32")]
    whole = signature_of({"input": {"name": "ids", "shape": [1, 4], "dtype": "int32"}})
    assert whole.inputs[0].dtype == "int32"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({}, "tells no input of the graph"),
        ({"input": "x"}, "tells no input of the graph"),
        ({"input": {"name": "x", "shape": [2, 4]}}, "one row"),
        ({"input": {"name": "x", "shape": []}}, "one row"),
        ({"signature": [ONE]}, "signature is"),
        ({"signature": {"inputs": [ONE]}}, r"signature\.outputs is None"),
        ({"signature": {"inputs": [], "outputs": [SCORE]}}, r"signature\.inputs is \[\]"),
        ({"signature": {"inputs": "ids", "outputs": [SCORE]}}, r"signature\.inputs is 'ids'"),
        ({"signature": {"inputs": [ONE, 7], "outputs": [SCORE]}}, r"signature\.inputs\[1\] is 7"),
        ({"signature": {"inputs": [ONE, {"name": "n"}], "outputs": [SCORE]}}, r"inputs\[1\]"),
        ({"signature": {"inputs": [{**ONE, "name": ""}], "outputs": [SCORE]}}, r"inputs\[0\]"),
        ({"signature": {"inputs": [{**ONE, "shape": [True]}], "outputs": [SCORE]}}, r"inputs\[0\]"),
        ({"signature": {"inputs": [{**ONE, "shape": [4]}], "outputs": [SCORE]}}, "one row"),
        ({"signature": {"inputs": [ONE, ONE], "outputs": [SCORE]}}, "'features' twice"),
        ({"signature": {"inputs": [{**ONE, "name": "zip code"}], "outputs": [SCORE]}}, "rename"),
    ],
)
def test_a_signature_that_cannot_be_read_is_told(spec, words):
    with pytest.raises(ConversionError, match=words):
        signature_of(spec)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (signature({**ONE, "dtype": "string"}), ["input 'features' is text", "vocabulary", "id"]),
        (signature(ONE, outputs=[{**SCORE, "dtype": "string"}]), ["output 'score' is text", "ids"]),
        (signature({**ONE, "dtype": "float64"}), ["'features' is float64", "float32, int32"]),
    ],
)
def test_what_no_edge_runtime_carries_is_refused(told, words):
    with pytest.raises(ConversionError) as refused:
        carried(told)
    assert all(word in str(refused.value) for word in words), refused.value


def packed(folder, told):
    """An archive whose SavedModel nobody could load: refusals must come before."""
    archive = folder / "model.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name, body in (
            ("saved_model/1/saved_model.pb", b"no graph"),
            ("preprocess.json", json.dumps(told).encode()),
        ):
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
    return archive


@pytest.mark.parametrize(
    ("inputs", "ids", "words"),
    [
        ([ONE, {**IDS, "dtype": "string"}], np.zeros((4, 3)), "'ids' is text"),
        ([ONE, IDS], np.full((4, 3), 2**40), "'ids' holds 1099511627776; TensorFlow.js knows"),
        ([ONE, IDS], np.full((4, 3), 0.5), "input:ids holds float64 values that are no int64"),
        ([ONE], np.zeros((4, 3)), "input:ids, which preprocess.json does not name"),
        ([ONE, IDS, {**IDS, "name": "more"}], np.zeros((4, 3)), "no input:more"),
        ([ONE, IDS], np.zeros((5, 3)), "5 rows of input:ids"),
    ],
)
def test_bad_input_is_refused_before_tensorflow_starts(inputs, ids, words, tmp_path):
    told = {"signature": {"inputs": inputs, "outputs": [SCORE]}}
    rows = {"input:features": np.zeros((4, 24), np.float32), "input:ids": ids}
    np.savez(tmp_path / "calibration.npz", **rows, **{"output:score": np.zeros((4, 1))})
    with pytest.raises(ConversionError, match=words):
        convert_model(
            packed(tmp_path, told),
            ConversionSpec(tflite_float16={}, tfjs_float16={}),
            tmp_path / "calibration.npz",
            tmp_path / "out",
        )
    assert not (tmp_path / "out" / "tflite").exists()


@pytest.mark.parametrize("body", [[1], "no object"])
def test_a_preprocess_that_is_no_object_is_told(body, tmp_path):
    with pytest.raises(ConversionError, match=r"preprocess\.json is no JSON object"):
        convert_model(
            packed(tmp_path, body), ConversionSpec(tflite_int8={}), tmp_path / "c.npz", tmp_path
        )


@given(
    st.lists(st.sampled_from(["float32", "int32", "int64", "bool"]), min_size=1, max_size=4),
    st.integers(1, 5),
    st.data(),
)
def test_rows_are_read_by_name_in_the_dtype_of_the_signature(dtypes, count, data):
    inputs = [{"name": f"t{n}", "shape": [1, 2], "dtype": kind} for n, kind in enumerate(dtypes)]
    told = signature(*inputs)
    values = st.lists(st.integers(0, 1), min_size=2 * count, max_size=2 * count)
    rows = {
        f"input:t{n}": np.array(data.draw(values)).reshape(count, 2) for n in range(len(dtypes))
    }
    file = io.BytesIO()
    np.savez(file, **rows, **{"output:score": np.zeros((count, 1), np.float32)})
    file.seek(0)
    held = read(file, told)
    fit(held, told)
    fit_int32(held, told)
    assert len(held) == count
    for n, kind in enumerate(dtypes):
        assert held.inputs[f"t{n}"].dtype == kind
        assert (held.inputs[f"t{n}"] == rows[f"input:t{n}"]).all()


def saved(folder, **arrays):
    np.savez(folder / "c.npz", **arrays)
    return folder / "c.npz"


def test_the_arrays_of_older_jobs_are_those_of_a_single_tensor(tmp_path):
    path = saved(tmp_path, inputs=np.zeros((4, 24)), outputs=np.ones((4, 1)), targets=np.ones(4))
    held = read(path, signature(ONE))
    assert (held.inputs["features"].dtype, held.targets.tolist()) == (np.float32, [1.0] * 4)
    with pytest.raises(ConversionError, match=r"inputs, which is one tensor.*features, ids"):
        read(path, signature(ONE, IDS))
    wrong = saved(tmp_path, inputs=np.zeros((4, 9)), outputs=np.ones((4, 1)))
    with pytest.raises(ConversionError, match=r"input:features has the shape \[1, 9\]"):
        fit(read(wrong, signature(ONE)), signature(ONE))


def test_calibration_data_that_are_none_are_told(tmp_path):
    for arrays, words in (
        ({"inputs": np.zeros((0, 24)), "outputs": np.zeros((0, 1))}, "0 rows"),
        ({"inputs": np.array(["a"]), "outputs": np.zeros((1, 1))}, "preprocess.json says float32"),
        ({"inputs": np.zeros((1, 24))}, "no output:score"),
    ):
        with pytest.raises(ConversionError, match=words):
            read(saved(tmp_path, **arrays), signature(ONE))
    (tmp_path / "c.npz").write_bytes(b"PK torn")
    with pytest.raises(ConversionError, match="cannot be read as calibration data"):
        read(tmp_path / "c.npz", signature(ONE))


def test_a_number_that_no_int32_holds_may_go_to_a_phone(tmp_path):
    told = signature(IDS)
    edge = {"input:ids": np.full((2, 3), 2**31 - 1), "output:score": np.zeros((2, 1))}
    fit_int32(read(saved(tmp_path, **edge), told), told)
    wide = edge | {"input:ids": np.full((2, 3), -(2**31) - 1)}
    held = read(saved(tmp_path, **wide), told)
    fit(held, told)
    with pytest.raises(ConversionError, match="'ids' holds -2147483649"):
        fit_int32(held, told)


def test_the_output_that_is_told_about_is_the_named_one_or_the_first():
    told = signature(ONE, outputs=[SCORE, {**SCORE, "name": "kind"}])
    assert meant({}, told) == meant({"output": {"kind": "number"}}, told) == "score"
    assert meant({"output": {"tensor": "kind"}}, told) == "kind"
    with pytest.raises(ConversionError, match=r"output\.tensor is 'room'.*score, kind"):
        meant({"output": {"tensor": "room"}}, told)


def test_names_are_read_back_from_the_file():
    described = {
        "name": "Identity_1:0",
        "dtype": "DT_FLOAT",
        "tensorShape": {"dim": [{"size": "1"}]},
    }
    taken = {"name": "ids:0", "dtype": "DT_INT32", "tensorShape": {"dim": [{"size": "1"}]}}
    model = {"signature": {"inputs": {"ids": taken}, "outputs": {"a": described, "b": described}}}
    told = signature(IDS, outputs=[{**SCORE, "name": "b"}, {**SCORE, "name": "a"}])
    found = of_graph_model(model, told)
    assert [(one.name, one.tensor) for one in found.outputs] == [
        ("b", "Identity_1:0"), ("a", "Identity_1:0"),
    ]  # fmt: skip
    assert (found.inputs[0].dtype, found.inputs[0].shape) == ("int32", (1,))
    single = EdgeTensor(name="zip_code", key="zip_code", tensor="t", shape=(1,), dtype="float32")
    old = signature_of({"input": {"name": "zip code", "shape": [1]}})
    kept = matched(old, [single], [single])
    assert (kept.inputs[0].name, kept.inputs[0].key) == ("zip code", "zip_code")
    with pytest.raises(ConversionError, match=r"inputs are zip_code; preprocess\.json names"):
        matched(signature(ONE, IDS), [single], [single])


def test_a_converter_that_confuses_tensors_of_one_shape_is_corrected():
    def tensor(name):
        return {"name": name, "dtype": "DT_FLOAT"}

    converted = {
        "format": "graph-model",
        "signature": {
            "inputs": {"z:0": tensor("z:0"), "a:0": tensor("a:0")},
            "outputs": {
                "Identity_2:0": tensor("Identity_2:0"),
                "kind": tensor("Identity_1:0"),
                "Identity:0": tensor("Identity:0"),
            },
        },
    }
    told = signature(
        {**ONE, "name": "z"},
        {**ONE, "name": "a"},
        outputs=[{**SCORE, "name": name} for name in ("price", "kind", "best")],
    )
    named = with_names(converted, told)["signature"]
    assert {key: one["name"] for key, one in named["inputs"].items()} == {"z": "z:0", "a": "a:0"}
    assert {key: one["name"] for key, one in named["outputs"].items()} == {
        "best": "Identity:0", "kind": "Identity_1:0", "price": "Identity_2:0",
    }  # fmt: skip
    assert with_names(with_names(converted, told), told)["signature"] == named
