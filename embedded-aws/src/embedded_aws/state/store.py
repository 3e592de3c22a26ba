"""The folder in which the embedded AWS keeps what it holds.

========================  ====================================================================
``state.db``              SQLite in WAL mode: format and versions, records by kind, scope and
                          key, the versions of S3 objects, and journals that are only added to
``bodies/ab/abcd…``       bodies of S3 objects, by their SHA-256, written once
``lock``                  held by the process that has the folder open
========================  ====================================================================

A transaction is in the hands of the operating system before the answer to a request is given, so
that the end of the process, however hard, loses nothing. The disk itself is asked to have it every
few seconds (:meth:`Store.settle`): a power cut may take what came after.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from embedded_aws.protocol.service import AwsFault

FORMAT = 1
DATABASE = "state.db"
BODIES = "bodies"
_TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS records (
    kind TEXT, scope TEXT, key TEXT, value BLOB NOT NULL, PRIMARY KEY (kind, scope, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT, name TEXT, place INTEGER, body TEXT, value BLOB NOT NULL,
    PRIMARY KEY (bucket, name, place)
);
CREATE TABLE IF NOT EXISTS journal (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT, scope TEXT, value BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS journal_of ON journal (kind, scope, id);
"""


class StateError(Exception):
    """A state folder cannot be used; the message says why and what to do."""


class Store:
    """One open state folder.

    Args:
        folder: Made when it is not there.

    Raises:
        StateError: another process has it open, or it was written by other versions.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = threading.RLock()
        self._hold = _lock_of(folder)
        try:
            self._database = self._connection()
        except BaseException:
            self._hold.close()
            raise
        self._depth = 0
        self._fresh: set[Path] = set()

    def close(self) -> None:
        """Let everything reach the disk and give the folder back."""
        with self._lock:
            with contextlib.suppress(sqlite3.Error, OSError):
                self.settle()
            self._database.close()
            self._hold.close()

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction; what is done within is kept as a whole or not at all.

        Raises:
            AwsFault: ``ServiceUnavailable`` (503) when the disk does not take it.
        """
        with self._lock:
            if self._depth:
                yield self._database
                return
            self._depth = 1
            try:
                self._database.execute("BEGIN IMMEDIATE")
                yield self._database
                self._database.execute("COMMIT")
            except (sqlite3.Error, OSError) as error:
                self._undo()
                raise cannot_keep(self.folder, error) from error
            except BaseException:
                self._undo()
                raise
            finally:
                self._depth = 0

    def put(self, kind: str, scope: str, key: str, value: bytes) -> None:
        """Keep one record, in a transaction of its own unless there is one."""
        with self.write() as database:
            database.execute(
                "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?)", (kind, scope, key, value)
            )

    def drop(self, kind: str, scope: str, key: str | None = None) -> None:
        """Forget one record, or all of a scope."""
        with self.write() as database:
            if key is None:
                database.execute("DELETE FROM records WHERE kind = ? AND scope = ?", (kind, scope))
            else:
                database.execute(
                    "DELETE FROM records WHERE kind = ? AND scope = ? AND key = ?",
                    (kind, scope, key),
                )

    def records(self, kind: str) -> list[tuple[str, str, bytes]]:
        """``(scope, key, value)`` of every record of a kind, in order."""
        return self.rows(
            "SELECT scope, key, value FROM records WHERE kind = ? ORDER BY scope, key", kind
        )

    def append(self, kind: str, scope: str, value: bytes) -> None:
        """Add to a journal."""
        with self.write() as database:
            database.execute(
                "INSERT INTO journal (kind, scope, value) VALUES (?, ?, ?)", (kind, scope, value)
            )

    def journal(self, kind: str) -> list[tuple[str, bytes]]:
        """``(scope, value)`` of everything in a journal, in the order of writing."""
        return self.rows("SELECT scope, value FROM journal WHERE kind = ? ORDER BY id", kind)

    def fact(self, name: str) -> str | None:
        """A fact about the folder."""
        rows = self.rows("SELECT value FROM facts WHERE name = ?", name)
        return None if not rows else str(rows[0][0])

    def note(self, name: str, value: str) -> None:
        """Keep a fact about the folder."""
        with self.write() as database:
            database.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def rows(self, query: str, *values: Any) -> list[Any]:
        """Read."""
        with self._lock:
            return self._database.execute(query, values).fetchall()

    def keep_body(self, data: bytes) -> str:
        """Write a body once; its name.

        Raises:
            OSError: the disk does not take it.
        """
        name = hashlib.sha256(data).hexdigest()
        path = self.body(name)
        with contextlib.suppress(OSError):
            if path.stat().st_size == len(data):
                return name
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{name}.{threading.get_ident()}")
        try:
            with partial.open("wb") as file:
                file.write(data)
            partial.replace(path)
            with self._lock:
                self._fresh.add(path)
        except OSError:
            partial.unlink(missing_ok=True)
            raise
        return name

    def body(self, name: str) -> Path:
        """Where a body lies."""
        return self.folder / BODIES / name[:2] / name

    def settle(self) -> None:
        """Ask the disk to have everything that was written so far, bodies before what names them.

        The database's own file is written only here, so that it never knows of a body which the
        disk does not have.
        """
        with self._lock:
            fresh, self._fresh = self._fresh, set()
        for path in fresh | {path.parent for path in fresh}:
            with contextlib.suppress(FileNotFoundError):
                _sync(path)
        with self._lock:
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _undo(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")

    def _connection(self) -> sqlite3.Connection:
        path = self.folder / DATABASE
        try:
            database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            database.execute("PRAGMA journal_mode = WAL").fetchall()
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute("PRAGMA wal_autocheckpoint = 0")
            [[sound]] = database.execute("PRAGMA quick_check(1)").fetchall()
            if sound != "ok":
                raise sqlite3.DatabaseError(sound)
            database.executescript(_TABLES)
            _agree(database, path)
        except sqlite3.Error as error:
            raise StateError(
                f"{path} cannot be read ({error}). Nothing was changed. Next: put it back from a "
                "copy, or remove all state (make clean)."
            ) from error
        return database


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def cannot_keep(folder: Path, error: Exception) -> AwsFault:
    """The answer to a write that the disk did not take."""
    return AwsFault(
        "ServiceUnavailable",
        f"The embedded AWS cannot keep this in {folder}: {error}. Next: make room on the disk.",
        503,
    )


def versions() -> dict[str, str]:
    """What must be the same for a state folder to be read: it holds moto's own objects."""
    import moto

    return {
        "format": str(FORMAT),
        "moto": moto.__version__,
        "python": ".".join(platform.python_version_tuple()[:2]),
    }


def _agree(database: sqlite3.Connection, path: Path) -> None:
    facts = dict(database.execute("SELECT name, value FROM facts").fetchall())
    ours = versions()
    for name, value in ours.items():
        if name in facts and facts[name] != value:
            raise StateError(
                f"{path} was written with {name} {facts[name]}, and this is {name} {value}. "
                f"Nothing was changed. Next: go on with {name} {facts[name]}, or copy out what "
                "you need with it and remove the state (make clean)."
            )
    database.execute("BEGIN IMMEDIATE")
    database.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", ours.items())
    database.execute("COMMIT")


def _lock_of(folder: Path) -> Any:
    """The folder's lock: freed by the system when this process ends, however it ends."""
    file = (folder / "lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise StateError(
            f"Another embedded AWS has {folder} open. Next: end it, or choose another --state-dir."
        ) from None
    return file
