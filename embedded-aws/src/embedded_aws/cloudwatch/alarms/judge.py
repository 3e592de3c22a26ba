"""One evaluation of one metric alarm at one moment."""

from __future__ import annotations

from dataclasses import dataclass

from embedded_aws.cloudwatch import statistics
from embedded_aws.cloudwatch.alarms.decide import EXTRA, Decision, decide
from embedded_aws.cloudwatch.alarms.reasons import Datapoint
from embedded_aws.cloudwatch.alarms.settings import Watch
from embedded_aws.cloudwatch.math.syntax import MathError
from embedded_aws.cloudwatch.periods import Range
from embedded_aws.cloudwatch.queries import Evaluation
from embedded_aws.cloudwatch.store import MetricStore


@dataclass(frozen=True)
class Judgement:
    """A decision and the datapoints that it rests on, oldest first."""

    decision: Decision
    points: tuple[Datapoint, ...]


def tick_of(watch: Watch) -> int:
    """Virtual seconds between two evaluations: the period, at most a minute."""
    return min(watch.period, 60)


def judge(store: MetricStore, watch: Watch, now: float) -> Judgement:
    """Judge an alarm by the complete windows before ``now``.

    Windows slide: they end at the last tick, wherever that lies in the period, unless the alarm
    asks for wall-clock windows.

    Raises:
        MathError: when the expression cannot be evaluated.
    """
    step = watch.period if watch.wall_clock else tick_of(watch)
    end = int(now) - int(now) % step
    grid = range(end - (watch.periods + EXTRA) * watch.period, end, watch.period)
    values = _values(store, watch, grid, now)
    samples = _samples(store, watch, grid)
    points = tuple(
        Datapoint(start, values.get(start), samples.get(start, 0.0) if samples else None)
        for start in grid
    )
    breaching = [None if p.value is None else watch.breaches(p.value) for p in points]
    decision = decide(breaching, watch.periods, watch.datapoints, watch.missing)
    if watch.low_samples:
        total = sum(points[i].samples or 0.0 for i in decision.judged)
        if 0 < total < watch.low_samples:
            decision = Decision(None, decision.judged)
    return Judgement(decision, points)


def _values(store: MetricStore, watch: Watch, grid: range, now: float) -> dict[int, float]:
    evaluation = Evaluation(
        store, watch.queries, Range(grid.start, grid.stop, now), grids={watch.period: grid}
    )
    query = next(q for q in watch.queries if q.id == watch.watched)
    series = evaluation.result(query)
    if len(series) != 1:
        raise MathError(f"the expression {query.id} returns {len(series)} time series, not one")
    return dict(series[0].points)


def _samples(store: MetricStore, watch: Watch, grid: range) -> dict[int, float]:
    """Measurements per window; {} for an expression."""
    query = next(q for q in watch.queries if q.id == watch.watched)
    if query.key is None:
        return {}
    spans = [(start, watch.period) for start in grid]
    rows = store.read(query.key, query.unit, spans, [statistics.parse("SampleCount")])
    return {start: values[0] or 0.0 for start, values in rows}
