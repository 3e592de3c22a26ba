"""Whether an uploaded file is a model that Sluice can measure, convert and serve."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.runtime.archives import documents
from models.runtime.archives.bounds import ArchiveBounds, ArchiveRefused
from models.runtime.archives.reading import inspect as look_into
from models.runtime.own import BUNDLE
from tasks import objects
from tasks.aws import asking, client
from tasks.disk import writing
from tasks.errors import AwsRejected, DiskFull, UploadRefused
from tasks.uploads.notices import Upload
from tasks.values import Frozen, fingerprint

NEEDED = ("preprocess.json", "model_card.json", "reference.json", "sample_request.json")
FIRST_EDITION = ("code/serve.py", "code/evaluate.py", "code/model.py", "litert/model.tflite")
"""What a bundle has that is older than bundle.json."""
LARGEST = 5 * 1024**3
"""Unpacked bytes above which an archive is not opened any further."""
DOCUMENTS = dict.fromkeys((BUNDLE, *NEEDED), documents.LARGEST)


class Received(Frozen):
    """An artefact that was looked into. ``address`` holds the same bytes, under their hash."""

    identity: str
    sha256: str
    size: int
    address: str
    hyperparameters: dict[str, str]


def receive(upload: Upload, work_bucket: str, folder: Path) -> Received:
    """Fetch what was uploaded, look into it, and keep a copy that nobody can replace.

    Args:
        upload: The artefact.
        work_bucket: Where the copy goes.
        folder: Local working folder.

    Raises:
        UploadRefused: it is gone, was replaced, or is no model; every fault is named.
    """
    local = _fetch(upload, folder)
    card = inspect(local, str(upload.key))
    sha256, size = objects.file_digest(local)
    key = f"uploads/{sha256}/model.tar.gz"
    objects.create(work_bucket, key, local, content_type="application/gzip")
    if objects.digest(work_bucket, key) != (sha256, size):
        raise UploadRefused(
            f"The copy s3://{work_bucket}/{key} is not what was uploaded.", "Upload it again."
        )
    return Received(
        identity=fingerprint(["upload", upload.model, upload.version, sha256]),
        sha256=sha256,
        size=size,
        address=f"s3://{work_bucket}/{key}",
        hyperparameters={
            str(name): str(value) for name, value in card.get("hyperparameters", {}).items()
        },
    )


def inspect(archive: Path, name: str) -> dict[str, Any]:
    """Look into an archive; its model card.

    Raises:
        UploadRefused: it is no archive, too large, unsafe to unpack, or lacks a file.
    """
    try:
        found = look_into(archive, ArchiveBounds(total=LARGEST), DOCUMENTS)
    except ArchiveRefused as error:
        raise _refused(name, [error.what], f"{error.next_step} ") from error
    faults: list[str] = []
    read = {path: _document(raw, path, faults) for path, raw in found.read.items()}
    faults += [f"it holds no {path}" for path in _needed(read, faults) if path not in found.sizes]
    card = read.get("model_card.json")
    if card is not None and not isinstance(card.get("hyperparameters", {}), dict):
        faults.append("model_card.json: hyperparameters is no object")
    if faults:
        raise _refused(name, faults)
    return dict(card or {})


def _needed(read: Mapping[str, Any], faults: list[str]) -> tuple[str, ...]:
    """Files that must be there, as the bundle's own description or its age says."""
    described = read.get(BUNDLE)
    if BUNDLE not in read:
        return (*NEEDED, *FIRST_EDITION)
    entry_point = described.get("entry_point") if isinstance(described, dict) else None
    if not isinstance(entry_point, str) or not entry_point.startswith("code/"):
        faults.append(f"{BUNDLE} names no entry_point below code/")
        return NEEDED
    return (*NEEDED, entry_point)


def _document(raw: bytes, path: str, faults: list[str]) -> dict[str, Any] | None:
    try:
        return documents.document(raw)
    except ValueError as error:
        faults.append(f"{path} {error}")
        return None


def _fetch(upload: Upload, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    local = folder / "model.tar.gz"
    address = f"s3://{upload.bucket}/{upload.key}"
    try:
        with writing(address, folder), asking(f"GetObject {address}"):
            body = client("s3").get_object(
                Bucket=upload.bucket, Key=upload.key, IfMatch=f'"{upload.etag}"'
            )["Body"]
            with local.open("wb") as file:
                for chunk in body.iter_chunks(objects.CHUNK):
                    file.write(chunk)
    except AwsRejected as error:
        if error.code in objects.MISSING or error.code in objects.REFUSED:
            raise UploadRefused(
                f"{address} is not what was announced (ETag {upload.etag}): it was replaced or "
                "deleted.",
                "Nothing, if it was replaced: the newer artefact is announced itself.",
            ) from error
        raise
    except DiskFull:
        local.unlink(missing_ok=True)
        raise
    return local


def _refused(name: str, faults: list[str], first: str = "") -> UploadRefused:
    return UploadRefused(
        f"{name} is no model that can be served: {'; '.join(faults)}.",
        f"{first}Upload a model.tar.gz with the files that docs/models.md lists.",
    )
