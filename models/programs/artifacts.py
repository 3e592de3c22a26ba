"""What a job leaves behind: the model folder (model.tar.gz) and the output folder."""

from __future__ import annotations

import json
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


def export(model: Any, spec: Mapping[str, Any], folder: Path) -> None:
    """Write the model as Keras file, SavedModel (any batch) and LiteRT graph (batch 1, float32).

    Args:
        model: Keras model.
        spec: preprocess.json.
        folder: The model folder.
    """
    import keras
    import tensorflow as tf

    (folder / "keras").mkdir(parents=True, exist_ok=True)
    model.save(folder / "keras" / "model.keras")
    name, shape = spec["input"]["name"], spec["input"]["shape"]

    def archive(batch: int | None, path: Path) -> None:
        # ExportArchive and not a tf.Module around the model: that one converts silently to NaN.
        made = keras.export.ExportArchive()
        made.track(model)
        signature = [tf.TensorSpec([batch, *shape[1:]], tf.float32, name=name)]
        made.add_endpoint("serve", lambda inputs: model(inputs, training=False), signature)
        made.write_out(str(path), verbose=False)

    archive(None, folder / "saved_model" / "1")
    with tempfile.TemporaryDirectory() as scratch:
        archive(1, Path(scratch) / "batch1")
        converter = tf.lite.TFLiteConverter.from_saved_model(f"{scratch}/batch1")
        graph = folder / GRAPH
        graph.parent.mkdir(parents=True, exist_ok=True)
        graph.write_bytes(converter.convert())


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
    columns = {"inputs": inputs[chosen], "outputs": expected[chosen]}
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
