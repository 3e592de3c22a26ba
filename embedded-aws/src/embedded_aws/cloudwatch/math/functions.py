"""The functions of metric math, by name."""

from __future__ import annotations

import datetime as dt
import math
import operator
import statistics
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate, pairwise

from embedded_aws.cloudwatch.math.syntax import MathError
from embedded_aws.cloudwatch.math.values import (
    Array,
    TimeSeries,
    Value,
    as_array,
    as_scalar,
    as_series,
    kind_of,
    together,
)

Reduction = Callable[[list[float]], float]

OPERATORS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
    "==": lambda a, b: float(a == b),
    "!=": lambda a, b: float(a != b),
    "<=": lambda a, b: float(a <= b),
    ">=": lambda a, b: float(a >= b),
    "<": lambda a, b: float(a < b),
    ">": lambda a, b: float(a > b),
    "AND": lambda a, b: float(bool(a) and bool(b)),
    "OR": lambda a, b: float(bool(a) or bool(b)),
}

POINTWISE: dict[str, Callable[[float], float]] = {
    "ABS": abs,
    "CEIL": lambda v: float(math.ceil(v)),
    "FLOOR": lambda v: float(math.floor(v)),
    "LOG": math.log,
    "LOG10": math.log10,
    "SQRT": math.sqrt,
}

_NONE = math.nan
REDUCTIONS: dict[str, Reduction] = {
    "SUM": math.fsum,
    "AVG": lambda values: math.fsum(values) / len(values) if values else _NONE,
    "MIN": lambda values: min(values, default=_NONE),
    "MAX": lambda values: max(values, default=_NONE),
    # Of the population; the documentation leaves it open.
    "STDDEV": lambda values: statistics.pstdev(values) if values else _NONE,
    "DATAPOINT_COUNT": lambda values: float(len(values)),
}

_Moment = Callable[[dt.datetime], int]
CALENDAR: dict[str, _Moment] = {
    "MINUTE": lambda m: m.minute,
    "HOUR": lambda m: m.hour,
    "DAY": lambda m: m.isoweekday(),
    "DATE": lambda m: m.day,
    "MONTH": lambda m: m.month,
    "YEAR": lambda m: m.year,
    "EPOCH": lambda m: int(m.timestamp()),
}


def reduce(name: str, value: Value) -> Value:
    """``SUM`` and its like: a scalar of one series; moment by moment over an array.

    ``AVG`` over an array counts missing values as 0, as documented.
    """
    reduction = REDUCTIONS[name]
    if isinstance(value, TimeSeries):
        return reduction(list(value.points.values()))
    series = as_array(value)
    if not series:
        return TimeSeries({})
    moments, coarsest = together(series)
    points = {}
    for moment in moments:
        present = [s.points[moment] for s in series if moment in s.points]
        if name == "AVG":
            present += [0.0] * (len(series) - len(present))
        points[moment] = reduction(present)
    return coarsest.with_points(points)


def over(value: Value, function: Callable[[TimeSeries], TimeSeries]) -> Value:
    """The function of a series, or of each series of an array.

    Raises:
        MathError: for a scalar or a string.
    """
    if isinstance(value, tuple):
        return tuple(function(series) for series in value)
    return function(as_series(value))


def diff(series: TimeSeries) -> TimeSeries:
    """Difference to the value before."""
    return series.with_points(
        {t: v - before for (_, before), (t, v) in pairwise(series.points.items())}
    )


def diff_time(series: TimeSeries) -> TimeSeries:
    """Seconds since the value before."""
    return series.with_points({t: float(t - before) for before, t in pairwise(series.points)})


def rate(series: TimeSeries) -> TimeSeries:
    """Change per second since the value before."""
    return series.with_points(
        {t: (v - w) / (t - s) for (s, w), (t, v) in pairwise(series.points.items())}
    )


def running_sum(series: TimeSeries) -> TimeSeries:
    """Sum of all values so far."""
    sums = accumulate(series.points.values())
    return series.with_points(dict(zip(series.points, sums, strict=True)))


