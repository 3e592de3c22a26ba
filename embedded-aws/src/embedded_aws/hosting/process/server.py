"""One real serving process: started, asked, restarted when it dies, ended."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from embedded_aws.hosting.process import ports
from embedded_aws.hosting.process.http1 import Answer, Pool
from embedded_aws.processes.spawner import Spawner, signal_group

# AWS wants an answer to /ping within 2 s.
PING_TIMEOUT = 2.0
PING_INTERVAL = 0.05
# Real seconds before a dead process is started anew; doubled while it keeps dying.
RESTART_FIRST, RESTART_MOST = 0.1, 5.0
# A process that ends before its first good ping is tried once more (its port may have been
# taken meanwhile); after that its end is an answer.
START_ATTEMPTS = 2
# Real seconds between SIGTERM and SIGKILL when the embedded AWS itself ends.
CLOSING_GRACE = 2.0


class StartError(Exception):
    """A process did not become healthy in time."""


class NotReadyError(Exception):
    """The process is not there to be asked."""


class Server:
    """One serving process and the connections to it.

    Args:
        instance_id: What AWS would call the machine.
        command: Program and arguments.
        environment: Gives the environment for a port.
        cwd: Where it runs.
        say: Takes each line that the process prints.
        spawner: Starts it.
        start_timeout: Real seconds until ``/ping`` must have answered 200.
        stop_grace: Gives the real seconds between SIGTERM and SIGKILL.
    """

    def __init__(
        self,
        *,
        instance_id: str,
        command: Sequence[str],
        environment: Callable[[int], Mapping[str, str]],
        cwd: Path,
        say: Callable[[str], None],
        spawner: Spawner,
        start_timeout: float,
        stop_grace: Callable[[], float],
    ) -> None:
        self.instance_id = instance_id
        self.outstanding = 0
        self._command = command
        self._environment = environment
        self._cwd = cwd
        self._say = say
        self._spawner = spawner
        self._start_timeout = start_timeout
        self._stop_grace = stop_grace
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._pool: Pool | None = None
        self._port: int | None = None
        self._watcher: threading.Thread | None = None

    @property
    def ready(self) -> bool:
        """Whether it passed its health check and has not died since."""
        return self._pool is not None

    @property
    def pid(self) -> int | None:
        """Process id; None when there is no process."""
        process = self._process
        return None if process is None else process.pid

    def start(self) -> None:
        """Start the process and wait until it is healthy.

        Raises:
            StartError: when it ends or stays silent.
        """
        for _ in range(START_ATTEMPTS):
            if self._launch():
                watcher = threading.Thread(
                    target=self._watch, name=f"watch-{self.instance_id}", daemon=True
                )
                watcher.start()
                self._watcher = watcher  # only now: a stop in between cannot join what never ran
                return
            if self._process is not None:  # alive, but silent until the timeout
                break
        self.stop()
        raise StartError

    def request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, timeout: float
    ) -> Answer:
        """Ask the process.

        Raises:
            NotReadyError: it is starting anew.
            TimeoutError: it took longer than ``timeout`` real seconds.
            OSError: the connection failed.
        """
        pool = self._pool
        if pool is None:
            raise NotReadyError
        self.outstanding += 1  # a hint for routing; a lost update does no harm
        try:
            return pool.request(method, path, headers, body, timeout)
        finally:
            self.outstanding -= 1

    def kill(self) -> None:
        """SIGKILL, as if the machine had run out of memory; it will be started anew."""
        process = self._process
        if process is not None and process.poll() is None:
            self._drop_pool()
            signal_group(process, signal.SIGKILL)

    def stop(self) -> None:
        """End the process for good."""
        self._stopping.set()
        with self._lock:
            self._end_process()
        if self._watcher is not None and self._watcher is not threading.current_thread():
            self._watcher.join(self._stop_grace() + 5.0)

    def _launch(self) -> bool:
        """Start a process and wait for its health; False when it ended or stayed silent."""
        with self._lock:
            if self._stopping.is_set():
                return False
            self._end_process()
            port = self._port = ports.claim()
            try:
                process = self._spawner.start(self._command, self._environment(port), self._cwd)
            except OSError as error:
                self._say(f"cannot start {' '.join(self._command)}: {error}")
                self._end_process()
                return False
            self._process = process
        threading.Thread(
            target=self._pump, args=(process,), name=f"log-{self.instance_id}", daemon=True
        ).start()
        pool = Pool(port)
        if self._healthy(process, pool):
            self._pool = pool
            return True
        pool.close()
        code = process.poll()
        with self._lock:
            self._end_process()
        # Said when the process is silent, so that it stands at the end of its log.
        if code is None:
            self._say(f"no answer to GET /ping within {self._start_timeout:g} s")
        else:
            self._say(f"the serving process ended with status {code} before it was healthy")
        return False

    def _healthy(self, process: subprocess.Popen[bytes], pool: Pool) -> bool:
        deadline = time.monotonic() + self._start_timeout
        while time.monotonic() < deadline and not self._stopping.is_set():
            if process.poll() is not None:
                return False
            try:
                answer = pool.request("GET", "/ping", {}, b"", PING_TIMEOUT)
            except OSError:
                pass
            else:
                if answer.status == 200:
                    # Some other program's answer on a port that ours could not bind is no health.
                    return process.poll() is None
            self._stopping.wait(PING_INTERVAL)
        return False

    def _watch(self) -> None:
        while True:
            process = self._process
            if process is None:
                return
            code = process.wait()
            self._drop_pool()
            if self._stopping.is_set():
                return
            self._say(f"the serving process ended with status {code}; starting it anew")
            pause = RESTART_FIRST
            while not self._stopping.wait(pause) and not self._launch():
                pause = min(RESTART_MOST, pause * 2)
            if self._stopping.is_set():
                with self._lock:
                    self._end_process()
                return

    def _end_process(self) -> None:
        """End what runs and give back its port; the caller holds the lock."""
        self._drop_pool()
        if self._process is not None:
            self._spawner.end(self._process, self._stop_grace())
            self._process = None
        if self._port is not None:
            ports.release(self._port)
            self._port = None

    def _drop_pool(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

    def _pump(self, process: subprocess.Popen[bytes]) -> None:
        pipe = process.stdout
        if pipe is None:
            return
        with pipe:
            for line in pipe:
                self._say(line.decode("utf-8", "replace").rstrip("\r\n"))
