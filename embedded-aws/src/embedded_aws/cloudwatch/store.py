"""What was measured: every metric's cells, at the resolutions and for the times of CloudWatch.

Documented retention: data by the second for 3 hours, by the minute for 15 days, by 5 minutes for
63 days, by the hour for 455 days. A measurement is written into its second and its minute at once,
so that both are always complete; minutes are merged into longer spans as they age.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from embedded_aws.cloudwatch.cells import SECOND_LIMIT, Cell
from embedded_aws.cloudwatch.statistics import Statistic

HOUR = 3600
DAY = 24 * HOUR
KEEP_SECONDS = 3 * HOUR
KEEP_MINUTES = 15 * DAY
KEEP_FIVES = 63 * DAY
KEEP_HOURS = 455 * DAY
LISTED = 14 * DAY
# At 500 measurements a second of one metric, seconds are kept for about an hour instead of three.
SECONDS_BUDGET = 500_000
# Minutes that outlive their seconds turn coarse above this many distinct values.
AGED_LIMIT = 128

Dimensions = tuple[tuple[str, str], ...]


class MetricKey(NamedTuple):
    """What names a metric: namespace, name, and dimensions sorted by name."""

    namespace: str
    name: str
    dimensions: Dimensions = ()

    @staticmethod
    def of(namespace: str, name: str, dimensions: Mapping[str, str]) -> MetricKey:
        """The key of a metric with these dimensions."""
        return MetricKey(namespace, name, tuple(sorted(dimensions.items())))


@dataclass(frozen=True)
class Point:
    """One measurement, or several of the same moment.

    ``values`` are ``(value, count)`` pairs; ``sets`` are statistic sets
    ``(count, sum, minimum, maximum)``.
    """

    timestamp: float
    values: Sequence[tuple[float, float]] = ()
    sets: Sequence[tuple[float, float, float, float]] = ()


class Series:
    """The cells of one metric in one unit."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.seconds: dict[int, Cell] = {}
        self.minutes: dict[int, Cell] = {}
        self.fives: dict[int, Cell] = {}
        self.hours: dict[int, Cell] = {}
        self.newest = 0
        self._distinct = 0
        self._spans: dict[tuple[int, int], Cell] = {}
        self._spans_end = 0

    def add(self, point: Point, now: float) -> None:
        """Add a measurement to its second and its minute."""
        second = int(point.timestamp)
        with self.lock:
            if second < self._spans_end:
                self._spans.clear()
                self._spans_end = 0
            self.newest = max(self.newest, second)
            if second > now - KEEP_SECONDS:
                cell = self.seconds.get(second)
                if cell is None:
                    cell = self.seconds[second] = Cell(SECOND_LIMIT)
                before = len(cell.values)
                _fill(cell, point)
                self._distinct += len(cell.values) - before
                while self._distinct > SECONDS_BUDGET and len(self.seconds) > 1:
                    self._forget(next(iter(self.seconds)))
            minute = second - second % 60
            cell = self.minutes.get(minute)
            if cell is None:
                cell = self.minutes[minute] = Cell()
            _fill(cell, point)

    def span(self, start: int, length: int) -> Cell | None:
        """All that was measured in ``[start, start + length)``; not to be changed. Holds no lock.

        Spans of whole minutes are read from minutes, others from seconds, which are kept for
        3 hours. Data that has aged into 5 minutes or hours only shows in spans that divide so.
        """
        key = (start, length)
        copy = self._spans.get(key)
        if copy is not None:
            return copy
        cells = list(self._cells(start, length))
        if len(cells) < 2:
            return cells[0] if cells else None
        sum_of_cells = Cell()
        for cell in cells:
            sum_of_cells.merge(cell)
        # Only what is over is kept: newer measurements leave it as it is, late ones drop it.
        if start + length <= self.newest:
            if len(self._spans) > 4096:
                self._spans.clear()
            self._spans[key] = sum_of_cells
            self._spans_end = max(self._spans_end, start + length)
        return sum_of_cells

    def age(self, now: float) -> bool:
        """Let data pass from finer to coarser spans; False when nothing is left."""
        with self.lock:
            for second in [s for s in self.seconds if s <= now - KEEP_SECONDS]:
                self._forget(second)
            for minute, cell in self.minutes.items():
                aged = minute <= now - KEEP_SECONDS
                if aged and not cell.coarse and len(cell.values) > AGED_LIMIT:
                    cell.coarsen()
            _pass_on(self.minutes, self.fives, 300, now - KEEP_MINUTES)
            _pass_on(self.fives, self.hours, HOUR, now - KEEP_FIVES)
            for hour in [h for h in self.hours if h <= now - KEEP_HOURS]:
                del self.hours[hour]
            return bool(self.minutes or self.fives or self.hours)

    def _cells(self, start: int, length: int) -> Iterator[Cell]:
        if length % 60 or start % 60:
            yield from _within(self.seconds, start, length, 1)
            return
        yield from _within(self.minutes, start, length, 60)
        if length % 300 == 0 and start % 300 == 0:
            yield from _within(self.fives, start, length, 300)
        if length % HOUR == 0 and start % HOUR == 0:
            yield from _within(self.hours, start, length, HOUR)

    def recount(self) -> None:
        """Count the distinct values anew, after the seconds were put back."""
        self._distinct = sum(len(cell.values) for cell in self.seconds.values())

    def _forget(self, second: int) -> None:
        self._distinct -= len(self.seconds.pop(second).values)


