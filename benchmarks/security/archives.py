"""Each hostile archive through a door, in a process of its own: what was written, what it took."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.security import hostile, lies
from benchmarks.security.packing import HostileArchive
from embedded_aws.archives import ArchiveError, unpack
from models.runtime.archives.bounds import ArchiveRefused
from models.runtime.archives.extraction import extract
from models.runtime.archives.reading import inspect

LONGEST = 600
PATIENCE = 120
Door = Callable[[Path, Path], str]
"""Takes an archive and a folder; the reason why it is refused, "" when it is let in."""


class Treated(NamedTuple):
    """What came of one archive; ``seconds`` are of processor time, ``mb`` the most memory."""

    archive: HostileArchive
    reason: str
    outside: tuple[str, ...]
    mb: float
    seconds: float


def ours(archive: Path, folder: Path) -> str:
    """The product's door; looking into an archive and unpacking it must agree."""
    reasons = []
    for act in (lambda: inspect(archive), lambda: extract(archive, folder)):
        try:
            act()
        except ArchiveRefused as error:
            reasons.append(error.what if error.next_step else "")
        else:
            return ""
    return reasons[0] if reasons[0] == reasons[1] else ""


def embedded(archive: Path, folder: Path) -> str:
    """The embedded AWS's."""
    try:
        with archive.open("rb") as file:
            unpack(file, folder)
    except ArchiveError as error:
        return str(error)
    return ""


DOORS: dict[str, Door] = {"the product": ours, "the embedded AWS": embedded}


@contextmanager
def grounds() -> Iterator[Path]:
    """A place with a file that nobody may touch, in ``victim``."""
    with tempfile.TemporaryDirectory(prefix="hostile-") as scratch:
        victim = Path(scratch) / "victim"
        victim.mkdir()
        (victim / "target.txt").write_text("before")
        yield Path(scratch)


def corpus(ground: Path, seed: int) -> Iterator[HostileArchive]:
    """All archives, kind by kind."""
    victim = ground / "victim"
    yield from hostile.links(victim)
    yield from hostile.names(victim)
    yield from hostile.twins()
    yield from hostile.types()
    yield from lies.bombs()
    yield from lies.damaged(seed)
    yield from lies.truncated(seed)
    yield from lies.polyglots()
    yield from lies.lies()


def treated(archive: HostileArchive, ground: Path, door: Door) -> Treated:
    """Send one archive through a door, in another process."""
    path = ground / "model.tar.gz"
    path.write_bytes(archive.make())
    before = standing(ground)
    ends, writes = os.pipe()
    child = os.fork()
    if child == 0:
        _treat(door, path, ground / "a" / "b" / "model", writes)
    os.close(writes)
    with os.fdopen(ends, "rb") as told:
        reason = told.read().decode("utf-8", "replace")
    _, status, usage = os.wait4(child, 0)
    if status:
        reason = ""
    made = standing(ground)
    outside = tuple(sorted({name for name, _ in before.items() ^ made.items()}))
    shutil.rmtree(ground / "a", ignore_errors=True)
    return Treated(
        archive, reason, outside, usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime
    )


def standing(ground: Path) -> dict[str, bytes]:
    """What there is but the folder that was asked for; what was half unpacked is outside of it."""
    inside = ground / "a" / "b" / "model"
    found = {}
    for path in sorted(ground.rglob("*")):
        name = path.relative_to(ground).as_posix()
        if name in {"a", "a/b", "model.tar.gz"} or path.is_relative_to(inside):
            continue
        found[name] = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
    return found


def _treat(door: Door, path: Path, folder: Path, writes: int) -> None:
    """The child's life."""
    status = 1
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.alarm(PATIENCE)
        os.write(writes, door(path, folder).encode()[:LONGEST])
        status = 1 if folder.exists() else 0
    except BaseException as error:  # noqa: BLE001 - whatever else comes out is no clear reason
        os.write(2, f"{path.name}: {type(error).__name__}: {error}\n".encode()[:LONGEST])
    finally:
        os._exit(status)
