"""Live traffic against an endpoint: what users would send, counted as users would see it."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

LONGEST_SECONDS = 3600.0


@dataclass
class Seen:
    """What users saw. ``by_variant`` counts (answers, errors) by the variant that answered."""

    answers: int = 0
    errors: int = 0
    last_error: str = ""
    by_variant: dict[str, list[int]] = field(default_factory=dict)


class Traffic:
    """A bounded stream of requests at a steady rate, from a few threads.

    Args:
        invoke: Sends one request body and returns the name of the variant that answered; raises
            when the user would see an error.
        bodies: Requests to choose from.
        rate: Requests per real second, over all threads.
        threads: How many users ask at once.
    """

    def __init__(
        self,
        invoke: Callable[[bytes], str],
        bodies: Sequence[bytes],
        rate: float,
        threads: int = 4,
    ) -> None:
        self._invoke = invoke
        self._bodies = bodies
        self._interval = threads / rate
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._seen = Seen()
        self._threads = [
            threading.Thread(target=self._run, args=(number,), daemon=True)
            for number in range(threads)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=10)

    def seen(self) -> Seen:
        """What users have seen so far."""
        with self._lock:
            by_variant = {name: list(counts) for name, counts in self._seen.by_variant.items()}
            return Seen(self._seen.answers, self._seen.errors, self._seen.last_error, by_variant)

    def _run(self, number: int) -> None:
        rng = random.Random(number)
        end = time.monotonic() + LONGEST_SECONDS
        following = time.monotonic() + rng.random() * self._interval
        while not self._stop.is_set() and time.monotonic() < end:
            self._stop.wait(max(0.0, following - time.monotonic()))
            # Users do not wait for one another: a late request is not made up for by a burst.
            following = max(following + self._interval, time.monotonic() - self._interval)
            self._ask(rng.choice(self._bodies))

    def _ask(self, body: bytes) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        variant, error = "none", ""
        try:
            variant = self._invoke(body)
        except (ClientError, BotoCoreError) as failure:
            error = str(failure)
        with self._lock:
            counts = self._seen.by_variant.setdefault(variant, [0, 0])
            counts[0] += 1
            self._seen.answers += 1
            if error:
                counts[1] += 1
                self._seen.errors += 1
                self._seen.last_error = error


def against(endpoint: str, runtime: Any) -> Callable[[bytes], str]:
    """Requests to a SageMaker endpoint."""

    def invoke(body: bytes) -> str:
        answer = runtime.invoke_endpoint(
            EndpointName=endpoint, ContentType="application/json", Body=body
        )
        answer["Body"].read()
        return str(answer.get("InvokedProductionVariant", ""))

    return invoke


def as_requests(rows: Sequence[Mapping[str, Any]]) -> list[bytes]:
    """One request for each row, in TensorFlow Serving's JSON."""
    return [json.dumps({"instances": [row]}, default=str).encode() for row in rows]
