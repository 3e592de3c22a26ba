"""All conversions of one model in one process, because TensorFlow takes seconds to start.

Run by ``convert.py`` as ``python -m tasks.conversion.worker <job.json> <done.json>``; nothing that
a flow imports imports TensorFlow.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

from models.runtime.networks.start import start
from tasks.conversion.calibration import fit, read
from tasks.conversion.edge_signature import with_names
from tasks.conversion.refusals import Refused, in_words, loop
from tasks.conversion.report import TITLES
from tasks.conversion.signature import SERVED, GraphSignature
from tasks.conversion.tracing import fixed_batch, loops, one_row
from tasks.errors import ConversionError

# Fused operations that no edge runtime knows would end up in the graph.
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

INT8_ROWS = 256
"""Rows that int8 is calibrated with; more change the ranges by nothing that parity can see."""


def main(arguments: list[str]) -> int:
    """Convert what the job file asks for, and write what was made, or why nothing can be."""
    job_file, done_file = map(Path, arguments)
    job = json.loads(job_file.read_text(encoding="utf-8"))
    try:
        result = convert_all(job, done_file.with_name("at.txt"))
    except (Refused, ConversionError) as refused:
        result = {"refused": {"what": refused.what, "next_step": refused.next_step}}
    done_file.write_text(json.dumps(result), encoding="utf-8")
    return 0


def convert_all(job: dict[str, Any], at: Path) -> dict[str, Any]:
    """Make every format of the job.

    Args:
        job: What ``convert.py`` asks for.
        at: File that names the format being made, for whoever finds this process dead.

    Raises:
        Refused: the model is none that a format can carry.
        ConversionError: the calibration data are not the model's.
    """
    began = time.perf_counter()
    start()
    import tensorflow as tf

    started = time.perf_counter() - began
    out, signature = Path(job["out"]), GraphSignature.model_validate(job["signature"])
    frozen = one_row(tf, Path(job["saved_model"]), signature)
    calibration = read(Path(job["calibration"]), signature)
    fit(calibration, signature)
    if layers := loops(frozen.graph):
        for name in job["formats"]:
            if refused := loop(name, layers):
                raise refused
    rows = {name: array[:INT8_ROWS] for name, array in calibration.inputs.items()}
    timings: dict[str, dict[str, Any]] = {}
    for name, target in job["formats"].items():
        at.write_text(TITLES[name], encoding="utf-8")
        begin = time.perf_counter()
        try:
            # TensorFlow.js knows no int64; without any, all formats are made of one SavedModel.
            narrow = name == "tfjs_float16" and signature.has("int64")
            source = out / (".narrow" if narrow else ".batch1")
            if not source.is_dir():
                fixed_batch(tf, frozen, signature, source, narrow=narrow)
            convert(tf, name, source, rows, out / target)
            if name == "tfjs_float16":
                graph_model = json.loads((out / target).read_text(encoding="utf-8"))
                graph_model = with_names(graph_model, signature)
                (out / target).write_text(json.dumps(graph_model), encoding="utf-8")
        except Exception as error:
            traceback.print_exc()
            raise in_words(TITLES[name], str(error)) from error
        timings[name] = {"seconds": round(time.perf_counter() - begin, 3)}
    versions = {"tensorflow": tf.__version__}
    if "tfjs_float16" in timings:
        # Never by importing the package: it imports Keras 2 on sight.
        versions["tensorflowjs"] = version("tensorflowjs")
    return {"formats": timings, "versions": versions, "tensorflow_start_seconds": round(started, 3)}


def convert(tf: Any, name: str, frozen: Path, rows: Mapping[str, Any], target: Path) -> None:
    """Make one format from the SavedModel of one row.

    Args:
        tf: The tensorflow module.
        name: The format.
        frozen: The SavedModel.
        rows: Rows [n, …] of each input, to find int8's ranges with.
        target: The format's main file.

    Raises:
        ValueError: the format is unknown.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if name == "tfjs_float16":
        to_tfjs(frozen, target.parent)
        return
    converter = tf.lite.TFLiteConverter.from_saved_model(str(frozen))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if name == "tflite_float16":
        converter.target_spec.supported_types = [tf.float16]
    elif name == "tflite_int8":
        # Inputs and outputs keep their dtypes: browsers' LiteRT takes no int8, and ids are ids.
        converter.representative_dataset = lambda: _one_by_one(rows)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    else:
        raise ValueError(f"unknown format {name!r}")
    target.write_bytes(converter.convert())


def to_tfjs(frozen: Path, folder: Path) -> None:
    """A TensorFlow.js graph model, weights in float16, debug operations stripped."""
    conversion = tfjs_converter()
    conversion.convert_tf_saved_model(
        str(frozen),
        str(folder),
        signature_def=SERVED,
        saved_model_tags="serve",
        quantization_dtype_map={"float16": "*"},
        strip_debug_ops=True,
        skip_op_check=False,
        control_flow_v2=True,
    )


def tfjs_converter() -> Any:
    """The official converter of TensorFlow.js 4.22, without what it imports and never uses here.

    Its packages import Keras 2, JAX, TensorFlow Hub and Decision Forests on sight; none of them
    takes part in converting a SavedModel, and some do not install beside TensorFlow 2.21.
    """
    import importlib
    import importlib.util

    module = "tensorflowjs.converters.tf_saved_model_conversion_v2"
    if module in sys.modules:
        return sys.modules[module]
    for name in ("tensorflow_decision_forests", "tensorflow_hub"):
        sys.modules.setdefault(name, ModuleType(name))
    spec = importlib.util.find_spec("tensorflowjs")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("tensorflowjs is not installed")
    root = Path(next(iter(spec.submodule_search_locations)))
    for name, folder in (("tensorflowjs", root), ("tensorflowjs.converters", root / "converters")):
        if name not in sys.modules:
            package = ModuleType(name)
            package.__path__ = [str(folder)]
            sys.modules[name] = package
    return importlib.import_module(module)


def _one_by_one(rows: Mapping[str, Any]) -> Iterator[dict[str, Any] | list[Any]]:
    count = min(map(len, rows.values()))
    for n in range(count):
        row = {name: array[n : n + 1] for name, array in rows.items()}
        # A single input goes by its place: TensorFlow renames what is no Python name.
        yield row if len(row) > 1 else list(row.values())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
