"""Input data and code down from S3, artefacts and checkpoints up to it."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.training.layout import Host
from embedded_aws.training.places import DownloadError, Piece, split

_PARALLEL = 8


class UploadError(Exception):
    """Artefacts could not be stored; the message goes into ``FailureReason``."""


def bring(s3: Any, pieces: Iterable[Piece], folder: Path) -> None:
    """Download the objects of a channel, several at a time.

    Raises:
        DownloadError: when an object is missing, or its path leads out of the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    root = folder.resolve()

    def fetch(piece: Piece) -> None:
        path = (root / piece.path).resolve()
        if not path.is_relative_to(root):
            raise DownloadError(f'Key "{piece.key}" leads out of the channel\'s folder')
        path.parent.mkdir(parents=True, exist_ok=True)
        _save(s3, piece.bucket, piece.key, path)

    with ThreadPoolExecutor(_PARALLEL) as pool:
        list(pool.map(fetch, pieces))


def unpack_code(s3: Any, uri: str, folder: Path) -> None:
    """Extract the source archive.

    Raises:
        DownloadError: when it is not there, or no archive.
    """
    bucket, key = split(uri)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        archive = Path(scratch) / "sourcedir.tar.gz"
        _save(s3, bucket, key, archive)
        try:
            with tarfile.open(archive) as tar:
                tar.extractall(folder, filter="data")
        except (tarfile.TarError, EOFError, OSError) as error:
            raise DownloadError(f'Source archive "{uri}" cannot be unpacked: {error}') from error


def pack(folders: Iterable[Path], archive: Path) -> bool:
    """Put the content of several folders into one tar.gz; where names meet, the first wins.

    Returns:
        Whether there was anything to pack.
    """
    seen: set[str] = set()
    with tarfile.open(archive, "w:gz", compresslevel=3) as tar:
        for folder in folders:
            for path in sorted(folder.rglob("*")):
                name = str(path.relative_to(folder))
                if name not in seen:
                    seen.add(name)
                    tar.add(path, name, recursive=False)
    return bool(seen)


def store(s3: Any, path: Path, uri: str) -> None:
    """Upload one file.

    Raises:
        UploadError: with what S3 said.
    """
    bucket, key = split(uri)
    try:
        s3.upload_file(str(path), bucket, key)
    except (ClientError, BotoCoreError, _transfer_failure()) as error:
        raise UploadError(f'Failed to upload to "{uri}": {error}') from error


def store_artifacts(s3: Any, request: Mapping[str, Any], hosts: Sequence[Host]) -> str:
    """Upload ``model.tar.gz`` and, when there is any, ``output.tar.gz`` of all hosts together.

    Returns:
        ``S3ModelArtifacts``.

    Raises:
        UploadError: with what S3 said.
    """
    config = request["OutputDataConfig"]
    place = f"{config['S3OutputPath'].rstrip('/')}/{request['TrainingJobName']}/output"
    with tempfile.TemporaryDirectory(dir=hosts[0].base) as scratch:
        if config.get("CompressionType") == "NONE":
            artifacts = f"{place}/model/"
            for path in sorted(p for host in hosts for p in host.model.rglob("*") if p.is_file()):
                host = next(h for h in hosts if path.is_relative_to(h.model))
                store(s3, path, artifacts + path.relative_to(host.model).as_posix())
        else:
            artifacts = f"{place}/model.tar.gz"
            archive = Path(scratch) / "model.tar.gz"
            pack([host.model for host in hosts], archive)
            store(s3, archive, artifacts)
        output = Path(scratch) / "output.tar.gz"
        if pack([host.output_data for host in hosts], output):
            store(s3, output, f"{place}/output.tar.gz")
    return artifacts


class Checkpoints:
    """One host's checkpoint folder, kept in step with S3 in both directions.

    Files that the program removes stay in S3, as with the service.

    Args:
        folder: Where the program writes.
        uri: ``CheckpointConfig.S3Uri``.
    """

    def __init__(self, folder: Path, uri: str) -> None:
        self._folder = folder
        self._bucket, prefix = split(uri)
        self._prefix = prefix if not prefix or prefix.endswith("/") else f"{prefix}/"
        self._stored: dict[Path, tuple[int, int]] = {}

    def restore(self, s3: Any) -> None:
        """Bring what an earlier run has left in S3."""
        pages = s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix
        )
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        pieces = [Piece(self._bucket, k, k[len(self._prefix) :]) for k in keys]
        bring(s3, (piece for piece in pieces if not piece.path.endswith("/")), self._folder)
        self._stored = self._marks()

    def save(self, s3: Any) -> None:
        """Upload what is new or has changed.

        Raises:
            UploadError: with what S3 said.
        """
        for path, mark in self._marks().items():
            if self._stored.get(path) == mark:
                continue
            key = f"{self._prefix}{path.relative_to(self._folder).as_posix()}"
            try:
                store(s3, path, f"s3://{self._bucket}/{key}")
            except FileNotFoundError:  # a temporary file, renamed or gone in the meantime
                continue
            self._stored[path] = mark

    def _marks(self) -> dict[Path, tuple[int, int]]:
        marks = {}
        for path in sorted(self._folder.rglob("*")):
            try:
                if path.is_file():
                    stat = path.stat()
                    marks[path] = (stat.st_size, stat.st_mtime_ns)
            except FileNotFoundError:
                continue
        return marks


def _save(s3: Any, bucket: str, key: str, path: Path) -> None:
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"]
    except ClientError as error:
        said = error.response["Error"]["Message"]
        raise DownloadError(f'Failed to download "s3://{bucket}/{key}": {said}') from error
    with path.open("wb") as file:
        shutil.copyfileobj(body, file, 1 << 20)


def _transfer_failure() -> type[Exception]:
    from boto3.exceptions import S3UploadFailedError

    failure: type[Exception] = S3UploadFailedError
    return failure
