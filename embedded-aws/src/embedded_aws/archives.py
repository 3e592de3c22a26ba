"""Archives of customers, unpacked without trusting them: plain files and folders, nothing else.

SageMaker takes gzipped tar archives of model data and of source code. Python's own extraction
filter can be led out of its folder through links (before 3.11.13, 3.12.11 and 3.13.4), and takes
what a header says into memory, however much that is. So links are refused, and whatever is read
has a bound.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tarfile
import unicodedata
import zlib
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import IO

CHUNK = 1 << 18
BLOCK = tarfile.BLOCKSIZE
MOST_MEMBERS, MOST_BYTES = 20_000, 64 << 30
LONGEST_HEADER, LONGEST_NAME, DEEPEST, MOST_PADDING = 16 << 10, 1024, 32, 1 << 20
RATIO, FREE = 200, 64 << 20
"""Unpacked bytes for each packed one, beyond those that any archive may unpack to."""
NAME, LINK, ATTRIBUTES, GLOBAL = b"L", b"K", b"x", b"g"
RECORD = re.compile(rb"([1-9][0-9]{0,5}) ([^=\n]+)=")
MOST_RECORDS = 100
UNSEEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Categories of signs that no name has: controls, halves of a pair, ends of lines."""
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
OCTAL = 0o77777777777
"""The largest size that a header says without attributes."""


class ArchiveError(Exception):
    """An archive is damaged, or holds what none may; the message says what."""


