"""Starts the parts of the stack that are missing, each when what it needs answers."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace

from deployments.laptop import resources
from deployments.laptop.environment import ROOT, Laptop
from deployments.laptop.parts import (
    AWS,
    CLOCKED,
    COLLECTOR,
    FAILSAFE,
    PARTS,
    RECONCILER,
    SERVER,
    WORKER,
    WORKER_NAME,
    aws_command,
    failsafe_command,
    own_variables,
    replies,
    server_command,
    told,
)
from deployments.laptop.processes import (
    StackError,
    Started,
    put_aside,
    remember,
    since,
    soon_free,
    start,
    tail,
    wait_until,
)
from deployments.laptop.reports import start_collector
from deployments.signing import new_key

SERVER_SECONDS = 120.0
AWS_SECONDS = 60.0
# How long the endpoints that served before are waited for.
AGAIN_SECONDS = 120.0

Say = Callable[[str], None]


class Starting:
    """Starts the parts that are not among ``started``, and adds them."""

    def __init__(self, laptop: Laptop, started: list[Started], say: Say) -> None:
        self._laptop = laptop
        self._started = started
        self._say = say

    def all(self) -> Laptop:
        """Everything; the stack as it then runs."""
        missing = [name for name in PARTS if self._find(name) is None]
        signs_anew = not self._laptop.signing_key.exists()
        if signs_anew:
            new_key(self._laptop.signing_key)
        if AWS in missing:
            soon_free(self._laptop.aws_port, "the embedded AWS", "SLUICE_AWS_PORT")
        if SERVER in missing:
            soon_free(self._laptop.prefect_port, "the Prefect server", "SLUICE_PREFECT_PORT")
            self._say("Starting the Prefect server")
            self._launch(SERVER, *server_command(self._laptop))
        if AWS in missing:
            self._aws()
        ids = resources.create(
            self._laptop.variables(), ("sluice-lake", "sluice-models", "sluice-work"),
            "sluice-models",
        )  # fmt: skip
        for name, value in ids.items():
            self._laptop.keep_fact(name, value)
        if signs_anew:
            # What a stack from before there were signatures has published is this person's own.
            command(self._laptop, "sign", "deployments.signing", "sign")
        if FAILSAFE in missing:
            # It stops a bad candidate when all of Prefect is dead.
            self._say("Starting the receiver of the failsafe alarms")
            self._launch(FAILSAFE, *failsafe_command(ids["alarms_queue_url"]))
        if COLLECTOR in missing:
            self._say(f"Clients report to {start_collector(self._laptop, self._launch)}")
        self._wait("The Prefect server", SERVER, lambda: replies(self._laptop, SERVER))
        if WORKER in missing:
            self._worker()
        if RECONCILER in missing:
            self._say("Starting the reconciler")
            self._launch(RECONCILER, "deployments.reconciler")
        self._say("Applying the deployments")
        command(self._laptop, "deploy", "deployments.apply")
        remember(self._laptop.record, self._started, facts_of(self._laptop, complete=True))
        laptop = self._laptop
        self._say(f"Up: Prefect UI {laptop.prefect_url}, embedded AWS {laptop.aws_url}")
        return laptop

    def _aws(self) -> None:
        """Start the embedded AWS with what it held, at the time where it was."""
        laptop = self._laptop
        has_state = (laptop.state / "aws" / "state.db").exists()
        self._say("Starting the embedded AWS" + (", with what it held" if has_state else ""))
        # Who lives has the clock in its environment; otherwise time goes on where it was.
        bound = any(process.name in CLOCKED for process in self._started)
        epoch = laptop.time_epoch if bound or not has_state else None
        self._launch(AWS, *aws_command(laptop, epoch))
        self._wait("The embedded AWS", AWS, lambda: replies(laptop, AWS), AWS_SECONDS)
        clock = told(laptop, "clock")
        self._laptop = replace(laptop, time_epoch=float(clock.get("epoch", laptop.time_epoch)))
        self._again()

    def _again(self) -> None:
        """Wait until the endpoints that served before serve again, or say which do not."""
        deadline = time.monotonic() + AGAIN_SECONDS
        waiting = told(self._laptop, "recovering").get("endpoints", [])
        if waiting:
            self._say(f"Endpoints come up again: {', '.join(waiting)}")
        while waiting and time.monotonic() < deadline:
            time.sleep(0.2)
            waiting = told(self._laptop, "recovering").get("endpoints", [])
        if waiting:
            self._say(f"Not yet serving: {', '.join(waiting)}. See {self._laptop.log(AWS)}")

    def _worker(self) -> None:
        self._say("Starting the worker")
        log = self._laptop.log(WORKER)
        position = put_aside(log)
        self._launch(WORKER, "deployments.laptop.worker")
        ready = f"Worker '{WORKER_NAME}' started"
        self._wait("The worker", WORKER, lambda: ready in since(log, position))

    def _find(self, name: str) -> Started | None:
        return next((process for process in self._started if process.name == name), None)

    def _launch(self, name: str, *module: str) -> Started:
        laptop = self._laptop
        put_aside(laptop.log(name))
        environment = {**laptop.environment(), **own_variables(laptop, name)}
        line = (sys.executable, "-m", *module)
        process = start(name, line, environment, laptop.log(name), ROOT)
        self._started.append(process)
        remember(laptop.record, self._started, facts_of(laptop, complete=False))
        return process

    def _wait(
        self, what: str, name: str, ready: Callable[[], bool], seconds: float = SERVER_SECONDS
    ) -> None:
        process = self._find(name)
        if process is not None:
            wait_until(what, ready, seconds, process, self._laptop.log(name))


def facts_of(laptop: Laptop, *, complete: bool) -> dict[str, object]:
    """What the record says beside the processes."""
    return {
        "complete": complete,
        "prefect_url": laptop.prefect_url,
        "aws_port": laptop.aws_port,
        "prefect_port": laptop.prefect_port,
        "time_scale": laptop.time_scale,
        "time_epoch": laptop.time_epoch,
        "asks_who_calls": True,
    }


def command(laptop: Laptop, name: str, *module: str) -> str:
    """Run a Python module to its end in the stack's environment and return what it printed.

    Raises:
        StackError: it ended with an error.
    """
    process = subprocess.run(
        [sys.executable, "-m", *module],
        env=laptop.environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    log = laptop.log(name)
    with log.open("a") as file:
        file.write(process.stdout + process.stderr)
    if process.returncode != 0:
        raise StackError(f"{' '.join(module)} failed. Next: read {log}:\n{tail(log)}")
    return process.stdout
