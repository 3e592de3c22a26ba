"""What the server bounds, each named once. docs/models.md ("The server") and SECURITY.md tell it.

Whoever may send a request may send a hostile one. So nothing that a client chooses (how long, how
slowly, how many, how deep) decides what the server spends. What an image or a text may hold stands
beside what reads it (``images/pictures.py``, ``tables/cells.py``).
"""

from __future__ import annotations

from dataclasses import dataclass

MOST_BODY_BYTES = 6 * 1024 * 1024
"""SageMaker's own limit for a request to a real-time endpoint."""
MOST_INSTANCES = 10_000
"""Rows go through the graph one by one."""

MOST_HEAD_BYTES = 16 * 1024
BACKLOG = 256
"""Connections that are taken in one go: with the open ones they stay below the 1,024 files that a
process may usually open."""
KEEP_ALIVE_SECONDS = 5
"""A connection without a request is closed then."""
LINGER_SECONDS = 1.0
LINGER_BYTES = 2 * MOST_BODY_BYTES
"""How much of a body that was refused is still taken, and thrown away: who is closed in the middle
of sending never reads why."""

SMALL_BODY_BYTES = 64 * 1024
"""A body up to this size is always read; larger ones share what may be held."""
RETRY_AFTER_SECONDS = 1
"""What is told to who came when too many waited."""
QUICK_BYTES, QUICK_INSTANCES, QUICK_PIXELS = 1024 * 1024, 100, 16_000_000
"""A request beyond one of them is large: it waits in a line of its own, not before the others."""
ROWS_AT_ONCE = 100
"""Rows of a large request that are answered before another request may have the model."""


@dataclass(frozen=True)
class ServingLimits:
    """What depends on how much the machine is trusted with; a test takes less of each.

    Args:
        connections: Open at once. Beyond, the one is closed that has kept the server waiting
            longest.
        head_seconds: From the connection, or the last answer, to the end of a request's headers.
        body_seconds: From the headers to the end of the body; as long may a client take to read
            an answer.
        held_bytes: Bodies that are not small, held at once.
        waiting: Requests that are answered or wait for it.
        large_waiting: Those of them that are large.
        ping_seconds: How long ``/ping`` waits for the model, which may be busy; the platform gives
            it two.
        stuck_seconds: A model that has not answered its example by then is not healthy;
            SageMaker's own limit for an answer.
    """

    connections: int = 512
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    held_bytes: int = 128 * 1024 * 1024
    waiting: int = 64
    large_waiting: int = 16
    ping_seconds: float = 1.0
    stuck_seconds: float = 60.0
