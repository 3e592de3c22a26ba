"""Bring the stack up and down: embedded AWS, Prefect server, deployments, worker."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deployments.laptop import resources
from deployments.laptop.environment import ROOT, Laptop, number, port
from deployments.laptop.processes import (
    StackError,
    Started,
    end,
    recall,
    remember,
    require_free,
    start,
    tail,
    wait_until,
)
from deployments.laptop.reports import start_collector

SERVER_SECONDS = 120.0
AWS_SECONDS = 60.0
WORK_POOL = "sluice"

# A proxy could not find our loopback.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))

Say = Callable[[str], None]


def laptop_from_environment(default_scale: float = 1.0) -> Laptop:
    """The stack as the environment asks for it.

    ``SLUICE_STATE`` is its folder, ``SLUICE_AWS_PORT``, ``SLUICE_PREFECT_PORT`` and
    ``SLUICE_COLLECTOR_PORT`` its ports, ``SLUICE_TIME_SCALE`` how fast AWS's time passes.

    Raises:
        StackError: one of them cannot be.
    """
    aws_port = port("SLUICE_AWS_PORT", 4566)
    prefect_port = port("SLUICE_PREFECT_PORT", 4200)
    if aws_port == prefect_port:
        raise StackError(
            f"Port {aws_port} is wanted for both the embedded AWS and the Prefect server. Next: "
            "give SLUICE_AWS_PORT and SLUICE_PREFECT_PORT different ones."
        )
    asked = os.environ.get("SLUICE_COLLECTOR_PORT")
    collector_port = port("SLUICE_COLLECTOR_PORT", 0) if asked else 0
    if collector_port in {aws_port, prefect_port}:
        raise StackError(
            f"Port {collector_port} is wanted for the collector and for another part. Next: give "
            "SLUICE_COLLECTOR_PORT a port of its own, or leave it out."
        )
    time_scale = number("SLUICE_TIME_SCALE", default_scale)
    if time_scale <= 0:
        raise StackError(
            f"SLUICE_TIME_SCALE={time_scale:g} would stop the time. Next: choose a number above 0, "
            f"or leave it out for {default_scale:g}."
        )
    state = Path(os.environ.get("SLUICE_STATE", ".sluice"))
    return Laptop(
        state=(state if state.is_absolute() else ROOT / state).resolve(),
        aws_port=aws_port,
        prefect_port=prefect_port,
        time_scale=time_scale,
        time_epoch=time.time(),
        collector_port=collector_port,
    )


def running(laptop: Laptop) -> list[Started]:
    """Processes of the stack that are alive."""
    return [process for process in recall(laptop.record)[0] if process.alive]


def up(laptop: Laptop, say: Say) -> Laptop:
    """Start everything; a stack that is already up is left as it is.

    Returns:
        The stack as it runs (with the ports and the clock of an earlier call, if there was one).

    Raises:
        StackError: a port is taken, or a part did not start. What was started is ended again.
    """
    known, facts = recall(laptop.record)
    alive = [process for process in known if process.alive]
    if alive and len(alive) == len(known) and facts.get("complete"):
        say(f"Already up: {facts['prefect_url']}")
        return from_record(laptop)
    for process in alive:
        end(process)
    require_free(laptop.aws_port, "the embedded AWS", "SLUICE_AWS_PORT")
    require_free(laptop.prefect_port, "the Prefect server", "SLUICE_PREFECT_PORT")
    started: list[Started] = []
    try:
        _start_all(laptop, started, say)
    except BaseException:
        for process in reversed(started):
            end(process)
        laptop.record.unlink(missing_ok=True)
        raise
    return laptop


def _start_all(laptop: Laptop, started: list[Started], say: Say) -> None:
    def launch(name: str, *command: str) -> Started:
        process = start(
            name, (sys.executable, "-m", *command), laptop.environment(), laptop.log(name), ROOT
        )
        started.append(process)
        remember(laptop.record, started, _facts(laptop, complete=False))
        return process

    for name in ("embedded-aws", "prefect-server", "worker", "deploy"):
        laptop.log(name).unlink(missing_ok=True)
    say("Starting the embedded AWS and the Prefect server")
    server = launch(
        "prefect-server",
        *("deployments.laptop.server", "start", "--host", "127.0.0.1"),
        *("--port", str(laptop.prefect_port)),
    )
    aws = launch(
        "embedded-aws",
        *("embedded_aws", "--port", str(laptop.aws_port)),
        *("--time-scale", str(laptop.time_scale), "--time-epoch", str(laptop.time_epoch)),
        *("--state-dir", str(laptop.state / "aws")),
    )
    wait_until(
        "The embedded AWS",
        lambda: answers(f"{laptop.aws_url}/_embedded/health"),
        AWS_SECONDS,
        aws,
        laptop.log("embedded-aws"),
    )
    made = resources.create(
        laptop.variables(), ("sluice-lake", "sluice-models", "sluice-work"), "sluice-models"
    )
    for name, value in made.items():
        laptop.keep_fact(name, value)
    # What a Lambda function does on AWS: it stops a bad candidate when all of Prefect is dead.
    launch("dead-mans-switch", "tasks.release.dead_man", made["alarms_queue_url"])
    say(f"Clients report to {start_collector(laptop, launch)}")
    wait_until(
        "The Prefect server",
        lambda: answers(f"{laptop.prefect_url}/api/health"),
        SERVER_SECONDS,
        server,
        laptop.log("prefect-server"),
    )
    say("Starting the worker")  # it makes its work pool, which the deployments then name
    worker = launch(
        "worker",
        *("prefect", "worker", "start", "--pool", WORK_POOL, "--type", "process"),
        *("--name", "laptop", "--limit", "6"),
    )
    wait_until(
        "The worker",
        lambda: "Worker 'laptop' started" in tail(laptop.log("worker"), 50),
        SERVER_SECONDS,
        worker,
        laptop.log("worker"),
    )
    launch("reconciler", "deployments.reconciler")
    say("Applying the deployments")
    command(laptop, "deploy", "deployments.apply")
    remember(laptop.record, started, _facts(laptop, complete=True))
    say(f"Up: Prefect UI {laptop.prefect_url}, embedded AWS {laptop.aws_url}")


def _facts(laptop: Laptop, *, complete: bool) -> dict[str, object]:
    return {
        "complete": complete,
        "prefect_url": laptop.prefect_url,
        "aws_port": laptop.aws_port,
        "prefect_port": laptop.prefect_port,
        "time_scale": laptop.time_scale,
        "time_epoch": laptop.time_epoch,
    }


def from_record(laptop: Laptop) -> Laptop:
    """The running stack's own ports and clock.

    Raises:
        StackError: nothing runs.
    """
    known, facts = recall(laptop.record)
    if not known or not facts.get("complete"):
        raise StackError("The stack is not up. Next: make up.")
    return Laptop(
        state=laptop.state,
        aws_port=int(str(facts["aws_port"])),
        prefect_port=int(str(facts["prefect_port"])),
        time_scale=float(str(facts["time_scale"])),
        time_epoch=float(str(facts["time_epoch"])),
    )


def down(laptop: Laptop, say: Say) -> None:
    """End everything that ``up`` started, the worker first, so that nothing new begins."""
    processes = running(laptop)
    if not processes:
        say("Nothing is running.")
    for process in reversed(processes):
        say(f"Ending {process.name}")
        end(process)
    laptop.record.unlink(missing_ok=True)


def command(laptop: Laptop, name: str, *module: str) -> str:
    """Run a Python module to its end in the stack's environment and return what it printed.

    Raises:
        StackError: it ended with an error.
    """
    done = subprocess.run(
        [sys.executable, "-m", *module],
        env=laptop.environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    log = laptop.log(name)
    with log.open("a") as file:
        file.write(done.stdout + done.stderr)
    if done.returncode != 0:
        raise StackError(f"{' '.join(module)} failed. Next: read {log}:\n{tail(log)}")
    return done.stdout


def answers(url: str) -> bool:
    """Whether an address answers 200."""
    try:
        with _DIRECT.open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as error:
        error.close()
        return False
    except (urllib.error.URLError, OSError, ValueError):
        return False


@contextmanager
def stack(laptop: Laptop, say: Say) -> Iterator[Laptop]:
    """The stack for the length of a block."""
    try:
        yield up(laptop, say)
    finally:
        down(laptop, lambda _line: None)
