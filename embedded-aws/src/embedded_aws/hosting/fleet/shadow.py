"""Mirrors requests to a shadow variant without the caller noticing."""

from __future__ import annotations

import contextlib
import queue
import random
import threading
from collections.abc import Callable, Mapping

from embedded_aws.hosting.fleet.variant import Variant
from embedded_aws.protocol.service import AwsFault

AT_ONCE = 16
"""Copies that a shadow answers at once. It loses those beyond: were they to wait, one moment in
which the machine did other work would leave a shadow that is as quick as the traffic behind it for
good, asked this many at once where users ask one by one, and so slower in every measurement."""

Serve = Callable[[Variant, Mapping[str, str], bytes], object]


class Mirror:
    """Sends copies of requests to one shadow variant and drops the answers.

    Args:
        variant: The shadow variant.
        serve: Puts one request to a variant, with metrics and capture.
    """

    def __init__(self, variant: Variant, serve: Serve) -> None:
        self.variant = variant
        self.dropped = 0
        self._serve = serve
        self._free = threading.Semaphore(AT_ONCE)
        self._copies: queue.SimpleQueue[tuple[Mapping[str, str], bytes] | None] = (
            queue.SimpleQueue()
        )
        self._workers = [
            threading.Thread(target=self._work, name=f"mirror-{variant.name}", daemon=True)
            for _ in range(AT_ONCE)
        ]
        for worker in self._workers:
            worker.start()

    def offer(self, ratio: float, headers: Mapping[str, str], body: bytes) -> None:
        """Copy a request with probability ``ratio``; never blocks."""
        if ratio <= 0 or (ratio < 1 and random.random() >= ratio):
            return
        if self._free.acquire(blocking=False):
            self._copies.put((headers, body))
        else:
            self.dropped += 1

    def close(self) -> None:
        """End the workers once each has answered what it has."""
        for _ in self._workers:
            self._copies.put(None)

    def _work(self) -> None:
        while (copy := self._copies.get()) is not None:
            try:
                self._answer(*copy)
            finally:
                self._free.release()

    def _answer(self, headers: Mapping[str, str], body: bytes) -> None:
        if not self.variant.enter():
            return
        try:
            with contextlib.suppress(AwsFault):
                self._serve(self.variant, headers, body)
        finally:
            self.variant.leave()
