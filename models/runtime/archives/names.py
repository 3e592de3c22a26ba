"""Names of members: which ones there may be, and which may be there together."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from hashlib import sha256

from models.runtime.archives.bounds import ArchiveBounds, ArchiveRefused, shown

LONGEST_PART = 255
UNSEEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Categories of signs that no name has: controls, halves of a pair, ends of lines."""


class MemberNames:
    """The tree of an archive, as its names make it.

    Args:
        bounds: Of names and of their number.
    """

    def __init__(self, bounds: ArchiveBounds) -> None:
        self._bounds = bounds
        self._known: dict[bytes, tuple[str, bool, bool]] = {}
        self._root_told = False

    def __len__(self) -> int:
        return len(self._known)

    def add(self, name: str, *, folder: bool) -> str:
        """Take a member's name in; its path, without ``./`` and slashes at the end.

        The archive's own folder is "".

        Raises:
            ArchiveRefused: no file may be called so, or not beside those that came before.
        """
        parts = self._parts(name, folder=folder)
        if not parts:
            if self._root_told or not folder:
                raise _misplaced(name, "is named twice" if folder else "has an empty name")
            self._root_told = True
            return ""
        for depth, key in enumerate(self._keys(name, parts), 1):
            told = depth == len(parts)
            self._enter(name, "/".join(parts[:depth]), key, folder=folder or not told, told=told)
        return "/".join(parts)

    def _parts(self, name: str, *, folder: bool) -> list[str]:
        length = len(name.encode("utf-8", "surrogateescape"))
        if length > self._bounds.name:
            raise _misplaced(name, f"has a name of {length:,} bytes, over {self._bounds.name:,}")
        if not name:
            raise _misplaced(name, "has an empty name")
        if name.startswith("/"):
            raise _misplaced(name, "has an absolute name")
        if not folder and name.endswith("/"):
            raise _misplaced(name, "is a file and named as a folder")
        if not (name.isascii() and name.isprintable()) and any(
            unicodedata.category(sign) in UNSEEN for sign in name
        ):
            raise _misplaced(name, "has control characters in its name, or bytes that are no UTF-8")
        parts = [part for part in name.split("/") if part not in {"", "."}]
        if ".." in parts:
            raise _misplaced(name, "leads out of its folder (..)")
        if len(parts) > self._bounds.depth:
            raise _misplaced(name, f"lies {len(parts)} folders deep, over {self._bounds.depth}")
        if any(len(part.encode()) > LONGEST_PART for part in parts):
            raise _misplaced(name, f"has a part of over {LONGEST_PART} bytes in its name")
        return parts

    def _keys(self, name: str, parts: list[str]) -> Iterator[bytes]:
        """For each folder on the way and for the whole: the same where file systems see one name.

        A sign may fold to 18 others: only digests are kept.
        """
        path, length = sha256(), 0
        for part in parts:
            folded = part.lower() if part.isascii() else _folded(part)
            length += len(folded)
            if length > self._bounds.name:
                raise _misplaced(name, f"has signs that stand for over {self._bounds.name:,}")
            path.update(f"{folded}/".encode())
            yield path.digest()

    def _enter(self, name: str, path: str, key: bytes, *, folder: bool, told: bool) -> None:
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= self._bounds.members:
                raise ArchiveRefused(
                    f"it holds more than {self._bounds.members:,} files and folders "
                    f'(its member "{shown(name)}" is beyond)',
                    "Leave out what the model does not need, or join small files into one.",
                    "size",
                    shown(name),
                )
            self._known[key] = (path, folder, told)
            return
        other, was_folder, was_told = known
        if other != path:
            what = f'differs from "{shown(other)}" only by case or by how its signs are composed'
            raise _misplaced(name, what)
        if was_folder != folder:
            raise _misplaced(name, f'makes "{shown(path)}" a file and a folder')
        if told and was_told:
            raise _misplaced(name, "is named twice")
        self._known[key] = (path, folder, told or was_told)


def _folded(part: str) -> str:
    seen = "".join(sign for sign in part if unicodedata.category(sign) != "Cf")
    once = unicodedata.normalize("NFKC", seen)
    folded = once.casefold()
    return folded if folded == once else unicodedata.normalize("NFKC", folded)


def _misplaced(name: str, why: str) -> ArchiveRefused:
    return ArchiveRefused(
        f'its member "{shown(name)}" {why}',
        "Pack the model's folder itself (tar -czf model.tar.gz -C FOLDER .), each file once and "
        "under a plain relative name.",
        "place",
        shown(name),
    )
