"""The processes of one job, one per host of its cluster."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from embedded_aws.jobs.machinery import Machinery
from embedded_aws.processes.spawner import signal_group

LONGEST_REASON = 1024
"""Characters of a ``FailureReason``."""
PEERS = (
    "EnableNetworkIsolation: the network stays open here, since the hosts of this job meet over "
    "this machine's loopback. On AWS a host would reach the others of its job alone."
)
_TICK = 0.05
_TAIL_LINES = 20
_TAIL_CHARACTERS = 600


@dataclass(frozen=True)
class Command:
    """What one host runs.

    Args:
        words: Program and arguments.
        environment: All of its variables.
        base: The host's folder, laid out like ``/opt/ml``; the program finds it there, too, where
            Linux lets us bind it.
        folder: Where the program starts.
        stream: Log stream.
        failure: Where the program writes why it failed.
        note: What the log says first.
        network: Whether it has one.
    """

    words: Sequence[str]
    environment: Mapping[str, str]
    base: Path
    folder: Path
    stream: str
    failure: Path
    note: str = ""
    network: bool = True


@dataclass
class _Member:
    """One host's process and the thread that reads its output."""

    command: Command
    process: subprocess.Popen[bytes]
    reader: threading.Thread
    tail: deque[str]


class ProcessGroup:
    """Runs a command on each host of a job.

    Args:
        machinery: Shared parts.
        log_group: Where its lines go.
        heard: Called with each line.
    """

    def __init__(
        self, machinery: Machinery, log_group: str, heard: Callable[[str], None] = lambda _: None
    ) -> None:
        self._machinery = machinery
        self._log_group = log_group
        self._heard = heard
        self._members: list[_Member] = []

    def start(self, commands: Sequence[Command]) -> None:
        """Start the program on every host.

        Raises:
            OSError: when it cannot be started.
        """
        for command in commands:
            self._members.append(self._spawn(command))

    @property
    def over(self) -> bool:
        """Whether all processes have ended, or one has failed."""
        codes = [member.process.poll() for member in self._members]
        return all(code is not None for code in codes) or any(codes)

    def terminate(self, grace: float) -> None:
        """SIGTERM to every host at once, and up to ``grace`` real seconds to obey."""
        for member in self._members:
            if member.process.poll() is None:
                signal_group(member.process, signal.SIGTERM)
        deadline = time.monotonic() + grace
        while time.monotonic() < deadline and not self._machinery.closing.is_set():
            if all(member.process.poll() is not None for member in self._members):
                return
            time.sleep(_TICK)

    def end(self) -> None:
        """SIGKILL whatever is left, children of the program included; write every line down."""
        for member in self._members:
            self._machinery.spawner.kill(member.process)
        for member in self._members:
            member.reader.join(10.0)
        if not self._machinery.closing.is_set():
            self._machinery.flush_logs()

    def failure(self, quoted: str = "") -> str | None:
        """Why the job failed, or None when every host ended with status 0.

        The words are those that the program wrote, into ``/opt/ml/output/failure`` for a training
        job.

        Args:
            quoted: How a program that wrote none is quoted with its last lines, with ``{code}`` and
                ``{lines}``; "" quotes nothing.
        """
        codes = {member.process.returncode for member in self._members}
        for member in self._members:
            code = member.process.returncode
            # A host that we ended because another one had failed is not to blame.
            if code == 0 or (code == -signal.SIGKILL and codes - {0, code}):
                continue
            code = 128 - code if code < 0 else code
            words = ""
            if member.command.failure.is_file():
                words = member.command.failure.read_text("utf-8", "replace").strip()
            elif quoted:
                lines = "\n".join(member.tail)[-_TAIL_CHARACTERS:]
                words = quoted.format(code=code, lines=lines)
            ending = f", exit code: {code}"
            return f"AlgorithmError: {words}"[: LONGEST_REASON - len(ending)] + ending
        return None

    def _spawn(self, command: Command) -> _Member:
        process = self._machinery.spawner.start(
            command.words,
            command.environment,
            command.folder,
            network=command.network,
            opt_ml=command.base,
        )
        if command.note:
            self._machinery.logs.line(self._log_group, command.stream, command.note)
        tail: deque[str] = deque(maxlen=_TAIL_LINES)
        reader = threading.Thread(
            target=self._read,
            args=(process.stdout, command.stream, tail),
            name=command.stream,
            daemon=True,
        )
        reader.start()
        return _Member(command, process, reader, tail)

    def _read(self, output: IO[bytes], stream: str, tail: deque[str]) -> None:
        """Each line to CloudWatch Logs, and to who listens."""
        with output:
            for raw in output:
                # Progress bars redraw their line with carriage returns: each state is a line.
                for line in raw.decode("utf-8", "replace").rstrip("\r\n").split("\r"):
                    tail.append(line)
                    self._machinery.logs.line(self._log_group, stream, line)
                    self._heard(line)
