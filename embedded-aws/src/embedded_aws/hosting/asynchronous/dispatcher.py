"""Brings the invocations of one endpoint to its instances, in the order of their arrival."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from embedded_aws.hosting.asynchronous.configuration import concurrency
from embedded_aws.hosting.asynchronous.line import Line
from embedded_aws.hosting.asynchronous.requests import Invocation
from embedded_aws.hosting.fleet.endpoint import Endpoint
from embedded_aws.hosting.fleet.variant import Variant
from embedded_aws.hosting.process.server import Server
from embedded_aws.hosting.shared import SharedState

log = logging.getLogger(__name__)

# Real seconds between two looks for a free instance. That one has finished is told at once; that
# one has come up, or that another fleet serves, is not.
LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class Seat:
    """A place at a process of the fleet that serves; the fleet waits for it before it retires."""

    variant: Variant
    server: Server

    def leave(self) -> None:
        """Give it back."""
        self.variant.unseat(self.server)
        self.variant.leave()


class Dispatcher:
    """One endpoint's queue on its way to the endpoint's instances.

    Args:
        shared: Clock, and whether all is closing.
        endpoint: Its routes are looked up again for each invocation, so that what is queued goes
            to whichever fleet serves.
        line: The queue.
        work: Processes an invocation; False when it could not be begun.
        expire: Takes an invocation whose time to live is over.
    """

    def __init__(
        self,
        shared: SharedState,
        endpoint: Endpoint,
        line: Line,
        work: Callable[[Line, Invocation, Seat], bool],
        expire: Callable[[Line, Invocation, Endpoint], None],
    ) -> None:
        self.endpoint = endpoint
        self.line = line
        self._shared = shared
        self._work = work
        self._expire = expire
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._expiring = False
        self._start(self._run, "queue")

    def join(self, deadline: float) -> None:
        """Wait for what is under way, but no longer than until this monotonic time."""
        self.line.wake()
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        while not self._is_over():
            try:
                self._look()
            except Exception:
                log.exception("queue of endpoint %s", self.endpoint.name)
                self._shared.closing.wait(LOOK_SECONDS)

    def _look(self) -> None:
        """Begin the next invocation, if one waits and an instance is free."""
        if not self.line.wait():
            return
        if not self._expiring and (over := self.line.expired(self._shared.world.clock.now())):
            self._expiring = True
            self._begin(partial(self._expire_all, over), "expired", over)
        seat = self._seat()
        if seat is None:
            self.line.wait(LOOK_SECONDS)
            return
        one = self.line.first()
        if one is None:
            seat.leave()
            return
        try:
            self._begin(partial(self._process, one, seat), str(one.number), [one])
        except RuntimeError:
            seat.leave()
            raise

    def _begin(self, work: Callable[[], None], name: str, ones: list[Invocation]) -> None:
        try:
            self._start(work, name)
        except RuntimeError:  # there are too many threads already
            self._expiring = False
            for one in ones:
                self.line.back(one)
            raise

    def _is_over(self) -> bool:
        return self._shared.closing.is_set() or self.line.dropped

    def _seat(self) -> Seat | None:
        routes = self.endpoint.routes
        choice = None if routes is None else routes.pick()
        if choice is None:
            return None
        generation, variant = choice
        if not variant.enter():
            return None
        server = variant.seat(concurrency(generation.config))
        if server is None:
            variant.leave()
            return None
        return Seat(variant, server)

    def _process(self, one: Invocation, seat: Seat) -> None:
        begun = True
        try:
            begun = self._work(self.line, one, seat)
        except Exception:
            log.exception("invocation %s of endpoint %s", one.id, one.endpoint)
        finally:
            # Back in its place before its seat is free: whoever comes later must not overtake it.
            if not begun:
                self.line.back(one)
            seat.leave()
            self.line.wake()

    def _expire_all(self, over: list[Invocation]) -> None:
        """Give up those of one look; those that expire meanwhile are the next look's."""
        try:
            for one in over:
                try:
                    self._expire(self.line, one, self.endpoint)
                except Exception:
                    log.exception("invocation %s of endpoint %s", one.id, one.endpoint)
        finally:
            self._expiring = False

    def _start(self, work: Callable[[], None], name: str) -> None:
        def run() -> None:
            try:
                work()
            finally:
                with self._lock:
                    self._threads.discard(threading.current_thread())

        thread = threading.Thread(
            target=run, name=f"async-{self.endpoint.name}-{name}", daemon=True
        )
        thread.start()
        with self._lock:
            if thread.is_alive():
                self._threads.add(thread)
