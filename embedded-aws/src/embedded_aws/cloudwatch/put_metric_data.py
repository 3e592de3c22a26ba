"""PutMetricData: what is refused, and what becomes of the rest."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from embedded_aws.cloudwatch.periods import AHEAD
from embedded_aws.cloudwatch.store import DAY, MetricKey, Point
from embedded_aws.protocol.service import AwsFault

_LARGEST = 2.0**360
_MAX_VALUES = 150
_MAX_METRICS = 1000


class Sink(Protocol):
    """Takes measurements."""

    def add_all(self, points: Sequence[tuple[MetricKey, str, Point]], now: float) -> None:
        """Take all of them, or raise."""
        ...


def put_metric_data(store: Sink, params: Mapping[str, Any], now: float) -> dict[str, Any]:
    """Check everything, then store everything: a request is taken whole or not at all.

    Raises:
        AwsFault: ``InvalidParameterValue``, ``InvalidParameterCombination`` or
            ``MissingParameter``, with the path of the member in question.
    """
    namespace = params["Namespace"]
    data = [(f"MetricData.member.{i}", d) for i, d in enumerate(params.get("MetricData", []), 1)]
    for i, entity in enumerate(params.get("EntityMetricData", []), 1):
        path = f"EntityMetricData.member.{i}.MetricData.member"
        data += [(f"{path}.{j}", d) for j, d in enumerate(entity.get("MetricData", []), 1)]
    if not data:
        raise AwsFault("MissingParameter", "The parameter MetricData is required.")
    if len(data) > _MAX_METRICS:
        raise AwsFault(
            "InvalidParameterValue",
            f"The collection MetricData must not have a size greater than {_MAX_METRICS}.",
        )
    points = [_point_of(path, namespace, datum, now) for path, datum in data]
    store.add_all(points, now)
    return {}


def _point_of(
    path: str, namespace: str, datum: Mapping[str, Any], now: float
) -> tuple[MetricKey, str, Point]:
    resolution = datum.get("StorageResolution", 60)
    if resolution not in (1, 60):
        raise _invalid(
            f"The parameter {path}.StorageResolution must be a value in the set [ 1, 60 ]."
        )
    timestamp = _timestamp(path, datum.get("Timestamp", now), now)
    if resolution == 60:
        timestamp -= timestamp % 60
    point = Point(timestamp, *_measurements(path, datum))
    key = MetricKey.of(namespace, datum["MetricName"], _dimensions(path, datum))
    return key, datum.get("Unit", "None"), point


def _timestamp(path: str, timestamp: float, now: float) -> float:
    if timestamp < now - 14 * DAY:
        raise _invalid(
            f"The parameter {path}.Timestamp must specify a time within the past two weeks."
        )
    if timestamp > now + AHEAD:
        raise _invalid(
            f"The parameter {path}.Timestamp must specify a time within two hours of the current "
            "time."
        )
    return timestamp


def _dimensions(path: str, datum: Mapping[str, Any]) -> dict[str, str]:
    dimensions: dict[str, str] = {}
    for i, dimension in enumerate(datum.get("Dimensions", []), 1):
        name, value = dimension["Name"], dimension["Value"]
        for member, text in (("Name", name), ("Value", value)):
            if not text.isascii() or not text.strip():
                raise _invalid(
                    f"The parameter {path}.Dimensions.member.{i}.{member} must contain only ASCII "
                    "characters, and at least one that is no whitespace."
                )
        if name.startswith(":"):
            raise _invalid(
                f"The parameter {path}.Dimensions.member.{i}.Name must not start with a colon."
            )
        if name in dimensions:
            raise _invalid(f"The parameter {path}.Dimensions has the name {name} more than once.")
        dimensions[name] = value
    return dimensions


def _measurements(
    path: str, datum: Mapping[str, Any]
) -> tuple[list[tuple[float, float]], list[tuple[float, float, float, float]]]:
    members = [m for m in ("Value", "Values", "StatisticValues") if m in datum]
    if not members:
        raise AwsFault(
            "MissingParameter",
            f"At least one of the parameters must be specified: {path}.Value, {path}.Values, "
            f"{path}.StatisticValues.",
        )
    # AWS takes Values and StatisticValues together, and counts the statistic set.
    if len(members) > 1 and "Value" in members:
        raise AwsFault(
            "InvalidParameterCombination",
            f"The parameters {path}.{members[0]} and {path}.{members[1]} are mutually exclusive "
            "and you have specified both.",
        )
    if "Counts" in datum and "Values" not in datum:
        raise AwsFault(
            "MissingParameter", f"The parameter {path}.Values is required with {path}.Counts."
        )
    if "StatisticValues" in datum:
        return [], [_statistic_set(f"{path}.StatisticValues", datum["StatisticValues"])]
    if "Value" in datum:
        return [(_number(f"{path}.Value", datum["Value"]), 1.0)], []
    values = [_number(f"{path}.Values.member.{i}", v) for i, v in enumerate(datum["Values"], 1)]
    counts = [
        _number(f"{path}.Counts.member.{i}", c) for i, c in enumerate(datum.get("Counts", []), 1)
    ] or [1.0] * len(values)
    if not 1 <= len(values) <= _MAX_VALUES:
        raise _invalid(f"The collection {path}.Values must have a size between 1 and {_MAX_VALUES}")
    if len(counts) != len(values):
        raise _invalid(f"The parameters {path}.Values and {path}.Counts must be of the same size.")
    if min(counts) < 0:
        raise _invalid(f"The parameter {path}.Counts must not hold a negative number.")
    return [(v, c) for v, c in zip(values, counts, strict=True) if c > 0], []


def _statistic_set(
    path: str, statistic_values: Mapping[str, float]
) -> tuple[float, float, float, float]:
    count, total, low, high = (
        _number(f"{path}.{name}", statistic_values[name])
        for name in ("SampleCount", "Sum", "Minimum", "Maximum")
    )
    if low > high:
        raise _invalid(f"The parameter {path}.Maximum must be greater than or equal to "
                       f"{path}.Minimum.")  # fmt: skip
    if count < 0:
        raise _invalid(f"The parameter {path}.SampleCount must not be negative.")
    slack = 1e-9 * max(abs(total), abs(low * count), abs(high * count))
    if not low * count - slack <= total <= high * count + slack:
        raise _invalid(f"The parameter {path}.Sum must lie between SampleCount times Minimum and "
                       "SampleCount times Maximum.")  # fmt: skip
    return count, total, low, high


def _number(path: str, value: float) -> float:
    if math.isnan(value) or math.isinf(value):
        told = "NaN" if math.isnan(value) else "∞" if value > 0 else "-∞"
        raise _invalid(f"The value {told} for parameter {path} is invalid.")
    if abs(value) > _LARGEST:
        raise _invalid(f"The value {value} for parameter {path} must be between -2^360 and 2^360.")
    return value


def _invalid(message: str) -> AwsFault:
    return AwsFault("InvalidParameterValue", message)
