"""A look at an experiment, at any moment and as often as one likes. Pure.

Several metrics share α in equal parts (Bonferroni): all intervals hold together, at all looks, with
a chance of at least 1 − α.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from tasks.experiments import ratio
from tasks.experiments.blocks import Cell, arrivals, closed, end_of, sums_of
from tasks.experiments.plan import Experiment, SuccessMetric
from tasks.experiments.sequence import (
    ConfidenceSequence,
    Design,
    Sums,
    confidence_sequence,
    estimate,
)
from tasks.values import Frozen

State = Literal["better", "worse", "no difference", "open", "inconsistent"]
LOOKS_KEPT = 120


class Look(Frozen):
    """Estimate and interval as they stood. ``at`` is unix seconds."""

    at: float
    difference: float
    low: float
    high: float


class MetricReading(Frozen):
    """What is known of one metric, treatment less control, per user in the metric's own unit.

    ``state`` is said of the treatment: better or worse (the interval leaves out 0), no difference
    (the interval lies within the minimal difference), open, or inconsistent (no constant
    difference fits all that was seen). ``not_worse``: worse by the minimal difference is ruled out.
    ``evidence`` is the base-10 logarithm of the e-value against no difference.
    """

    metric: SuccessMetric
    state: State
    not_worse: bool
    control: float
    treatment: float
    difference: float
    low: float
    high: float
    evidence: float
    history: tuple[Look, ...] = ()


class Reading(Frozen):
    """One look; with a mismatch of the shares it holds no metrics.

    ``users`` are counted ones in (treatment, control); ``pending`` were heard of and are still
    within their window; ``crossed`` were seen with the other arm's version; ``late`` records came
    after their user had been counted.
    """

    experiment: str
    at: float
    users: tuple[int, int]
    pending: tuple[int, int]
    crossed: int
    late: int
    mismatch: bool
    ratio_evidence: float
    metrics: tuple[MetricReading, ...]


def read(
    experiment: Experiment,
    cells: Sequence[Cell],
    now: float,
    pending: tuple[int, int] = (0, 0),
    late: int = 0,
) -> Reading:
    """Read an experiment.

    Args:
        experiment: As it was asked for.
        cells: What was counted, in any order.
        now: Unix time, seconds; only blocks that are over are read.
        pending: Users (treatment, control) who are not counted yet.
        late: Records that came too late.
    """
    over = closed(experiment, now)
    counted = [cell for cell in cells if cell.block < over]
    path = arrivals(counted)
    everybody = arrivals(cells)[-1:] or ((0, 0),)
    total = (everybody[0][0] + pending[0], everybody[0][1] + pending[1])
    against = ratio.peak((*path, total), experiment.share)
    mismatch = against >= -math.log(experiment.ratio_alpha)
    return Reading(
        experiment=experiment.id,
        at=now,
        users=path[-1] if path else (0, 0),
        pending=pending,
        crossed=sum(cell.crossed for cell in cells),
        late=late,
        mismatch=mismatch,
        ratio_evidence=against / math.log(10),
        metrics=()
        if mismatch
        else tuple(_metric(experiment, metric, counted) for metric in experiment.metrics),
    )


def _metric(experiment: Experiment, metric: SuccessMetric, cells: Sequence[Cell]) -> MetricReading:
    sums, blocks = sums_of(cells, metric.name)
    design = Design(
        share=experiment.share,
        aim=metric.minimal_difference / metric.most,
        binary=metric.kind == "proportion",
    )
    if not blocks:
        return _nothing(metric)
    intervals = confidence_sequence(sums, design, experiment.metric_alpha)
    unit = metric.most
    low, high = float(intervals.low[-1]) * unit, float(intervals.high[-1]) * unit
    return MetricReading(
        metric=metric,
        state=_state(metric, low, high),
        not_worse=_not_worse(metric, low, high),
        control=_mean(sums.s_c.sum(), sums.n_c.sum()) * unit,
        treatment=_mean(sums.s_t.sum(), sums.n_t.sum()) * unit,
        difference=estimate(sums) * unit,
        low=low if math.isfinite(low) else 0.0,
        high=high if math.isfinite(high) else 0.0,
        evidence=float(intervals.evidence.max()) / math.log(10),
        history=_history(experiment, sums, intervals, blocks, unit),
    )


def _nothing(metric: SuccessMetric) -> MetricReading:
    return MetricReading(
        metric=metric,
        state="open",
        not_worse=False,
        control=0.0,
        treatment=0.0,
        difference=0.0,
        low=-metric.most,
        high=metric.most,
        evidence=0.0,
    )


def _state(metric: SuccessMetric, low: float, high: float) -> State:
    if not (math.isfinite(low) and math.isfinite(high)):
        return "inconsistent"
    if -metric.minimal_difference < low and high < metric.minimal_difference:
        return "no difference"
    if low > 0 or high < 0:
        return "better" if (low > 0) == (metric.direction == "increase") else "worse"
    return "open"


def _not_worse(metric: SuccessMetric, low: float, high: float) -> bool:
    if metric.direction == "increase":
        return low > -metric.minimal_difference
    return high < metric.minimal_difference


def _history(
    experiment: Experiment,
    sums: Sums,
    intervals: ConfidenceSequence,
    blocks: tuple[int, ...],
    unit: float,
) -> tuple[Look, ...]:
    last = [i for i in range(len(blocks)) if i + 1 == len(blocks) or blocks[i + 1] != blocks[i]]
    step = max(1, math.ceil(len(last) / LOOKS_KEPT))
    totals = [column.cumsum() for column in sums.columns()]
    looks = []
    for index in last[::-1][::step][::-1]:
        n_t, s_t, _, n_c, s_c, _ = (float(column[index]) for column in totals)
        if math.isfinite(intervals.low[index]):
            looks.append(
                Look(
                    at=end_of(experiment, blocks[index]),
                    difference=(_mean(s_t, n_t) - _mean(s_c, n_c)) * unit,
                    low=float(intervals.low[index]) * unit,
                    high=float(intervals.high[index]) * unit,
                )
            )
    return tuple(looks)


def _mean(total: float, users: float) -> float:
    return float(total) / float(users) if users else 0.0
