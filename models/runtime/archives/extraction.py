"""Unpacking an archive: all of it into a new folder, or nothing."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from models.runtime.archives.bounds import ArchiveBounds
from models.runtime.archives.gunzip import CHUNK
from models.runtime.archives.reading import DEFAULT, ArchiveMember, members

NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
A_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE_MODE, FOLDER_MODE = 0o644, 0o755
"""Programs of a bundle are run by an interpreter: nothing is executable, whatever it says."""


def extract(
    archive: Path,
    folder: Path,
    bounds: ArchiveBounds = DEFAULT,
    only: Collection[str] | None = None,
) -> dict[str, Path]:
    """Unpack an archive; its files by their paths in it.

    It is read twice: whole before anything is written, then again while it is, by the same rules.
    What is written lies beside the folder until it is complete.

    Args:
        archive: A gzipped tar file, whoever made it.
        folder: A new folder, or an empty one.
        bounds: What the archive may hold.
        only: Files that are written, and folders (``name/``) with all that is below them; every
            one without.

    Raises:
        ArchiveRefused: it breaks a rule; nothing of it is left.
        OSError: the archive cannot be opened, the folder is not empty, or the disk is too small.
    """
    parent = folder.parent
    parent.mkdir(parents=True, exist_ok=True)
    if folder.is_symlink() or (folder.exists() and any(folder.iterdir())):
        raise FileExistsError(errno.EEXIST, "an archive is only unpacked into a new folder", folder)
    with archive.open("rb") as file:
        size = sum(member.size for member in members(file, bounds) if _chosen(member, only))
        free = shutil.disk_usage(parent).free
        if size > free:
            what = f"the archive needs {size:,} bytes and {free:,} are free"
            raise OSError(errno.ENOSPC, what, parent)
        file.seek(0)
        partial = parent / f".{folder.name}.{secrets.token_hex(4)}"
        partial.mkdir(FOLDER_MODE)
        try:
            root = os.open(partial, A_FOLDER)
            try:
                written = [
                    member.path
                    for member in members(file, bounds)
                    if _chosen(member, only) and _write(member, root)
                ]
            finally:
                os.close(root)
            partial.rename(folder)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    return {path: folder / path for path in written}


def _chosen(member: ArchiveMember, only: Collection[str] | None) -> bool:
    if only is None:
        return True
    return any(
        f"{member.path}/".startswith(one) if one.endswith("/") else member.path == one
        for one in only
    )


def _write(member: ArchiveMember, root: int) -> bool:
    """Write a member below an open folder; whether it is a file."""
    *folders, name = member.path.split("/")
    if member.folder:
        with _inside(root, [*folders, name] if name else []):
            return False
    with _inside(root, folders) as parent:
        target = os.open(name, NEW_FILE, FILE_MODE, dir_fd=parent)
        with os.fdopen(target, "wb") as file:
            while chunk := member.read(CHUNK):
                file.write(chunk)
    return True


@contextmanager
def _inside(root: int, parts: Sequence[str]) -> Iterator[int]:
    """A folder below another one, made where it is missing; no link on the way is followed."""
    here = os.dup(root)
    try:
        for part in parts:
            with suppress(FileExistsError):
                os.mkdir(part, FOLDER_MODE, dir_fd=here)
            below = os.open(part, A_FOLDER, dir_fd=here)
            os.close(here)
            here = below
        yield here
    finally:
        os.close(here)
