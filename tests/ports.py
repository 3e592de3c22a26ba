"""Ports that a test may hand to a server, and find again after it has ended."""

from __future__ import annotations

import atexit
import socket


def reserved_port() -> int:
    """A port of 127.0.0.1 that is nobody's until this process ends, but for who names it.

    Bound and not listened on: Linux gives it neither to an outgoing connection nor to who asks
    for any port, and lets a server with SO_REUSEADDR listen there. A port that was only looked
    for, and let go, is anybody's on a busy machine.
    """
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    atexit.register(holder.close)  # which holds it until then
    return int(holder.getsockname()[1])
