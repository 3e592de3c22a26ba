"""The processes of one training job, one per host of its cluster."""

from __future__ import annotations

import math
import signal
import socket
import subprocess
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from embedded_aws.processes.spawner import signal_group
from embedded_aws.training import layout
from embedded_aws.training.command import command, program
from embedded_aws.training.job import LONGEST_REASON, Job
from embedded_aws.training.machinery import Machinery
from embedded_aws.training.metrics import NAMESPACE, MetricFinder

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
PEERS = (
    "EnableNetworkIsolation: the network stays open here, since the hosts of this job meet over "
    "this machine's loopback. On AWS a host would reach the others of its job alone."
)
_TICK = 0.05
_TAIL_LINES = 20
_TAIL_CHARACTERS = 600


@dataclass
class _Member:
    """One host's process and the thread that reads its output."""

    host: layout.Host
    process: subprocess.Popen[bytes]
    reader: threading.Thread
    tail: deque[str]


class ProcessGroup:
    """Runs the job's program on each of its hosts.

    Args:
        job: The job; its metrics are noted as they are printed.
        machinery: Shared parts.
    """

    def __init__(self, job: Job, machinery: Machinery) -> None:
        self._job = job
        self._machinery = machinery
        self._metrics = MetricFinder(
            job.request["AlgorithmSpecification"].get("MetricDefinitions") or []
        )
        self._members: list[_Member] = []

    def start(self, hosts: Sequence[layout.Host]) -> None:
        """Start the program on every host.

        Raises:
            OSError: when it cannot be started.
        """
        leader_port = _free_port()
        for host in hosts:
            member = self._spawn(host, leader_port)
            self._members.append(member)

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

    def failure(self) -> str | None:
        """Why the job failed, or None when every host ended with status 0.

        The words are those of ``/opt/ml/output/failure``; a program in script mode that wrote none
        is quoted with its last lines, as the training toolkit does.
        """
        codes = {member.process.returncode for member in self._members}
        for member in self._members:
            code = member.process.returncode
            # A host that we ended because another one had failed is not to blame.
            if code == 0 or (code == -signal.SIGKILL and codes - {0, code}):
                continue
            code = 128 - code if code < 0 else code
            words = ""
            if member.host.failure.is_file():
                words = member.host.failure.read_text("utf-8", "replace").strip()
            elif program(self._job.request):
                last_lines = "\n".join(member.tail)[-_TAIL_CHARACTERS:]
                words = f'ExecuteUserScriptError: ExitCode {code} ErrorMessage "{last_lines}"'
            ending = f", exit code: {code}"
            return f"AlgorithmError: {words}"[: LONGEST_REASON - len(ending)] + ending
        return None

    def _spawn(self, host: layout.Host, leader_port: int) -> _Member:
        world, request = self._machinery.world, self._job.request
        isolated, alone = bool(request.get("EnableNetworkIsolation")), len(host.hosts) == 1
        process = self._machinery.spawner.start(
            command(request, host.base),
            layout.environment(host, request, self._job.arn, world.role_environment, leader_port),
            host.code,
            network=not (isolated and alone),
        )
        stream = f"{self._job.name}/{host.name}-{int(world.clock.now())}"
        if isolated and not alone:
            self._machinery.logs.line(LOG_GROUP, stream, PEERS)
        tail: deque[str] = deque(maxlen=_TAIL_LINES)
        reader = threading.Thread(
            target=self._read, args=(process.stdout, stream, tail), name=stream, daemon=True
        )
        reader.start()
        return _Member(host, process, reader, tail)

    def _read(self, output: IO[bytes], stream: str, tail: deque[str]) -> None:
        """Each line to CloudWatch Logs, and the metrics in it to CloudWatch."""
        with output:
            for raw in output:
                # Progress bars redraw their line with carriage returns: each state is a line.
                for line in raw.decode("utf-8", "replace").rstrip("\r\n").split("\r"):
                    tail.append(line)
                    self._machinery.logs.line(LOG_GROUP, stream, line)
                    self._measure(line)

    def _measure(self, line: str) -> None:
        dimensions = {"TrainingJobName": self._job.name}
        for name, value in self._metrics.find(line):
            at = self._job.metric(name, value)
            if math.isfinite(value):
                self._machinery.world.metrics.record(
                    NAMESPACE, name, dimensions, [(value, 1.0)], "None", at
                )


def _free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
