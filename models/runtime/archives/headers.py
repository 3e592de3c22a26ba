"""The header of a member: of which kind and how long it is, before anything is read for it.

Long names (GNU) and attributes (pax) are headers of their own, before the member's; they are read
into memory, within bounds. What they say of owners, times and modes is nobody's business here.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Mapping
from typing import NamedTuple

from models.runtime.archives.bounds import ArchiveBounds, ArchiveRefused, broken, shown
from models.runtime.archives.gunzip import GunzippedStream

BLOCK = tarfile.BLOCKSIZE
NAME, LINK, ATTRIBUTES, GLOBAL = b"L", b"K", b"x", b"g"
EXTENSIONS = {NAME: "long name", LINK: "long name", ATTRIBUTES: "attributes", GLOBAL: "attributes"}
FILES = frozenset({tarfile.REGTYPE, tarfile.AREGTYPE})
LINKS = frozenset({tarfile.SYMTYPE, tarfile.LNKTYPE})
KINDS = {
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.LNKTYPE: "a hard link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a named pipe",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
}
RECORD = re.compile(rb"([1-9][0-9]{0,5}) ([^=\n]+)=")
MOST_RECORDS = 100
SPARSE = "GNU.sparse."
OF_A_MEMBER = ("path", "linkpath", "size")
"""Attributes that change what a member is, which no header may do for all that follow."""
OCTAL = 0o77777777777
"""The largest size that a header says without attributes."""


class MemberHeader(NamedTuple):
    """One member: its name as it is written, whether it is a folder, and the bytes that follow."""

    name: str
    folder: bool
    size: int


def next_header(stream: GunzippedStream, bounds: ArchiveBounds) -> MemberHeader | None:
    """The next member; None where the archive ends.

    Raises:
        ArchiveRefused: it is damaged, neither file nor folder, or its header is too long.
    """
    said: dict[bytes, bytes] = {}
    while True:
        block = stream.read(BLOCK)
        if block.count(0) == BLOCK:
            if said:
                raise broken("it ends after a long name or attributes, without their member")
            return None
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except (tarfile.HeaderError, ValueError) as error:
            raise broken(f"a header is damaged ({error})") from error
        if info.type not in EXTENSIONS:
            return _member(info, said)
        if not 0 <= info.size <= bounds.header:
            raise ArchiveRefused(
                f"it holds {EXTENSIONS[info.type]} of {info.size:,} bytes in a header, over "
                f"{bounds.header:,}",
                "Give its files shorter names, and pack them without extended attributes.",
                "size",
            )
        if info.type in said:
            raise broken(f"two headers of {EXTENSIONS[info.type]} follow each other")
        said[info.type] = stream.read(info.size)
        stream.skip(-info.size % BLOCK)


def _member(info: tarfile.TarInfo, said: Mapping[bytes, bytes]) -> MemberHeader:
    attributes = _attributes(said.get(ATTRIBUTES, b""))
    name = info.name
    if NAME in said:
        name = said[NAME].removesuffix(b"\0").decode("utf-8", "surrogateescape")
    name = attributes.get("path", name)
    of_all = _attributes(said.get(GLOBAL, b""))
    if any(key in OF_A_MEMBER for key in of_all):
        raise _unwanted(name, "follows attributes that name all files alike")
    if any(key.startswith(SPARSE) for key in (*attributes, *of_all)):
        raise _unwanted(name, "is a sparse file")
    folder = info.type == tarfile.DIRTYPE
    if not folder and info.type not in FILES:
        kind = KINDS.get(info.type, f"of an unknown type ({info.type!r})")
        target = f' to "{shown(info.linkname)}"' if info.type in LINKS else ""
        raise _unwanted(name, f"is {kind}{target}")
    size = _size(info, attributes, name)
    if folder and size:
        raise broken(f'its folder "{shown(name)}" has {size:,} bytes')
    return MemberHeader(name, folder, size)


def _size(info: tarfile.TarInfo, attributes: Mapping[str, str], name: str) -> int:
    written = attributes.get("size", str(info.size))
    size = int(written) if written.isascii() and written.isdigit() and len(written) < 20 else -1
    # Two sizes would be two archives: one for us, one for a reader who knows no attributes.
    if size < 0 or (size != info.size and size <= OCTAL):
        raise broken(
            f'its member "{shown(name)}" has {info.size:,} bytes, or {shown(written)} by its '
            "attributes"
        )
    return size


def _attributes(records: bytes) -> dict[str, str]:
    """Records of pax: length, key, value."""
    found: dict[str, str] = {}
    at = count = 0
    while at < len(records):
        head = RECORD.match(records, at)
        end = at + int(head[1]) if head else 0
        if head is None or not head.end() < end <= len(records) or records[end - 1] != ord("\n"):
            raise broken("the attributes of a member are no records of pax")
        count += 1
        if count > MOST_RECORDS:
            raise ArchiveRefused(
                f"a member has more than {MOST_RECORDS} attributes",
                "Pack its files without extended attributes.",
                "size",
            )
        value = records[head.end() : end - 1].decode("utf-8", "surrogateescape")
        found[head[2].decode("utf-8", "replace")] = value
        at = end
    return found


def _unwanted(name: str, what: str) -> ArchiveRefused:
    return ArchiveRefused(
        f'its member "{shown(name)}" {what}',
        "Pack plain files and folders only (tar --dereference --hard-dereference packs what links "
        "lead to).",
        "place",
        shown(name),
    )
