"""A folder that S3 has a copy of while a program writes into it."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from embedded_aws.jobs.objects import UploadError, bring, store
from embedded_aws.jobs.places import Piece, split

_UNFINISHED = ("~", ".part", ".partial", ".tmp", ".temp", ".lock", ".swp", ".crdownload")
# Two writes within one tick of the file system's clock bear the same time.
_GRAIN_NS = 50_000_000
_Mark = tuple[int, int, int]


class SyncedFolder:
    """One host's folder, kept in step with S3: checkpoints, and outputs that are told continuously.

    While the program runs only finished files are taken: those that did not change between two
    looks and while they were copied, and whose name is none of a file in the making. What is not
    finished waits for a later look; the last one, when the program is over, takes everything. Files
    that the program removes stay in S3, as with the service.

    Args:
        folder: Where the program writes.
        uri: Where in S3.
        kms_key_id: The key that uploads are encrypted with; "" for none.
    """

    def __init__(self, folder: Path, uri: str, kms_key_id: str = "") -> None:
        self._folder = folder
        self._kms_key_id = kms_key_id
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
            store(s3, copy, uri, self._kms_key_id)
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