def unpack(file: IO[bytes], folder: Path) -> None:
    """Unpack all of an archive into an empty folder, or nothing.

    Args:
        file: At the beginning of a gzipped tar archive.
        folder: Empty, or not there yet.

    Raises:
        ArchiveError: it is none, or is not let in.
        OSError: the disk is full, or the folder is not empty.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder.parent).free
    if (total := sum(size for _, _, size in _members(_Unzipped(file)))) > free:
        raise ArchiveError(f"it unpacks to {total:,} bytes and {free:,} are free")
    file.seek(0)
    partial = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    partial.mkdir()
    try:
        stream = _Unzipped(file)
        for info, parts, size in _members(stream):
            _write(stream, info, partial.joinpath(*parts), size)
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _write(stream: _Unzipped, info: tarfile.TarInfo, target: Path, size: int) -> None:
    # No link is ever made below the new folder, so that none can be followed.
    (target if info.isdir() else target.parent).mkdir(parents=True, exist_ok=True)
    if not info.isdir():
        mode = 0o755 if info.mode & 0o100 else 0o644
        with os.fdopen(os.open(target, NEW_FILE, mode), "wb") as file:
            for chunk in stream.chunks(size):
                file.write(chunk)


def _members(stream: _Unzipped) -> Iterator[tuple[tarfile.TarInfo, list[str], int]]:
    """Members one after the other, each held to the rules before it is given out."""
    total = 0
    known: dict[bytes, tuple[str, bool, bool]] = {}
    while header := _header(stream):
        info, size = header
        parts = _parts(info)
        _enter(known, parts, folder=info.isdir())
        total += size
        if total > MOST_BYTES:
            raise ArchiveError(f'with "{_shown(info.name)}" it has over {MOST_BYTES:,} bytes')
        behind = stream.position + size + -size % BLOCK
        yield info, parts, size
        stream.skip(behind - stream.position)
    stream.finish()


def _header(stream: _Unzipped) -> tuple[tarfile.TarInfo, int] | None:
    """The next member, under its whole name, and its size; None at the end."""
    said: dict[bytes, bytes] = {}
    while True:
        block = stream.read(BLOCK)
        if block.count(0) == BLOCK:
            if said:
                raise ArchiveError("it ends within a header")
            return None
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except (tarfile.HeaderError, ValueError) as error:
            raise ArchiveError(f"a header is damaged: {error}") from error
        if info.type not in {NAME, LINK, ATTRIBUTES, GLOBAL}:
            break
        if info.type in said or not 0 <= info.size <= LONGEST_HEADER:
            raise ArchiveError(f"a header has {info.size:,} bytes, over {LONGEST_HEADER:,}")
        said[info.type] = stream.read(info.size)
        stream.skip(-info.size % BLOCK)
    attributes, of_all = (_attributes(said.get(kind, b"")) for kind in (ATTRIBUTES, GLOBAL))
    if NAME in said:
        info.name = said[NAME].removesuffix(b"\0").decode("utf-8", "surrogateescape")
    info.name = attributes.get("path", info.name)
    sparse = any(key.startswith("GNU.sparse.") for key in (*attributes, *of_all))
    if sparse or info.type not in {tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE}:
        raise ArchiveError(f'"{_shown(info.name)}" is a link, a device or a sparse file')
    if {"path", "linkpath", "size"} & of_all.keys():
        raise ArchiveError("its global attributes name all files alike")
    written = attributes.get("size", str(info.size))
    size = int(written) if re.fullmatch(r"[0-9]{1,18}", written) else -1
    if size < 0 or (size != info.size and size <= OCTAL) or (size and info.isdir()):
        raise ArchiveError(f'"{_shown(info.name)}" has {info.size:,} or {_shown(written)} bytes')
    return info, size


def _attributes(records: bytes) -> Mapping[str, str]:
    found: dict[str, str] = {}
    at = count = 0
    while at < len(records):
        head = RECORD.match(records, at)
        end = at + int(head[1]) if head else 0
        whole = head is not None and head.end() < end <= len(records)
        if head is None or not whole or records[end - 1 : end] != b"\n":
            raise ArchiveError("the attributes of a file are none")
        value = records[head.end() : end - 1].decode("utf-8", "surrogateescape")
        found[head[2].decode("utf-8", "replace")] = value
        at, count = end, count + 1
        if count > MOST_RECORDS:
            raise ArchiveError(f"a file has over {MOST_RECORDS} attributes")
    return found


def _parts(info: tarfile.TarInfo) -> list[str]:
    name = info.name
    parts = [part for part in name.split("/") if part not in {"", "."}]
    lengths = [len(part.encode("utf-8", "surrogateescape")) for part in parts]
    if name.startswith("/") or ".." in parts:
        raise ArchiveError(f'"{_shown(name)}" would lie outside the folder')
    if sum(lengths) > LONGEST_NAME or len(parts) > DEEPEST or max(lengths, default=0) > 255:
        raise ArchiveError(f'"{_shown(name)}" is too long, or lies too deep')
    if any(unicodedata.category(sign) in UNSEEN for sign in name):
        raise ArchiveError(f'"{_shown(name)}" has control characters, or is not UTF-8')
    if not info.isdir() and (not parts or name.endswith("/")):
        raise ArchiveError(f'"{_shown(name)}" is no name of a file')
    return parts


def _enter(known: dict[bytes, tuple[str, bool, bool]], parts: list[str], *, folder: bool) -> None:
    """Hold a name beside the others: one name, one file, on file systems that fold case, too."""
    for depth, alike in enumerate((b"", *_keys(parts))):
        path, told = "/".join(parts[:depth]), depth == len(parts)
        kind = folder or not told
        other, was, again = known.get(alike, (path, kind, False))
        if (other, was) != (path, kind) or (told and again):
            raise ArchiveError(f'"{_shown(path)}" is there twice, or "{_shown(other)}" beside it')
        known[alike] = (path, kind, told or again)
    if len(known) > MOST_MEMBERS:
        raise ArchiveError(f"it holds over {MOST_MEMBERS:,} files and folders")


def _keys(parts: list[str]) -> Iterator[bytes]:
    """A key for each folder on the way and for the whole; the same where file systems see one name.

    A sign may fold to 18 others: only digests are kept.
    """
    path, length = sha256(), 0
    for part in parts:
        if part.isascii():
            folded = part.lower()
        else:
            seen = "".join(sign for sign in part if unicodedata.category(sign) != "Cf")
            folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold())
        length += len(folded)
        if length > LONGEST_NAME:
            raise ArchiveError(f'"{_shown(part)}" has signs that stand for too many')
        path.update(f"{folded}/".encode())
        yield path.digest()


def _shown(name: str) -> str:
    return ascii(name[:80])[1:-1]


class _Unzipped:
    """The unpacked bytes of a gzip file, forward only, to its checksum."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self._packed = self._unpacked = self._at = 0
        self._ahead = b""
        self.position = 0

    def read(self, count: int) -> bytes:
        return b"".join(self.chunks(count))

    def skip(self, count: int) -> None:
        for _ in self.chunks(count):
            pass

    def chunks(self, count: int) -> Iterator[bytes]:
        """As many bytes, piece by piece."""
        while count:
            if self._at == len(self._ahead):
                self._ahead, self._at = self._more(), 0
                if not self._ahead:
                    raise ArchiveError(f"it ends too early, after {self._unpacked:,} bytes")
            piece = self._ahead[self._at : self._at + count]
            self._at += len(piece)
            self.position += len(piece)
            count -= len(piece)
            yield piece

    def finish(self) -> None:
        """Only zeros may follow, and the checksum must be right."""
        piece, padding = self._ahead[self._at :], 0
        while piece or (piece := self._more()):
            padding += len(piece)
            self._zeros(piece, padding)
            piece = b""
        piece, padding = self._inflate.unused_data, 0
        while piece:
            padding += len(piece)
            self._zeros(piece, padding)
            piece = self._file.read(CHUNK)

    @staticmethod
    def _zeros(piece: bytes, padding: int) -> None:
        if padding > MOST_PADDING or piece.count(0) != len(piece):
            raise ArchiveError("something follows after its end")

    def _more(self) -> bytes:
        while not self._inflate.eof:
            packed = self._inflate.unconsumed_tail
            if not packed:
                packed = self._file.read(CHUNK)
                self._packed += len(packed)
            if not packed:
                raise ArchiveError(f"it is cut off after {self._packed:,} bytes")
            try:
                piece = self._inflate.decompress(packed, CHUNK)
            except zlib.error as error:
                raise ArchiveError(f"it is damaged, or not gzipped: {error}") from error
            self._unpacked += len(piece)
            if self._unpacked > max(FREE, RATIO * self._packed):
                raise ArchiveError(f"it unpacks to over {RATIO} times its size")
            if piece:
                return piece
        return b""
