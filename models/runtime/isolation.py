"""A process that sees no other process, no network and none of a person's keys, and writes nowhere.

What came with an artefact runs beside the worker: for measuring, scoring, checking, converting, and
on trial. On Linux it runs in namespaces of its own (``unshare`` of util-linux, which needs no
right): another /proc, so that nobody's environment can be read; no network but a loopback of its
own; nothing where keys usually lie; and it writes only into the folders that it is given, with a
Linux from 5.12 on. It has no right in them with which it could change that (`apart`). The files of
this machine that its user may read stay readable, and SageMaker's jobs are no concern of this:
there the container is the wall. Where a system has no such namespaces, the process runs as it is,
without credentials in its environment; `available` tells.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from models.runtime import apart

HIDDEN = (".aws", ".ssh", ".netrc", ".config", ".prefect", ".docker", ".kube", ".gnupg")
"""What of a person's home is empty in there."""
DAEMONS = ("/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock")
"""Who listens there starts anything for a user who may ask; no network is in the way."""
AGENTS = ("SSH_AUTH_SOCK", "XDG_RUNTIME_DIR")
"""Variables that name sockets of a person's agents, and the folder of most of them."""
UNSHARED = (
    *("--user", "--map-root-user", "--net", "--ipc", "--mount", "--pid"),
    *("--fork", "--kill-child", "--mount-proc"),
)
OTHERS = 0o077
"""Rights of everybody but the owner."""


def isolated(
    command: list[str], *, loopback: bool = False, writable: Sequence[Path] = ()
) -> list[str]:
    """The command that runs a command apart from this machine; the same where that cannot be.

    Args:
        command: What is to run.
        loopback: Whether its loopback shall answer: for who serves and asks in there.
        writable: Folders that it may write into; they must exist.
    """
    return [*_prefix(loopback, writable), *command] if available() else command


def status_of(returncode: int) -> int:
    """How a command ended, isolated or not: its status, or a signal's number below zero."""
    return apart.SIGNALLED - returncode if returncode > apart.SIGNALLED else returncode


@lru_cache(maxsize=1)
def available() -> bool:
    """Whether this system lets us make such namespaces."""
    if shutil.which("unshare") is None:
        return False
    try:
        tried = subprocess.run([*_prefix(), "true"], capture_output=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return False
    return tried.returncode == 0


def hidden() -> tuple[Path, ...]:
    """Files and folders with keys: of this person, and the one that signs bundles; and agents.

    A folder that is its owner's alone is hidden as a whole: there is more of that kind in it.
    """
    home = Path.home()
    kind, _, path = os.environ.get("SLUICE_SIGNING_KEY", "").partition(":")
    places = [Path(name) for name in DAEMONS]
    places += [Path(os.environ[name]) for name in AGENTS if os.environ.get(name)]
    places += [home / name for name in HIDDEN]
    if kind == "file" and path:
        key = Path(path)
        private = key.exists() and not key.parent.stat().st_mode & OTHERS
        places.append(key.parent if private else key)
    return tuple(places)


def _prefix(loopback: bool = False, writable: Sequence[Path] = ()) -> list[str]:
    order = {
        "hidden": [str(path) for path in hidden() if _seen(path)],
        "writable": [str(path.resolve()) for path in writable],
        "loopback": loopback,
    }
    way_in = (sys.executable, "-I", "-S", str(Path(apart.__file__)), json.dumps(order))
    return ["unshare", *UNSHARED, "--", *way_in]


def _seen(path: Path) -> bool:
    """Whether this user finds it: what he may not look for is hidden already."""
    try:
        return path.exists()
    except PermissionError:
        return False
