"""Places at the processes of a variant, so that none is asked by more at once than it may be."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Sequence

from embedded_aws.hosting.process.server import Server


class Seats:
    """Who has how many places. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: Counter[Server] = Counter()

    def take(self, servers: Sequence[Server], most: int, *, least_busy: bool) -> Server | None:
        """A process with a place left, and take it; None when there is none.

        Args:
            servers: Those that can be asked.
            most: Places at each.
            least_busy: Whether it is the one with the fewest taken, or any at random.
        """
        with self._lock:
            free = [one for one in servers if self._taken[one] < most]
            if not free:
                return None
            least = min(free, key=lambda one: (self._taken[one], random.random()))
            server = least if least_busy else random.choice(free)
            self._taken[server] += 1
            return server

    def taken(self, server: Server) -> int:
        """How many places somebody has at a process."""
        with self._lock:
            return self._taken[server]

    def leave(self, server: Server) -> None:
        """Give a place back."""
        with self._lock:
            self._taken[server] -= 1
            if self._taken[server] <= 0:
                del self._taken[server]
