"""Metric filters: what lines of logs are worth in CloudWatch.

A value counts in the minute of its event. The default value counts once in a minute that has events
and none that matches, as far as is known when they are written.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from embedded_aws.logs.patterns import FilterPattern, Found, PatternError, parse_pattern
from embedded_aws.logs.patterns.values import number_of
from embedded_aws.protocol.service import AwsFault
from embedded_aws.world import MetricSink

MAX_DIMENSIONS = 3
# Of CloudWatch: what is larger, or longer, it does not take.
_LARGEST = 2.0**360
_LONGEST = 1024
_REMEMBERED = 50_000

Dimensions = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class MetricFilter:
    """A metric filter that has been read.

    Args:
        pattern: Which events count.
        namespace: Of the metric.
        metric: Its name.
        value: A number, or a reference to one (``$.latency``, ``$size``).
        default: What a minute without a match counts.
        dimensions: References by name.
        unit: Of the metric.
    """

    pattern: FilterPattern
    namespace: str
    metric: str
    value: str
    default: float | None
    dimensions: Mapping[str, str]
    unit: str

    def value_in(self, found: Found) -> float | None:
        """What an event that matches counts; None when it holds no number there."""
        text = found.value(self.value) if self.value.startswith("$") else self.value
        number = None if text is None else number_of(text)
        return None if number is None or abs(number) > _LARGEST else float(number)

    def dimensions_in(self, found: Found) -> Dimensions | None:
        """The dimensions that an event has; None when one of them is missing or no dimension."""
        texts = {name: found.value(reference) for name, reference in self.dimensions.items()}
        if not all(text and text.isascii() and text.strip() for text in texts.values()):
            return None
        return tuple(sorted((name, str(text)[:_LONGEST]) for name, text in texts.items()))


def read_metric_filter(pattern: str, transformation: Mapping[str, Any]) -> MetricFilter:
    """Read a metric filter.

    Raises:
        AwsFault: ``InvalidParameterException``, when the pattern cannot be read, or cannot give
            what is asked of it.
    """
    try:
        parsed = parse_pattern(pattern)
    except PatternError as error:
        raise invalid(str(error)) from error
    dimensions = transformation.get("dimensions") or {}
    default = transformation.get("defaultValue")
    value = transformation["metricValue"].strip()
    if dimensions and parsed.kind == "terms":
        raise invalid("The specified filter pattern does not support dimensions.")
    if dimensions and default is not None:
        raise invalid(
            "Invalid metric transformation: dimensions and default value are mutually exclusive."
        )
    if len(dimensions) > MAX_DIMENSIONS:
        raise invalid(
            f"Invalid metric transformation: a metric has at most {MAX_DIMENSIONS} dimensions."
        )
    number = number_of(value)
    if number is None and not parsed.names(value):
        raise invalid(
            f"Invalid metric transformation: the metric value {value!r} is neither a number nor a "
            "field of the filter pattern."
        )
    for name, reference in dimensions.items():
        if not parsed.names(reference):
            raise invalid(
                f"Invalid metric transformation: the dimension {name} is to be {reference!r}, "
                "which is no field of the filter pattern."
            )
    return MetricFilter(
        parsed,
        transformation["metricNamespace"],
        transformation["metricName"],
        value,
        default,
        dimensions,
        transformation.get("unit") or "None",
    )


def invalid(message: str) -> AwsFault:
    """What CloudWatch Logs answers to parameters that make no sense."""
    return AwsFault("InvalidParameterException", message)


class Publisher:
    """Publishes what events count into one CloudWatch.

    Args:
        sink: That CloudWatch.
    """

    def __init__(self, sink: MetricSink) -> None:
        self._sink = sink
        self._lock = threading.Lock()
        # Minutes that a filter has reported on, so that a default counts once; oldest first.
        self._reported: dict[tuple[str, str, int], None] = {}

    def publish(
        self, records: Iterable[Mapping[str, Any]], events: Sequence[Mapping[str, Any]]
    ) -> None:
        """Let filters, as they were put, judge events that were written just now."""
        for record in records:
            [transformation] = record["metricTransformations"]
            try:
                judge = read_metric_filter(record["filterPattern"], transformation)
            except AwsFault:  # from a state folder of a time when anything was taken
                continue
            self._judge((record["logGroupName"], record["filterName"]), judge, events)

    def _judge(
        self, name: tuple[str, str], judge: MetricFilter, events: Sequence[Mapping[str, Any]]
    ) -> None:
        counts: dict[tuple[Dimensions, int], Counter[float]] = defaultdict(Counter)
        matched: dict[int, bool] = {}
        for event in events:
            minute = event["timestamp"] // 60_000 * 60
            found = judge.pattern.find(event["message"])
            matched[minute] = matched.get(minute, False) or found is not None
            if found is None:
                continue
            value, dimensions = judge.value_in(found), judge.dimensions_in(found)
            if value is not None and dimensions is not None:
                counts[dimensions, minute][value] += 1
        for minute in self._silent(name, matched):
            if judge.default is not None:
                counts[(), minute][float(judge.default)] += 1
        for (dimensions, minute), values in counts.items():
            self._sink.record(
                judge.namespace,
                judge.metric,
                dict(dimensions),
                [(value, float(count)) for value, count in values.items()],
                judge.unit,
                float(minute),
            )

    def _silent(self, name: tuple[str, str], matched: Mapping[int, bool]) -> list[int]:
        """Minutes without a match that nothing was reported on before."""
        with self._lock:
            silent = [
                minute
                for minute, hit in matched.items()
                if not hit and (*name, minute) not in self._reported
            ]
            self._reported.update({(*name, minute): None for minute in matched})
            while len(self._reported) > _REMEMBERED:
                del self._reported[next(iter(self._reported))]
        return silent


# Of the embedded AWS whose request moto serves: several may share what moto holds.
publisher: ContextVar[Publisher | None] = ContextVar("metric_publisher", default=None)
