"""A disk that takes no more is told as one, with what to do."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.errors import DiskFull

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
"""No blocks or no inodes are left; a person's share is used up; nothing may be written at all."""
MEGABYTE = 1e6


@contextmanager
def writing(what: str, folder: Path) -> Iterator[None]:
    """Turn a full disk into our error; who writes removes what is half-written.

    Args:
        what: What is being written, as it should stand in the message.
        folder: Where.

    Raises:
        DiskFull: the disk takes no more.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise DiskFull(
            f"{what} does not fit: {folder} says {os.strerror(error.errno)}; {_left(folder)}.",
            "Free space there, or point SLUICE_CACHE_DIR (or TMPDIR) to a larger disk; then run "
            "again: what was half-written is gone.",
        ) from error


def _left(folder: Path) -> str:
    """Bytes and inodes that are free where a folder is, or would be."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    told = os.statvfs(folder)
    return f"{shutil.disk_usage(folder).free / MEGABYTE:,.1f} MB and {told.f_favail:,} files free"
