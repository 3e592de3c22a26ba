"""``python -m benchmarks.security.serving``: a serving program beside hostile clients.

A photo model of the generated rooms is trained in a minute and served by its bundle's own program
on this machine. Honest clients ask it, quietly for a fifth of the time, then beside those of
``clients.py``. The table tells restarts, memory, and the 99th percentile of ``/ping`` and of what
honest clients wait; the exit status is 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

from benchmarks.training.job import ROOT, run_job
from deployments.demo.photos import write_photos
from deployments.demo.rooms import ROOMS
from models.runtime.family import Family
from models.runtime.split import COLUMNS, columns_document

PING_SECONDS, TIMES_SLOWER, MEMORY_SHARE = 2.0, 3.0, 0.10
PHOTO_COLUMNS = [{"name": "file", "type": "string"}, {"name": "label", "type": "string"}]
CLIENTS, PAUSE = 2, 0.05
SETTLING = 60.0
"""Seconds after an attack in which what still waits is answered, and let go."""


@dataclass
class Felt:
    """What honest clients waited, in seconds, and how often they got no answer."""

    answers: list[float] = field(default_factory=list)
    pings: list[float] = field(default_factory=list)
    turned_away: int = 0
    failed: int = 0


@dataclass(frozen=True)
class Server:
    """A serving program."""

    process: subprocess.Popen[bytes]
    port: int

    def memory(self) -> float:
        """MB that it holds; 0 when it has ended."""
        try:
            pages = Path(f"/proc/{self.process.pid}/statm").read_text("ascii").split()[1]
        except OSError:
            return 0.0
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, float]:
        """Status and seconds of one request on a new connection; status 0: no answer."""
        began = time.perf_counter()
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            line.request(method, path, body, {"Content-Type": "application/json"})
            answer = line.getresponse()
            answer.read()
            return answer.status, time.perf_counter() - began
        except (OSError, http.client.HTTPException):
            return 0, time.perf_counter() - began
        finally:
            line.close()


def trained(base: Path) -> tuple[Path, bytes]:
    """A bundle of a small photo model, and a request that it answers."""
    for seed, (channel, count) in enumerate((("training", 120), ("holdout", 40))):
        folder = base / "input" / "data" / channel
        write_photos(folder, ROOMS, count, date(2026, 1, 5), 1, seed)
        (folder / COLUMNS).write_text(columns_document(PHOTO_COLUMNS), encoding="utf-8")
    family = Family("classification", "image", "sklearn", "label")
    run_job("room-classifier", family, {"max_iter": 10, "side": 32}, base)
    sample = base / "model" / "sample_request.json"
    return base / "model", sample.read_bytes()


@contextmanager
def serving(model: Path) -> Iterator[Server]:
    """The bundle's own program, until it is no longer asked."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "code/entry_point.py"],
        cwd=model,
        env={
            "PATH": os.environ["PATH"],
            "SAGEMAKER_BASE_DIR": str(model.parent),
            "SAGEMAKER_BIND_TO_PORT": str(port),
        },
        stdout=subprocess.DEVNULL,
    )
    server = Server(process, port)
    try:
        while server.ask("GET", "/ping")[0] != 200:
            if process.poll() is not None:
                raise RuntimeError("the server ended before it answered")
            time.sleep(0.1)
        yield server
    finally:
        process.terminate()
        process.wait(60)


def felt(server: Server, body: bytes, seconds: float) -> tuple[Felt, list[float]]:
    """What honest clients feel for so long, and the server's memory meanwhile."""
    seen, memory, end = Felt(), list[float](), time.monotonic() + seconds

    def client() -> None:
        while time.monotonic() < end:
            status, took = server.ask("POST", "/invocations", body)
            if status == 200:
                seen.answers.append(took)
            elif status == 503:
                seen.turned_away += 1
            else:
                seen.failed += 1
            time.sleep(PAUSE)

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    while time.monotonic() < end:
        status, took = server.ask("GET", "/ping")
        seen.pings.append(took if status == 200 else float("inf"))
        memory.append(server.memory())
        time.sleep(PAUSE)
    for thread in threads:
        thread.join()
    return seen, memory


def settled(server: Server, least: float) -> float:
    """The server's memory after an attack, when it is so small again, else after a while."""
    end = time.monotonic() + SETTLING
    while (held := server.memory()) > least and time.monotonic() < end:
        time.sleep(0.5)
    return held


def main() -> int:
    """Exit status 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.security.serving")
    parser.add_argument("--minutes", type=float, default=10.0, help="quiet and attack together")
    seconds = parser.parse_args().minutes * 60
    with tempfile.TemporaryDirectory(prefix="sluice-hostile-") as folder:
        model, body = trained(Path(folder))
        with serving(model) as server:
            quiet, (*_, start) = felt(server, body, seconds / 5)
            words = [sys.executable, "-m", "benchmarks.security.clients", str(server.port)]
            attack = subprocess.Popen(
                [*words, str(seconds * 4 / 5)], cwd=ROOT, stdout=subprocess.PIPE, text=True
            )
            assert attack.stdout is not None
            attack.stdout.readline()
            beside, memory = felt(server, body, seconds * 4 / 5)
            answered = json.loads(attack.communicate(timeout=180)[0])
            last, most = settled(server, start * (1 + MEMORY_SHARE)), max(memory)
            ended = int(server.process.poll() is not None)
    return report(quiet, beside, answered, (ended, start, last, most))


def report(
    quiet: Felt, beside: Felt, answered: dict[str, int], kept: tuple[int, float, float, float]
) -> int:
    """Print the table; 1 when a goal is missed."""
    ended, start, last, most = kept
    usual, now = (float(np.percentile(seen.answers or [np.inf], 99)) for seen in (quiet, beside))
    ping = float(np.percentile(beside.pings, 99))
    ours = sum(count for status, count in answered.items() if status == "500")
    rows = [
        ("restarts", f"{ended}", "0", not ended),
        (
            "memory at the start, at the end, at most",
            f"{start:.0f}, {last:.0f}, {most:.0f} MB",
            f"the end within {MEMORY_SHARE:.0%} of the start",
            abs(last - start) <= MEMORY_SHARE * start,
        ),
        ("`/ping`, p99", f"{ping:.3f} s", f"< {PING_SECONDS:g} s", ping < PING_SECONDS),
        (
            "honest clients, p99: quiet, beside the attack",
            f"{usual * 1000:.0f} ms, {now * 1000:.0f} ms",
            f"≤ {TIMES_SLOWER:g} times",
            now <= TIMES_SLOWER * usual,
        ),
        (
            "honest requests: answered, turned away (503), without an answer",
            f"{len(beside.answers)}, {beside.turned_away}, {beside.failed}",
            "none without",
            not beside.failed,
        ),
        ("hostile requests that ended in a 500", f"{ours}", "0", not ours),
    ]
    print(f"\n{datetime.now(tz=UTC):%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} cores\n")
    print("| what | measured | goal | |\n|---|---|---|---|")
    for what, measured, goal, met in rows:
        print(f"| {what} | {measured} | {goal} | {'met' if met else 'missed'} |")
    told = ", ".join(f"{count} × {status}" for status, count in sorted(answered.items()))
    print(f"\nHostile clients got: {told}.")
    return int(not all(met for *_, met in rows))


if __name__ == "__main__":
    raise SystemExit(main())
