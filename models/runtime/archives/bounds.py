"""What an archive may hold, and how a refusal says that it holds something else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MOST_MEMBERS = 10_000
MOST_SHOWN = 80
Rule = Literal["broken", "place", "size"]
"""What was broken: the file is not intact, something lies where none may, or is too much."""


@dataclass(frozen=True)
class ArchiveBounds:
    """Limits of one archive.

    Args:
        total: Bytes of all its files, unpacked; of one of them, too. Where nobody knows better, so
            many that the disk is what bounds it.
        members: Files and folders, also those that are only named on the way to others.
        name: Bytes of a path; a part of it has at most 255, as file systems have it.
        depth: Parts of a path.
        header: Bytes of a long name or of attributes, which are read into memory.
        ratio: Unpacked bytes for each packed one, in all beyond ``free``. Weights have 1 to 2,
            tables and texts up to 20; zeros have 1,000.
        free: Bytes that any archive may unpack to, however small it is.
    """

    total: int = 64 << 30
    members: int = MOST_MEMBERS
    name: int = 1024
    depth: int = 32
    header: int = 16 << 10
    ratio: int = 200
    free: int = 64 << 20


class ArchiveRefused(Exception):
    """An archive is not let in.

    Args:
        what: What is wrong, as a clause about the archive ("it …", "its member …").
        next_step: What its maker can do, as an imperative sentence.
        rule: What it broke.
        member: Name of the member, as it can be shown; "" when it is none's fault.
    """

    def __init__(self, what: str, next_step: str, rule: Rule, member: str = "") -> None:
        super().__init__(what, next_step, rule, member)
        self.what = what
        self.next_step = next_step
        self.rule: Rule = rule
        self.member = member

    def __str__(self) -> str:
        return f"{self.what}. {self.next_step}"


def broken(why: str) -> ArchiveRefused:
    """The archive is damaged, cut off, or was never one."""
    return ArchiveRefused(
        f"it is no intact gzipped tar archive: {why}",
        "Pack it again (tar -czf model.tar.gz -C FOLDER .), and compare it after the transfer.",
        "broken",
    )


def shown(name: str) -> str:
    """A name as it can stand in a message: one line, nothing that a terminal obeys, short."""
    escaped = "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii")
        for sign in name[: 2 * MOST_SHOWN]
    )
    longer = len(escaped) > MOST_SHOWN or len(name) > 2 * MOST_SHOWN
    return f"{escaped[:MOST_SHOWN]}…" if longer else escaped
