"""Convert one trained model, prove each format in its own runtime, and judge it."""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from models.runtime.archives.documents import document
from tasks.artefacts.act import CarryOut, here
from tasks.conversion import edge_signature, vectors
from tasks.conversion.act import CONVERT, MADE
from tasks.conversion.calibration import Calibration, fit_int32, read
from tasks.conversion.parity import AnswerKind, Parity, parity_of
from tasks.conversion.report import ARTIFACTS, ConversionReport, Converted, judge, wanted
from tasks.conversion.runtimes import (
    Answers,
    install_tfjs,
    litert_answers,
    modules_folder,
    tfjs_answers,
)
from tasks.conversion.signature import GraphSignature, carried, meant, signature_of
from tasks.conversion.unpacking import unpack
from tasks.errors import ArtifactTooLarge, ConversionError, ParityExceeded
from tasks.specs.conversion import ConversionSpec


def convert_model(
    model_tar: Path,
    spec: ConversionSpec,
    calibration: Path,
    out_dir: Path,
    model: str = "model",
    carry_out: CarryOut = here,
) -> ConversionReport:
    """Make every format that the model asks for.

    Args:
        model_tar: model.tar.gz of the training job (``saved_model/1``, ``preprocess.json``).
        spec: Formats and limits from model.yaml.
        calibration: calibration.npz of the job: per tensor ``input:<name>``, ``output:<name>``
            [n, …] (of a single one ``inputs``, ``outputs``), and ``targets`` (class indices, or
            values in the graph's unit) where it has them.
        out_dir: Where the files go: ``tflite/…``, ``tfjs/…``, ``signatures.json``,
            ``vectors.json``.
        model: Its name, for the report.
        carry_out: How the converter, which runs a stranger's graph, is run.

    Returns:
        The report; its verdict says whether the files may go on. ``require`` raises on it.

    Raises:
        ConversionError: the artefact is incomplete, is none that an edge runtime can carry, or a
            converter failed.
    """
    limits = wanted(spec)
    began = time.perf_counter()
    out_dir.mkdir(parents=True, exist_ok=True)
    if not limits:
        verdict = judge(model, spec, ())
        return ConversionReport(model=model, formats=(), versions={}, seconds={}, verdict=verdict)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        unpack(model_tar, folder / "model")
        preprocess = _preprocess(folder / "model" / "preprocess.json")
        signature = carried(signature_of(preprocess))
        tasks = {meant(preprocess, signature): AnswerKind.of(preprocess)}
        rows = read(calibration, signature)
        if "tfjs_float16" in limits:
            fit_int32(rows, signature)
        # npm and TensorFlow keep different parts of the machine busy: let them run side by side.
        modules = _Installing() if "tfjs_float16" in limits else None
        told = {"signature": signature.model_dump(mode="json"), "formats": list(limits)}
        inputs = {"archive": model_tar, "calibration": calibration}
        carry_out(CONVERT, inputs, folder / "made", told)
        done = _brought(folder / "made", list(limits), out_dir)
    converted = time.perf_counter()
    conversions = []
    answered: dict[str, Answers] = {}
    for name in limits:
        main_file = out_dir / ARTIFACTS[name]
        files = _files(out_dir, main_file, whole_folder=name == "tfjs_float16")
        if modules is not None and name == "tfjs_float16":
            answers = tfjs_answers(main_file, signature, rows.inputs, modules.folder())
        else:
            answers = litert_answers(main_file, signature, rows.inputs)
        answered[name] = answers
        conversions.append(
            Converted(
                format=name,
                files=files,
                parities=parities(answers, rows, signature, tasks),
                signature=answers.signature,
                seconds=float(done["formats"][name]["seconds"]),
            )
        )
    vectors.write(out_dir, signature, rows, answered)
    edge_signature.write(out_dir, {item.format: item.signature for item in conversions}, ARTIFACTS)
    return ConversionReport(
        model=model,
        formats=tuple(conversions),
        versions={**done["versions"], **_versions()},
        seconds={
            "conversion": round(converted - began, 2),
            "parity": round(time.perf_counter() - converted, 2),
        },
        verdict=judge(model, spec, tuple(conversions)),
    )


def parities(
    answers: Answers, rows: Calibration, signature: GraphSignature, tasks: Mapping[str, AnswerKind]
) -> tuple[Parity, ...]:
    """Each output compared with the original's.

    Args:
        answers: The converted model's, of the first rows or of all.
        rows: What the original answered, and the true answers where known.
        signature: Which outputs there are.
        tasks: What an output is for, where preprocess.json tells; ``targets`` are those of these.
    """
    several = len(signature.outputs) > 1
    comparisons = []
    for tensor in signature.outputs:
        answered = answers.outputs[tensor.name]
        truth = rows.outputs[tensor.name][: len(answered)]
        targets = rows.targets if tensor.name in tasks else None
        comparisons.append(
            parity_of(
                truth.reshape(len(truth), -1).tolist(),
                answered,
                answers.latency_ms_p50,
                answers.runtime,
                tasks.get(tensor.name),
                None if targets is None else targets[: len(answered)],
                output=tensor.name if several else "",
                discrete=tensor.dtype != "float32",
            )
        )
    return tuple(comparisons)


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


def _brought(made: Path, formats: list[str], out_dir: Path) -> dict[str, Any]:
    """What the converter left, in place of what an earlier one did; what it tells of its work."""
    done: dict[str, Any] = json.loads((made / MADE).read_text("utf-8"))
    for name in formats:
        folder = Path(ARTIFACTS[name]).parent
        shutil.rmtree(out_dir / folder, ignore_errors=True)
        if (made / folder).is_dir():
            shutil.copytree(made / folder, out_dir / folder, dirs_exist_ok=True)
    return done


def _preprocess(path: Path) -> dict[str, Any]:
    """preprocess.json."""
    try:
        return document(path.read_bytes())
    except ValueError as error:
        raise ConversionError(
            f"preprocess.json {error}.",
            "Let the training program write it; docs/models.md explains the file.",
        ) from error


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


def _files(out_dir: Path, main_file: Path, *, whole_folder: bool) -> dict[str, int]:
    if not main_file.is_file():
        raise ConversionError(
            f"The converter wrote no {main_file.relative_to(out_dir)}.",
            "Read the converter's output in the log.",
        )
    paths = sorted(main_file.parent.iterdir()) if whole_folder else [main_file]
    return {path.relative_to(out_dir).as_posix(): path.stat().st_size for path in paths}


def _versions() -> dict[str, str]:
    versions = {}
    for name in ("ai-edge-litert", "keras"):
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions
