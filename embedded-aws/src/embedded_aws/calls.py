"""What was asked of the embedded AWS, so that a test can prove that nothing was asked twice."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any


@dataclass(frozen=True)
class Call:
    """One API request and how it ended; ``time`` is virtual unix time, ``error`` a code or ""."""

    time: float
    service: str
    action: str
    status: int
    error: str = ""


class Calls:
    """The last calls in full, and the number of all calls since the start.

    Args:
        keep: How many calls are kept in full.
    """

    def __init__(self, keep: int = 20_000) -> None:
        self._lock = threading.Lock()
        self._recent: deque[Call] = deque(maxlen=keep)
        self._counts: Counter[str] = Counter()

    def add(self, call: Call) -> None:
        """Note a call."""
        with self._lock:
            self._recent.append(call)
            self._counts[f"{call.service}:{call.action}"] += 1

    def count(self, service: str, action: str) -> int:
        """How often an action was called, whatever came of it."""
        with self._lock:
            return self._counts[f"{service}:{action}"]

    def report(self, service: str = "*", action: str = "*", limit: int = 100) -> dict[str, Any]:
        """Counts per ``service:action`` and the last matching calls, oldest first."""
        with self._lock:
            counts = dict(sorted(self._counts.items()))
            recent = [
                call
                for call in self._recent
                if fnmatchcase(call.service, service) and fnmatchcase(call.action, action)
            ]
        pattern = f"{service}:{action}"
        return {
            "counts": {name: n for name, n in counts.items() if fnmatchcase(name, pattern)},
            "calls": [asdict(call) for call in recent[-limit:]],
        }

    def clear(self) -> None:
        """Forget all calls."""
        with self._lock:
            self._recent.clear()
            self._counts.clear()
