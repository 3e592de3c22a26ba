"""Looking into an archive: every rule is held, and nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from models.runtime.archives.bounds import ArchiveBounds, ArchiveRefused, broken, shown
from models.runtime.archives.gunzip import GunzippedStream
from models.runtime.archives.headers import BLOCK, next_header
from models.runtime.archives.names import MemberNames

DEFAULT = ArchiveBounds()


class ArchiveMember:
    """A file or a folder, while the archive is read; its bytes come once, from front to back.

    Args:
        path: Relative, without ``./``; "" for the archive's own folder.
        folder: Whether it is one.
        size: Bytes.
        stream: Where they are.
    """

    def __init__(self, path: str, size: int, stream: GunzippedStream, *, folder: bool) -> None:
        self.path = path
        self.folder = folder
        self.size = size
        self._stream = stream
        self._left = size

    def read(self, count: int = -1) -> bytes:
        """The next bytes, at most ``count``; all that are left without one."""
        taken = self._left if count < 0 else min(count, self._left)
        self._left -= taken
        return self._stream.read(taken)

    def leave(self) -> None:
        """Pass over what was not read, and over the padding."""
        self._stream.skip(self._left + -self.size % BLOCK)
        self._left = 0


@dataclass(frozen=True)
class ArchiveContents:
    """What an archive holds: all files with their bytes, and the content of those asked for."""

    sizes: Mapping[str, int]
    read: Mapping[str, bytes]


def members(file: IO[bytes], bounds: ArchiveBounds = DEFAULT) -> Iterator[ArchiveMember]:
    """Members one after the other, each held to the rules before it is given out.

    Who goes on to the end knows that the whole archive is intact.

    Raises:
        ArchiveRefused: the archive breaks a rule.
    """
    stream, names, total = GunzippedStream(file, bounds), MemberNames(bounds), 0
    while header := next_header(stream, bounds):
        path = names.add(header.name, folder=header.folder)
        total += header.size
        if total > bounds.total:
            raise ArchiveRefused(
                f"it unpacks to more than {bounds.total:,} bytes: with its member "
                f'"{shown(header.name)}" of {header.size:,} bytes there are {total:,}',
                "Leave out what the model does not need, or make it smaller.",
                "size",
                shown(header.name),
            )
        member = ArchiveMember(path, header.size, stream, folder=header.folder)
        yield member
        member.leave()
    stream.finish()


def inspect(
    archive: Path, bounds: ArchiveBounds = DEFAULT, wanted: Mapping[str, int] | None = None
) -> ArchiveContents:
    """Look through a whole archive.

    Args:
        archive: A gzipped tar file, whoever made it.
        bounds: What it may hold.
        wanted: Files whose content is read, each with its most bytes.

    Raises:
        ArchiveRefused: it breaks a rule, or cannot be read.
    """
    sizes: dict[str, int] = {}
    read: dict[str, bytes] = {}
    try:
        with archive.open("rb") as file:
            for member in members(file, bounds):
                if member.folder:
                    continue
                sizes[member.path] = member.size
                most = (wanted or {}).get(member.path)
                if most is None:
                    continue
                if member.size > most:
                    raise ArchiveRefused(
                        f'its member "{shown(member.path)}" has {member.size:,} bytes, over '
                        f"{most:,}",
                        "Keep weights and tables in files of their own.",
                        "size",
                        shown(member.path),
                    )
                read[member.path] = member.read()
    except OSError as error:
        raise broken(f"it cannot be read ({error.strerror})") from error
    return ArchiveContents(sizes, read)
