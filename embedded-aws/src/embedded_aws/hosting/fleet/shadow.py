"""Mirrors requests to a shadow variant without the caller noticing."""

from __future__ import annotations

import contextlib
import queue
import random
import threading
from collections.abc import Callable, Mapping

from embedded_aws.hosting.fleet.variant import Variant
from embedded_aws.protocol.service import AwsFault

WORKERS = 4
# A shadow slower than the traffic loses copies rather than piling them up.
MAX_WAITING = 256

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
        self._waiting: queue.Queue[tuple[Mapping[str, str], bytes] | None] = queue.Queue(
            MAX_WAITING
        )
        self._workers = [
            threading.Thread(target=self._work, name=f"mirror-{variant.name}", daemon=True)
            for _ in range(WORKERS)
        ]
        for worker in self._workers:
            worker.start()

    def offer(self, ratio: float, headers: Mapping[str, str], body: bytes) -> None:
        """Copy a request with probability ``ratio``; never blocks."""
        if ratio <= 0 or (ratio < 1 and random.random() >= ratio):
            return
        try:
            self._waiting.put_nowait((headers, body))
        except queue.Full:
            self.dropped += 1

    def close(self) -> None:
        """Forget what waits and end the workers."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._waiting.get_nowait()
        for _ in self._workers:
            self._waiting.put(None)

    def _work(self) -> None:
        while (copy := self._waiting.get()) is not None:
            if not self.variant.enter():
                continue
            try:
                with contextlib.suppress(AwsFault):
                    self._serve(self.variant, *copy)
            finally:
                self.variant.leave()
