"""Pickles, told by their first bytes: they run what they say when they are read."""

from __future__ import annotations

import io
import pickletools
import shutil
import zipfile
import zlib
from pathlib import PurePosixPath
from tempfile import SpooledTemporaryFile
from typing import IO

from models.runtime.archives.bounds import MOST_MEMBERS
from models.runtime.archives.reading import ArchiveMember

PICKLED = frozenset({".pkl", ".pickle", ".joblib", ".pt", ".pth", ".dill"})
"""Endings under which people keep pickles; oldest protocols bear no mark in their first bytes."""
HEAD = 1 << 16
"""Bytes that are looked at of any file."""
MOST_DIRECTORY = 1 << 22
"""Bytes that are read at once of a zip: it has its table of contents in one piece."""
FEWEST_STEPS = 3
"""Steps of a pickle after which bytes that begin like one are taken for one."""


class TooMuchInside(Exception):
    """A zip is so made that looking through it would take too long, or too much memory."""


class PickleFinder:
    """Tells pickles; one for each archive, in whose zips it opens a bounded number of files."""

    def __init__(self) -> None:
        self._opened = 0

    def holds(self, path: PurePosixPath, head: bytes, member: ArchiveMember) -> bool:
        """Whether a file is a pickle, or a zip that holds one.

        A zip that cannot be looked through as a whole counts as one that does.

        Args:
            path: Its name.
            head: Its first bytes, at least :data:`HEAD` where it has as many.
            member: From where the others come.
        """
        if path.suffix.lower() in PICKLED or _is_one(head[:HEAD]):
            return True
        if not head.startswith(b"PK\x03\x04"):
            return False
        with SpooledTemporaryFile(max_size=MOST_DIRECTORY) as copy:
            copy.write(head)
            shutil.copyfileobj(member, copy, HEAD)
            try:
                with zipfile.ZipFile(_Zip(copy)) as archive:
                    return any(self._inside(archive, entry) for entry in archive.infolist())
            except TooMuchInside:
                return True
            except (
                *(zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError),
                *(RuntimeError, NotImplementedError),
            ):
                return False

    def _inside(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bool:
        """Whether one is a pickle, as PyTorch's files and arrays of objects are."""
        if PurePosixPath(entry.filename).suffix.lower() in PICKLED:
            return True
        self._opened += 1
        # Other packers unpack as much at once as they like; neither NumPy nor PyTorch uses them.
        plain = entry.compress_type in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
        if self._opened > MOST_MEMBERS or not plain:
            raise TooMuchInside
        with archive.open(entry) as inner:
            return _is_one(inner.read(512))


class _Zip:
    """A file of which no more is read at once than a plain zip needs."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, count: int = -1) -> bytes:
        most = MOST_DIRECTORY + 1
        read = self._file.read(most if count < 0 else min(count, most))
        if len(read) > MOST_DIRECTORY:
            raise TooMuchInside
        return read


def _is_one(head: bytes) -> bool:
    return _unpickles(head) or _object_array(head)


def _unpickles(head: bytes) -> bool:
    """Whether bytes begin like a pickle, compressed by joblib or not."""
    if head[:2] in {b"\x78\x01", b"\x78\x9c", b"\x78\xda", b"\x78\x5e"}:
        try:
            head = zlib.decompressobj().decompress(head, HEAD)
        except zlib.error:
            return False
    if head[:1] != b"\x80" or head[1:2] not in {b"\x02", b"\x03", b"\x04", b"\x05"}:
        return False
    steps = 0
    try:
        for _ in pickletools.genops(io.BytesIO(head)):
            steps += 1
            if steps > FEWEST_STEPS:
                return True
    except Exception:  # noqa: BLE001 - whatever it stumbles over: it is no pickle as far as it goes
        return steps > FEWEST_STEPS
    return True


def _object_array(head: bytes) -> bool:
    """Whether a file of NumPy holds objects, which are pickled."""
    return head.startswith(b"\x93NUMPY") and b"|O" in head[:256]
