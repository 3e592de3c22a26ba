"""Asynchronous inference: invocations are queued, processed in their order, and told of.

https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference.html
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from embedded_aws.hosting.asynchronous.configuration import is_asynchronous, output_of
from embedded_aws.hosting.asynchronous.dispatcher import Dispatcher
from embedded_aws.hosting.asynchronous.line import Line, kept
from embedded_aws.hosting.asynchronous.measures import Gauge
from embedded_aws.hosting.asynchronous.requests import Invocation, invocation
from embedded_aws.hosting.asynchronous.worker import Worker
from embedded_aws.hosting.fleet.endpoint import Endpoint
from embedded_aws.hosting.shared import SharedState
from embedded_aws.protocol.service import AwsFault, Response

__all__ = ["Asynchronous"]

log = logging.getLogger(__name__)

CLOSING_SECONDS = 3.0
"""Real seconds that responses on their way are given when everything ends."""


class Asynchronous:
    """The queues of all asynchronous endpoints.

    Args:
        shared: World, settings.
        endpoint: Finds an endpoint by name; None when there is none.
    """

    def __init__(self, shared: SharedState, endpoint: Callable[[str], Endpoint | None]) -> None:
        self._shared = shared
        self._endpoint = endpoint
        self._worker = Worker(shared)
        self._lock = threading.Lock()
        self._queues: dict[str, tuple[Dispatcher, Gauge]] = {}

    def invoke(self, name: str, headers: Mapping[str, str], body: bytes) -> Response:
        """InvokeEndpointAsync.

        Args:
            name: Endpoint name.
            headers: Header names in lower case.
            body: An inline payload, or nothing.

        Raises:
            AwsFault: ``ValidationError``, ``ServiceUnavailable``.
        """
        output, queue = self._serving(name)
        asked = invocation(name, headers, body, output, self._shared.world.clock.now())
        one = queue.line.join(asked)
        if one is None:
            raise self._not_found(name)
        locations = {
            "X-Amzn-SageMaker-OutputLocation": one.output,
            "X-Amzn-SageMaker-FailureLocation": one.failure,
        }
        return Response(
            202,
            json.dumps({"InferenceId": one.id}).encode(),
            {
                "Content-Type": "application/json",
                **{header: value for header, value in locations.items() if value},
            },
        )

    def open(self, endpoint: Endpoint, waiting: Iterable[Invocation] = ()) -> None:
        """Give an endpoint its queue, if it is asynchronous."""
        if not endpoint.asynchronous:
            return
        world = self._shared.world
        with self._lock:
            line = Line(endpoint.name, world.records, waiting)
            queue = Dispatcher(
                self._shared, endpoint, line, self._worker.process, self._worker.expire
            )
            self._queues[endpoint.name] = (
                queue, Gauge(world.clock, world.metrics, endpoint.name)
            )  # fmt: skip

    def restore(self, endpoints: Iterable[Endpoint]) -> None:
        """Give endpoints of an earlier process their queues, with what was not finished.

        What was queued for an endpoint that was being deleted, or is gone, is dropped.
        """
        records = self._shared.world.records
        waiting = kept(records)
        for endpoint in endpoints:
            if endpoint.status != "Deleting":
                self.open(endpoint, waiting.pop(endpoint.name, ()))
        for orphans in waiting.values():
            Line(orphans[0].endpoint, records, orphans).drop()

    def drop(self, name: str) -> None:
        """An endpoint is being deleted, and its queue with it."""
        with self._lock:
            queue = self._queues.pop(name, None)
        if queue is None:
            return
        try:
            queue[0].line.drop()
        except AwsFault as fault:  # the next process drops what is of no endpoint
            log.exception("queue of endpoint %s: %s", name, fault.message)

    def measure(self) -> None:
        """Publish how all queues stand."""
        with self._lock:
            queues = list(self._queues.values())
        for queue, gauge in queues:
            active = queue.endpoint.active
            size, oldest = queue.line.backlog()
            gauge.look(size, oldest, 0 if active is None else active.instances)

    def names(self) -> frozenset[str]:
        """Endpoints with a queue."""
        with self._lock:
            return frozenset(self._queues)

    def close(self) -> None:
        """Wait for what is on its way to S3 and SNS; the rest is the next process's."""
        with self._lock:
            queues = [queue for queue, _ in self._queues.values()]
        deadline = time.monotonic() + CLOSING_SECONDS
        for queue in queues:
            queue.join(deadline)

    def _serving(self, name: str) -> tuple[Mapping[str, Any], Dispatcher]:
        """``OutputConfig`` of the fleet that serves, and the queue."""
        endpoint = self._endpoint(name)
        generation = None if endpoint is None else endpoint.active
        if endpoint is None or generation is None or endpoint.status == "Deleting":
            raise self._not_found(name)
        if not is_asynchronous(generation.config):
            raise AwsFault(
                "ValidationError",
                f"Endpoint {name} of account {self._shared.world.account_id} has no "
                "AsyncInferenceConfig and cannot receive asynchronous invocations. Use "
                "InvokeEndpoint.",
            )
        with self._lock:
            queue = self._queues.get(name)
        if queue is None:
            raise self._not_found(name)
        return output_of(generation.config), queue[0]

    def _not_found(self, name: str) -> AwsFault:
        account = self._shared.world.account_id
        return AwsFault("ValidationError", f"Endpoint {name} of account {account} not found.")
