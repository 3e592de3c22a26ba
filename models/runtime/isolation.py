"""A process that sees no other process, no network and none of a person's keys.

What came with an artefact runs beside the worker: for measuring, scoring, checking, converting, and
on trial. On Linux it runs in namespaces of its own (``unshare`` of util-linux, which needs no
right): another /proc, so that nobody's environment can be read; no network but a loopback of its
own; nothing where keys usually lie. Whoever makes namespaces may do anything in them, also take
away again what hides the machine's own /proc and keys: the process is started without any right
(``setpriv``), and in namespaces that it makes itself Linux lets it lift none of these covers
(mount_namespaces(7), "locked"). The files of this machine that its user may read stay readable, and
SageMaker's jobs are no concern of this: there the container is the wall. Where a system has no such
namespaces, the process runs as it is, without credentials in its environment; `available` tells.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

HIDDEN = (".aws", ".ssh", ".netrc", ".config", ".prefect", ".docker", ".kube", ".gnupg")
"""What of a person's home is empty in there."""
HIDE = """
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mount -t tmpfs tmpfs "$1"; else mount --bind /dev/null "$1"; fi || exit 125
  shift
done
shift
"$@"
"""
UNSHARED = (
    *("--user", "--map-root-user", "--net", "--mount", "--pid"),
    *("--fork", "--kill-child", "--mount-proc"),
)
WITHOUT_RIGHTS = ("setpriv", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", "--")
WITH_LOOPBACK = """
import fcntl, os, socket, struct, sys
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP))
os.execvp(sys.argv[1], sys.argv[1:])
"""
OTHERS = 0o077
"""Rights of everybody but the owner."""
SIGNALLED = 128
"""A shell adds the number of the signal that ended its command to this."""


def isolated(command: list[str], *, loopback: bool = False) -> list[str]:
    """The command that runs a command apart from this machine; the same where that cannot be.

    Args:
        command: What is to run.
        loopback: Whether its loopback shall answer: for who serves and asks in there.
    """
    if not available():
        return command
    awake = (sys.executable, "-I", "-S", "-c", WITH_LOOPBACK) if loopback else ()
    covered = [str(path) for path in hidden() if path.exists()]
    return [*_prefix(), *covered, "--", *awake, *WITHOUT_RIGHTS, *command]


def status_of(returncode: int) -> int:
    """How a command ended, isolated or not: its status, or a signal's number below zero."""
    return SIGNALLED - returncode if returncode > SIGNALLED else returncode


@lru_cache(maxsize=1)
def available() -> bool:
    """Whether this system lets us make such namespaces."""
    if any(shutil.which(tool) is None for tool in ("unshare", "setpriv")):
        return False
    try:
        tried = subprocess.run(
            [*_prefix(), "--", *WITHOUT_RIGHTS, "true"], capture_output=True, timeout=30
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return tried.returncode == 0


def hidden() -> tuple[Path, ...]:
    """Files and folders with keys: of this person, and the one that signs bundles.

    A folder that is its owner's alone is hidden as a whole: there is more of that kind in it.
    """
    home = Path.home()
    kind, _, path = os.environ.get("SLUICE_SIGNING_KEY", "").partition(":")
    places = [home / name for name in HIDDEN]
    if kind == "file" and path:
        key = Path(path)
        private = key.exists() and not key.parent.stat().st_mode & OTHERS
        places.append(key.parent if private else key)
    return tuple(places)


def _prefix() -> list[str]:
    return ["unshare", *UNSHARED, "--", "sh", "-c", HIDE, "sh"]
