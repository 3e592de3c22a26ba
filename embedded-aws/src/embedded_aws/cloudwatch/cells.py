"""A cell: everything that was measured in one second (or minute, or hour) of one metric.

A cell is a multiset: how often each value occurred. That is what PutMetricData's ``Values`` and
``Counts`` say, it merges by addition, and every statistic can be read from it exactly.

Memory is bounded: above a limit of distinct values a cell turns *coarse*. Values then fall into
logarithmic bins whose bounds grow by 1 %, and stand as the bin's middle, so that a percentile is
off by at most 0.5 % of its value (the relative-error histogram of Masson, Rim & Lee, "DDSketch",
VLDB 2019, which is also how CloudWatch keeps its own distributions). Count, sum, minimum and
maximum stay exact.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from functools import lru_cache
from itertools import accumulate

GROWTH = 1.01
_LOG_GROWTH = math.log(GROWTH)
SECOND_LIMIT = 256
SPAN_LIMIT = 1024


class Cell:
    """Measurements of one span of time.

    Attributes:
        count: How many; counts need not be whole.
        total: Their sum.
        low: The smallest value.
        high: The largest.
        values: Count per value.
        opaque: How many of ``count`` came as statistic sets without a distribution.
        coarse: Whether values have been put into bins.
    """

    __slots__ = ("_order", "coarse", "count", "high", "limit", "low", "opaque", "total", "values")

    def __init__(self, limit: int = SPAN_LIMIT) -> None:
        self.count = 0.0
        self.total = 0.0
        self.low = math.inf
        self.high = -math.inf
        self.values: dict[float, float] = {}
        self.opaque = 0.0
        self.coarse = False
        self.limit = limit
        self._order: Order | None = None

    def add(self, value: float, count: float = 1.0) -> None:
        """Add a value that occurred ``count`` times."""
        self.count += count
        self.total += value * count
        # Every request of every endpoint comes by here, and min() costs three times as much.
        if value < self.low:  # noqa: PLR1730
            self.low = value
        if value > self.high:  # noqa: PLR1730
            self.high = value
        if self.coarse:
            value = middle_of_bin(value)
        values = self.values
        values[value] = values.get(value, 0.0) + count
        self._order = None
        if len(values) > self.limit and not self.coarse:
            self.coarsen()

    def add_set(self, count: float, total: float, low: float, high: float) -> None:
        """Add a statistic set. Its distribution is known only where all values are the same."""
        if count <= 0:
            return
        if low == high and math.isclose(total, low * count, rel_tol=1e-9, abs_tol=1e-12):
            self.add(low, count)
            return
        self.count += count
        self.total += total
        self.low = min(self.low, low)
        self.high = max(self.high, high)
        self.opaque += count

    def merge(self, other: Cell) -> None:
        """Add all that the other cell holds."""
        self.count += other.count
        self.total += other.total
        self.low = min(self.low, other.low)
        self.high = max(self.high, other.high)
        self.opaque += other.opaque
        values = self.values
        if self.coarse and not other.coarse:
            for value, count in other.values.items():
                middle = middle_of_bin(value)
                values[middle] = values.get(middle, 0.0) + count
        else:
            for value, count in other.values.items():
                values[value] = values.get(value, 0.0) + count
        self._order = None
        if len(values) > self.limit and not self.coarse:
            self.coarsen()

    def order(self) -> Order:
        """The values in ascending order; kept until the cell changes."""
        if self._order is None:
            self._order = Order(self.values, self.low, self.high)
        return self._order

    def coarsen(self) -> None:
        """Put the values into bins."""
        self.coarse = True
        self._order = None
        exact, self.values = self.values, {}
        for value, count in exact.items():
            middle = middle_of_bin(value)
            self.values[middle] = self.values.get(middle, 0.0) + count


class Order:
    """The order statistics of a multiset.

    A *rank* is a number of measurements, 0 … ``count``; it may fall inside of a value that
    occurred more than once, which is then split.
    """

    __slots__ = ("below", "count", "high", "low", "sums", "values")

    def __init__(self, values: dict[float, float], low: float, high: float) -> None:
        self.values = sorted(values)
        counts = [values[value] for value in self.values]
        self.below = list(accumulate(counts))
        self.sums = list(accumulate(v * c for v, c in zip(self.values, counts, strict=True)))
        self.count = self.below[-1] if counts else 0.0
        self.low = low
        self.high = high

    def percentile(self, percent: float) -> float:
        """Linear interpolation between the two nearest measurements.

        Position ``(n - 1) * percent / 100`` among the ordered measurements: definition 7 of Hyndman
        & Fan, "Sample Quantiles in Statistical Packages" (1996), numpy's default. Not empty.
        """
        position = max(0.0, (self.count - 1.0) * percent / 100.0)
        whole = math.floor(position)
        below = self._at(whole)
        above = self._at(whole + 1) if position > whole else below
        value = below + (above - below) * (position - whole)
        return min(max(value, self.low), self.high)

    def rank(self, value: float) -> float:
        """How many measurements are at most ``value``."""
        index = bisect_right(self.values, value)
        return self.below[index - 1] if index else 0.0

    def sum_to(self, rank: float) -> float:
        """Sum of the ``rank`` smallest measurements."""
        index = min(bisect_right(self.below, rank), len(self.values) - 1)
        before, rank_before = (self.sums[index - 1], self.below[index - 1]) if index else (0.0, 0.0)
        return before + (min(rank, self.count) - rank_before) * self.values[index]

    def _at(self, index: int) -> float:
        return self.values[min(bisect_right(self.below, index), len(self.values) - 1)]


def middle_of_bin(value: float) -> float:
    """The representative of a value's logarithmic bin; 0 is its own bin."""
    if value == 0.0:
        return 0.0
    middle = _power(round(math.log(abs(value)) / _LOG_GROWTH))
    return middle if value > 0 else -middle


@lru_cache(maxsize=65536)
def _power(index: int) -> float:
    # Cached so that all cells share one float object per bin.
    return math.exp(index * _LOG_GROWTH)
