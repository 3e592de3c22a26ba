"""Keeps the promise that no process of ours outlives us, even when we are killed.

Linux ends a child with its parent (``PR_SET_PDEATHSIG``), but not the child's own children, and
other systems not even the child. So a small second process holds the list of process groups: it
reads them from a pipe, and when the pipe ends, because we closed it or died, it kills what is
left. Run as a program, this file *is* that process.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from typing import IO


class Keeper:
    """Our end of the pipe. The process starts with the first group to watch."""

    def __init__(self) -> None:
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
                    [sys.executable, "-I", "-S", __file__],
                    stdin=subprocess.PIPE,
                    # Not in our group: a Ctrl-C at the terminal is for us to handle.
                    start_new_session=True,
                )
            if self._process.stdin is not None:
                with contextlib.suppress(OSError):
                    self._process.stdin.write(line.encode())
                    self._process.stdin.flush()


def keep(lines: IO[str]) -> None:
    """Follow the list until it ends, then kill what is on it."""
    groups: set[int] = set()
    for line in lines:
        (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    for group in groups:
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    keep(sys.stdin)
