"""What a finished job left: metrics, history, and the model itself."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping
from pathlib import Path

from models.runtime.archives.bounds import ArchiveBounds, ArchiveRefused
from models.runtime.archives.documents import LARGEST, document
from models.runtime.archives.extraction import extract
from models.runtime.archives.reading import inspect
from models.runtime.own import BUNDLE
from tasks.disk import writing
from tasks.errors import AwsRejected, TrainingFailed
from tasks.objects import MISSING, fetch
from tasks.values import FIRST_PROGRAM, Frozen

WRITES_METRICS = (
    'The training program must write metrics.json, {"candidate": {metric: number}}, into the '
    "folder SM_OUTPUT_DATA_DIR (/opt/ml/output/data); docs/models.md says how."
)

OUTPUT = ArchiveBounds(members=50_000)
"""A job's output may hold a file for each photo that it was measured on."""


class Measured(Frozen):
    """``metrics.json`` of a job: the same split, measured with two models."""

    candidate: Mapping[str, float]
    baseline: Mapping[str, float] = {}
    rows: int = 0


def fetch_output(job_name: str, address: str, folder: Path) -> Path:
    """What the job wrote into its output folder, unpacked.

    Raises:
        TrainingFailed: it wrote nothing there, so that no output.tar.gz exists, or it wrote what
            no archive may hold.
    """
    try:
        archive = fetch(address, folder / "output.tar.gz")
    except AwsRejected as error:
        if error.code not in MISSING:
            raise
        raise TrainingFailed(
            f"{job_name} ended well but wrote no metrics.json, nor anything else into its output "
            f"folder: {address} does not exist.",
            WRITES_METRICS,
        ) from error
    return unpack(archive, folder / "output")


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack a job's archive, in place of what an earlier run unpacked there.

    Raises:
        TrainingFailed: it is not intact, or holds what no archive may.
    """
    if folder.exists():
        shutil.rmtree(folder)
    try:
        with writing(archive.name, folder.parent):
            extract(archive, folder, OUTPUT)
    except ArchiveRefused as error:
        raise TrainingFailed(
            f"{archive} cannot be unpacked: {error.what}.", error.next_step
        ) from error
    return folder


def serving_program(archive: Path) -> str:
    """The program below code/ that serves a model.tar.gz, as its bundle.json says.

    Raises:
        TrainingFailed: bundle.json names none, or the archive is not let in.
    """
    try:
        found = inspect(archive, wanted={BUNDLE: LARGEST}).read
    except ArchiveRefused as error:
        raise TrainingFailed(f"{archive} is not read: {error.what}.", error.next_step) from error
    if BUNDLE not in found:
        return FIRST_PROGRAM
    try:
        entry_point = str(document(found[BUNDLE])["entry_point"])
    except (ValueError, KeyError) as error:
        raise TrainingFailed(
            f"{archive.name}: {BUNDLE} names no entry_point ({error}).",
            "Let the shared programs write the bundle; docs/models.md lists its files.",
        ) from error
    return entry_point.removeprefix("code/")


def measured(folder: Path, job_name: str) -> Measured:
    """Read ``metrics.json``.

    Raises:
        TrainingFailed: it is missing, does not parse, or holds a number that is not finite.
    """
    path = folder / "metrics.json"
    try:
        raw = json.loads(path.read_text("utf-8"))
        metrics = Measured(
            candidate=raw["candidate"],
            baseline=raw.get("baseline", {}),
            rows=sum(raw.get("counts", {}).values()),
        )
    except FileNotFoundError as error:
        names = ", ".join(sorted(item.name for item in folder.iterdir())) or "nothing"
        raise TrainingFailed(
            f"{job_name} wrote no metrics.json into its output folder; it left {names} there.",
            WRITES_METRICS,
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = " ".join(str(error).partition("For further information")[0].split())
        raise TrainingFailed(
            f"{job_name} left no readable metrics.json ({type(error).__name__}: {why}).",
            WRITES_METRICS,
        ) from error
    wrong = [name for name, value in metrics.candidate.items() if not math.isfinite(value)]
    if wrong:
        raise TrainingFailed(
            f"{job_name} measured no finite number for {', '.join(wrong)}.",
            "The model diverged: lower the learning rate, or look at the data report.",
        )
    return metrics
