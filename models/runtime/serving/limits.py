"""What the server bounds, each named once. docs/models.md ("The server") and SECURITY.md tell it.

Whoever may send a request may send a hostile one. So nothing that a client chooses (how long, how
slowly, how many, how deep) decides what the server spends.
"""

MOST_BODY_BYTES = 6 * 1024 * 1024
"""SageMaker's own limit for a request to a real-time endpoint."""
MOST_INSTANCES = 10_000
"""Rows go through the graph one by one."""

MOST_CONNECTIONS = 512
"""Beyond, the one is closed that has kept the server waiting longest."""
BACKLOG = 256
"""Connections that are taken in one go: with the open ones they stay below the 1,024 files that a
process may usually open."""
MOST_HEAD_BYTES = 16 * 1024
HEAD_SECONDS = 10.0
"""From the connection, or the last answer, to the end of a request's headers."""
BODY_SECONDS = 30.0
"""From the headers to the end of the body; and as long may a client take to read an answer."""
KEEP_ALIVE_SECONDS = 5
"""A connection without a request is closed then."""
LINGER_SECONDS = 1.0
LINGER_BYTES = 2 * MOST_BODY_BYTES
"""How much of a body that was refused is still taken, and thrown away: who is closed in the middle
of sending never reads why."""

SMALL_BODY_BYTES = 64 * 1024
"""A body up to this size is always read; larger ones share what follows."""
MOST_HELD_BYTES = 128 * 1024 * 1024
"""Larger bodies that are held at once."""
MOST_WAITING = 64
"""Requests that are answered or wait for it at once."""
MOST_LARGE_WAITING = 16
"""Those of them that are large."""
RETRY_AFTER_SECONDS = 1
"""What is told to who came beyond."""

QUICK_BYTES, QUICK_INSTANCES, QUICK_PIXELS = 1024 * 1024, 100, 16_000_000
"""A request beyond one of them is large: it waits in a line of its own, not before the others."""
ROWS_AT_ONCE = 100
"""Rows of a large request that are answered before another request may have the model."""

PING_SECONDS = 1.0
"""How long ``/ping`` waits for the model, which may be busy; the platform gives it two."""
STUCK_SECONDS = 60.0
"""A model that has not come round to its example by then is not healthy; SageMaker's own limit for
an answer."""
