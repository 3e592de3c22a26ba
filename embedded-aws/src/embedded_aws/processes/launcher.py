"""First breath of a job or serving process: die with the parent, then become the program.

Run as ``python launcher.py <parent pid> <program> <arguments>``. A ``preexec_fn`` would do the
same, but runs Python between fork and exec of a process with many threads, which can deadlock.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent's life and exec the program."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(sys.argv[1]):
        sys.exit("the embedded AWS ended before this process began")
    os.execvpe(sys.argv[2], sys.argv[2:], os.environ)  # noqa: S606  no shell is wanted


if __name__ == "__main__":
    main()
