"""What metric math computes with: scalars, time series, and arrays of time series."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from embedded_aws.cloudwatch.math.syntax import MathError


@dataclass(frozen=True)
class TimeSeries:
    """A time series.

    Args:
        points: Value by unix second, oldest first; all values are finite.
        period: Seconds between two points where none is missing.
        grid: Starts of all periods in the range that was asked for.
        id: Of the query that it came from.
        label: Name to show.
        messages: What an answer says beside it, as ``(code, sentence)``.
    """

    points: Mapping[int, float]
    period: int = 60
    grid: range = field(default=range(0))
    id: str = ""
    label: str = ""
    messages: tuple[tuple[str, str], ...] = ()

    def with_points(self, points: Mapping[int, float]) -> TimeSeries:
        """The same series with other points; those that are not finite are dropped."""
        return replace(self, points={t: v for t, v in points.items() if math.isfinite(v)})

    def each(self, function: Callable[[float], float]) -> TimeSeries:
        """The function of every value; points where it has none are dropped."""
        return self.with_points({t: attempt(function, v) for t, v in self.points.items()})


Array = tuple[TimeSeries, ...]
Value = float | TimeSeries | Array | str


def attempt(function: Callable[..., float], *arguments: float) -> float:
    """The function's value, NaN where it has none (a division by zero, a negative's root)."""
    try:
        value = function(*arguments)
    except (ZeroDivisionError, OverflowError, ValueError):
        return math.nan
    return value if isinstance(value, (int, float)) else math.nan


def together(series: Array) -> tuple[list[int], TimeSeries]:
    """Every moment at which one of the series may have a point, and the coarsest of them.

    Series of different periods meet on the coarsest period's moments.
    """
    members = [one for one in series if one.points] or series
    coarsest = max(members, key=lambda s: s.period)
    moments: set[int] = set()
    for one in series:
        moments.update(one.points)
    if any(one.period != coarsest.period for one in members):
        moments = {t for t in moments if t in coarsest.grid or t in coarsest.points}
    return sorted(moments), coarsest


def combine(
    operator: Callable[[float, float], float], name: str, left: Value, right: Value
) -> Value:
    """An operator between scalars, series and arrays.

    Where one of two series lacks a value it counts as 0, as documented.

    Raises:
        MathError: for two arrays, or a string.
    """
    if isinstance(left, str) or isinstance(right, str):
        raise MathError(f"the operator {name} does not take a string")
    if isinstance(left, tuple):
        if isinstance(right, tuple):
            raise MathError(f"the operator {name} is not supported between two arrays")
        return tuple(as_series(combine(operator, name, one, right)) for one in left)
    if isinstance(right, tuple):
        return tuple(as_series(combine(operator, name, left, one)) for one in right)
    if isinstance(left, TimeSeries):
        if isinstance(right, TimeSeries):
            return _pairwise(operator, left, right)
        scalar = right
        return left.each(lambda value: operator(value, scalar))
    if isinstance(right, TimeSeries):
        scalar = left
        return right.each(lambda value: operator(scalar, value))
    return attempt(operator, left, right)


def as_series(value: Value) -> TimeSeries:
    """A value that must be one series.

    Raises:
        MathError: where it is not.
    """
    if not isinstance(value, TimeSeries):
        raise MathError(f"a single time series is needed, not {kind_of(value)}")
    return value


def as_array(value: Value) -> Array:
    """A value that must be an array.

    Raises:
        MathError: where it is not.
    """
    if not isinstance(value, tuple):
        raise MathError(f"an array of time series is needed, not {kind_of(value)}")
    return value


def as_scalar(value: Value) -> float:
    """A value that must be a number.

    Raises:
        MathError: where it is not.
    """
    if isinstance(value, (str, tuple, TimeSeries)):
        raise MathError(f"a scalar is needed, not {kind_of(value)}")
    return value


def kind_of(value: Value) -> str:
    """What a value is, in words."""
    if isinstance(value, str):
        return "a string"
    if isinstance(value, tuple):
        return "an array of time series"
    return "a time series" if isinstance(value, TimeSeries) else "a scalar"


def _pairwise(
    operator: Callable[[float, float], float], left: TimeSeries, right: TimeSeries
) -> TimeSeries:
    moments, coarsest = together((left, right))
    a, b = left.points, right.points
    return coarsest.with_points(
        {t: attempt(operator, a.get(t, 0.0), b.get(t, 0.0)) for t in moments}
    )
