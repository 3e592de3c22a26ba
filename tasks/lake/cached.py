"""What lies in the cache, and whether it still is what was pulled.

A file's size says little: an editor, a full disk or a crash can leave the right one. So the MD5 of
what was pulled is kept beside the cache, and a file is read again before it is believed. That would
cost a read of the whole snapshot in each run; as git does it, a file that the system has not
changed since it was last read (same size, same time of change, same start of the machine) is not
read again.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tasks.values import LakeObject

CHUNK = 1 << 20
INDEX = "objects.sqlite"
BOOT = Path("/proc/sys/kernel/random/boot_id")
_TABLE = """CREATE TABLE IF NOT EXISTS files
    (path TEXT PRIMARY KEY, size INTEGER, changed INTEGER, boot TEXT, md5 TEXT)"""
_PATIENCE = 60.0


class FileRecord(NamedTuple):
    """What is known of a file since it was last read.

    Attributes:
        size: Bytes.
        changed: When the system last changed it, nanoseconds.
        boot: Which start of the machine that was; "" where the system does not say, and the file is
            read each time.
        md5: Of its bytes, hex.
    """

    size: int
    changed: int
    boot: str
    md5: str


def records(folder: Path) -> dict[str, FileRecord]:
    """What is known of the cache's files, by path; nothing when that is lost, which costs time."""
    if not (folder / INDEX).exists():
        return {}
    with suppress(sqlite3.Error), _index(folder) as index:
        rows = index.execute("SELECT path, size, changed, boot, md5 FROM files")
        return {f"{folder}/{path}": FileRecord(*rest) for path, *rest in rows}
    return {}


def remember(folder: Path, found: Mapping[Path, str]) -> None:
    """Note the MD5 of files that were just read or written, if it can be noted."""
    if not found:
        return
    rows = [
        (path.relative_to(folder).as_posix(), *_record(path.stat(), md5))
        for path, md5 in found.items()
    ]
    with suppress(sqlite3.Error), _index(folder) as index:
        index.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)", rows)


def must_be_read(found: os.stat_result, known: FileRecord | None) -> bool:
    """Whether a file must be read before it is believed."""
    return known is None or not known.boot or known != _record(found, known.md5)


def is_sound(item: LakeObject, md5: str, known: FileRecord | None) -> bool:
    """Whether bytes with this MD5 are those of the object.

    Args:
        item: The object.
        md5: Of the bytes in the cache.
        known: What was noted when they were pulled. Without it the ETag has to do: where it is no
            MD5, nothing is believed.
    """
    return md5 == (item.etag if known is None else known.md5)


def md5_of(path: Path) -> str:
    """MD5 of a file's bytes, hex."""
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _record(found: os.stat_result, md5: str) -> FileRecord:
    return FileRecord(found.st_size, found.st_ctime_ns, _boot(), md5)


@cache
def _boot() -> str:
    """Which start of the machine this is; "" where the system does not say."""
    return BOOT.read_text("ascii").strip() if BOOT.exists() else ""


@contextmanager
def _index(folder: Path) -> Iterator[sqlite3.Connection]:
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / INDEX
    try:
        connection = _opened(place)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:  # damaged: what it said is read from the files again
        place.unlink(missing_ok=True)
        connection = _opened(place)
    try:
        with connection:
            yield connection
    finally:
        connection.close()


def _opened(place: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(place, timeout=_PATIENCE)
    try:
        connection.execute(_TABLE)
    except BaseException:
        connection.close()
        raise
    return connection