@dataclass
class MetricStore:
    """All metrics of one account and region. Safe to use from many threads."""

    _metrics: dict[MetricKey, dict[str, Series]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, key: MetricKey, unit: str, point: Point, now: float) -> None:
        """Add a measurement; ``now`` decides at which resolution it is kept."""
        units = self._metrics.get(key)
        series = units.get(unit) if units is not None else None
        if series is None:
            with self._lock:
                series = self._metrics.setdefault(key, {}).setdefault(unit, Series())
        series.add(point, now)

    def add_all(self, points: Sequence[tuple[MetricKey, str, Point]], now: float) -> None:
        """Add measurements, each with its metric and unit."""
        for key, unit, point in points:
            self.add(key, unit, point, now)

    def series_of(self, key: MetricKey, unit: str) -> Series | None:
        """The cells of a metric in a unit, None when there are none."""
        return self._metrics.get(key, {}).get(unit)

    def put_back(self, key: MetricKey, unit: str, series: Series) -> None:
        """Take in the cells that an earlier process kept."""
        with self._lock:
            self._metrics.setdefault(key, {})[unit] = series

    def units(self, key: MetricKey) -> list[str]:
        """The units that a metric was ever published in."""
        return list(self._metrics.get(key, ()))

    def read(
        self,
        key: MetricKey,
        unit: str | None,
        spans: Iterable[tuple[int, int]],
        statistics: Sequence[Statistic],
    ) -> list[tuple[int, list[float | None]]]:
        """Statistics of spans ``(start, length)``; spans without data are left out.

        Units are never mixed: with ``unit`` None a span counts the first of its units, by name.
        """
        units = self._metrics.get(key, {})
        names = sorted(units) if unit is None else [unit] if unit in units else []
        if len(names) == 1:
            series = units[names[0]]
            with series.lock:
                return [
                    (start, [statistic.of(cell) for statistic in statistics])
                    for start, length in spans
                    if (cell := series.span(start, length)) is not None
                ]
        result = []
        for start, length in spans:
            for name in names:
                with units[name].lock:
                    cell = units[name].span(start, length)
                    if cell is not None and cell.count:
                        result.append((start, [statistic.of(cell) for statistic in statistics]))
                        break
        return result

    def units_in(self, key: MetricKey, spans: Sequence[tuple[int, int]]) -> list[str]:
        """The units in which a metric has data in these spans, by name."""
        units = self._metrics.get(key, {})
        if len(units) < 2:
            return list(units)
        return [name for name in sorted(units) if any(_holds(units[name], *span) for span in spans)]

    def keys(self, since: float) -> list[MetricKey]:
        """Metrics with data at or after ``since``, in order."""
        with self._lock:
            items = list(self._metrics.items())
        return sorted(k for k, units in items if any(s.newest >= since for s in units.values()))

    def age(self, now: float) -> None:
        """Let old data pass into coarser spans, and metrics without data go."""
        with self._lock:
            items = list(self._metrics.items())
        for key, units in items:
            alive = [series.age(now) for series in list(units.values())]
            if not any(alive):
                with self._lock:
                    self._metrics.pop(key, None)


def _holds(series: Series, start: int, length: int) -> bool:
    with series.lock:
        return series.span(start, length) is not None


def _fill(cell: Cell, point: Point) -> None:
    for value, count in point.values:
        cell.add(value, count)
    for statistics in point.sets:
        cell.add_set(*statistics)


def _within(cells: Mapping[int, Cell], start: int, length: int, step: int) -> Iterator[Cell]:
    if len(cells) * step < length:
        yield from (c for t, c in sorted(cells.items()) if start <= t < start + length)
        return
    for moment in range(start, start + length, step):
        if (cell := cells.get(moment)) is not None:
            yield cell


def _pass_on(fine: dict[int, Cell], coarse: dict[int, Cell], step: int, before: float) -> None:
    for start in [t for t in fine if t <= before]:
        target = start - start % step
        if target not in coarse:
            coarse[target] = Cell()
        coarse[target].merge(fine.pop(start))
