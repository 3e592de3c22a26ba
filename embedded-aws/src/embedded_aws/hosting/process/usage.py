"""CPU and memory of serving processes, read from ``/proc``."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Usage:
    """What a process and its descendants have used so far."""

    cpu_seconds: float
    resident_bytes: int
    at: float


def usage(pid: int) -> Usage | None:
    """Usage of a process tree; None when it is gone or the system has no ``/proc``."""
    ticks, pages, alive = 0, 0, False
    waiting = [pid]
    while waiting:
        current = waiting.pop()
        try:
            stat = (PROC / str(current) / "stat").read_text()
            pages += int((PROC / str(current) / "statm").read_text().split()[1])
        except (OSError, IndexError, ValueError):
            continue
        alive = True
        # The command's name stands in brackets and may hold spaces: count from behind it.
        fields = stat.rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
        waiting += _children(current)
    if not alive:
        return None
    return Usage(
        cpu_seconds=ticks / os.sysconf("SC_CLK_TCK"),
        resident_bytes=pages * os.sysconf("SC_PAGE_SIZE"),
        at=time.monotonic(),
    )


def cpu_percent(before: Usage, after: Usage) -> float:
    """CPU between two readings, 100 per fully used core."""
    seconds = after.at - before.at
    if seconds <= 0:
        return 0.0
    return max(0.0, 100.0 * (after.cpu_seconds - before.cpu_seconds) / seconds)


def memory_percent(reading: Usage) -> float:
    """Resident memory as a part of this machine's, 0 to 100."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min(100.0, 100.0 * reading.resident_bytes / total)


def _children(pid: int) -> Iterable[int]:
    for path in (PROC / str(pid) / "task").glob("*/children"):
        try:
            yield from (int(child) for child in path.read_text().split())
        except (OSError, ValueError):
            continue
