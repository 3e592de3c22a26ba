"""How long and how many connections may keep the server waiting.

uvicorn bounds headers in bytes and closes idle connections, but it waits for ever for a head, a
body or a reader that comes a byte a second (slow loris), and what it does at its limit of
connections (``limit_concurrency``) answers the honest with 503 while the idle stay.
"""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from models.runtime.serving.limits import LINGER_SECONDS, ServingLimits


class BoundedConnection(H11Protocol):
    """One connection, which is closed when its client keeps it waiting."""

    limits = ServingLimits()

    _state: object = None
    _waits_since: float | None = None
    _waiting: asyncio.TimerHandle | None = None
    _writing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait; where there are too many, let go of who has been waited for longest."""
        super().connection_made(transport)
        self._watch()
        if len(self.connections) <= self.limits.connections:
            return
        others = [
            (other._waits_since, id(other), other)  # noqa: SLF001 - of the same class
            for other in self.connections
            if isinstance(other, BoundedConnection) and other._waits_since is not None  # noqa: SLF001
        ]
        last = min(others)[2] if others else self
        # Its end is told in a later round of the loop; until then it must not be chosen again.
        self.connections.discard(last)
        last.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        for timer in (self._waiting, self._writing):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes begin no new wait; the end of a head or of a body does."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """The next head is waited for."""
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        """The client does not read its answer as fast as it is written."""
        super().pause_writing()
        self._writing = self.loop.call_later(self.limits.body_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It did."""
        super().resume_writing()
        if self._writing is not None:
            self._writing.cancel()

    def _watch(self) -> None:
        state: object = self.conn.their_state
        if state is self._state:
            return
        self._state = state
        if self._waiting is not None:
            self._waiting.cancel()
        seconds = self._patience(state)
        self._waits_since = None if seconds is None else self.loop.time()
        if seconds is None or self.transport.is_closing():
            self._waiting = None
        else:
            self._waiting = self.loop.call_later(seconds, self.transport.abort)

    def _patience(self, state: object) -> float | None:
        """How long a client may take in a state of its side; None where the turn is ours."""
        if state is h11.IDLE:
            return self.limits.head_seconds
        if state is h11.SEND_BODY:
            # A body has its own limit, with an answer; this ends what nobody reads.
            return self.limits.body_seconds + LINGER_SECONDS
        return None


def bounded(by: ServingLimits) -> type[BoundedConnection]:
    """The connections of a server of other limits."""

    class Bounded(BoundedConnection):
        limits = by

    return Bounded
