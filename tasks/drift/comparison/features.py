"""Features: the scalars by which one week of a column is told from another.

A frame is fixed by the reference weeks: scores, tails, categories and cells. Each feature has a
sampling variance that follows from the rows of its week, a family (features that wobble alike) and
a unit (the scale in which they do).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import accumulate

import numpy as np
from scipy.special import polygamma

from tasks.drift.comparison.scores import hermite, normal_scores
from tasks.drift.comparison.twosample import EQUIPROBABLE, equiprobable, tail_cells
from tasks.drift.profiles.cells import Floats, Ints
from tasks.drift.profiles.counts import CategoryCounts, Counts, NumericCounts
from tasks.drift.profiles.sketch import Sketch, sampled_alike

LISTED = 100
"""Categories that get a feature each; the rest counts as one."""
GROUPS = 64
"""Groups that the hash buckets of a sketched column are summed in."""
REST = "all others"


@dataclass(frozen=True)
class Feature:
    """One scalar.

    Attributes:
        name: Line of the error budget that it is tested on.
        where: The category, for features of one.
        family: Features of a family share their prior.
        unit: Scale of its week-to-week variation.
        weight: Share of its budget line.
        one_sided: Only an increase is drift.
    """

    name: str
    family: str
    unit: float = 1.0
    where: str = ""
    weight: float = 1.0
    one_sided: bool = False


class Distance:
    """Log distance of a week's shares from the other weeks': a catch-all for shapes.

    The distance is Neyman's, sum (p - q)² / q; what sampling adds to it is taken into account, so
    that weeks of different size compare.
    """

    def __init__(self, weeks: Floats, rows: Floats) -> None:
        """``weeks``: shares, shape (weeks, cells), ``rows``: per week."""
        keep = weeks.mean(axis=0) > 0
        self._keep, self._mean = keep, weeks.mean(axis=0)[keep]
        self.noise = float(polygamma(1, max(int(keep.sum()) - 1, 1) / 2))
        count = len(weeks)
        shares = weeks[:, keep]
        others = (shares.sum(axis=0) - shares) / (count - 1)
        raw = ((shares - others) ** 2 / self._mean).sum(axis=1) / (1 + 1 / (count - 1))
        self._cells = max(int(keep.sum()) - 1, 1)
        self._between = max(float(raw.mean() - (self._cells / rows).mean()), 0.0)
        self._shrink = 1 + 1 / count
        self.reference = self._log(raw, rows)

    def of(self, shares: Floats, rows: float) -> float:
        """Log distance of a new week, in units of what is expected of it."""
        raw = ((shares[self._keep] - self._mean) ** 2 / self._mean).sum() / self._shrink
        return float(self._log(np.asarray([raw]), np.asarray([rows]))[0])

    def _log(self, raw: Floats, rows: Floats) -> Floats:
        return np.asarray(np.log(np.maximum(raw, 1e-12) / (self._between + self._cells / rows)))


class NumericFrame:
    """Features of a numeric column."""

    _always = (
        Feature("location", "location"),
        Feature("spread", "spread"),
        Feature("skewness", "shape"),
        Feature("peakedness", "shape"),
        Feature("low tail", "tail"),
        Feature("high tail", "tail"),
        Feature("missing", "missing"),
        Feature("one value", "one value", weight=0.5),
        Feature("one value", "values not seen", weight=0.5, one_sided=True),
        Feature("cells", "distance of cells", one_sided=True),
    )

    def __init__(self, weeks: Sequence[NumericCounts], whole: NumericCounts) -> None:
        self._counted = whole.at_centre is not None
        self._known = None if whole.values is None else frozenset(whole.values)
        there = {"one value": self._counted, "values not seen": self._known is not None}
        self.features: tuple[Feature, ...] = tuple(
            feature for feature in self._always if there.get(feature.family, True)
        )
        share = whole.cells / max(int(whole.cells.sum()), 1)
        self._polynomials = hermite(np.clip(normal_scores(whole.cells), -3.5, 3.5))
        means = self._polynomials @ share
        self._variance = ((self._polynomials - means[:, None]) ** 2) @ share
        self._tails = tail_cells(whole.cells)
        self._groups = equiprobable(whole.cells)
        shares = np.stack([self._grouped(week.cells) for week in weeks])
        rows = np.asarray([max(int(week.cells.sum()), 1) for week in weeks], np.float64)
        self._distance = Distance(shares, rows)
        seen = Counter(value for week in weeks for value in week.values or ())
        # A week's own values are new when no other week holds them.
        own = frozenset(value for value, times in seen.items() if times > 1)
        measured = [self._simple(week, own) for week in weeks]
        logs = self._distance.reference
        self.values = np.stack([np.append(m, log) for m, log in zip(measured, logs, strict=True)])
        self.sampling = np.stack([self._sampling(week) for week in weeks])

    def measure(self, counts: Counts) -> tuple[Floats, Floats]:
        """Features of a new week and their sampling variances, shape (features,) each."""
        assert isinstance(counts, NumericCounts)  # noqa: S101 - profiles of one grid agree
        rows = max(int(counts.cells.sum()), 1)
        distance = self._distance.of(self._grouped(counts.cells), rows)
        known = self._known or frozenset()
        return np.append(self._simple(counts, known), distance), self._sampling(counts)

    def _simple(self, counts: NumericCounts, known: frozenset[float]) -> Floats:
        cells = counts.cells
        rows = max(int(cells.sum()), 1)
        tails = [arcsine(int(cells[cut].sum()), rows) for cut in self._tails]
        missing = arcsine(counts.missing, counts.rows)
        centre = [arcsine(counts.at_centre or 0, rows)] if self._counted else []
        if self._known is not None:
            held = (counts.values or {}).items()
            centre.append(arcsine(sum(n for value, n in held if value not in known), rows))
        return np.concatenate((self._polynomials @ cells / rows, tails, [missing], centre))

    def _sampling(self, counts: NumericCounts) -> Floats:
        rows = max(int(counts.cells.sum()), 1)
        rest = [1 / (4 * rows), 1 / (4 * rows), 1 / (4 * max(counts.rows, 1))]
        rest += [1 / (4 * rows)] * (self._counted + (self._known is not None))
        return np.concatenate((self._variance / rows, rest, [self._distance.noise]))

    def _grouped(self, cells: Ints) -> Floats:
        counts = np.bincount(self._groups, weights=cells, minlength=EQUIPROBABLE)
        return np.asarray(counts / max(counts.sum(), 1))


class CategoryFrame:
    """Features of a categorical column, or of a text column's words."""

    def __init__(self, weeks: Sequence[CategoryCounts], whole: CategoryCounts) -> None:
        self._words = whole.words
        self._sketched = whole.values is None
        self._listed = self._listing(whole)
        self._known = frozenset(whole.values or ())
        self._sample = whole.as_sketch() if self._sketched else None
        shares = np.stack([self._shares(week) for week in weeks])
        present = np.asarray([max(week.rows - week.nulls, 1) for week in weeks], np.float64)
        overall = np.average(shares, axis=0, weights=present)
        self._rate = np.clip(overall, 1e-9, 1 - 1e-9)
        weights = overall / max(float(overall.sum()), 1e-12)
        family = "word" if self._words else "category"
        self.features: tuple[Feature, ...] = tuple(
            Feature("one category", family, float(rate * (1 - rate)), name, float(weight))
            for name, rate, weight in zip(self._listed, self._rate, weights, strict=True)
        )
        extras = [Feature("missing", "missing")]
        columns = [shares, np.asarray([[arcsine(w.nulls, w.rows)] for w in weeks])]
        self._distance: Distance | None = None
        if not self._words:
            self._distance = Distance(shares, present)
            extras.append(Feature("all categories", "distance of shares", one_sided=True))
            columns.append(self._distance.reference[:, None])
            if not self._sketched:
                extras.append(Feature("new values", "new values", one_sided=True))
                columns.append(np.asarray([[self._fresh(w, weeks)] for w in weeks]))
            elif self._sample is not None and self._sample.sample is not None:
                extras.append(Feature("new values", "values come again", one_sided=True))
                columns.append(np.asarray(_not_again([week.as_sketch() for week in weeks])))
        self.features = (*self.features, *extras)
        self.values = np.concatenate(columns, axis=1)
        self.sampling = np.stack([self._sampling(week) for week in weeks])

    def measure(self, counts: Counts) -> tuple[Floats, Floats]:
        """Features of a new week and their sampling variances, shape (features,) each."""
        assert isinstance(counts, CategoryCounts)  # noqa: S101 - profiles of one grid agree
        shares = self._shares(counts)
        rest = [arcsine(counts.nulls, counts.rows)]
        present = max(counts.rows - counts.nulls, 1)
        if self._distance is not None:
            rest.append(self._distance.of(shares, present))
            if not self._sketched:
                by_name = counts.values or {}
                new = sum(count for name, count in by_name.items() if name not in self._known)
                rest.append(arcsine(new, present))
            elif self._sample is not None and self._sample.sample is not None:
                rest.append(_fresh_share(self._sample, counts.as_sketch()))
        return np.append(shares, rest), self._sampling(counts)

    def _listing(self, whole: CategoryCounts) -> tuple[str, ...]:
        if whole.values is None:
            return tuple(f"bucket group {index}" for index in range(GROUPS))
        ordered = sorted(whole.values.items(), key=lambda item: (-item[1], item[0]))
        names = tuple(name for name, _ in ordered[:LISTED])
        return names if self._words or len(ordered) <= LISTED else (*names, REST)

    def _shares(self, counts: CategoryCounts) -> Floats:
        present = max(counts.rows - counts.nulls, 1)
        if self._sketched:
            buckets = counts.as_sketch().buckets
            return np.asarray(buckets.reshape(-1, GROUPS).sum(axis=0) / present)
        by_name: Mapping[str, int] = counts.values if counts.values is not None else {}
        listed = [by_name.get(name, 0) for name in self._listed]
        if self._listed[-1:] == (REST,):
            listed[-1] = present - sum(listed[:-1])
        return np.asarray(listed, np.float64) / present

    def _sampling(self, counts: CategoryCounts) -> Floats:
        present = max(counts.rows - counts.nulls, 1)
        rest = [1 / (4 * max(counts.rows, 1))]
        if self._distance is not None:
            rest.append(self._distance.noise)
            if not self._sketched:
                rest.append(1 / (4 * present))
            elif self._sample is not None and self._sample.sample is not None:
                rows = int(sampled_alike(self._sample, counts.as_sketch())[1].sum())
                rest.append(1 / (4 * max(rows, 1)))
        return np.append(self._rate * (1 - self._rate) / present, rest)

    @staticmethod
    def _fresh(week: CategoryCounts, weeks: Sequence[CategoryCounts]) -> float:
        known = {name for other in weeks if other is not week for name in other.values or ()}
        by_name = week.values or {}
        new = sum(count for name, count in by_name.items() if name not in known)
        return arcsine(new, max(week.rows - week.nulls, 1))


