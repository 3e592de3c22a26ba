"""What the services of one embedded AWS tell EventBridge's default bus, in the order it happened.

A thread of its own does it, as a customer would with PutEvents: whoever changes a state holds
locks, and who listens may ask back. Told is what is kept already; an event that the bus does not
take is lost with a line in the log, and one that nobody listens to is not sent.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

log = logging.getLogger(__name__)

LAST_WORDS = 5.0
"""Real seconds in which what waits is told when everything ends."""


@dataclass(frozen=True)
class Told:
    """A change of one resource.

    Args:
        source: ``aws.sagemaker``.
        kind: The ``detail-type``.
        resource: Its ARN; "" where the event names none.
        at: Virtual unix time.
        detail: As the service has it; ``Tags`` of the resource are added to it where ``tagged``.
        tagged: Whether its detail has tags.
    """

    source: str
    kind: str
    resource: str
    at: float
    detail: Mapping[str, Any]
    tagged: bool = True


class Bus:
    """The default bus, for the services of this process.

    Args:
        client: Makes a boto3 client of this embedded AWS.
        listened: Whether anybody may listen.
        tags: Tags of a resource by its ARN; none of one that is gone.
    """

    def __init__(
        self,
        client: Callable[[str], Any],
        listened: Callable[[], bool],
        tags: Callable[[str], Mapping[str, str]],
    ) -> None:
        self._make_client = client
        self._listened = listened
        self._tags_of = tags
        self._client: Any = None
        self._tags: dict[str, Mapping[str, str]] = {}
        self._queue: queue.SimpleQueue[Told | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def tell(self, told: Told) -> None:
        """Tell of a change; returns at once."""
        if not self._listened():
            return
        self._queue.put(told)
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="event-bus", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Tell what waits, then end."""
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join(LAST_WORDS)

    def _run(self) -> None:
        while (told := self._queue.get()) is not None:
            try:
                if self._client is None:  # boto3 takes a tenth of a second to build one
                    self._client = self._make_client("events")
                answer = self._client.put_events(Entries=[self._entry(told)])
            except Exception as error:  # noqa: BLE001  a job must not end for want of a bus
                log.warning("no %s of %s: %s", told.kind, told.resource, error)
                continue
            if answer.get("FailedEntryCount"):
                log.warning("no %s: %s", told.kind, answer["Entries"])

    def _entry(self, told: Told) -> dict[str, Any]:
        detail = dict(told.detail)
        if told.tagged:
            # What is being deleted may have lost them by now.
            known = self._tags_of(told.resource) or self._tags.get(told.resource, {})
            detail["Tags"] = self._tags[told.resource] = dict(known)
        return {
            "Time": dt.datetime.fromtimestamp(told.at, dt.UTC),
            "Source": told.source,
            "DetailType": told.kind,
            "Resources": [told.resource] if told.resource else [],
            "Detail": json.dumps(detail),
        }
