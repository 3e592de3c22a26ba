"""The conversion stage's door: a Prefect task."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from models.runtime.archives.bounds import ArchiveRefused
from models.runtime.archives.extraction import extract
from tasks.artefacts.place import place_of
from tasks.conversion.convert import convert_model, require
from tasks.conversion.report import ConversionReport
from tasks.errors import ConversionError
from tasks.model_spec import ModelSpec
from tasks.reports.artifacts import key_for, logger, show

CARRIED = (
    *("saved_model/", "preprocess.json", "reference.json", "model_card.json"),
    "sample_request.json",
    "bundle.json",
)
"""What a client, or a release's health check, wants on its own, besides model.tar.gz."""

MEASURED, GATED = "metrics.json", ("gate.json", "behaviour.json", "serving.json")
"""What its job measured; what its gate found, and, where they were asked for, how it behaves on
changed rows and what a trial of its serving program found."""


@dataclass(frozen=True)
class Bundled:
    """What a bundle carries of a model, besides ``model.tar.gz``: path in the bundle → file."""

    report: ConversionReport
    files: Mapping[str, Path]


@task(name="convert", cache_policy=NO_CACHE)
def convert(spec: ModelSpec, job_folder: Path, work: Path) -> Bundled:
    """Make every edge format, prove it in its own runtime, show the table.

    Args:
        spec: The model.
        job_folder: What the training job left: ``model.tar.gz``, ``output/calibration.npz``.
        work: Working folder of the run.

    Raises:
        ConversionError: a format could not be made, answers differently, or is too large.
        ActFailed, NotApart: the converter could not be run.
    """
    out = work / "edge"
    model_tar = job_folder / "model.tar.gz"
    calibration = job_folder / "output" / "calibration.npz"
    report = convert_model(
        model_tar, spec.conversion, calibration, out, spec.name, place_of(spec.name)
    )
    show(key_for("conversion", spec.name), report.to_markdown(), "Sizes and parity")
    logger().info(f"Conversion: {report.verdict.outcome}. {report.verdict.reason}")
    require(report)
    files = {name: out / name for name in report.files}
    output = job_folder / "output"
    names = [MEASURED, *(name for name in GATED if (output / name).exists())]
    files |= {f"evidence/{name}": output / name for name in names}
    return Bundled(report=report, files=files | _carried(model_tar, work / "carried"))


def _carried(model_tar: Path, folder: Path) -> dict[str, Path]:
    if folder.exists():
        shutil.rmtree(folder)
    try:
        return extract(model_tar, folder, only=CARRIED)
    except ArchiveRefused as error:
        raise ConversionError(
            f"{model_tar} cannot be unpacked: {error.what}.", error.next_step
        ) from error
