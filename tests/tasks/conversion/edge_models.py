"""Small models as training jobs leave them: layers that people use, and layers that cannot go."""

import io
import json
import tarfile
from pathlib import Path

import numpy as np

from tasks.conversion.signature import signature_of

RNG = np.random.default_rng(0)


def rows(*shape, count=64):
    return RNG.normal(size=(count, *shape)).astype(np.float32)


def leave(model, inputs, folder):
    """Write model.tar.gz and calibration.npz; returns both paths."""
    import keras
    import tensorflow as tf

    saved = Path(folder) / "saved_model" / "1"
    made = keras.export.ExportArchive()
    made.track(model)
    signature = [
        tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype, name=tensor.name.split(":")[0])
        for tensor in model.inputs
    ]
    single = len(signature) == 1
    made.add_endpoint(
        "serve",
        lambda *given: model(given[0] if single else list(given), training=False),
        signature,
    )
    made.write_out(str(saved), verbose=False)
    outputs = model(inputs if single else [inputs] * len(signature), training=False)
    outputs = np.asarray(outputs[0] if isinstance(outputs, list | tuple) else outputs)
    shape = [1, *inputs.shape[1:]]
    return pack(folder, shape), calibrate(folder, inputs, outputs)


def one_input(shape):
    """What an older preprocess.json says of its single input."""
    return signature_of({"input": {"name": "inputs", "shape": shape}})


def pack(folder, shape, **told):
    archive = Path(folder) / "model.tar.gz"
    told = {"kind": "tabular", **(told or {"input": {"name": "inputs", "shape": shape}})}
    spec = json.dumps(told).encode()
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(Path(folder) / "saved_model", "saved_model")
        entry = tarfile.TarInfo("preprocess.json")
        entry.size = len(spec)
        tar.addfile(entry, io.BytesIO(spec))
    return archive


def calibrate(folder, inputs, outputs):
    path = Path(folder) / "calibration.npz"
    np.savez(path, inputs=inputs, outputs=outputs)
    return path


def network(shape, *layers):
    import keras

    given = keras.Input(shape, name="inputs")
    value = given
    for layer in layers:
        value = layer(value)
    return keras.Model(given, value)


def operation(function):
    """A layer of one TensorFlow operation."""
    import keras

    class Operation(keras.layers.Layer):
        def call(self, inputs):
            return function(inputs)

        def compute_output_shape(self, shape):
            return shape

    return Operation(name="own")
