"""Metric math, from tree to value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from embedded_aws.cloudwatch.math import functions as f
from embedded_aws.cloudwatch.math.syntax import (
    Array,
    Binary,
    Call,
    MathError,
    Minus,
    Name,
    Node,
    Number,
    Text,
)
from embedded_aws.cloudwatch.math.values import (
    TimeSeries,
    Value,
    as_array,
    as_scalar,
    as_series,
    combine,
)

KEYWORDS = frozenset({"REPEAT", "LINEAR", "AVG", "MIN", "MAX", "SUM", "ASC", "DESC"})
ABSENT = {
    "ANOMALY_DETECTION_BAND": "anomaly detection",
    "INSIGHT_RULE_METRIC": "Contributor Insights",
    "SERVICE_QUOTA": "Service Quotas",
    "DB_PERF_INSIGHTS": "Performance Insights",
    "LAMBDA": "metric data sources",
}


class Context(Protocol):
    """What an expression can refer to."""

    def value_of(self, name: str) -> Value | None:
        """The result of the query with this id, or None when there is no such query."""
        ...

    def metrics(self) -> tuple[TimeSeries, ...]:
        """All metrics of the request; no expressions."""
        ...

    def search(self, term: str, statistic: str, period: int | None) -> tuple[TimeSeries, ...]:
        """The metrics that a search finds."""
        ...

    def constant(self, value: float) -> TimeSeries:
        """A series of one value, without gaps."""
        ...


def evaluate(node: Node, context: Context) -> Value:
    """The value of a tree.

    Raises:
        MathError: for unknown names and functions, and for arguments of a wrong kind.
    """
    match node:
        case Number(value) | Text(value):
            return value
        case Name(name):
            return _value_of(name, context)
        case Minus(operand):
            return combine(lambda a, b: b - a, "-", evaluate(operand, context), 0.0)
        case Binary(operator, left, right):
            return combine(
                f.OPERATORS[operator], operator, evaluate(left, context), evaluate(right, context)
            )
        case Array(items):
            return f.flatten(evaluate(item, context) for item in items)
    return _call(node, context)


def _value_of(name: str, context: Context) -> Value:
    value = context.value_of(name)
    if value is not None:
        return value
    if name in KEYWORDS:
        return name
    raise MathError(f"{name!r} is not the Id of a query of this request")


def _call(node: Call, context: Context) -> Value:
    name = node.function
    if name in ABSENT:
        raise MathError(f"{name} is not available: the embedded AWS has no {ABSENT[name]}")
    function = _FUNCTIONS.get(name)
    if function is None:
        raise MathError(f"Function '{name}' not found")
    arguments = [evaluate(argument, context) for argument in node.arguments]
    if not function.least <= len(arguments) <= function.most:
        raise MathError(f"{name} does not take {len(arguments)} arguments")
    return function.of(context, arguments)


@dataclass(frozen=True)
class _Function:
    of: Callable[[Context, list[Value]], Value]
    least: int = 1
    most: int = 1


def _metrics(context: Context, arguments: list[Value]) -> Value:
    if not arguments:
        return context.metrics()
    if not isinstance(arguments[0], str):
        raise MathError("METRICS takes a string in quotes")
    part = arguments[0]
    return tuple(series for series in context.metrics() if part in series.id)


def _search(context: Context, arguments: list[Value]) -> Value:
    term, statistic = arguments[0], arguments[1]
    if not isinstance(term, str) or not isinstance(statistic, str):
        raise MathError("SEARCH takes a search term and a statistic, both in quotes")
    period = int(as_scalar(arguments[2])) if len(arguments) > 2 else None
    return context.search(term, statistic, period)


def _first(_: Context, arguments: list[Value]) -> Value:
    series = as_array(arguments[0])
    return series[0] if series else TimeSeries({})


def _last(_: Context, arguments: list[Value]) -> Value:
    series = as_array(arguments[0])
    return series[-1] if series else TimeSeries({})


def _fill(_: Context, arguments: list[Value]) -> Value:
    return f.over(arguments[0], lambda series: f.fill(series, arguments[1]))


def _if(_: Context, arguments: list[Value]) -> Value:
    return f.choose(arguments[0], arguments[1], arguments[2] if len(arguments) > 2 else None)


def _pointwise(function: Callable[[float], float]) -> _Function:
    def of(_: Context, arguments: list[Value]) -> Value:
        # ABS(5) and the like: a scalar stands for itself.
        if isinstance(arguments[0], (int, float)):
            return combine(lambda a, _b: function(a), "()", arguments[0], 0.0)
        return f.over(arguments[0], lambda series: series.each(function))

    return _Function(of)


def _shifting(function: Callable[[TimeSeries], TimeSeries]) -> _Function:
    return _Function(lambda _, arguments: f.over(arguments[0], function))


def _reducing(name: str) -> _Function:
    return _Function(lambda _, arguments: f.reduce(name, arguments[0]))


def _calendar(name: str) -> _Function:
    return _Function(lambda _, arguments: f.calendar(name, as_series(arguments[0])))


_FUNCTIONS: dict[str, _Function] = {
    **{name: _pointwise(function) for name, function in f.POINTWISE.items()},
    **{name: _reducing(name) for name in f.REDUCTIONS},
    **{name: _calendar(name) for name in f.CALENDAR},
    "DIFF": _shifting(f.diff),
    "DIFF_TIME": _shifting(f.diff_time),
    "RATE": _shifting(f.rate),
    "RUNNING_SUM": _shifting(f.running_sum),
    "FILL": _Function(_fill, 2, 2),
    "FIRST": _Function(_first),
    "LAST": _Function(_last),
    "IF": _Function(_if, 2, 3),
    "METRICS": _Function(_metrics, 0, 1),
    "METRIC_COUNT": _Function(lambda _, a: float(len(as_array(a[0])))),
    "PERIOD": _Function(lambda _, a: float(as_series(a[0]).period)),
    "REMOVE_EMPTY": _Function(lambda _, a: tuple(s for s in as_array(a[0]) if s.points)),
    "SEARCH": _Function(_search, 2, 3),
    "SLICE": _Function(lambda _, a: f.part(*a), 2, 3),
    "SORT": _Function(lambda _, a: f.sort(*a), 3, 4),
    "TIME_SERIES": _Function(lambda context, a: context.constant(as_scalar(a[0]))),
}
