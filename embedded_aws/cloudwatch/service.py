"""The service: one table of actions between the wire and the rooms behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from embedded_aws.clock import Clock
from embedded_aws.cloudwatch.get_metric_data import get_metric_data, get_metric_statistics
from embedded_aws.cloudwatch.list_metrics import list_metrics
from embedded_aws.cloudwatch.put_metric_data import put_metric_data
from embedded_aws.cloudwatch.store import MetricKey, MetricStore, Point
from embedded_aws.cloudwatch.wire.decode import action_of, members_of, protocol_of
from embedded_aws.cloudwatch.wire.encode import answer, error
from embedded_aws.cloudwatch.wire.model import operation_model
from embedded_aws.cloudwatch.wire.validate import validate
from embedded_aws.faults import Faults
from embedded_aws.service import AwsFault, Request, Response
from embedded_aws.world import ACCOUNT_ID, World

Action = Callable[[Mapping[str, Any]], dict[str, Any]]


class CloudWatch:
    """Amazon CloudWatch: a ``Service``, a ``MetricSink`` and the ``AlarmStates`` of one world.

    Args:
        clock: Virtual clock; all periods and timestamps are virtual.
        faults: Kept for the shape of a service; the front lets them strike.
        region: For ARNs.
        account_id: For ARNs.
    """

    def __init__(
        self,
        clock: Clock,
        faults: Faults,
        region: str = "us-east-1",
        account_id: str = ACCOUNT_ID,
    ) -> None:
        del faults
        self.clock = clock
        self.store = MetricStore()
        self._region = region
        self._account = account_id
        self._aged = clock.now()
        self._actions: dict[str, Action] = {
            "PutMetricData": lambda p: put_metric_data(self.store, p, clock.now()),
            "GetMetricData": lambda p: get_metric_data(
                self.store, p, clock.now(), region, account_id
            ),
            "GetMetricStatistics": lambda p: get_metric_statistics(self.store, p, clock.now()),
            "ListMetrics": lambda p: list_metrics(self.store, p, clock.now()),
        }

    def start(self, world: World) -> None:
        """Begin to evaluate alarms; their actions go through the world's own clients."""

    def handle(self, request: Request) -> Response:
        """Answer one request, errors included, in the protocol that it came in."""
        protocol = protocol_of(request)
        try:
            action = action_of(request)
            model = operation_model(action)
            handler = self._actions.get(action)
            if model is None or handler is None:
                raise _unknown(action, known=model is not None)
            members = members_of(request, model.input_shape)
            validate(model.input_shape, members)
            return answer(protocol, action, model.output_shape, handler(members))
        except AwsFault as fault:
            return error(protocol, fault)

    def close(self) -> None:
        """End the evaluation of alarms."""

    def record(
        self,
        namespace: str,
        name: str,
        dimensions: Mapping[str, str],
        values: Sequence[tuple[float, float]],
        unit: str = "None",
        timestamp: float | None = None,
    ) -> None:
        """Take in metrics of a service in this process, with a resolution of one second."""
        now = self.clock.now()
        key = MetricKey.of(namespace, name, dimensions)
        self.store.add(key, unit, Point(now if timestamp is None else timestamp, values), now)

    def alarm_state(self, name: str) -> str | None:
        """State of the alarm with this name or ARN; None when there is none."""
        del name
        return None


def _unknown(action: str, *, known: bool) -> AwsFault:
    if not action:
        return AwsFault("MissingAction", "The request names no operation.")
    if known:
        return AwsFault(
            "UnknownOperationException",
            f"The embedded AWS does not have the operation {action} of CloudWatch.",
        )
    return AwsFault("InvalidAction", f"Could not find operation {action} for version 2010-08-01")
