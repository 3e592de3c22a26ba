"""What a champion's bundle brings to a watch, and what a watch leaves: thin, over S3."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from tasks import objects
from tasks.aws import asking, client
from tasks.drift.history import read_baseline
from tasks.drift.quality.champion import Followed, ReferenceErrors, read_errors
from tasks.drift.reports.report import DriftReport
from tasks.errors import ObjectCorrupt
from tasks.settings import settings
from tasks.values import Manifest

ERRORS = "drift/errors.json"
MODEL = "model.tar.gz"


def baseline_of(champion: Manifest | None) -> tuple[list[Any], date] | None:
    """The periods that the champion was trained on, and their last day."""
    if champion is None or not champion.baseline:
        return None
    key = f"{champion.model}/{champion.version}/{champion.baseline}"
    document = objects.read(settings().registry_bucket, key)
    return None if document is None else read_baseline(document.body)


def keep_report(
    bucket: str, model: str, day: str, report: DriftReport | None, followed: Followed | None
) -> str:
    """Write both findings as JSON where a person can open them; the address."""
    key = f"reports/drift/{model}/{day}.json"
    body = {
        "inputs": report.model_dump(mode="json") if report else None,
        "champion": followed.model_dump(mode="json") if followed else None,
    }
    client("s3").put_object(
        Bucket=bucket,
        Key=key,
        Body=json.dumps(body, indent=1).encode(),
        ContentType="application/json",
    )
    return f"s3://{bucket}/{key}"


def errors_of(champion: Manifest) -> ReferenceErrors | None:
    """Its errors on held-out rows; None when it was published without."""
    if not any(file.path == ERRORS for file in champion.files):
        return None
    key = f"{champion.model}/{champion.version}/{ERRORS}"
    document = objects.read(settings().registry_bucket, key)
    return None if document is None else read_errors(document.body)


def model_of(champion: Manifest) -> Path:
    """A local copy of its model.tar.gz, as its manifest knows it.

    Raises:
        ObjectCorrupt: it is another one.
    """
    chosen = settings()
    wanted = next(file for file in champion.files if file.path == MODEL)
    target = chosen.cache_dir / "champions" / f"{wanted.sha256[:32]}-{MODEL}"
    if not target.exists() or objects.file_digest(target)[0] != wanted.sha256:
        target.parent.mkdir(parents=True, exist_ok=True)
        key = f"{champion.model}/{champion.version}/{MODEL}"
        partial = target.with_name(f".partial-{target.name}")
        with asking(f"GetObject s3://{chosen.registry_bucket}/{key}"):
            client("s3").download_file(chosen.registry_bucket, key, str(partial))
        partial.replace(target)
    if objects.file_digest(target)[0] != wanted.sha256:
        raise ObjectCorrupt(
            f"s3://{chosen.registry_bucket}/{champion.model}/{champion.version}/{MODEL} is not "
            "what its manifest says.",
            "Roll back to a whole version; see docs/registry.md.",
        )
    return target
