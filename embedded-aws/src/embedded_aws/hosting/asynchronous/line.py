"""The queue of one endpoint: accepted invocations in the order of arrival, kept until they end."""

from __future__ import annotations

import heapq
import math
import threading
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from embedded_aws.hosting.asynchronous.requests import Invocation
from embedded_aws.state.records import Records

KIND = "sagemaker.async-invocation"


class Line:
    """Invocations that wait, and those that are being processed. Safe to use from many threads.

    An invocation is kept before it is accepted, and forgotten when all is done about it: one that a
    killed process was at is processed again by the next (at least once, as with AWS).

    Args:
        endpoint: Name of the endpoint.
        records: Where they are kept.
        kept: Those of an earlier process.
    """

    def __init__(self, endpoint: str, records: Records, kept: Iterable[Invocation] = ()) -> None:
        self._endpoint = endpoint
        self._records = records
        self._changed = threading.Condition()
        self._waiting = [(one.number, one) for one in kept]
        heapq.heapify(self._waiting)
        self._earliest = min((one.expires for _, one in self._waiting), default=math.inf)
        self._last = max((number for number, _ in self._waiting), default=0)
        self._processed: dict[int, Invocation] = {}
        self._dropped = False

    def join(self, one: Invocation) -> Invocation | None:
        """Accept an invocation; None when the endpoint is being deleted.

        Raises:
            AwsFault: ``ServiceUnavailable`` when the disk does not take it.
        """
        with self._changed:
            if self._dropped:
                return None
            numbered = replace(one, number=self._last + 1)
            self._records.put(KIND, numbered.key, numbered.record())
            self._last = numbered.number
            self._wait(numbered)
            self._changed.notify_all()
            return numbered

    def first(self) -> Invocation | None:
        """Take out the one that has waited longest, to be processed; None when nobody waits."""
        with self._changed:
            if not self._waiting:
                return None
            number, one = heapq.heappop(self._waiting)
            self._processed[number] = one
            return one

    def expired(self, now: float) -> list[Invocation]:
        """Take out those whose time to live is over."""
        with self._changed:
            if now < self._earliest:  # nobody needs to look through a long queue each time
                return []
            over = sorted(
                (one for one in self._waiting if one[1].expires <= now), key=lambda one: one[0]
            )
            self._waiting = [one for one in self._waiting if one[1].expires > now]
            heapq.heapify(self._waiting)
            self._earliest = min((one.expires for _, one in self._waiting), default=math.inf)
            self._processed.update(over)
            return [one for _, one in over]

    def back(self, one: Invocation) -> None:
        """Put one that was not begun after all to its place again."""
        with self._changed:
            if self._processed.pop(one.number, None) is not None:
                self._wait(one)

    def over(self, one: Invocation) -> None:
        """All is done about this one.

        Raises:
            AwsFault: the disk does not take it; the invocation will be processed again.
        """
        with self._changed:
            self._processed.pop(one.number, None)
            self._changed.notify_all()
        self._records.drop(KIND, one.key)

    def drop(self) -> None:
        """Forget all of them: the endpoint is being deleted.

        Raises:
            AwsFault: the disk does not take it.
        """
        with self._changed:
            self._dropped = True
            everyone = [*self._processed.values(), *(one for _, one in self._waiting)]
            self._waiting = []
            self._changed.notify_all()
        for one in everyone:
            self._records.drop(KIND, one.key)

    @property
    def dropped(self) -> bool:
        """Whether the endpoint is being deleted."""
        return self._dropped

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for something to change when nobody waits, or for some time; whether anybody waits.

        Args:
            seconds: Real seconds to wait even when somebody waits; None for not to.
        """
        with self._changed:
            if seconds is not None:
                self._changed.wait(seconds)
            elif not self._waiting:
                self._changed.wait(_LOOK_SECONDS)
            return bool(self._waiting)

    def wake(self) -> None:
        """Let whoever waits look again."""
        with self._changed:
            self._changed.notify_all()

    def backlog(self) -> tuple[int, float | None]:
        """How many wait or are being processed, and when the oldest of them was received."""
        with self._changed:
            everyone = [*self._processed.values(), *(one for _, one in self._waiting)]
        return len(everyone), min((one.received for one in everyone), default=None)

    def _wait(self, one: Invocation) -> None:
        heapq.heappush(self._waiting, (one.number, one))
        self._earliest = min(self._earliest, one.expires)


_LOOK_SECONDS = 1.0


def kept(records: Records) -> dict[str, list[Invocation]]:
    """Invocations of an earlier process, by endpoint."""
    found: dict[str, list[Invocation]] = {}
    for record in records.all(KIND):
        one = read(record)
        found.setdefault(one.endpoint, []).append(one)
    return found


def read(record: dict[str, Any]) -> Invocation:
    """An invocation as it was kept."""
    return Invocation(**record)
