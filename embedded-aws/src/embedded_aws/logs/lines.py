"""What jobs and serving processes print goes to CloudWatch Logs."""

from __future__ import annotations

import contextlib
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from embedded_aws.clock import Clock

FLUSH_SECONDS = 0.5
# A PutLogEvents request holds at most 10,000 events and 1 MiB (each event counts 26 bytes more).
MAX_EVENTS = 1_000
MAX_BYTES = 900_000
MAX_MESSAGE_BYTES = 200_000
# What nobody could write down in time is dropped, oldest first, rather than kept in memory.
MAX_WAITING = 100_000


class Logs:
    """Buffers lines per stream and writes them in batches.

    Args:
        clock: Gives each line its virtual time.
        client: Gives the CloudWatch Logs client.
    """

    def __init__(self, clock: Clock, client: Callable[[], Any]) -> None:
        self._clock = clock
        self._client = client
        self._lock = threading.Lock()
        self._lines: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
        self._known: set[tuple[str, str]] = set()
        self._writing = threading.Lock()

    def line(self, group: str, stream: str, text: str) -> None:
        """Add one line; cheap."""
        at = int(self._clock.now() * 1000)
        with self._lock:
            lines = self._lines[group, stream]
            lines.append((at, text[:MAX_MESSAGE_BYTES] or " "))
            if len(lines) > MAX_WAITING:
                del lines[: len(lines) - MAX_WAITING]

    def flush(self) -> None:
        """Write everything that waits."""
        with self._writing:
            with self._lock:
                waiting, self._lines = self._lines, defaultdict(list)
            for (group, stream), lines in waiting.items():
                self._write(group, stream, lines)

    def _write(self, group: str, stream: str, lines: list[tuple[int, str]]) -> None:
        client = self._client()
        if (group, stream) not in self._known:
            exists = client.exceptions.ResourceAlreadyExistsException
            with contextlib.suppress(exists):
                client.create_log_group(logGroupName=group)
            with contextlib.suppress(exists):
                client.create_log_stream(logGroupName=group, logStreamName=stream)
            self._known.add((group, stream))
        batch: list[dict[str, Any]] = []
        size = 0
        for at, text in sorted(lines, key=lambda line: line[0]):
            weight = len(text.encode()) + 26
            if batch and (len(batch) >= MAX_EVENTS or size + weight > MAX_BYTES):
                self._put(client, group, stream, batch)
                batch, size = [], 0
            batch.append({"timestamp": at, "message": text})
            size += weight
        if batch:
            self._put(client, group, stream, batch)

    def _put(self, client: Any, group: str, stream: str, batch: list[dict[str, Any]]) -> None:
        try:
            client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=batch)
        except client.exceptions.ResourceNotFoundException:
            # Somebody deleted the group or stream; it comes back with the next lines.
            self._known.discard((group, stream))
