"""The trial itself: a candidate's serving program is started, asked, measured, ended.

``python -m tasks.gates.trial.program <bundle> <requests> <out.json>``, apart from the machine
(`tasks.gates.trial.start`): the program that is tried gets a port on loopback, and is asked with
its bundle's own sample request by this one.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil

from models.runtime.calling import command, environment
from tasks.gates.trial.checks import LONGEST_TAIL, SAMPLE, Trial
from tasks.gates.trial.dying import dies_with_us

CLIENTS = 4
WARM_UP = 20
LONGEST_START = 300.0
LONGEST_REQUEST = 30.0
LOOK = 0.05
MEGABYTE = 1e6


def tried(bundle: Path, requests: int) -> Trial:
    """Serve an unpacked bundle that holds a sample request, and ask it."""
    try:
        with _served(bundle) as (port, process, began):
            ready = _until_healthy(port, process) - began
            return _measured(port, process, (bundle / SAMPLE).read_bytes(), requests, ready)
    except _DidNotStart as failed:
        return Trial(failure=str(failed))


class _DidNotStart(Exception):
    """The program ended, or was not healthy in time."""


@contextmanager
def _served(bundle: Path) -> Iterator[tuple[int, subprocess.Popen[bytes], float]]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = int(taken.getsockname()[1])
    with tempfile.TemporaryFile() as said:
        began = time.monotonic()
        process = subprocess.Popen(
            dies_with_us(command(bundle, "serve")),
            cwd=bundle,
            env={
                **environment(bundle, os.environ),
                "SAGEMAKER_BASE_DIR": str(bundle.parent),
                "SM_MODEL_DIR": str(bundle),
                "SAGEMAKER_BIND_TO_PORT": str(port),
            },
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield port, process, began
        except _DidNotStart as failed:
            said.seek(0)
            words = " ".join(said.read().decode(errors="replace").split())[-LONGEST_TAIL:]
            raise _DidNotStart(f"{failed}{': ' if words else ''}{words}") from failed
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _until_healthy(port: int, process: subprocess.Popen[bytes]) -> float:
    deadline = time.monotonic() + LONGEST_START
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise _DidNotStart(f"it ended with status {process.returncode}")
        with suppress(OSError, http.client.HTTPException), _line(port) as line:
            if _ask(line, "GET", "/ping") == http.HTTPStatus.OK:
                return time.monotonic()
        time.sleep(LOOK)
    raise _DidNotStart(f"it was not healthy after {LONGEST_START:.0f} s")


def _measured(
    port: int, process: subprocess.Popen[bytes], body: bytes, requests: int, ready: float
) -> Trial:
    with _memory_of(process.pid) as most:
        seconds: list[float] = []
        good = 0
        with _line(port) as line:
            for number in range(WARM_UP + requests):
                began = time.perf_counter()
                answered = _good(line, body)
                if number >= WARM_UP:
                    seconds.append(time.perf_counter() - began)
                    good += answered
        share = [requests // CLIENTS] * CLIENTS
        began = time.perf_counter()
        with ThreadPoolExecutor(CLIENTS) as clients:
            together = sum(clients.map(lambda count: _several(port, body, count), share))
        per_second = sum(share) / (time.perf_counter() - began)
    asked = requests + sum(share)
    percentiles = statistics.quantiles(seconds, n=20)
    return Trial(
        requests=asked,
        errors=asked - good - together,
        p50_ms=statistics.median(seconds) * 1000,
        p95_ms=percentiles[-1] * 1000,
        per_second=per_second,
        memory_mb=most[0] / MEGABYTE,
        cold_start_seconds=ready,
    )


def _several(port: int, body: bytes, count: int) -> int:
    with _line(port) as line:
        return sum(_good(line, body) for _ in range(count))


@contextmanager
def _line(port: int) -> Iterator[http.client.HTTPConnection]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=LONGEST_REQUEST)) as line:
        yield line


def _good(line: http.client.HTTPConnection, body: bytes) -> bool:
    try:
        return _ask(line, "POST", "/invocations", body) == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        line.close()
        return False


def _ask(
    line: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None
) -> int:
    line.request(method, path, body, {"Content-Type": "application/json"})
    answer = line.getresponse()
    answer.read()
    return answer.status


@contextmanager
def _memory_of(pid: int) -> Iterator[list[float]]:
    """The most memory that a process and its children hold while this is open, bytes."""
    most, end = [0.0], threading.Event()

    def look() -> None:
        while True:
            with suppress(psutil.NoSuchProcess):
                root = psutil.Process(pid)
                family = [root, *root.children(recursive=True)]
                most[0] = max(most[0], float(sum(one.memory_info().rss for one in family)))
            if end.wait(LOOK):
                return

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield most
    finally:
        end.set()
        looking.join()


if __name__ == "__main__":
    Path(sys.argv[3]).write_text(tried(Path(sys.argv[1]), int(sys.argv[2])).model_dump_json())
