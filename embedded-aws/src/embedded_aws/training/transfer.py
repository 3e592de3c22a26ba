"""Input data and code down from S3, artefacts and checkpoints up to it."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.archives import ArchiveError, unpack
from embedded_aws.training.layout import Host
from embedded_aws.training.places import DownloadError, Piece, split

_PARALLEL = 8
_UNFINISHED = ("~", ".part", ".partial", ".tmp", ".temp", ".lock", ".swp", ".crdownload")
# Two writes within one tick of the file system's clock bear the same time.
_GRAIN_NS = 50_000_000
_Mark = tuple[int, int, int]


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
        unpack_brought(archive, uri, folder)


def unpack_brought(archive: Path, place: str, folder: Path) -> None:
    """Extract a source archive that is here already.

    Raises:
        DownloadError: when it is not there, or no archive; ``place`` is what the job calls it.
    """
    try:
        with archive.open("rb") as file:
            unpack(file, folder)
    except (ArchiveError, OSError) as error:
        raise DownloadError(f'Source archive "{place}" cannot be unpacked: {error}') from error


def pack(folders: Iterable[Path], archive: Path) -> bool:
    """Put the content of several folders into one tar.gz; where names meet, the first wins.

    Returns:
        Whether there was anything to pack.
    """
    names: set[str] = set()
    with tarfile.open(archive, "w:gz", compresslevel=3) as tar:
        for folder in folders:
            for path in sorted(folder.rglob("*")):
                name = str(path.relative_to(folder))
                if name not in names:
                    names.add(name)
                    # A file with two names is two files: archives hold no links.
                    tar.dereference = not path.is_symlink()
                    tar.add(path, name, recursive=False)
    return bool(names)


def store(s3: Any, path: Path, uri: str, kms_key_id: str = "") -> None:
    """Upload one file, under a key of KMS where one is named.

    Raises:
        UploadError: with what S3 said.
    """
    bucket, key = split(uri)
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key_id}
    more = {"ExtraArgs": encryption} if kms_key_id else {}
    try:
        s3.upload_file(str(path), bucket, key, **more)
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
    under = config.get("KmsKeyId", "")
    place = f"{config['S3OutputPath'].rstrip('/')}/{request['TrainingJobName']}/output"
    with tempfile.TemporaryDirectory(dir=hosts[0].base) as scratch:
        if config.get("CompressionType") == "NONE":
            artifacts = f"{place}/model/"
            for path in sorted(p for host in hosts for p in host.model.rglob("*") if p.is_file()):
                host = next(h for h in hosts if path.is_relative_to(h.model))
                store(s3, path, artifacts + path.relative_to(host.model).as_posix(), under)
        else:
            artifacts = f"{place}/model.tar.gz"
            archive = Path(scratch) / "model.tar.gz"
            pack([host.model for host in hosts], archive)
            store(s3, archive, artifacts, under)
        output = Path(scratch) / "output.tar.gz"
        if pack([host.output_data for host in hosts], output):
            store(s3, output, f"{place}/output.tar.gz", under)
    return artifacts


class Checkpoints:
    """One host's checkpoint folder, kept in step with S3 in both directions.

    While the program runs only finished files are taken: those that did not change between two
    looks and while they were copied, and whose name is none of a file in the making. What is not
    finished waits for a later look; the last one, when the program is over, takes everything. Files
    that the program removes stay in S3, as with the service.

    Args:
        folder: Where the program writes.
        uri: ``CheckpointConfig.S3Uri``.
    """

    def __init__(self, folder: Path, uri: str) -> None:
        self._folder = folder
        self._bucket, prefix = split(uri)
        self._prefix = prefix if not prefix or prefix.endswith("/") else f"{prefix}/"
        self._stored: dict[Path, _Mark] = {}
        self._seen: dict[Path, _Mark] = {}

    def restore(self, s3: Any) -> None:
        """Bring what an earlier run has left in S3."""
        pages = s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix
        )
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        pieces = [Piece(self._bucket, k, k[len(self._prefix) :]) for k in keys]
        bring(s3, (piece for piece in pieces if not piece.path.endswith("/")), self._folder)
        self._stored = self._marks()

    def save(self, s3: Any, *, over: bool = False) -> None:
        """Upload what is new or has changed.

        Args:
            s3: Client.
            over: Whether the program has ended, so that nothing changes any more.

        Raises:
            UploadError: with what S3 said.
        """
        before, self._seen = self._seen, self._marks()
        for path, mark in self._seen.items():
            if self._stored.get(path) == mark:
                continue
            settled = (
                before.get(path) == mark
                and time.time_ns() - mark[2] > _GRAIN_NS
                and not in_the_making(path.relative_to(self._folder))
            )
            if (over or settled) and self._upload(s3, path, mark, over=over):
                self._stored[path] = mark

    def _upload(self, s3: Any, path: Path, mark: _Mark, *, over: bool) -> bool:
        """Store a copy, because S3 refuses bytes that change under their checksum."""
        key = f"{self._prefix}{path.relative_to(self._folder).as_posix()}"
        uri = f"s3://{self._bucket}/{key}"
        with tempfile.TemporaryDirectory(dir=self._folder.parent) as scratch:
            copy = Path(scratch) / "copy"
            try:
                shutil.copyfile(path, copy)
                unchanged = _mark(path) == mark
            except FileNotFoundError:  # renamed or gone in the meantime
                return False
            except OSError as error:
                if over:
                    raise UploadError(f'Failed to upload to "{uri}": {error}') from error
                return False
            if not (over or unchanged):
                return False
            store(s3, copy, uri)
        return True

    def _marks(self) -> dict[Path, _Mark]:
        marks = {}
        for path in sorted(self._folder.rglob("*")):
            try:
                if path.is_file():
                    marks[path] = _mark(path)
            except OSError:
                continue
        return marks


def in_the_making(path: Path) -> bool:
    """Whether a name, below the checkpoint folder, is one that programs write to before renaming.

    >>> in_the_making(Path(".epoch-3.npz.partial")), in_the_making(Path("a/epoch-3.npz"))
    (True, False)
    """
    return any(part.startswith((".", "~")) for part in path.parts) or any(
        part.lower().endswith(_UNFINISHED) or ".tmp." in part.lower() for part in path.parts
    )


def _mark(path: Path) -> _Mark:
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def _save(s3: Any, bucket: str, key: str, path: Path) -> None:
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"]
    except ClientError as error:
        reason = error.response["Error"]["Message"]
        raise DownloadError(f'Failed to download "s3://{bucket}/{key}": {reason}') from error
    with path.open("wb") as file:
        shutil.copyfileobj(body, file, 1 << 20)


def _transfer_failure() -> type[Exception]:
    from boto3.exceptions import S3UploadFailedError

    failure: type[Exception] = S3UploadFailedError
    return failure
