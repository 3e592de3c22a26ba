"""What alarms see, for those who act on an alarm as long as it stays in its state."""

from __future__ import annotations

from dataclasses import dataclass

from embedded_aws.cloudwatch.alarms.alarm_store import AlarmStore
from embedded_aws.cloudwatch.alarms.judge import judge
from embedded_aws.cloudwatch.alarms.settings import Watch
from embedded_aws.cloudwatch.math.syntax import MathError
from embedded_aws.cloudwatch.store import MetricStore


@dataclass(frozen=True)
class Reading:
    """A metric alarm and what it watches, now.

    Args:
        name: The alarm's.
        state: Its state.
        threshold: Its threshold.
        above: Whether it is for values above the threshold.
        points: ``(start, value)`` of the real datapoints that it looks at, oldest first.
    """

    name: str
    state: str
    threshold: float
    above: bool
    points: tuple[tuple[float, float], ...]


def readings_for(
    alarm_store: AlarmStore, store: MetricStore, action: str, now: float
) -> list[Reading]:
    """What the metric alarms see that ask for an action in their present state, by name."""
    return [
        Reading(
            alarm.name,
            alarm.state.value,
            alarm.watch.threshold,
            alarm.watch.operator.startswith("Greater"),
            _points(store, alarm.watch, now),
        )
        for alarm in alarm_store.all()
        if alarm.watch is not None and alarm.acts and action in alarm.actions(alarm.state.value)
    ]


def _points(store: MetricStore, watch: Watch, now: float) -> tuple[tuple[float, float], ...]:
    try:
        points = judge(store, watch, now).points
    except MathError:  # the alarm itself says so
        return ()
    real = [(float(p.start), p.value) for p in points if p.value is not None]
    return tuple(real[-watch.periods :])
