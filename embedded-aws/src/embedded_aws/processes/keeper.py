"""Keeps the promise that no process of ours outlives us, even when we are killed.

Linux ends a child with its parent (``PR_SET_PDEATHSIG``), but not the child's own children, and
other systems not even the child. So a small second process holds the list of process groups: it
reads them from a pipe, and when the pipe ends, because we closed it or died, it kills what is
left. Run as a program, this file *is* that process.

A process that leaves its session leaves its group, too. It is known by a mark in its environment,
which children inherit (as build servers find the processes of a build); whoever empties his
environment, or runs on a system without /proc, is not found.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

MARK = "EMBEDDED_AWS_STARTED"
"""The variable of the mark: ``<mark of whoever starts processes>.<number of the process>``."""
ROUNDS = 20
"""Looks for marked processes: one that is forking has a child that the first look may miss."""


def kill_marked(mark: str) -> None:
    """SIGKILL to every process whose mark begins so; nothing on systems without /proc."""
    wanted = f"{MARK}={mark}".encode()
    for _ in range(ROUNDS):
        found = [pid for pid, environment in _environments() if _holds(environment, wanted)]
        if not found:
            return
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def _environments() -> Iterator[tuple[int, bytes]]:
    """Process numbers and environments that may be read; of a process that is over it is empty."""
    with contextlib.suppress(OSError):
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                with contextlib.suppress(OSError):
                    yield int(entry.name), (entry / "environ").read_bytes()


def _holds(environment: bytes, wanted: bytes) -> bool:
    return environment.startswith(wanted) or b"\0" + wanted in environment


class Keeper:
    """Our end of the pipe. The process starts with the first group to watch.

    Args:
        mark: What the marks of all processes begin with that are to die with us.
    """

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def watch(self, group: int) -> None:
        """Kill this process group should we die."""
        self._tell(f"+{group}\n")

    def forget(self, group: int) -> None:
        """The group is gone; its number may soon be somebody else's."""
        self._tell(f"-{group}\n")

    def close(self) -> None:
        """Kill every group still watched and end the process."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
            process.wait()

    def _tell(self, line: str) -> None:
        with self._lock:
            if self._process is None:
                self._process = subprocess.Popen(
                    [sys.executable, "-I", "-S", __file__, self._mark],
                    stdin=subprocess.PIPE,
                    # Not in our group: a Ctrl-C at the terminal is for us to handle.
                    start_new_session=True,
                )
            if self._process.stdin is not None:
                with contextlib.suppress(OSError):
                    self._process.stdin.write(line.encode())
                    self._process.stdin.flush()


def keep(lines: IO[str], mark: str) -> None:
    """Follow the list until it ends, then kill what is on it, and what bears the mark."""
    groups: set[int] = set()
    for line in lines:
        (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    for group in groups:
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)
    kill_marked(mark)


if __name__ == "__main__":
    keep(sys.stdin, sys.argv[1])