def calendar(name: str, series: TimeSeries) -> TimeSeries:
    """A part of each period's date, in UTC; no period is left out."""
    part = CALENDAR[name]
    return series.with_points(
        {t: float(part(dt.datetime.fromtimestamp(t, dt.UTC))) for t in series.grid}
    )


def fill(series: TimeSeries, filler: Value) -> TimeSeries:
    """Give a value to each period that lacks one.

    ``REPEAT`` takes the last one before, ``LINEAR`` the line between those before and after; both
    leave out periods that have nothing to go by.

    Raises:
        MathError: for another filler than a scalar, a series, REPEAT or LINEAR.
    """
    moments = sorted({*series.grid, *series.points})
    points = series.points
    if isinstance(filler, TimeSeries):
        other = filler.points
        whole = {t: points.get(t, other.get(t, math.nan)) for t in moments}
    elif filler == "REPEAT":
        whole = _repeat(points, moments)
    elif filler == "LINEAR":
        whole = _linear(points, moments)
    else:
        if isinstance(filler, str):
            raise MathError(f"FILL takes a number, a time series, REPEAT or LINEAR, not {filler}")
        scalar = as_scalar(filler)
        whole = {t: points.get(t, scalar) for t in moments}
    return series.with_points(whole)


def choose(condition: Value, true: Value, false: Value | None) -> Value:
    """``IF``: moment by moment where the condition is a series.

    Where the condition holds and ``true`` has no value, the result is 0; where it does not hold
    and ``false`` has none, there is no result. Both as documented.

    Raises:
        MathError: for arrays and strings.
    """
    for value in (condition, true, false):
        if isinstance(value, (str, tuple)):
            raise MathError(f"IF does not take {kind_of(value)}")
    if not isinstance(condition, TimeSeries):
        if math.isnan(as_scalar(condition)):
            return TimeSeries({})
        if condition != 0:
            return true
        return TimeSeries({}) if false is None else false
    points = {}
    for moment, value in condition.points.items():
        branch = true if value != 0 else false
        if isinstance(branch, TimeSeries):
            default = 0.0 if value != 0 else math.nan
            points[moment] = branch.points.get(moment, default)
        elif branch is not None:
            points[moment] = as_scalar(branch)
    return condition.with_points(points)


def sort(array: Value, by: Value, order: Value, limit: Value | None = None) -> Array:
    """``SORT``: series without data come last.

    Raises:
        MathError: for an unknown function or order.
    """
    series = as_array(array)
    if by not in ("AVG", "MIN", "MAX", "SUM"):
        raise MathError(f"SORT sorts by AVG, MIN, MAX or SUM, not {by}")
    if order not in ("ASC", "DESC"):
        raise MathError(f"SORT sorts in the order ASC or DESC, not {order}")
    reduction = REDUCTIONS[str(by)]
    full = [s for s in series if s.points]
    full.sort(key=lambda s: reduction(list(s.points.values())), reverse=order == "DESC")
    ranking = (*full, *(s for s in series if not s.points))
    return ranking if limit is None else ranking[: int(as_scalar(limit))]


def part(array: Value, start: Value, end: Value | None = None) -> Array:
    """``SLICE``: from ``start`` up to, not with, ``end``."""
    stop = None if end is None else int(as_scalar(end))
    return as_array(array)[int(as_scalar(start)) : stop]


def flatten(items: Iterable[Value]) -> Array:
    """``[a, b]``, where members may be arrays themselves.

    Raises:
        MathError: for scalars and strings.
    """
    series: list[TimeSeries] = []
    for item in items:
        series.extend(item if isinstance(item, tuple) else (as_series(item),))
    return tuple(series)


def _repeat(points: Mapping[int, float], moments: Iterable[int]) -> dict[int, float]:
    whole = {}
    last = math.nan
    for moment in moments:
        last = points.get(moment, last)
        whole[moment] = last
    return whole


def _linear(points: Mapping[int, float], moments: Iterable[int]) -> dict[int, float]:
    whole = dict(points)
    moments = list(moments)
    for (s, w), (t, v) in pairwise(points.items()):
        for moment in (m for m in moments if s < m < t):
            whole[moment] = w + (v - w) * (moment - s) / (t - s)
    return dict(sorted(whole.items()))
