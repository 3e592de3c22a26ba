"""The statistics that CloudWatch knows, by name, as functions of a cell.

``SampleCount``, ``Sum``, ``Average``, ``Minimum`` and ``Maximum`` can be read from every cell. The
others need the distribution; as documented they do not exist where part of the data came as
statistic sets, or where a value is negative.

Bounds in percent are ranks: ``TM(10%:90%)`` keeps the measurements between rank 0.1 n and 0.9 n,
splitting the one that a bound falls upon. So ``TC(:a) + TC(a:b) + TC(b:)`` is always the count, and
``tm50`` of equal values is that value. Absolute bounds exclude the lower and include the upper one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from embedded_aws.cloudwatch.cells import Cell, Order

_NUMBER = r"\d+(?:\.\d{0,10})?(?:[Ee][+-]?\d+)?"
_PERCENT = r"(?:100(?:\.0{0,10})?|\d{1,2}(?:\.\d{0,10})?)"
_ONE = re.compile(rf"(p|tm|tc|ts|wm)({_PERCENT})")
_SHARES = re.compile(rf"(TM|TC|TS|WM)\((?:({_PERCENT})%)?:(?:({_PERCENT})%)?\)")
_VALUES = re.compile(rf"(TM|TC|TS|WM|PR)\(({_NUMBER})?:({_NUMBER})?\)")


class UnknownStatisticError(ValueError):
    """CloudWatch has no statistic of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} is not a statistic of CloudWatch")
        self.name = name


@dataclass(frozen=True)
class Statistic:
    """One statistic.

    Args:
        name: As it was asked for.
        of: Its value for a cell, or None where it has none.
        extended: Whether it needs the distribution.
        percent: The percentage of a ``pNN``, else None.
    """

    name: str
    of: Callable[[Cell], float | None]
    extended: bool = False
    percent: float | None = None


@lru_cache(maxsize=1024)
def parse(name: str) -> Statistic:
    """The statistic of that name.

    Raises:
        UnknownStatisticError: where CloudWatch has none.
    """
    if name in _SIMPLE:
        return Statistic(name, _SIMPLE[name])
    if name == "IQM":
        return _from_shares(name, "tm", 25.0, 75.0)
    if match := _ONE.fullmatch(name):
        percent = float(match[2])
        if match[1] == "p":
            of = _of_order(lambda order: order.percentile(percent))
            return Statistic(name, of, extended=True, percent=percent)
        return _from_shares(name, match[1], None, percent)
    if (match := _SHARES.fullmatch(name)) and (match[2] or match[3]):
        return _from_shares(name, match[1].lower(), _float(match[2]), _float(match[3]))
    if (match := _VALUES.fullmatch(name)) and (match[2] or match[3]):
        low, high = _float(match[2]), _float(match[3])
        return _from_values(name, match[1].lower(), low, high)
    raise UnknownStatisticError(name)


_SIMPLE: dict[str, Callable[[Cell], float | None]] = {
    "SampleCount": lambda cell: cell.count,
    "Sum": lambda cell: cell.total,
    "Average": lambda cell: cell.total / cell.count,
    "Minimum": lambda cell: cell.low,
    "Maximum": lambda cell: cell.high,
}


def _float(text: str | None) -> float | None:
    return None if text is None else float(text)


def _of_order(of: Callable[[Order], float | None]) -> Callable[[Cell], float | None]:
    def value(cell: Cell) -> float | None:
        if cell.opaque or cell.low < 0 or not cell.values:
            return None
        return of(cell.order())

    return value


def _from_shares(name: str, kind: str, low: float | None, high: float | None) -> Statistic:
    """Trimmed at ranks, in percent."""
    if (low or 0.0) > (100.0 if high is None else high):
        raise UnknownStatisticError(name)

    def of(order: Order) -> float | None:
        first = 0.0 if low is None else order.count * (low / 100.0)
        last = order.count if high is None else order.count * (high / 100.0)
        edges = (
            order.low if low is None else order.percentile(low),
            order.high if high is None else order.percentile(high),
        )
        return _between(order, kind, first, last, edges)

    return Statistic(name, _of_order(of), extended=True)


def _from_values(name: str, kind: str, low: float | None, high: float | None) -> Statistic:
    """Trimmed at values: above ``low``, up to and with ``high``."""
    if low is not None and high is not None and low > high:
        raise UnknownStatisticError(name)

    def of(order: Order) -> float | None:
        first = 0.0 if low is None else order.rank(low)
        last = order.count if high is None else order.rank(high)
        edges = (order.low if low is None else low, order.high if high is None else high)
        return _between(order, kind, first, last, edges)

    return Statistic(name, _of_order(of), extended=True)


def _between(
    order: Order, kind: str, first: float, last: float, edges: tuple[float, float]
) -> float | None:
    """The ``kind`` of what lies between two ranks."""
    inside = max(0.0, last - first)
    if kind == "tc":
        return inside
    if kind == "pr":
        return 100.0 * inside / order.count
    total = order.sum_to(last) - order.sum_to(first) if inside else 0.0
    if kind == "ts":
        return total
    if kind == "wm":
        outside = edges[0] * first + edges[1] * (order.count - last)
        return (total + outside) / order.count
    return total / inside if inside > 0 else None
