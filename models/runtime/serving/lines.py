"""Who waits where: requests are answered off the event loop, in two lines of one thread each.

A large request (many bytes, rows or pixels) waits in a line of its own, so that those behind it
that take a millisecond do not. Each line is bounded, and so is what ``/ping`` waits for.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from models.runtime.images.fetching import PhotoHosts
from models.runtime.serving.addresses import fetched, has_addresses
from models.runtime.serving.limits import (
    QUICK_BYTES,
    QUICK_INSTANCES,
    QUICK_PIXELS,
    ServingLimits,
)
from models.runtime.serving.model import Served
from models.runtime.serving.requests import Busy, instances_of

Asked = TypeVar("Asked")
Said = TypeVar("Said")
SWITCH_SECONDS = 0.001
"""How long a thread may keep the interpreter from the others; Python's own 5 ms are as long as
most answers take."""


@dataclass(frozen=True)
class RequestAnswer:
    """What a request gets.

    Args:
        predictions: In the client's terms.
        scores: One each.
        seconds: What the model took.
    """

    predictions: list[Any]
    scores: list[float]
    seconds: float


class Lines:
    """Both lines before a model.

    Args:
        model: What answers.
        hosts: Where photos may be fetched from.
        limits: How many may wait.
    """

    def __init__(self, model: Served, hosts: PhotoHosts, limits: ServingLimits) -> None:
        self._model, self._hosts, self._limits = model, hosts, limits
        self._quick = ThreadPoolExecutor(1, "quick")
        self._large = ThreadPoolExecutor(1, "large")
        self._inside = self._inside_large = 0
        sys.setswitchinterval(SWITCH_SECONDS)

    def close(self) -> None:
        """Forget who waits."""
        for line in (self._quick, self._large):
            line.shutdown(wait=False, cancel_futures=True)

    async def answer(self, body: bytes) -> RequestAnswer:
        """What the model says of a request's instances.

        Raises:
            BadInput: they cannot be read.
            Busy: too many others wait.
            Exception: the model failed.
        """
        large = len(body) > QUICK_BYTES
        with self._admitted(large=False):
            if not large:
                said = await self._run(self._quick, self._begun, body)
            else:
                with self._admitted(large=True):
                    said = await self._run(self._large, self._read, body)
            if isinstance(said, RequestAnswer):
                return said
            # What another server takes is not the model's time.
            instances = await fetched(said, self._model.address, self._hosts)
            with self._admitted(large=True):
                return await self._run(self._large, self._predicted, instances)

    def _begun(self, body: bytes) -> RequestAnswer | list[Any]:
        """The answer to a quick request; the instances of what turns out to be none."""
        instances = instances_of(body)
        if (
            has_addresses(instances, self._model.address)
            or len(instances) > QUICK_INSTANCES
            or self._model.unpacked(instances) > QUICK_PIXELS
        ):
            return instances
        return self._predicted(instances)

    def _read(self, body: bytes) -> RequestAnswer | list[Any]:
        """The answer to a large request, unless something has to be fetched first."""
        instances = instances_of(body)
        if has_addresses(instances, self._model.address):
            return instances
        return self._predicted(instances)

    def _predicted(self, instances: list[Any]) -> RequestAnswer:
        began = time.perf_counter()
        predictions, scores = self._model.predict(instances)
        return RequestAnswer(predictions, scores, time.perf_counter() - began)

    @contextmanager
    def _admitted(self, *, large: bool) -> Iterator[None]:
        """A place among those inside, or among the large ones of them.

        Raises:
            Busy: there is none.
        """
        if large:
            if self._inside_large >= self._limits.large_waiting:
                raise Busy
            self._inside_large += 1
        else:
            if self._inside >= self._limits.waiting:
                raise Busy
            self._inside += 1
        try:
            yield
        finally:
            if large:
                self._inside_large -= 1
            else:
                self._inside -= 1

    @staticmethod
    async def _run(line: ThreadPoolExecutor, act: Callable[[Asked], Said], what: Asked) -> Said:
        return await asyncio.get_running_loop().run_in_executor(line, act, what)


class SelfTest:
    """What ``/ping`` says: whether the model answers its example, without waiting for it long.

    Args:
        model: What answers.
        limits: How long it may take.
    """

    def __init__(self, model: Served, limits: ServingLimits) -> None:
        self._model, self._limits = model, limits
        self._thread = ThreadPoolExecutor(1, "health")
        self._test: Future[None] | None = None
        self._since = 0.0
        self._fault = ""

    def close(self) -> None:
        """Ask no more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def fault(self) -> str:
        """What is wrong with the model; "" when nothing is.

        While it is busy with a request, what it said the last time.
        """
        # Those who ask at the same time get the same answer: pings must not pile up.
        if self._test is None or self._test.done():
            self._since = time.monotonic()
            self._test = self._thread.submit(self._model.test_itself)
        waiting = asyncio.wrap_future(self._test)
        done, _ = await asyncio.wait([waiting], timeout=self._limits.ping_seconds)
        if done:
            error = waiting.exception()
            self._fault = "" if error is None else f"{type(error).__name__}: {error}"
        elif time.monotonic() - self._since > self._limits.stuck_seconds:
            return f"the model has not answered its example for {self._limits.stuck_seconds:g} s"
        return self._fault
