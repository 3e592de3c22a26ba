"""Layers that people use: each converts, or is refused in words that name it and a way out."""

import numpy as np
import pytest

from tasks.conversion.convert import convert_model
from tasks.conversion.refusals import Refused, in_words, unsupported
from tasks.conversion.report import ARTIFACTS
from tasks.conversion.runtimes import litert_answers
from tasks.conversion.worker import convert_all
from tasks.errors import ConversionError
from tasks.specs.conversion import ConversionSpec
from tests.tasks.conversion.edge_models import leave, network, one_input, operation, rows

pytestmark = pytest.mark.seconds(100)

FLOAT16, INT8, TFJS = "tflite_float16", "tflite_int8", "tfjs_float16"


def converted(model, inputs, folder, *formats):
    archive, calibration = leave(model, inputs, folder)
    spec = ConversionSpec(**{name: {"max_error": 0.05} for name in formats})
    return convert_model(archive, spec, calibration, folder / "out", "small")


def here(model, inputs, folder, *formats):
    """The same in this process, where TensorFlow has started: folder of files, calibration."""
    _, calibration = leave(model, inputs, folder)
    job = {
        "saved_model": str(folder / "saved_model" / "1"),
        "signature": one_input([1, *inputs.shape[1:]]).model_dump(),
        "calibration": str(calibration),
        "out": str(folder / "out"),
        "formats": {name: ARTIFACTS[name] for name in formats},
    }
    convert_all(job, folder / "at.txt")
    return folder / "out", calibration


def layered(name):
    """Model and rows."""
    import keras

    layers = keras.layers
    keras.utils.set_random_seed(3)
    if name == "lstm":
        return network((20, 5), layers.LSTM(16), layers.Dense(1)), rows(20, 5)
    if name == "gru both ways, any length":
        both = layers.Bidirectional(layers.GRU(6, return_sequences=True))
        last = layers.Bidirectional(layers.GRU(4))
        return network((None, 5), both, last, layers.Dense(3, activation="softmax")), rows(12, 5)
    if name == "lstm without a loop":
        return network((6, 5), layers.LSTM(8, unroll=True), layers.Dense(1)), rows(6, 5)
    if name == "words":
        embedding = layers.Embedding(500, 8)
        pooled = layers.GlobalAveragePooling1D()
        inputs = np.random.default_rng(1).integers(0, 500, (64, 12)).astype(np.float32)
        return network((12,), embedding, pooled, layers.Dense(1)), inputs
    if name == "attention":
        given = keras.Input((10, 16), name="inputs")
        seen = layers.MultiHeadAttention(2, 8)(given, given)
        value = layers.LayerNormalization()(seen + given)
        value = layers.GlobalAveragePooling1D()(layers.Dense(8, activation="relu")(value))
        return keras.Model(given, layers.Dense(3, activation="softmax")(value)), rows(10, 16)
    if name == "resized picture":
        return network(
            (16, 16, 3),
            layers.Conv2D(4, 3, padding="same"),
            layers.BatchNormalization(),
            layers.Activation("swish"),
            layers.Resizing(20, 20),
            layers.Dropout(0.5),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ), rows(16, 16, 3)
    raise KeyError(name)


# Every combination of formats once: no format may need that another is asked for too.
@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("name", "formats"),
    [
        ("lstm", [FLOAT16]),
        ("lstm without a loop", [INT8]),
        ("words", [FLOAT16, INT8]),
        ("resized picture", [TFJS]),
        ("resized picture", [INT8, TFJS]),
        ("words", [FLOAT16, TFJS]),
    ],
)
def test_a_layer_that_people_use_converts(name, formats, tmp_path):
    report = converted(*layered(name), tmp_path, *formats)
    assert report.verdict.outcome == "pass", report.verdict.reason
    assert [made.format for made in report.formats] == formats
    assert ("tensorflowjs" in report.versions) == (TFJS in formats)


