"""What lies in a candidate's archive, told without running or unpacking any of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from models.runtime.archives.bounds import MOST_MEMBERS, ArchiveBounds, ArchiveRefused
from models.runtime.archives.reading import ArchiveMember, members
from tasks.gates.pickled import HEAD, PickleFinder
from tasks.specs.artefact import ArtefactSpec
from tasks.values import Check

EXECUTABLE = (b"\x7fELF", b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xcf\xfa\xed\xfe")
"""How programs of Linux and macOS begin."""
WINDOWS = frozenset({".exe", ".dll"})
"""Endings of those of Windows, whose two first letters other files have, too."""
LARGEST_TEXT, LARGEST_GRAPH = 1 << 20, 1 << 26
"""Bytes that are looked at of a text, and of a graph."""
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

    ``broken`` says why the archive could not be read to its end, ``misplaced`` what is wrong with
    the member ``placed``, ``beyond`` what there is too much of.
    """

    count: int = 0
    size: int = 0
    placed: list[str] = field(default_factory=list)
    pickles: list[str] = field(default_factory=list)
    programs: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    broken: str = ""
    misplaced: str = ""
    beyond: str = ""


def scan(archive: Path, most_bytes: int) -> Contents:
    """Look through an archive.

    Args:
        archive: A gzipped tar archive, whoever made it.
        most_bytes: Unpacked bytes after which it is not read any further.
    """
    found, pickles = Contents(), PickleFinder()
    try:
        with archive.open("rb") as file:
            for member in members(file, ArchiveBounds(total=most_bytes)):
                found.count += 1
                found.size += member.size
                if not member.folder:
                    _look(member, found, pickles)
    except ArchiveRefused as error:
        if error.rule == "broken":
            found.broken = error.what
        elif error.rule == "place":
            found.placed, found.misplaced = [error.member], str(error)
        else:
            found.beyond = error.what
    except OSError as error:
        found.broken = f"it cannot be read ({error.strerror})"
    return found


def checks(found: Contents, limits: ArtefactSpec, *, own_code: bool) -> tuple[Check, ...]:
    """The verdict on what was found.

    Args:
        found: By :func:`scan`.
        limits: Of model.yaml.
        own_code: Whether the model brings programs of its own, as backend custom does.
    """
    if found.broken:
        return (
            Check(
                name="archive",
                outcome="fail",
                observed=found.broken,
                bound="read to its end",
                detail="train or upload it again",
            ),
        )
    pickles = limits.pickles or ("allow" if own_code else "refuse")
    made = [
        Check(
            name="archive size",
            outcome="fail" if found.beyond else "pass",
            observed=found.beyond or f"{found.size:,} bytes in {found.count:,} files",
            bound=f"≤ {limits.max_bytes:,} bytes, {MOST_MEMBERS:,} files",
        ),
        _check(
            "places and links",
            found.placed,
            found.misplaced,
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


def _look(member: ArchiveMember, found: Contents, pickles: PickleFinder) -> None:
    path = PurePosixPath(member.path)
    head = member.read(HEAD)
    if path.suffix.lower() in TEXTS and member.size <= LARGEST_TEXT:
        head += member.read()
        if SECRETS.search(head):
            found.secrets.append(member.path)
    if path.name == "saved_model.pb":
        head += member.read(LARGEST_GRAPH)
        found.steps += [f"{member.path}: {step}" for step in _foreign_steps(head)]
    if pickles.holds(path, head, member):
        found.pickles.append(member.path)
    elif head.startswith(EXECUTABLE) or (head.startswith(b"MZ") and path.suffix.lower() in WINDOWS):
        found.programs.append(member.path)


def _foreign_steps(graph: bytes) -> Iterator[str]:
    """Steps that stand in a graph: field 2 of a NodeDef, its length, its name."""
    for step in FOREIGN_STEPS:
        if bytes((0x12, len(step))) + step.encode() in graph:
            yield step
