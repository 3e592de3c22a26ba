"""Alarms without a thread, and a clock that only goes when it is told to."""

from embedded_aws.cloudwatch.alarms.alarm_store import AlarmStore
from embedded_aws.cloudwatch.alarms.evaluator import Evaluator
from embedded_aws.cloudwatch.alarms.operations import AlarmOperations
from embedded_aws.cloudwatch.alarms.suppression import Suppression
from embedded_aws.cloudwatch.store import MetricKey, MetricStore, Point

START = 1_800_000_000 - 1_800_000_000 % 3600
KEY = MetricKey.of("N", "errors", {})
TOPIC = "arn:aws:sns:us-east-1:123456789012:alerts"


class StoppedClock:
    def __init__(self):
        self.time = float(START)

    def now(self):
        return self.time

    def real_seconds(self, seconds):
        return seconds


class Room:
    """Alarms without a thread: ``until`` lets virtual time pass."""

    def __init__(self):
        self.clock = StoppedClock()
        self.store = MetricStore()
        self.alarm_store = AlarmStore()
        self.acted = []
        self.transitions = []
        self.suppression = Suppression(self.alarm_store, self.acted.append)
        self.evaluator = Evaluator(self.clock, self.store, self.alarm_store, self.suppression.look)
        self.operations = AlarmOperations(
            self.alarm_store, self.clock, "arn:aws:cloudwatch:us-east-1:123456789012:alarm:"
        )
        self.alarm_store.listeners.append(self._changed)

    def _changed(self, transition):
        self.transitions.append(transition)
        self.suppression.take(transition, transition.after.since)
        self.suppression.look(transition.after.since)

    def alarm(self, name="a", **settings):
        params = {
            "AlarmName": name, "Namespace": "N", "MetricName": "errors", "Statistic": "Sum",
            "Period": 60, "EvaluationPeriods": 1, "Threshold": 5.0,
            "ComparisonOperator": "GreaterThanThreshold", **settings,
        }  # fmt: skip
        self.operations.put_metric_alarm({k: v for k, v in params.items() if v is not None})
        return self.alarm_store.alarms[name]

    def composite(self, name, rule, **settings):
        self.operations.put_composite_alarm({"AlarmName": name, "AlarmRule": rule, **settings})
        return self.alarm_store.alarms[name]

    def put(self, value, at, key=KEY, count=1.0):
        self.store.add(key, "Count", Point(START + at, [(float(value), count)]), self.clock.time)

    def until(self, seconds):
        """Let time pass up to ``seconds`` after the start, every round on its time."""
        end = START + seconds
        while self.clock.time < end:
            following = self.evaluator.round(self.clock.time)
            assert following > self.clock.time
            self.clock.time = min(end, following)
        self.evaluator.round(self.clock.time)

    def force(self, name, state):
        self.operations.set_alarm_state(
            {"AlarmName": name, "StateValue": state, "StateReason": "by hand"}
        )
