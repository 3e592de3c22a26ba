"""What a finished job left: metrics, history, and the model itself."""

from __future__ import annotations

import json
import math
import tarfile
from collections.abc import Mapping
from pathlib import Path

from tasks.aws import asking, client
from tasks.errors import TrainingFailed
from tasks.values import Frozen


class Measured(Frozen):
    """``metrics.json`` of a job: the same split, measured with two models."""

    candidate: Mapping[str, float]
    baseline: Mapping[str, float] = {}
    rows: int = 0


def fetch(address: str, target: Path) -> Path:
    """Download one S3 object, beside the target first; an existing target is kept."""
    if target.exists():
        return target
    bucket, _, key = address.removeprefix("s3://").partition("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".partial-{target.name}")
    with asking(f"GetObject {address}"):
        client("s3").download_file(bucket, key, str(partial))
    return partial.replace(target)


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack a job's archive; only plain files below the folder come out of it."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder


def measured(folder: Path, job_name: str) -> Measured:
    """Read ``metrics.json``.

    Raises:
        TrainingFailed: it is missing, does not parse, or holds a number that is not finite.
    """
    path = folder / "metrics.json"
    try:
        raw = json.loads(path.read_text("utf-8"))
        found = Measured(
            candidate=raw["candidate"],
            baseline=raw.get("baseline", {}),
            rows=sum(raw.get("counts", {}).values()),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingFailed(
            f"{job_name} left no readable metrics.json: {error}.",
            "The training program must write it to SM_OUTPUT_DATA_DIR; docs/models.md says how.",
        ) from error
    wrong = [name for name, value in found.candidate.items() if not math.isfinite(value)]
    if wrong:
        raise TrainingFailed(
            f"{job_name} measured no finite number for {', '.join(wrong)}.",
            "The model diverged: lower the learning rate, or look at the data report.",
        )
    return found
