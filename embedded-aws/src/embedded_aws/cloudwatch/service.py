"""The service: one table of actions between the wire and the rooms behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from embedded_aws.clock import Clock
from embedded_aws.cloudwatch import tagging
from embedded_aws.cloudwatch.alarms import descriptions
from embedded_aws.cloudwatch.alarms.alarm_store import AlarmStore
from embedded_aws.cloudwatch.alarms.evaluator import Evaluator
from embedded_aws.cloudwatch.alarms.model import Transition
from embedded_aws.cloudwatch.alarms.notify import Carrier, Notifier
from embedded_aws.cloudwatch.alarms.operations import AlarmOperations
from embedded_aws.cloudwatch.alarms.readings import Reading, readings_for
from embedded_aws.cloudwatch.alarms.suppression import Suppression
from embedded_aws.cloudwatch.dashboards import Dashboards
from embedded_aws.cloudwatch.get_metric_data import get_metric_data, get_metric_statistics
from embedded_aws.cloudwatch.keeping import CloudWatchKeeper
from embedded_aws.cloudwatch.list_metrics import list_metrics
from embedded_aws.cloudwatch.put_metric_data import put_metric_data
from embedded_aws.cloudwatch.store import MetricKey, MetricStore, Point
from embedded_aws.cloudwatch.wire.decode import action_of, members_of, protocol_of
from embedded_aws.cloudwatch.wire.encode import answer, error
from embedded_aws.cloudwatch.wire.model import operation_model
from embedded_aws.cloudwatch.wire.validate import validate
from embedded_aws.faults import Faults
from embedded_aws.protocol.service import AwsFault, Request, Response
from embedded_aws.state.store import Store
from embedded_aws.world import ACCOUNT_ID, World

# Of a PutMetricData request as it travels, so after compression.
_MAX_REQUEST = 1_000_000

# Of what is no measurement.
_CHANGING = ("PutMetricAlarm", "PutComposite", "PutDashboard", "Delete", "Set", "Enable", "Disable",
             "Tag", "Untag")  # fmt: skip

Action = Callable[[Mapping[str, Any]], dict[str, Any]]


class CloudWatch:
    """Amazon CloudWatch: a ``Service``, a ``MetricSink`` and the ``AlarmStates`` of one world.

    ``sources`` are asked for what they have measured before alarms are judged; ``carriers`` take
    actions of alarms, by the service in the action's ARN.

    Args:
        clock: Virtual clock; all periods and timestamps are virtual.
        faults: Kept for the shape of a service; the front injects them.
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
        self._sink: MetricStore | CloudWatchKeeper = self.store
        self._keeper: CloudWatchKeeper | None = None
        prefix = f"arn:aws:cloudwatch:{region}:{account_id}:alarm:"
        self.alarm_store = AlarmStore(prefix)
        self._notifier: Notifier | None = None
        self._suppression = Suppression(self.alarm_store, self._act)
        self.sources: list[Callable[[], None]] = []
        self.carriers: dict[str, Carrier] = {}
        self._evaluator = Evaluator(
            clock, self.store, self.alarm_store, self._suppression.look, self._gather
        )
        alarms = AlarmOperations(self.alarm_store, clock, prefix, self._evaluator.wake)
        boards = self._boards = Dashboards(clock, account_id)
        alarm_store, store = self.alarm_store, self.store
        self.alarm_store.listeners.append(self._changed)
        self._actions: dict[str, Action] = {
            "PutMetricData": lambda p: put_metric_data(self._sink, p, clock.now()),
            "GetMetricData": lambda p: get_metric_data(store, p, clock.now(), region, account_id),
            "GetMetricStatistics": lambda p: get_metric_statistics(store, p, clock.now()),
            "ListMetrics": lambda p: list_metrics(store, p, clock.now(), account_id),
            "PutMetricAlarm": alarms.put_metric_alarm,
            "PutCompositeAlarm": alarms.put_composite_alarm,
            "DeleteAlarms": alarms.delete_alarms,
            "SetAlarmState": alarms.set_alarm_state,
            "EnableAlarmActions": alarms.enable_alarm_actions,
            "DisableAlarmActions": alarms.disable_alarm_actions,
            "DescribeAlarms": lambda p: descriptions.describe_alarms(alarm_store, p),
            "DescribeAlarmsForMetric": lambda p: descriptions.describe_alarms_for_metric(
                alarm_store, p
            ),
            "DescribeAlarmHistory": lambda p: descriptions.describe_alarm_history(alarm_store, p),
            "PutDashboard": boards.put,
            "GetDashboard": boards.get,
            "ListDashboards": boards.list,
            "DeleteDashboards": boards.delete,
            "TagResource": lambda p: tagging.tag_resource(alarm_store, boards, p),
            "UntagResource": lambda p: tagging.untag_resource(alarm_store, boards, p),
            "ListTagsForResource": lambda p: tagging.list_tags(alarm_store, boards, p),
        }

    @property
    def actions(self) -> frozenset[str]:
        """What is answered."""
        return frozenset(self._actions)

    def start(self, world: World) -> None:
        """Begin to evaluate alarms; their actions go through the world's own clients."""
        self._notifier = Notifier(world, self.alarm_store.history, self.carriers)
        self._evaluator.start()

    def keep(self, store: Store) -> None:
        """Begin with what an earlier process has kept, and keep what comes. Before `start`."""
        self._sink = self._keeper = CloudWatchKeeper(
            store, self.alarm_store, self._boards, self.store
        )
        self._keeper.restore(self.clock.now())

    def flush(self) -> None:
        """Keep the measurements of our own services that wait for it."""
        if self._keeper is not None:
            self._keeper.flush()

    def handle(self, request: Request) -> Response:
        """Answer one request, errors included, in the protocol that it came in."""
        protocol = protocol_of(request)
        query_mode = request.headers.get("x-amzn-query-mode", "").lower() == "true"
        action = ""
        try:
            action = action_of(request)
            model = operation_model(action)
            if model is None or action not in self._actions:
                raise _unknown(action, known=model is not None)
            if action == "PutMetricData" and len(request.body) > _MAX_REQUEST:
                raise AwsFault("RequestEntityTooLarge", "The request must not exceed 1 MB.", 413)
            output = self.perform(action, members_of(request, model.input_shape))
            return answer(protocol, action, model.output_shape, output)
        except AwsFault as fault:
            return error(protocol, fault, action, query_mode=query_mode)

    def perform(self, action: str, members: dict[str, Any]) -> dict[str, Any]:
        """Carry out an action, also for a service of this process that has alarms of its own.

        Raises:
            AwsFault: as CloudWatch would answer.
        """
        model: Any = operation_model(action)
        validate(model, members)
        output = self._actions[action](members)
        if self._keeper is not None and action.startswith(_CHANGING):
            self._keeper.keep_settings()
        return output

    def readings_for(self, action: str) -> list[Reading]:
        """What the metric alarms see that ask for an action in their present state."""
        return readings_for(self.alarm_store, self.store, action, self.clock.now())

    def close(self) -> None:
        """End the evaluation of alarms, and deliver what they have still to say."""
        self._evaluator.close()
        if self._notifier is not None:
            self._notifier.close()
            self._notifier = None

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
        self._sink.add(key, unit, Point(now if timestamp is None else timestamp, values), now)

    def alarm_state(self, name: str) -> str | None:
        """State of the alarm with this name or ARN; None when there is none."""
        return self.alarm_store.state_of(name)

    def _gather(self) -> None:
        for source in self.sources:
            source()

    def _changed(self, transition: Transition) -> None:
        since = transition.after.since
        transition.alarm.suppressed = self._suppression.foresee(transition, since)
        if self._notifier is not None:
            self._notifier.announce(transition)
        self._suppression.take(transition, since)
        # A suppressor that changes its state may set others' actions free.
        self._suppression.look(since)
        # The state is kept when its actions are taken: should we die between, it is reached again.
        if self._notifier is not None and self._keeper is not None:
            self._notifier.afterwards(self._keeper.keep_settings_later)

    def _act(self, transition: Transition) -> None:
        if self._notifier is not None:
            self._notifier.act(transition)


def _unknown(action: str, *, known: bool) -> AwsFault:
    if not action:
        return AwsFault("MissingAction", "The request names no operation.")
    if known:
        return AwsFault(
            "UnknownOperationException",
            f"The embedded AWS does not have the operation {action} of CloudWatch.",
        )
    return AwsFault("InvalidAction", f"Could not find operation {action} for version 2010-08-01")
