"""Ports for serving processes."""

from __future__ import annotations

import random
import socket
import threading

from embedded_aws.hosting.process.http1 import HOST

# Below the range from which systems take the ports of outgoing connections (Linux: 32768 on), so
# that no client's connection can occupy a port between our choosing it and the program's binding.
FIRST, LAST = 20_000, 32_000
ATTEMPTS = 2_000

_lock = threading.Lock()
_claimed: set[int] = set()


def claim() -> int:
    """A free port that no other caller in this process has claimed.

    Raises:
        OSError: when none is found.
    """
    with _lock:
        for _ in range(ATTEMPTS):
            port = random.randrange(FIRST, LAST)
            if port not in _claimed and _free(port):
                _claimed.add(port)
                return port
    raise OSError(f"no free port between {FIRST} and {LAST} on {HOST}")


def release(port: int) -> None:
    """Give a port back."""
    with _lock:
        _claimed.discard(port)


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
