"""One image model, trained shortly and converted: its files, and what was measured on the way."""

from __future__ import annotations

import statistics
import tarfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.training.job import ROOT, run_job
from benchmarks.training.photos import ALBUMS, made
from models.runtime.split import COLUMNS, columns_document
from tasks.contracts import load_contract
from tasks.conversion.convert import convert_model
from tasks.conversion.report import ConversionReport
from tasks.model_check import channel_columns
from tasks.model_spec import ModelSpec

CALLS = 200
WARM = 20


@dataclass(frozen=True)
class Measured:
    """A converted model.

    Args:
        name: Of the model.
        files: The bundle's edge files by path.
        report: Parities, sizes and the verdict.
        seconds: Of all formats, after TensorFlow has started.
        float_bytes: Of the float32 graph.
        keras_ms: Median of ``predict_on_batch`` of one row.
        int8_ms: Median of LiteRT with the int8 graph, one thread.
    """

    name: str
    files: Mapping[str, Path]
    report: ConversionReport
    seconds: float
    float_bytes: int
    keras_ms: float
    int8_ms: float


def converted(spec: ModelSpec, base: Path, rows: int, epochs: int, seed: int) -> Measured:
    """Train on photos made from a seed, and make every format that the model.yaml asks for."""
    made(base, ALBUMS[spec.name], rows, max(rows // 4, 50), seed)
    contract = load_contract(spec.data.dataset, ROOT / "data_contracts")
    columns = columns_document([vars(column) for column in channel_columns(contract)])
    for side in ("training", "holdout"):
        (base / "input/data" / side / COLUMNS).write_text(columns, encoding="utf-8")
    given = {**spec.training.hyperparameters, "epochs": epochs}
    run_job(spec.name, spec.composition, given, base)
    archive = base / "model.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        tar.add(base / "model", ".")
    edge, held_out = base / "edge", base / "output/data/calibration.npz"
    began = time.perf_counter()
    report = convert_model(archive, spec.conversion, held_out, edge, spec.name)
    seconds = time.perf_counter() - began
    with np.load(held_out, allow_pickle=False) as arrays:
        row = next(arrays[name][:1] for name in arrays.files if name.startswith("input"))
    return Measured(
        name=spec.name,
        files={
            path.relative_to(edge).as_posix(): path
            for path in sorted(edge.rglob("*"))
            if path.is_file()
        },
        report=report,
        seconds=seconds,
        float_bytes=(base / "model/litert/model.tflite").stat().st_size,
        keras_ms=keras_ms(base / "model/keras/model.keras", row),
        int8_ms=next(
            item.parity.latency_ms_p50 for item in report.formats if item.format == "tflite_int8"
        ),
    )


def keras_ms(path: Path, row: Any) -> float:
    """Median milliseconds of Keras for one row."""
    import keras

    model = keras.saving.load_model(path, compile=False)
    return median_ms(lambda: model.predict_on_batch(row))


def median_ms(call: Callable[[], Any]) -> float:
    """Median milliseconds of a call that has been made a few times before."""
    taken = []
    for number in range(WARM + CALLS):
        began = time.perf_counter()
        call()
        if number >= WARM:
            taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken)
