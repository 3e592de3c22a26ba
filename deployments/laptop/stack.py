"""Bring the stack up and down, and repair it: what lives is kept, what is missing is started."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from deployments.laptop import credentials
from deployments.laptop.environment import ROOT, Laptop, number, origins, port
from deployments.laptop.parts import (
    PARTS,
    Health,
    answers,
    health,
    replies,
)
from deployments.laptop.processes import (
    StackError,
    Started,
    alone,
    end,
    forget,
    recall,
    remember,
)
from deployments.laptop.starting import Say, Starting, command, facts_of

# How long a part that lives may stay silent, on a busy machine, before it is started anew.
PATIENCE_SECONDS = 60.0

__all__ = ["answers", "command", "down", "from_record", "laptop_from_environment", "stack", "up"]


def laptop_from_environment(default_scale: float = 1.0) -> Laptop:
    """The stack as the environment asks for it.

    ``SLUICE_STATE`` is its folder, ``SLUICE_AWS_PORT``, ``SLUICE_PREFECT_PORT`` and
    ``SLUICE_COLLECTOR_PORT`` its ports, ``SLUICE_COLLECTOR_ORIGINS`` whose pages may report,
    ``SLUICE_TIME_SCALE`` how fast AWS's time passes.

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
    wish = os.environ.get("SLUICE_COLLECTOR_PORT")
    collector_port = port("SLUICE_COLLECTOR_PORT", 0) if wish else 0
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
        collector_origins=origins("SLUICE_COLLECTOR_ORIGINS"),
    )


def running(laptop: Laptop) -> list[Started]:
    """Processes of the stack that are alive."""
    return [process for process in recall(laptop.record)[0] if process.alive]


def up(laptop: Laptop, say: Say) -> Laptop:
    """Start what is missing; what lives is left as it is, and nothing is deleted.

    Returns:
        The stack as it runs (with the ports and the clock of an earlier call, if some of it lives).

    Raises:
        StackError: a port is taken, or a part did not start. What this call started is ended again.
    """
    with alone(laptop.hold, lambda: say("Another command is at work on this stack; waiting")):
        processes, facts = recall(laptop.record)
        alive = [process for process in processes if process.alive and process.name in PARTS]
        if laptop.record.exists() and not processes:
            say(
                f"{laptop.record} cannot be read; what it named, if it lives, must be ended by hand"
            )
        if alive and not (facts.get("asks_who_calls") and credentials.complete(laptop.credentials)):
            say("What runs does not ask who calls, or for what is lost; starting it anew")
            for process in reversed(alive):
                end(process)
            alive = []
        credentials.make(laptop.credentials, running=bool(alive), say=say)
        if alive:
            laptop = _as_it_runs(laptop, facts, say)
        for process in processes:
            if not process.alive:
                say(f"Missing: {process.name} (its log: {laptop.log(process.name)})")
        running_now = _answering(laptop, alive, say)
        if facts.get("complete") and {process.name for process in running_now} == set(PARTS):
            say(f"Already up: {laptop.prefect_url}")
            return laptop
        started = list(running_now)
        try:
            return Starting(laptop, started, say).all()
        except BaseException:
            for process in reversed([p for p in started if p not in running_now]):
                end(process)
            _note(laptop, running_now, complete=bool(facts.get("complete")))
            raise


def _as_it_runs(laptop: Laptop, facts: Mapping[str, object], say: Say) -> Laptop:
    """The ports and the clock of what lives; a wish for others is told, not followed."""
    now = _with(laptop, facts)
    wishes = (
        ("SLUICE_AWS_PORT", now.aws_port, laptop.aws_port),
        ("SLUICE_PREFECT_PORT", now.prefect_port, laptop.prefect_port),
        ("SLUICE_TIME_SCALE", now.time_scale, laptop.time_scale),
    )
    for variable, fact, wish in wishes:
        if fact != wish:
            say(f"{variable} stays {fact:g}, not {wish:g}, while it runs. Next: make down first")
    return now


def _answering(laptop: Laptop, alive: list[Started], say: Say) -> list[Started]:
    """Those that do what they are there for; one that stays silent is ended."""
    for process in alive:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while process.alive and not replies(laptop, process.name):
            if time.monotonic() > deadline:
                say(f"{process.name} does not answer; ending it")
                end(process)
                break
            time.sleep(0.5)
    survivors = [process for process in alive if process.alive]
    for process in survivors:
        say(f"Kept: {process.name} (process {process.pid})")
    return survivors


def _note(laptop: Laptop, processes: Sequence[Started], *, complete: bool) -> None:
    if processes:
        remember(laptop.record, processes, facts_of(laptop, complete=complete))
    else:
        forget(laptop.record)


def from_record(laptop: Laptop) -> Laptop:
    """The running stack's own ports and clock.

    Raises:
        StackError: nothing runs.
    """
    processes, facts = recall(laptop.record)
    if not processes or not facts.get("complete"):
        raise StackError("The stack is not up. Next: make up.")
    return _with(laptop, facts)


def _with(laptop: Laptop, facts: Mapping[str, object]) -> Laptop:
    return Laptop(
        state=laptop.state,
        aws_port=int(str(facts["aws_port"])),
        prefect_port=int(str(facts["prefect_port"])),
        time_scale=float(str(facts["time_scale"])),
        time_epoch=float(str(facts["time_epoch"])),
        collector_port=laptop.collector_port,
        collector_origins=laptop.collector_origins,
    )


def status(laptop: Laptop) -> tuple[list[Health], Laptop]:
    """How each part is, and the stack as it runs."""
    processes, facts = recall(laptop.record)
    if any(process.alive for process in processes):
        laptop = _with(laptop, facts)
    return health(laptop, processes), laptop


def down(laptop: Laptop, say: Say) -> None:
    """End everything that ``up`` started, the worker first, so that nothing new begins.

    What it held stays in the state folder.
    """
    with alone(laptop.hold, lambda: say("Another command is at work on this stack; waiting")):
        processes = running(laptop)
        if not processes:
            say("Nothing is running.")
        for process in reversed(processes):
            say(f"Ending {process.name}")
            end(process)
        forget(laptop.record)


def held(state: Path) -> list[tuple[Path, int]]:
    """The folders of a state folder, with their bytes."""
    folders = []
    for folder in sorted(path for path in state.glob("*") if path.is_dir()):
        size = 0
        for path in folder.rglob("*"):
            with contextlib.suppress(OSError):
                size += path.lstat().st_size if path.is_file() else 0
        folders.append((folder, size))
    return folders


@contextmanager
def stack(laptop: Laptop, say: Say) -> Iterator[Laptop]:
    """The stack for the length of a block."""
    try:
        yield up(laptop, say)
    finally:
        down(laptop, lambda _line: None)
