"""Intervals of metrics and of their differences on one set of rows. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cached_property

import numpy as np

from tasks.gates.evidence import Evidence
from tasks.gates.intervals import ConfidenceInterval, bca, clopper_pearson, tango
from tasks.gates.resampling import (
    FEWEST_UNITS,
    Floats,
    Replicates,
    Statistic,
    draws_for,
    replicated,
    statistic,
    units_of,
)
from tasks.metrics import METRICS


class Comparison:
    """What rows show of the models that answered them; each is resampled once.

    A metric that is a share of independent rows has its own interval (Clopper-Pearson, and Tango
    for a difference); everything else is resampled.

    Args:
        evidence: The rows.
        wanted: Metrics that will be asked for.
        tail: Smallest chance beyond an interval's end that will be asked for.
    """

    def __init__(self, evidence: Evidence, wanted: Collection[str], tail: float) -> None:
        self.evidence = evidence
        self.units = units_of(evidence.rows, evidence.groups)
        self._wanted = wanted
        self._tail = tail
        self._replicates: dict[str, Replicates] = {}
        self._shares: dict[str, dict[str, Floats]] = {}

    @cached_property
    def too_few(self) -> str:
        """Why no interval is to be believed; "" where it is."""
        if self.units.count >= FEWEST_UNITS:
            return ""
        what = "groups" if self.units.grouped else "rows"
        return f"{self.units.count} {what} are too few for an interval (from {FEWEST_UNITS} on)"

    def point(self, who: str, metric: str) -> float:
        """A model's metric on the rows."""
        side = self.evidence.sides[who]
        with np.errstate(divide="ignore", invalid="ignore"):
            measured = side.task.measure(self.evidence.labels, side.predicted)
        return float(measured[metric])

    def value(self, metric: str, confidence: float) -> ConfidenceInterval:
        """Interval of the candidate's metric."""
        rights = self._rights("candidate", metric)
        if rights is not None:
            return clopper_pearson(int(rights.sum()), len(rights), confidence)
        made = self._resampled("candidate")
        return bca(
            made.point[metric],
            made.drawn[metric],
            made.jackknife[metric],
            confidence,
            self.units.count,
        )

    def difference(self, metric: str, rival: str, confidence: float) -> ConfidenceInterval:
        """Interval of candidate less rival, in pairs; of their sizes where zero is best."""
        one, other = self.evidence.sides["candidate"], self.evidence.sides[rival]
        if one.task.output == other.task.output and np.array_equal(one.predicted, other.predicted):
            return ConfidenceInterval(0.0, 0.0, "equal")
        ours, theirs = self._rights("candidate", metric), self._rights(rival, metric)
        if ours is not None and theirs is not None:
            first, second = int((ours > theirs).sum()), int((theirs > ours).sum())
            return tango(first, second, len(ours), confidence)
        size: Callable[[Floats], Floats] = (
            np.abs if METRICS[metric].better == "zero" else np.asarray
        )
        a, b = self._resampled("candidate"), self._resampled(rival)
        return bca(
            float(size(np.asarray(a.point[metric])) - size(np.asarray(b.point[metric]))),
            size(a.drawn[metric]) - size(b.drawn[metric]),
            size(a.jackknife[metric]) - size(b.jackknife[metric]),
            confidence,
            self.units.count,
        )

    def _rights(self, who: str, metric: str) -> Floats | None:
        """Zeros and ones whose mean the metric is, of independent rows; None where it is not."""
        if self.units.grouped:
            return None
        if who not in self._shares:
            side = self.evidence.sides[who]
            sums = side.task.sums(self.evidence.labels, side.predicted)
            self._shares[who] = (
                {}
                if sums is None
                else {name: sums.rows[:, column] for name, column in sums.shares.items()}
            )
        return self._shares[who].get(metric)

    @cached_property
    def _statistics(self) -> tuple[dict[str, Statistic], int]:
        """Each side's metrics as functions of weights, and how many draws all of them take."""
        labels = self.evidence.labels
        made = {
            who: statistic(side.task, labels, side.predicted, self.units, self._wanted)
            for who, side in self.evidence.sides.items()
        }
        sums = all(every for _, every in made.values())
        draws = draws_for(len(labels), self._tail, sums=sums)
        return {who: measured for who, (measured, _) in made.items()}, draws

    def _resampled(self, who: str) -> Replicates:
        if who not in self._replicates:
            measured, draws = self._statistics
            self._replicates[who] = replicated(measured[who], self.units, draws)
        return self._replicates[who]