def _fresh_share(known: Sketch, week: Sketch) -> float:
    """Arcsine root of the share of a week's sampled rows whose values are not known."""
    before, after = sampled_alike(known, week)
    return arcsine(int(after[before == 0].sum()), int(after.sum()))


def _not_again(weeks: Sequence[Sketch]) -> list[list[float]]:
    """The same of each week against all others, shape (weeks, 1); linear in the weeks."""
    before = list(accumulate(weeks, Sketch.merge))
    after = list(accumulate(reversed(weeks), Sketch.merge))[::-1]
    found = []
    for index, week in enumerate(weeks):
        others = [*before[index - 1 : index], *after[index + 1 : index + 2]]
        found.append([_fresh_share(reduce(Sketch.merge, others), week) if others else 0.0])
    return found


Frame = NumericFrame | CategoryFrame


def frame_of(weeks: Sequence[Counts], whole: Counts) -> Frame:
    """The frame of a column from its reference weeks and their merged counts."""
    if isinstance(whole, NumericCounts):
        return NumericFrame([week for week in weeks if isinstance(week, NumericCounts)], whole)
    return CategoryFrame([week for week in weeks if isinstance(week, CategoryCounts)], whole)


def arcsine(count: int, rows: int) -> float:
    """Anscombe's arcsine root of a share: its sampling variance is 1 / 4 rows, whatever it is."""
    return float(np.arcsin(np.sqrt((count + 3 / 8) / (max(rows, 1) + 3 / 4))))
