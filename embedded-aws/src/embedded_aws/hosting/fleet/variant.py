"""One variant of an endpoint: its processes, its gate, its numbers."""

from __future__ import annotations

import random
import shutil
import threading
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedded_aws.hosting.fleet.seats import Seats
from embedded_aws.hosting.process import artefact
from embedded_aws.hosting.process.container import Surroundings, serving_process
from embedded_aws.hosting.process.http1 import Answer
from embedded_aws.hosting.process.server import (
    CLOSING_GRACE,
    NotReadyError,
    Server,
    StartError,
)
from embedded_aws.hosting.process.usage import Usage, cpu_percent, memory_percent, usage
from embedded_aws.hosting.shared import SharedState

# AWS gives a container 8 minutes unless the variant says otherwise.
DEFAULT_START_TIMEOUT = 480.0


@dataclass
class Numbers:
    """What an endpoint config or a later call wants, and what is."""

    current_weight: float
    desired_weight: float
    current_count: int
    desired_count: int


LOG_GROUP_PREFIX = "/aws/sagemaker/Endpoints/"


class Variant:
    """A variant in one generation of an endpoint.

    Its gate counts requests in flight: a variant that retires first lets nobody in, then waits
    until the last one has left, then ends its processes. That is why no update drops a request.

    Args:
        shared: What all variants share.
        endpoint: Name of the endpoint.
        spec: The ``ProductionVariant`` of the endpoint config, with defaults filled in.
        container: ``ContainerDefinition`` of its model, and its ``EnableNetworkIsolation``.
        numbers: Weight and instance count to begin with.
        patience: Real seconds that requests are given to finish when processes are to end; by
            default what is set for all.
    """

    def __init__(
        self,
        shared: SharedState,
        endpoint: str,
        spec: Mapping[str, Any],
        container: Mapping[str, Any],
        numbers: Numbers,
        patience: float | None = None,
    ) -> None:
        self.name: str = spec["VariantName"]
        self.endpoint = endpoint
        self.spec = spec
        self.container = container
        self.numbers = numbers
        self.resolved_at = shared.world.clock.now()
        self.meter = shared.meters.of(endpoint, self.name)
        self.serverless: Mapping[str, Any] | None = spec.get("ServerlessConfig")
        self._shared = shared
        self._patience = patience or shared.settings.drain_timeout
        self._seats = Seats()
        # One folder and none around it, so that what is retired leaves nothing; no name has a dot.
        folder = f"{endpoint}.{self.name}-{uuid.uuid4().hex[:8]}"
        self._base = Path(shared.world.state_dir) / "hosting" / folder
        self._servers: tuple[Server, ...] = ()
        self._everyone: list[Server] = []
        self._fetched: Path | None = None
        self._gate = threading.Condition()
        self._inside = 0
        self._closed = False
        self._warming = threading.Lock()
        self._retired = threading.Event()
        self._readings: dict[int, Usage] = {}
        strategy = (spec.get("RoutingConfig") or {}).get("RoutingStrategy", "RANDOM")
        self._least_busy = strategy == "LEAST_OUTSTANDING_REQUESTS"

    @property
    def log_group(self) -> str:
        """Log group of the endpoint."""
        return LOG_GROUP_PREFIX + self.endpoint

    @property
    def pids(self) -> list[int]:
        """Process ids of the serving processes."""
        return [server.pid for server in self._servers if server.pid is not None]

    def start(self) -> None:
        """Bring the model data and start the processes; returns when all are healthy.

        A serverless variant only brings its model data: its process starts with the first request.

        Raises:
            ModelDataError: the model data is not there or broken.
            StartError: a process did not pass its health check.
        """
        target = f"{self.endpoint}/{self.name}"
        if slow := self._shared.world.faults.take("slow_start", target):
            self._retired.wait(self._shared.world.clock.real_seconds(slow.seconds))
        self._fetched = self._fetch()
        if self._retired.is_set():
            raise StartError
        if self.serverless is None:
            self.resize(self.numbers.desired_count)
            if self.numbers.desired_count == 0:  # who comes later gets what lies in S3 then
                self._fetched = None
                shutil.rmtree(self._base, ignore_errors=True)

    def resize(self, count: int) -> None:
        """Have as many processes as ``count`` instances (up to the cap) are worth.

        New processes take requests once they are all healthy; processes too many finish theirs
        first. As new machines do, they get the model data that lies in S3 now.

        Raises:
            ModelDataError: the model data is not there any more, or broken.
            StartError: a new process did not pass its health check; nothing has changed then.
        """
        goal = min(count, self._shared.settings.processes_per_variant)
        have = self._servers
        if goal > len(have):
            self._servers = have + self._start(goal - len(have))
        elif goal < len(have):
            # Those at which most have a place stay: they would have to be waited for.
            ranked = sorted(have, key=self._seats.taken, reverse=True)
            keep, leave = tuple(ranked[:goal]), ranked[goal:]
            self._servers = keep
            deadline = time.monotonic() + self._patience
            for server in leave:
                while self._is_busy(server) and time.monotonic() < deadline:
                    time.sleep(0.01)
                server.stop()
            with self._gate:
                self._everyone = [server for server in self._everyone if server not in leave]
            if not keep:
                shutil.rmtree(self._base, ignore_errors=True)
        self.numbers.current_count = count

    def enter(self) -> bool:
        """Pass the gate with a request; False when the variant is retiring."""
        with self._gate:
            if self._closed:
                return False
            self._inside += 1
            return True

    def leave(self) -> None:
        """Come out again."""
        with self._gate:
            self._inside -= 1
            if self._inside == 0:
                self._gate.notify_all()

    @property
    def inside(self) -> int:
        """Requests in flight."""
        return self._inside

    def ask(self, path: str, headers: Mapping[str, str], body: bytes, timeout: float) -> Answer:
        """Put a request to one of the processes.

        Raises:
            NotReadyError: no process is there to be asked.
            TimeoutError: no answer within ``timeout`` real seconds.
            OSError: the process broke the connection.
        """
        servers = self._ready()
        if not servers:
            raise NotReadyError
        if len(servers) == 1:
            server = servers[0]
        elif self._least_busy:
            server = min(servers, key=lambda one: (one.outstanding, random.random()))
        else:
            server = random.choice(servers)
        return server.request("POST", path, headers, body, timeout)

    def seat(self, most: int) -> Server | None:
        """Take a place at a process that at most so many have; None when there is none left."""
        return self._seats.take(self._ready(), most, least_busy=self._least_busy)

    def unseat(self, server: Server) -> None:
        """Give a place back."""
        self._seats.leave(server)

    def warm_up(self) -> None:
        """Start a serverless variant's process if it has none.

        Raises:
            ModelDataError: its model data is not there any more, or broken.
            StartError: it did not pass its health check.
        """
        if self.serverless is None or self._servers:
            return
        with self._warming:
            if not self._servers:
                self._servers = self._start(1)

    def kill(self) -> None:
        """Kill the processes; they come back by themselves."""
        for server in self._servers:
            server.kill()

    def measure(self) -> tuple[list[float], list[float]]:
        """CPU and memory percent of each process since the last call."""
        cpu: list[float] = []
        memory: list[float] = []
        readings: dict[int, Usage] = {}
        for pid in self.pids:
            reading = usage(pid)
            if reading is None:
                continue
            readings[pid] = reading
            memory.append(memory_percent(reading))
            if pid in self._readings:
                cpu.append(cpu_percent(self._readings[pid], reading))
        self._readings = readings
        return cpu, memory

    def retire(self, *, drain: bool = True, patience: float | None = None) -> None:
        """Let nobody in, wait for those inside, end the processes, remove the folder.

        Args:
            drain: Whether to wait at all.
            patience: Real seconds to wait at most; by default the variant's own.
        """
        with self._gate:
            self._closed = True
            self._retired.set()
            if drain:
                self._gate.wait_for(lambda: self._inside == 0, patience or self._patience)
            everyone = list(self._everyone)
        _together([server.stop for server in everyone])
        self._servers = ()
        shutil.rmtree(self._base, ignore_errors=True)

    def _is_busy(self, server: Server) -> bool:
        return server.outstanding > 0 or self._seats.taken(server) > 0

    def _ready(self) -> list[Server]:
        return [server for server in self._servers if server.ready]

    def _fetch(self) -> Path:
        """Model data as it lies in S3 at this moment, in a new folder laid out like /opt/ml."""
        base = self._base / uuid.uuid4().hex[:8]
        try:
            s3 = self._shared.s3_of(self.container["ExecutionRoleArn"])
            artefact.bring(s3, self.container, base / "model")
        except artefact.ModelDataError:
            shutil.rmtree(base, ignore_errors=True)
            raise
        return base

    def _start(self, count: int) -> tuple[Server, ...]:
        base, self._fetched = self._fetched or self._fetch(), None
        servers = tuple(self._server(base) for _ in range(count))
        with self._gate:
            if self._retired.is_set():
                raise StartError
            # Known before they run, so that a retirement meanwhile ends them too.
            self._everyone += servers
        try:
            _together([server.start for server in servers])
        except StartError:
            _together([server.stop for server in servers])
            raise
        return servers

    def _credentials(self) -> Mapping[str, str]:
        world = self._shared.world
        return world.environment_of(self.container["ExecutionRoleArn"], self.name)

    def _server(self, base: Path) -> Server:
        shared = self._shared
        instance = f"i-{uuid.uuid4().hex[:17]}"
        seconds = self.spec.get("ContainerStartupHealthCheckTimeoutInSeconds")
        return serving_process(
            self.container,
            base,
            Surroundings(shared.surroundings, self._credentials(), shared.spawner),
            instance_id=instance,
            entrypoint=shared.settings.entrypoint,
            say=lambda text: shared.logs.line(self.log_group, f"{self.name}/{instance}", text),
            start_timeout=min(
                float(seconds or DEFAULT_START_TIMEOUT), shared.settings.start_timeout_cap
            ),
            stop_grace=lambda: (
                CLOSING_GRACE if shared.closing.is_set() else shared.settings.stop_grace
            ),
        )


def _together(calls: list[Any]) -> None:
    """Run calls side by side; the first error is raised when all have ended."""
    if len(calls) <= 1:
        for call in calls:
            call()
        return
    with ThreadPoolExecutor(len(calls)) as pool:
        futures = [pool.submit(call) for call in calls]
    for future in futures:
        future.result()
