"""The process that makes all formats of one model: started, watched, and its refusals told."""

from __future__ import annotations

import json
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

from tasks.conversion import beside
from tasks.conversion.refusals import LONGEST_TAIL, refused_of
from tasks.conversion.report import ARTIFACTS
from tasks.conversion.signature import GraphSignature
from tasks.errors import ConversionError

WORKER_SECONDS = 900
PROGRAM = "tasks.conversion.worker"


def make(
    folder: Path, signature: GraphSignature, formats: list[str], calibration: Path, out_dir: Path
) -> dict[str, Any]:
    """Make formats in a process of their own.

    Args:
        folder: Working folder; ``model/`` holds the unpacked model.
        signature: What preprocess.json tells.
        formats: Which.
        calibration: calibration.npz.
        out_dir: Where the files go.

    Returns:
        What the worker wrote: ``formats``, ``versions``, ``tensorflow_start_seconds``.

    Raises:
        ConversionError: a format cannot be made, or the process died.
    """
    output, job, done = folder / "made", folder / "job.json", folder / "done.json"
    request = {
        "saved_model": str(folder / "model" / "saved_model" / "1"),
        "signature": signature.model_dump(mode="json"),
        "calibration": str(calibration.resolve()),
        "out": str(output),
        "formats": {name: ARTIFACTS[name] for name in formats},
    }
    job.write_text(json.dumps(request), encoding="utf-8")
    command = [sys.executable, "-m", PROGRAM, str(job), str(done)]
    try:
        status, log = beside.run(command, folder, WORKER_SECONDS)
    except beside.OutOfTime as error:
        raise ConversionError(
            f"The conversion took longer than {WORKER_SECONDS} s.",
            "Make the model smaller, or free the machine, and run again.",
        ) from error
    if status or not done.is_file():
        raise _died(status, done.with_name("at.txt"), log)
    result: dict[str, Any] = json.loads(done.read_text(encoding="utf-8"))
    if "refused" in result:
        refused = refused_of(result["refused"])
        raise ConversionError(refused.what, refused.next_step)
    for path in sorted(output.rglob("*")):
        relative = path.relative_to(output)
        if path.is_file() and not relative.parts[0].startswith("."):
            (out_dir / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, out_dir / relative)
    return result


def _died(status: int, at: Path, log: str) -> ConversionError:
    """The worker ended without an answer: killed, crashed, or at fault itself."""
    making = at.read_text(encoding="utf-8") if at.is_file() else "the model of one row"
    if status < 0:
        return ConversionError(
            f"The converter was ended by {signal.Signals(-status).name} while it made {making}: "
            f"…{log[-LONGEST_TAIL:]}",
            "SIGKILL: free memory, then run again; else leave this format out of model.yaml.",
        )
    return ConversionError(
        f"The converter ended with status {status} while it made {making}: …{log[-1200:]}",
        "Read the last lines above; they are the converter's own.",
    )
