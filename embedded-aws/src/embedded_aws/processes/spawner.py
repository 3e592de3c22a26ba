"""Starts processes that cannot outlive this one."""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from embedded_aws.processes.keeper import MARK, Keeper, kill_marked
from embedded_aws.processes.launcher import NO_NETWORK, OPT_ML

LAUNCHER = Path(__file__).with_name("launcher.py")
# What a program needs of its surroundings to run at all; nothing else of ours leaks in.
INHERITED = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TZ", "SYSTEMROOT")


class Spawner:
    """One long-lived thread from which every process is started.

    Linux sends the parent-death signal when the *thread* that forked ends, not the process. A
    deployment's own thread is short-lived; so all forking is done by this one. What the processes
    start themselves, and systems other than Linux, are left to the keeper.
    """

    def __init__(self) -> None:
        self._mark = f"{secrets.token_hex(8)}."
        self._marks: dict[int, str] = {}
        self._numbers = itertools.count(1)
        self._keeper = Keeper(self._mark)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="spawner")

    def start(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        cwd: Path,
        *,
        network: bool = True,
        opt_ml: Path | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a program in its own process group, stdout and stderr in one pipe.

        Without ``network`` it has a loopback of its own alone; where the system makes no such
        thing, the first line that it prints says so. ``opt_ml`` is what it finds at ``/opt/ml``,
        where the system lets us bind a folder there for one process.

        Raises:
            OSError: when the launcher cannot be started, or after :meth:`close`.
        """
        try:
            isolation = [] if network else [NO_NETWORK]
            home = [] if opt_ml is None else [OPT_ML, str(opt_ml)]
            words = [*isolation, *home, *command]
            starting = self._thread.submit(self._start, words, env, cwd)
        except RuntimeError as error:
            raise OSError(
                "no process can be started any more: the embedded AWS is closing"
            ) from error
        return starting.result()

    def close(self) -> None:
        """End the thread and every process group that is left."""
        self._thread.shutdown(wait=True)
        self._keeper.close()

    def end(self, process: subprocess.Popen[bytes], grace: float) -> None:
        """SIGTERM to the whole group, SIGKILL after ``grace`` real seconds; reap it."""
        if process.poll() is None:
            signal_group(process, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(grace)
        self.kill(process)

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """SIGKILL what is left of the whole family, whatever session it went to; reap it."""
        signal_group(process, signal.SIGKILL)
        process.wait()
        if mark := self._marks.pop(process.pid, ""):
            kill_marked(mark)
        self._keeper.forget(process.pid)

    def _start(
        self, command: Sequence[str], env: Mapping[str, str], cwd: Path
    ) -> subprocess.Popen[bytes]:
        # With an end of its own: 1 is not the beginning of 10.
        mark = f"{self._mark}{next(self._numbers)}."
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), *command],
            env={**env, MARK: mark},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._marks[process.pid] = mark
        self._keeper.watch(process.pid)
        return process


def signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    """Signal a process and whatever it started; nothing when all of it is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
