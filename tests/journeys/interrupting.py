"""Strike a part of the stack: what stops it, and what takes its place."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deployments.laptop.processes import Started, recall, remember, start, wait_until
from deployments.laptop.stack import answers
from tests.journeys.releasing import ROOT, until

READY_SECONDS = 120.0


def part(journey, name: str) -> Started:
    """A process of the stack, as it was written down."""
    return next(found for found in recall(journey.laptop.record)[0] if found.name == name)


@contextmanager
def gone(journey, name: str, sign: int) -> Iterator[None]:
    """A part of the stack is dead for the length of the block; then another takes its place."""
    dying = part(journey, name)
    words = Path(f"/proc/{dying.pid}/cmdline").read_bytes().decode().split("\0")[:-1]
    os.kill(dying.pid, sign)
    until(f"{name} has ended", lambda: not dying.alive, 60)
    try:
        yield
    finally:
        log = journey.laptop.log(name)
        born = start(name, words, journey.laptop.environment(), log, ROOT)
        processes, facts = recall(journey.laptop.record)
        others = [other for other in processes if other.name != name]
        remember(journey.laptop.record, [*others, born], facts)
        if name == "prefect-server":
            health = f"{journey.prefect.ui}/api/health"
            wait_until("The server", lambda: answers(health), READY_SECONDS, born, log)


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Say how long the block took, in real seconds."""
    began = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - began:.1f} s")
