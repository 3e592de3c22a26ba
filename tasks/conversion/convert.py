"""Convert one trained model, prove each format in its own runtime, and judge it."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tasks.conversion.parity import Task
from tasks.conversion.refusals import LONGEST_TAIL, refused_of
from tasks.conversion.report import ARTIFACTS, ConversionReport, Converted, judge, wanted
from tasks.conversion.runtimes import install_tfjs, litert_parity, modules_folder, tfjs_parity
from tasks.conversion_spec import ConversionSpec
from tasks.errors import ArtifactTooLarge, ConversionError, ParityExceeded

WORKER_SECONDS = 900


def convert_model(
    model_tar: Path,
    spec: ConversionSpec,
    calibration: Path,
    out_dir: Path,
    model: str = "model",
) -> ConversionReport:
    """Make every format that the model asks for.

    Args:
        model_tar: model.tar.gz of the training job (``saved_model/1``, ``preprocess.json``).
        spec: Formats and limits from model.yaml.
        calibration: calibration.npz of the job: ``inputs`` float32 [n, …], ``outputs``, and
            ``targets`` (class indices, or values in the graph's unit) where it has them.
        out_dir: Where the files go: ``tflite/…``, ``tfjs/…``.
        model: Its name, for the report.

    Returns:
        The report; its verdict says whether the files may go on. ``require`` raises on it.

    Raises:
        ConversionError: the artefact is incomplete, or a converter failed.
    """
    limits = wanted(spec)
    began = time.perf_counter()
    out_dir.mkdir(parents=True, exist_ok=True)
    if not limits:
        verdict = judge(model, spec, ())
        return ConversionReport(model=model, formats=(), versions={}, seconds={}, verdict=verdict)
    # npm and TensorFlow keep different parts of the machine busy: let them run side by side.
    modules = _Installing() if "tfjs_float16" in limits else None
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        unpack(model_tar, folder / "model")
        done = _run_worker(folder, list(limits), calibration, out_dir)
        task = Task.of(json.loads((folder / "model" / "preprocess.json").read_text("utf-8")))
    converted = time.perf_counter()
    inputs, outputs, targets = _calibration(calibration)
    made = []
    for name in limits:
        main_file = out_dir / ARTIFACTS[name]
        if modules is not None and name == "tfjs_float16":
            parity = tfjs_parity(main_file, inputs, outputs, modules.folder(), task, targets)
        else:
            parity = litert_parity(main_file, inputs, outputs, task, targets)
        made.append(
            Converted(
                format=name,
                files=_files(out_dir, main_file, whole_folder=name == "tfjs_float16"),
                parity=parity,
                seconds=float(done["formats"][name]["seconds"]),
            )
        )
    return ConversionReport(
        model=model,
        formats=tuple(made),
        versions={**done["versions"], **_versions()},
        seconds={
            "conversion": round(converted - began, 2),
            "parity": round(time.perf_counter() - converted, 2),
        },
        verdict=judge(model, spec, tuple(made)),
    )


def require(report: ConversionReport) -> None:
    """Go on only with converted models that are small and true.

    Raises:
        ParityExceeded: a format answers differently.
        ArtifactTooLarge: a format is over its size limit.
        ConversionError: a format is missing.
    """
    if report.verdict.outcome == "pass":
        return
    broken = [check for check in report.verdict.checks if check.outcome != "pass"]
    what = f"The edge formats of {report.model} are not fit for release: {report.verdict.reason}."
    failed = [check.name for check in broken if check.outcome == "fail"]
    if any(not name.endswith(" size") for name in failed):
        raise ParityExceeded(
            what,
            "Look at the conversion table; int8 wants inputs of one scale and enough rows. The "
            "bounds are keys of the format in model.yaml.",
        )
    if failed:
        raise ArtifactTooLarge(what, "Make the model smaller, or raise max_bytes in model.yaml.")
    raise ConversionError(what, "Read the converter's output in the log.")


def unpack(model_tar: Path, folder: Path) -> None:
    """Unpack model.tar.gz, refusing anything that would leave the folder.

    Raises:
        ConversionError: it cannot be read, or a needed file is missing.
    """
    try:
        with tarfile.open(model_tar, "r:gz") as archive:
            archive.extractall(folder, filter="data")
    except (OSError, EOFError, tarfile.TarError) as error:
        raise ConversionError(
            f"{model_tar} cannot be unpacked: {error}.",
            "Look at the training job's output; the file is no intact model.tar.gz.",
        ) from error
    for needed in ("saved_model/1/saved_model.pb", "preprocess.json"):
        if not (folder / needed).is_file():
            raise ConversionError(
                f"{model_tar} holds no {needed}.",
                "Let the training program write it; docs/models.md lists what a job leaves.",
            )


class _Installing:
    """The npm packages, being installed while TensorFlow converts."""

    def __init__(self) -> None:
        self._error: BaseException | None = None
        self._folder = modules_folder()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def folder(self) -> Path:
        """Wait for them.

        Raises:
            ConversionError: they could not be installed.
        """
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._folder

    def _run(self) -> None:
        try:
            install_tfjs(self._folder)
        except Exception as error:  # noqa: BLE001 - raised again by folder(), in the caller's thread
            self._error = error


def _run_worker(
    folder: Path, formats: list[str], calibration: Path, out_dir: Path
) -> dict[str, Any]:
    made, job, done = folder / "made", folder / "job.json", folder / "done.json"
    asked = {
        "saved_model": str(folder / "model" / "saved_model" / "1"),
        "input": _input_of(folder / "model" / "preprocess.json"),
        "calibration": str(calibration.resolve()),
        "out": str(made),
        "formats": {name: ARTIFACTS[name] for name in formats},
    }
    job.write_text(json.dumps(asked), encoding="utf-8")
    command = [sys.executable, "-m", "tasks.conversion.worker", str(job), str(done)]
    process = subprocess.Popen(
        command,
        cwd=Path(__file__).resolve().parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said, _ = process.communicate(timeout=WORKER_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise ConversionError(
            f"The conversion took longer than {WORKER_SECONDS} s.",
            "Make the model smaller, or free the machine, and run again.",
        ) from error
    finally:
        # Also on KeyboardInterrupt and cancellation: no TensorFlow may outlive its run.
        if process.poll() is None:
            process.kill()
            with suppress(ValueError):
                process.communicate()
    if process.returncode or not done.is_file():
        raise _died(process.returncode, done.with_name("at.txt"), said)
    result: dict[str, Any] = json.loads(done.read_text(encoding="utf-8"))
    if "refused" in result:
        refused = refused_of(result["refused"])
        raise ConversionError(refused.what, refused.next_step)
    for name in formats:
        parent = Path(ARTIFACTS[name]).parent
        shutil.rmtree(out_dir / parent, ignore_errors=True)
    for path in sorted(made.rglob("*")):
        relative = path.relative_to(made)
        if path.is_file() and not relative.parts[0].startswith("."):
            (out_dir / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, out_dir / relative)
    return result


def _input_of(path: Path) -> dict[str, Any]:
    """Name and shape of the graph's input, as preprocess.json tells them."""
    try:
        given = json.loads(path.read_text(encoding="utf-8"))["input"]
        name, shape = str(given["name"]), [int(size) for size in given["shape"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ConversionError(
            f"preprocess.json tells no input of the graph: {type(error).__name__}: {error}.",
            'Write "input": {"name": …, "shape": [1, …]}; docs/models.md explains the file.',
        ) from error
    if not shape or shape[0] != 1 or min(shape) < 1:
        raise ConversionError(
            f"preprocess.json gives the input the shape {shape}.",
            "Give the shape of one row, every size fixed: [1, …]; edge runtimes know no other.",
        )
    return {"name": name, "shape": shape}


def _died(status: int, at: Path, said: str) -> ConversionError:
    """The worker ended without an answer: killed, crashed, or at fault itself."""
    making = at.read_text(encoding="utf-8") if at.is_file() else "the model of one row"
    if status < 0:
        return ConversionError(
            f"The converter was ended by {signal.Signals(-status).name} while it made {making}: "
            f"…{said[-LONGEST_TAIL:]}",
            "SIGKILL: free memory, then run again; else leave this format out of model.yaml.",
        )
    return ConversionError(
        f"The converter ended with status {status} while it made {making}: …{said[-1200:]}",
        "Read the last lines above; they are the converter's own.",
    )


def _files(out_dir: Path, main_file: Path, *, whole_folder: bool) -> dict[str, int]:
    if not main_file.is_file():
        raise ConversionError(
            f"The converter wrote no {main_file.relative_to(out_dir)}.",
            "Read the converter's output in the log.",
        )
    paths = sorted(main_file.parent.iterdir()) if whole_folder else [main_file]
    return {path.relative_to(out_dir).as_posix(): path.stat().st_size for path in paths}


def _calibration(path: Path) -> tuple[Any, Any, Any]:
    """Inputs and the original's outputs, and the true answers where the job wrote them."""
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as file:
            inputs, outputs = file["inputs"], file["outputs"]
            targets = file["targets"] if "targets" in file.files else None
    except (OSError, ValueError, KeyError) as error:
        raise ConversionError(
            f"{path} cannot be read as calibration data: {error}.",
            "Let the training program write calibration.npz with inputs and outputs.",
        ) from error
    if not len(inputs) or len(inputs) != len(outputs):
        raise ConversionError(
            f"{path} holds {len(inputs)} inputs and {len(outputs)} outputs.",
            "Let the training program write as many outputs as inputs, and at least one.",
        )
    return inputs, outputs, targets


def _versions() -> dict[str, str]:
    found = {}
    for name in ("ai-edge-litert", "keras"):
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
