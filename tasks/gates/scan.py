"""What lies in a candidate's archive, told without running or unpacking any of it."""

from __future__ import annotations

import io
import pickletools
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from tasks.specs.artefact import ArtefactSpec
from tasks.values import Check

MOST_MEMBERS = 10_000
PICKLED = frozenset({".pkl", ".pickle", ".joblib", ".pt", ".pth", ".dill"})
"""Endings under which people keep pickles; oldest protocols bear no mark in their first bytes."""
EXECUTABLE = (b"\x7fELF", b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xcf\xfa\xed\xfe")
"""How programs of Linux and macOS begin."""
WINDOWS = frozenset({".exe", ".dll"})
"""Endings of those of Windows, whose two first letters other files have, too."""
HEAD, LARGEST_TEXT, LARGEST_GRAPH = 1 << 16, 1 << 20, 1 << 26
"""Bytes that are looked at of any file, of a text, and of a graph."""
FEWEST_STEPS = 3
"""Steps of a pickle after which bytes that begin like one are taken for one."""
SECRETS = re.compile(
    rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"
    rb"|aws_secret_access_key\s*[=:]\s*['\"]?[A-Za-z0-9/+=]{40}\b"
)
"""Ids of AWS keys, private keys, and AWS's secret keys beside their name."""
TEXTS = frozenset({".json", ".py", ".yaml", ".yml", ".txt", ".md", ".csv", ".cfg", ".ini", ".toml"})
FOREIGN_STEPS = ("PyFunc", "EagerPyFunc", "PyFuncStateless", "ReadFile", "WriteFile",
                 "MatchingFiles", "DebugIdentity", "ShellCommand")  # fmt: skip
"""Steps of a TensorFlow graph that reach files or Python, which no model needs to answer."""


@dataclass
class Contents:
    """What was found; names of members each.

    ``broken`` says why the archive could not be read to its end.
    """

    count: int = 0
    size: int = 0
    placed: list[str] = field(default_factory=list)
    pickles: list[str] = field(default_factory=list)
    programs: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    broken: str = ""


def scan(archive: Path, most_bytes: int) -> Contents:
    """Look through an archive.

    Args:
        archive: A gzipped tar archive, whoever made it.
        most_bytes: Unpacked bytes after which it is not read any further.
    """
    found = Contents()
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                found.count += 1
                found.size += member.size
                if found.count > MOST_MEMBERS or found.size > most_bytes:
                    break
                _look(tar, member, found)
    except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError) as error:
        found.broken = f"{type(error).__name__}: {error}"[:200]
    return found


def checks(found: Contents, limits: ArtefactSpec, *, own_code: bool) -> tuple[Check, ...]:
    """The verdict on what was found.

    Args:
        found: By :func:`scan`.
        limits: Of model.yaml.
        own_code: Whether the model brings programs of its own, as backend custom does.
    """
    if found.broken:
        return (_check("archive", [found.broken], "no intact archive: train or upload it again"),)
    sized = found.size <= limits.max_bytes and found.count <= MOST_MEMBERS
    pickles = limits.pickles or ("allow" if own_code else "refuse")
    made = [
        Check(
            name="archive size",
            outcome="pass" if sized else "fail",
            observed=f"{found.size:,} bytes in {found.count:,} files"
            + ("" if sized else " or more"),
            bound=f"≤ {limits.max_bytes:,} bytes, {MOST_MEMBERS:,} files",
        ),
        _check(
            "places and links",
            found.placed,
            "files that leave their folder, links and devices are not unpacked",
        ),
        _check(
            "pickles",
            found.pickles if pickles == "refuse" else [],
            "a pickle runs what it says when it is read: write arrays, skops, safetensors or ONNX, "
            "or say artefact.pickles: allow",
        ),
        _check("programs", found.programs, "a model holds no executables"),
        _check("graph steps", found.steps, "a graph that reaches files or Python is not served"),
        _check("secrets", found.secrets, "take them out, and have the keys changed"),
    ]
    if pickles == "allow" and found.pickles:
        made[2] = made[2].model_copy(
            update={"observed": f"{_few(found.pickles)}, allowed", "bound": "allowed"}
        )
    return tuple(made)


def _check(name: str, faults: list[str], why: str) -> Check:
    return Check(
        name=name,
        outcome="fail" if faults else "pass",
        observed=_few(faults) if faults else "none",
        bound="none",
        detail=why if faults else "",
    )


def _few(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""  # noqa: PLR2004 - as many as fit
    return f"{', '.join(name[:80] for name in names[:3])}{more}"


def _look(tar: tarfile.TarFile, member: tarfile.TarInfo, found: Contents) -> None:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or not (member.isreg() or member.isdir()):
        found.placed.append(member.name)
    stream = tar.extractfile(member) if member.isreg() else None
    if stream is None:
        return
    head = stream.read(HEAD)
    if path.suffix.lower() in PICKLED or _unpickles(head) or _object_array(head):
        found.pickles.append(member.name)
    elif head.startswith(b"PK\x03\x04"):
        if _pickle_inside(stream):
            found.pickles.append(member.name)
    elif head.startswith(EXECUTABLE) or (head.startswith(b"MZ") and path.suffix.lower() in WINDOWS):
        found.programs.append(member.name)
    if path.suffix.lower() in TEXTS and member.size <= LARGEST_TEXT:
        text = head + stream.read(LARGEST_TEXT) if member.size > len(head) else head
        if SECRETS.search(text):
            found.secrets.append(member.name)
    if path.name == "saved_model.pb":
        graph = head + stream.read(LARGEST_GRAPH) if member.size > len(head) else head
        found.steps += [f"{member.name}: {step}" for step in _foreign_steps(graph)]


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


def _pickle_inside(stream: IO[bytes]) -> bool:
    """Whether a zip holds pickles, as PyTorch's files and arrays of objects do."""
    stream.seek(0)
    try:
        with zipfile.ZipFile(stream) as archive:
            for name in archive.namelist()[:MOST_MEMBERS]:
                if PurePosixPath(name).suffix.lower() in PICKLED:
                    return True
                with archive.open(name) as inner:
                    head = inner.read(512)
                if _object_array(head) or _unpickles(head):
                    return True
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError):
        return False
    return False


def _foreign_steps(graph: bytes) -> Iterator[str]:
    """Steps that stand in a graph: field 2 of a NodeDef, its length, its name."""
    for step in FOREIGN_STEPS:
        if bytes((0x12, len(step))) + step.encode() in graph:
            yield step
