"""What a job leaves behind: the model folder (model.tar.gz) and the output folder."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.programs.contract import CODE_DIR
from models.programs.litert import Graph

Floats = NDArray[np.float32]
CALIBRATION_ROWS = 512
GRAPH = "litert/model.tflite"
SERVED_ERROR = 1e-4
"""Largest difference between the Keras model and the graph that is served, relative to 1."""


def write_json(path: Path, value: Any) -> None:
    """Write JSON that a person can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value, indent=1, sort_keys=True, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


class Unservable(Exception):
    """The network cannot become the graph that is served."""


def rehearse(model: Any, spec: Mapping[str, Any]) -> None:
    """Make the graph to be served of the untrained network: seconds, before hours are paid for.

    Args:
        model: Keras model, built and not yet trained.
        spec: preprocess.json.

    Raises:
        Unservable: it has several inputs or outputs, answers in another shape than preprocess.json
            says, or holds what LiteRT does not know; the message names it.
    """
    for kind in ("input", "output"):
        names = [str(tensor.name) for tensor in getattr(model, f"{kind}s", None) or []]
        if len(names) > 1:
            raise Unservable(
                f"the model has {len(names)} {kind}s ({', '.join(names)}); the server knows models "
                f"of one {kind}: join them in build() of model.py, or train one model for each"
            )
    shape = tuple(spec["input"]["shape"])
    try:
        graph = Graph(litert_graph(model, spec))
        answer = graph.run(np.zeros(shape, dtype=np.float32))
    except Exception as error:
        raise Unservable(
            f"LiteRT, which serves the model, cannot run it: {_operations(str(error))}: use other "
            "layers in build() of model.py (recurrent ones with unroll=True)"
        ) from error
    output = spec["output"]
    width = 1 if output["kind"] == "number" else len(output["classes"])
    if answer.shape != (1, width):
        raise Unservable(
            f"the model answers a row with {answer.shape[1]} numbers; preprocess.json's output "
            f"({output['kind']}) needs {width}: correct build() of model.py"
        )


def litert_graph(model: Any, spec: Mapping[str, Any]) -> bytes:
    """The LiteRT graph (batch 1, float32) of a Keras model."""
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as scratch:
        _archive(model, spec, 1, Path(scratch) / "batch1")
        made: bytes = tf.lite.TFLiteConverter.from_saved_model(f"{scratch}/batch1").convert()
    return made


def export(model: Any, spec: Mapping[str, Any], folder: Path) -> None:
    """Write the model as Keras file, SavedModel (any batch) and LiteRT graph (batch 1, float32).

    Args:
        model: Keras model.
        spec: preprocess.json.
        folder: The model folder.
    """
    (folder / "keras").mkdir(parents=True, exist_ok=True)
    model.save(folder / "keras" / "model.keras")
    _archive(model, spec, None, folder / "saved_model" / "1")
    graph = folder / GRAPH
    graph.parent.mkdir(parents=True, exist_ok=True)
    graph.write_bytes(litert_graph(model, spec))


def _archive(model: Any, spec: Mapping[str, Any], batch: int | None, path: Path) -> None:
    """A SavedModel of a batch, or of any (None)."""
    import keras
    import tensorflow as tf

    name, shape = spec["input"]["name"], spec["input"]["shape"]
    # ExportArchive and not a tf.Module around the model: that one converts silently to NaN.
    made = keras.export.ExportArchive()
    made.track(model)
    signature = [tf.TensorSpec([batch, *shape[1:]], tf.float32, name=name)]
    made.add_endpoint("serve", lambda inputs: model(inputs, training=False), signature)
    made.write_out(str(path), verbose=False)


def _operations(said: str) -> str:
    """The operations that the converter named, else its last words."""
    found = [
        name.strip()
        for names in re.findall(r"(?:TF Select|Custom) ops: (.+)|'tf\.(\w+)' op ", said)
        for name in "".join(names).split(",")
    ]
    return f"no operation for {', '.join(dict.fromkeys(found))}" if found else said.strip()[-300:]


def check_served(graph: Path, inputs: Floats, expected: Floats) -> float:
    """Largest difference between what will be served and what was trained.

    Raises:
        ArithmeticError: it is not finite, or above ``SERVED_ERROR``.
    """
    served = Graph(graph).run(inputs)
    error = float(np.abs(served - expected).max())
    if not error <= SERVED_ERROR * max(1.0, float(np.abs(expected).max())):
        raise ArithmeticError(
            f"the graph to be served differs from the trained model by {error:g} "
            f"(at most {SERVED_ERROR:g}); it must not be released"
        )
    return error


def write_calibration(
    path: Path, inputs: Floats, expected: Floats, seed: int, targets: NDArray[Any] | None = None
) -> None:
    """At most 512 preprocessed rows and the model's answers: ``inputs``, ``outputs``.

    int8 is calibrated with them, and every converted model is compared on them; with ``targets``
    (class indices, or values in the graph's unit [n]) its metric is too.
    """
    chosen = np.random.default_rng(seed).permutation(len(inputs))[:CALIBRATION_ROWS]
    columns: dict[str, Any] = {"inputs": inputs[chosen], "outputs": expected[chosen]}
    if targets is not None:
        columns["targets"] = np.asarray(targets)[chosen]
    np.savez_compressed(path, **columns)


def write_predictions(path: Path, columns: Mapping[str, Any]) -> None:
    """predictions.parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table(dict(columns)), path)


def copy_code(folder: Path) -> None:
    """Ship the source archive with the model: the endpoint runs ``code/<serving.program>``."""
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(CODE_DIR, folder / "code", ignore=ignored, dirs_exist_ok=True)