def refusals():
    """Name → (model, rows, formats, words that the error must hold)."""
    import keras
    import tensorflow as tf

    layers = keras.layers
    one, other = keras.Input((4,), name="size"), keras.Input((4,), name="place")
    joined = layers.Dense(1)(layers.Concatenate()([one, other]))
    given = keras.Input((4,), name="inputs")
    heads = [layers.Dense(1, name="price")(given), layers.Dense(3, name="kind")(given)]
    lstm = network((8, 3), layers.LSTM(4), layers.Dense(1))

    def texts(value):
        return tf.strings.to_number(tf.strings.as_string(value))

    whole = keras.Input((4,), name="inputs", dtype="int32")
    counted = keras.Model(whole, layers.Dense(1)(layers.Rescaling(0.5)(whole)))
    return {
        "two outputs": (keras.Model(given, heads), rows(4), [FLOAT16], ["2 outputs", "one output"]),
        "two inputs": (
            keras.Model([one, other], joined), rows(4), [FLOAT16], ["2 inputs", "size", "place"],
        ),
        "text": (
            network((4,), operation(texts), layers.Dense(1)), rows(4), [TFJS],
            ["AsString", "own", "vocabulary"],
        ),
        "an operation that phones do not know": (
            network((4,), operation(tf.math.bessel_i0e), layers.Dense(1)), rows(4), [FLOAT16],
            ["TFLite float16", "BesselI0e in own", "other layers"],
        ),
        "an operation that browsers do not know": (
            network((4,), layers.Dense(4, activation="gelu"), layers.Dense(1)), rows(4), [TFJS],
            ["TensorFlow.js", "Erfc", "approximate=True"],
        ),
        "int8 of a loop": (lstm, rows(8, 3), [INT8], ["recurrent", "lstm", "unroll=True"]),
        "a loop in a browser": (lstm, rows(8, 3), [TFJS], ["recurrent", "lstm", "tfjs_float16"]),
        "whole numbers": (counted, np.ones((8, 4), np.int32), [FLOAT16], ["int32", "cast"]),
    }  # fmt: skip


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", ["gru both ways, any length", "attention"])
def test_more_layers_are_true_on_a_phone(name, tmp_path):
    model, inputs = layered(name)
    out, calibration = here(model, inputs, tmp_path, FLOAT16)
    with np.load(calibration) as held:
        inputs, outputs = held["inputs"], held["outputs"]
    signature = one_input([1, *inputs.shape[1:]])
    answers = litert_answers(out / ARTIFACTS[FLOAT16], signature, {"inputs": inputs})
    assert np.abs(np.array(answers.outputs["prediction"]) - outputs).max() < 1e-3


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    "name",
    [
        "two inputs",
        "text",
        "an operation that phones do not know",
        "an operation that browsers do not know",
        "int8 of a loop",
        "a loop in a browser",
        "whole numbers",
    ],
)
def test_what_cannot_be_converted_is_refused_in_words(name, tmp_path):
    model, inputs, formats, words = refusals()[name]
    with pytest.raises(Refused) as refused:
        here(model, inputs, tmp_path, *formats)
    said = f"{refused.value.what} {refused.value.next_step}"
    assert all(word in said for word in words), said
    assert "supported_ops" not in said


@pytest.mark.tensorflow
def test_a_refusal_reaches_whoever_asked(tmp_path):
    model, inputs, formats, words = refusals()["two outputs"]
    with pytest.raises(ConversionError) as refused:
        converted(model, inputs, tmp_path, *formats)
    assert all(word in str(refused.value) for word in words)


@pytest.mark.tensorflow
def test_a_shape_that_is_not_the_models_is_told(tmp_path):
    import keras

    from tests.tasks.conversion.edge_models import pack

    spec = ConversionSpec(tflite_float16={"max_error": 0.05})
    _, calibration = leave(network((4,), keras.layers.Dense(1)), rows(4), tmp_path)
    for shape, words in (([1, 5], r"\(None, 4\)"), ([None, 4], "int"), ([2, 4], "one row")):
        archive = pack(tmp_path, shape)
        with pytest.raises(ConversionError, match=words):
            convert_model(archive, spec, calibration, tmp_path / "out")


def test_converters_are_read():
    said = (
        'loc(fused["AsString:", "StatefulPartitionedCall/model/own/AsString@__inf"]): error: '
        "'tf.AsString' op is neither a custom op nor a flex op\n"
        "TF Select ops: AsString, Bincount\nDetails:\n"
    )
    assert unsupported(said) == {"AsString": "own/AsString", "Bincount": ""}
    refused = in_words("TFLite float16", "something else broke")
    assert "something else broke" in refused.what
    reserve = "'tf.TensorListReserve' op requires element_shape to be static"
    assert "recurrent" in in_words("TFLite float16", reserve).what
