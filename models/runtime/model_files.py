"""The files of an unpacked model.tar.gz, and whether they are those that were released.

SageMaker fetches the archive by its address whenever an instance starts: when an endpoint is made,
when it scales out, when a machine is replaced. The address carries no version of the object, so
that the bytes are those that lie there at that moment. The container therefore compares them with
a digest from its Environment, which was written there by whoever verified the signed manifest, and
cannot be changed afterwards. Where it differs, nothing of the model is read and nobody is served.

The standard library alone is needed, of Python 3.9 or later, so that an image of any age can hold
this one file as its entry point::

    ENTRYPOINT ["python", "-I", "/opt/sluice/model_files.py", "<the program that serves>", …]

That is what protects from swapped *programs*: a program out of the archive can only look after the
other files of it.
"""

from __future__ import annotations

import base64
import hashlib
import os
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

LISTING = "model_files.sha256"
"""File of a version: what its model.tar.gz unpacks to, as ``sha256sum --check`` reads it."""
EXPECTED = "SLUICE_MODEL_FILES_SHA256"
"""Variable of a container: SHA-256 of the listing, as the signed manifest has it."""
PART = "SLUICE_MODEL_FILES_"
"""Variables ``…0``, ``…1``, …: the listing itself, so that a difference can be named."""
LONGEST_VALUE = 1024
"""Bytes that SageMaker takes in one variable."""
MOST_PARTS = 24
"""Of the 32 KiB that SageMaker takes in all; a longer listing is left out."""
MOST_NAMED = 5
CHUNK = 1 << 20
DIGEST_BYTES = 32
REFUSED = 78
"""Exit status: what is configured and what was found do not fit (EX_CONFIG)."""

Files = Mapping[str, str]
"""Path → SHA-256 in hexadecimal digits."""


def listing_of(files: Files) -> bytes:
    """The one text that lists these files, as ``sha256sum`` would write it, in order of paths."""
    lines = sorted((path.encode("utf-8", "surrogateescape"), files[path]) for path in files)
    return b"".join(_line(path, sha256) for path, sha256 in lines)


def _line(path: bytes, sha256: str) -> bytes:
    written = path.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
    # Without the mark a file could bear the name of two others, between which a line ends.
    return (b"\\" if written != path else b"") + sha256.encode() + b"  " + written + b"\n"


def variables(listing: bytes, sha256: str) -> dict[str, str]:
    """What a container's Environment says of the files that it shall find.

    Args:
        listing: `listing_of` them; empty where nobody has it, so that no file can be named.
        sha256: Its digest, which alone decides.
    """
    packed = base64.b64encode(b"".join(_packed(line) for line in listing.splitlines())).decode()
    parts = [packed[at : at + LONGEST_VALUE] for at in range(0, len(packed), LONGEST_VALUE)]
    if len(parts) > MOST_PARTS:
        parts = []
    return {
        EXPECTED: sha256,
        **{f"{PART}{number}": part for number, part in enumerate(parts)},
        # Bytecode that Python writes beside the sources would be files that nobody released.
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _packed(line: bytes) -> bytes:
    """The digest's bytes and the path; no name in an archive of ours holds the end of a line."""
    marked = line.startswith(b"\\")
    line = line[1:].replace(b"\\\\", b"\\") if marked else line
    return bytes.fromhex(line[: 2 * DIGEST_BYTES].decode()) + line[2 * DIGEST_BYTES + 2 :] + b"\n"


def named_in(environment: Mapping[str, str]) -> Files:
    """The files that an Environment lists; none where it holds their digest alone."""
    parts: list[str] = []
    while (name := f"{PART}{len(parts)}") in environment:
        parts.append(environment[name])
    rest, files = base64.b64decode("".join(parts)), dict[str, str]()
    while rest:
        sha256, (path, _, rest) = rest[:DIGEST_BYTES], rest[DIGEST_BYTES:].partition(b"\n")
        files[path.decode("utf-8", "surrogateescape")] = sha256.hex()
    return files


def files_of(folder: Path) -> Files:
    """Every file below a folder with its digest; what is neither file nor folder with its kind."""
    return {
        path: _sha256(Path(entry.path)) if entry.is_file(follow_symlinks=False) else _kind(entry)
        for path, entry in _below(folder)
    }


def _below(folder: Path, prefix: str = "") -> Iterator[tuple[str, os.DirEntry[str]]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _below(Path(entry.path), f"{prefix}{entry.name}/")
            else:
                yield f"{prefix}{entry.name}", entry


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _kind(entry: os.DirEntry[str]) -> str:
    """A word that is no digest: an archive of ours unpacks to files and folders alone."""
    return "link" if entry.is_symlink() else stat.filemode(entry.stat().st_mode)[0]


def differences(expected: Files, found: Files) -> list[str]:
    """One clause for each file that was changed, added or removed, in order of paths."""
    return [
        f"{path!r} has {_shown(found.get(path))} and was released with {_shown(expected.get(path))}"
        for path in sorted(expected.keys() | found.keys())
        if expected.get(path) != found.get(path)
    ]


def _shown(sha256: str | None) -> str:
    if sha256 is None:
        return "no bytes at all (there is no such file)"
    if len(sha256) != 2 * DIGEST_BYTES:
        return f"no bytes of its own (it is no file, but of the kind {sha256!r})"
    return f"SHA-256 {sha256}"


def refusal(folder: Path, environment: Mapping[str, str]) -> str:
    """Why a container must not serve what it was given; "" when it may.

    Args:
        folder: The unpacked model.tar.gz.
        environment: That of the container. Without `EXPECTED` nobody asks: the version was
            published, or its model made, before there were listings.
    """
    expected = environment.get(EXPECTED, "")
    if not expected:
        return ""
    found = files_of(folder) if folder.is_dir() else {}
    sha256 = hashlib.sha256(listing_of(found)).hexdigest()
    if sha256 == expected:
        return ""
    named = named_in(environment)
    told = differences(named, found) if named else []
    which = "; ".join(told[:MOST_NAMED]) + (
        f"; and {len(told) - MOST_NAMED} more" if len(told) > MOST_NAMED else ""
    )
    return (
        f"REFUSED: what was fetched from S3 is not what was released as "
        f"{environment.get('SLUICE_MODEL', 'this model')} "
        f"{environment.get('SLUICE_VERSION', '')}: "
        f"{which or f'something of its {len(found)} files, whose list is too long to be here'} "
        f"(listing of all files: SHA-256 {sha256}, released {expected}). "
        "Nothing of it was read, and nobody is served by it. Restore model.tar.gz of this version "
        f"from the bucket's history (its {LISTING} lists the files), find out who wrote to the "
        "registry, and let the endpoint start its instances again."
    )


def main(command: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Become the program that serves, if it may serve what was fetched; else end.

    Args:
        command: That program and its arguments.
        environment: Of this process.
    """
    why = refusal(Path(environment.get("SM_MODEL_DIR") or "/opt/ml/model"), environment)
    if not command:
        why = "REFUSED: no program was given. Name the one that serves behind it, in ENTRYPOINT."
    if why:
        print(why, flush=True)
        sys.exit(REFUSED)
    # Compared once: the program has nothing left to ask about.
    passed = {name: value for name, value in environment.items() if not name.startswith(PART)}
    os.execvpe(command[0], list(command), passed)  # noqa: S606  no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:], os.environ)
