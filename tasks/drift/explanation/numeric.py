"""The smallest story that turns the reference into what a numeric column holds now."""

from __future__ import annotations

from dataclasses import replace
from math import gcd, log

import numpy as np

from tasks.drift.comparison.twosample import EQUIPROBABLE, Tested, equiprobable, two_proportions
from tasks.drift.explanation.candidates import amount, number, stories
from tasks.drift.explanation.fitting import Agreement, Pair, pair_of
from tasks.drift.explanation.law import law_of, moved, quantiles
from tasks.drift.explanation.parts import part_stories
from tasks.drift.explanation.story import DriftStory, Explained
from tasks.drift.profiles.cells import EDGES
from tasks.drift.profiles.counts import NumericCounts

_AS_GOOD = 6.0
"""Two stories of different meaning whose scores are nearer than this are not told apart."""
_SMOOTHED = 3.0
"""What a law gains from lying between the cells, where the reference's own noise is evened out."""
_CLOSELY, _RISE = 0.03, 3.0
"""A unit's factor must be told from others that differ by so much, by so much of the statistic."""
_COPIED = 30
OF_UNITS = frozenset({"unit change", "clock"})
"""Stories of how a number was written down."""


def explain_numeric(
    name: str,
    reference: NumericCounts,
    current: NumericCounts,
    test: Tested,
    *,
    derived: bool = False,
) -> Explained:
    """What happened to a numeric column; "unclear" where no story accounts for it.

    Args:
        name: The column's, as it stands in conditions.
        reference: Its counts.
        current: Its counts now, on the same grid.
        test: The test that found it.
        derived: Whether it was counted of texts or pictures: no unit of those can change.
    """
    # Where one side has no number at all, whatever was tested is a matter of that.
    if not reference.cells.any() or not current.cells.any():
        return _missing(name, reference, current)
    if _constant(reference) and reference.at_centre is not None:
        told: Explained | None = _one_value(name, reference, current)
    else:
        told = _numbers(name, reference, current, test, derived=derived)
    p = two_proportions(reference.missing, reference.rows, current.missing, current.rows)
    if test.name == "missing":
        gone = _missing(name, reference, current)
        if told is None or told.meaning == "unclear":
            return gone
        more = f"{gone.sentence} Besides: {told.sentence}"
        return Explained(gone.meaning, more, gone.rows, gone.share)
    if told is None:
        told = _unclear(name, reference, current)
    apart = abs(current.missing / current.rows - reference.missing / reference.rows)
    if p < 1e-6 and apart > 0.001:
        more = f"{told.sentence} Besides: {_missing(name, reference, current).sentence}"
        return Explained(told.meaning, more, told.rows, told.share)
    return told


def _numbers(
    name: str, reference: NumericCounts, current: NumericCounts, test: Tested, *, derived: bool
) -> Explained | None:
    """What happened to those rows that hold numbers; None when they are as before."""
    pair = pair_of(reference, current)
    copies = _copies(current)
    if copies > 1 and _copies(reference) == 1:
        sentence = f"Every row stands there {copies} times: the same data were probably read again."
        return Explained("duplicates", sentence, f"{name} IS NOT NULL", (1.0, 1.0))
    same = pair.fit(pair.law)
    chosen = smallest(pair, same, OF_UNITS if derived else frozenset())
    if same.holds(0.0):  # what changed is too little to show in the groups
        worth = chosen is not None and _score(pair, chosen) < same.chi
        if test.name in {"low tail", "high tail"} and not worth:
            return _tail(name, pair, test)
        if test.name == "missing" or not worth:
            return None
    if chosen is None:
        return _unclear(name, reference, current)
    rows, share = _rows(name, pair, chosen)
    return Explained(chosen.meaning, chosen.sentence, rows, share)


def smallest(
    pair: Pair, same: Agreement | None = None, never: frozenset[str] = frozenset()
) -> DriftStory | None:
    """The story with the best account for the fewest fitted numbers; None when none holds.

    A story holds when what is left of the change is noise, or less than weeks differ by. Of those
    that do the one with the smallest Bayesian information criterion (Schwarz 1978) is told, unless
    one of another meaning is as good and no larger. Those of the meanings in ``never`` are none.
    """
    same = same or pair.fit(pair.law)
    scored = []
    for story in (*stories(pair), *part_stories(pair)):
        if story.meaning in never:
            continue
        fit = pair.fit(story.law, story.parameters)
        if fit.holds(same.distance):
            sure = _met(pair, story, fit)
            scored.append((_score(pair, sure), sure))
    if not scored:
        return None
    scored.sort(key=lambda item: item[0])
    best, chosen = scored[0]
    near = [story for score, story in scored[1:] if score - best <= _AS_GOOD]
    if chosen.meaning in {"unit change", "scale"}:
        whole = [item for item in (chosen, *near) if item.size and not item.parameters]
        if len({item.size for item in whole}) > 1:
            return _towards_zero(chosen, whole)
    if chosen.factor:  # about zero, a factor and a spread are the same
        near = [item for score, item in scored[1:] if score - best <= _AS_GOOD + 12]
        spread = next((item for item in near if item.meaning == "spread"), None)
        return spread or chosen
    for other in near:
        if other.meaning == chosen.meaning or other.parameters > chosen.parameters:
            continue
        if other.parameters < chosen.parameters or _told_first(other) < _told_first(chosen):
            chosen = other
    return chosen


def _towards_zero(chosen: DriftStory, units: list[DriftStory]) -> DriftStory:
    """Several factors account for it: all of the values lie in a cell or two."""
    plain = sorted(max(item.size, 1 / item.size) for item in units)
    way = "multiplied" if chosen.size > 1 else "divided"
    sentence = f"All values were {way} by {amount(plain[0])} or more: the unit probably changed."
    return replace(chosen, meaning="unit change", sentence=sentence)


def _score(pair: Pair, story: DriftStory) -> float:
    price = log(max(min(pair.rows), 8.0)) + _SMOOTHED
    return pair.fit(story.law).chi + price * story.parameters


def _met(pair: Pair, story: DriftStory, fit: Agreement) -> DriftStory:
    """A change of unit as it is where its factor is met closely, else as some factor."""
    if not story.factor:
        return story
    zero = pair.reference.grid.centre / pair.reference.grid.scale
    rise = -fit.chi
    for away in (1 + _CLOSELY, 1 / (1 + _CLOSELY)):
        factor = story.factor * away
        rise += pair.fit(moved(pair.law, factor, (factor - 1) * zero)).chi / 2
    if rise >= _RISE:
        return story
    told = story.sentence.split(": ", 1)[0].replace(" by ", " by about ")
    return replace(story, meaning="scale", sentence=f"{told}: perhaps the unit changed.")


_ORDER = ("one value", "shift", "spread", "scale")


def _told_first(story: DriftStory) -> int:
    """Of stories that are as good the plainer one is told.

    A shift and a factor close to 1 are the same thing far from zero, and rows that all came into
    one cell at an end are like a wider spread.
    """
    return _ORDER.index(story.meaning) if story.meaning in _ORDER else len(_ORDER)


def _constant(counts: NumericCounts) -> bool:
    total = int(counts.cells.sum())
    return (counts.at_centre or 0) == total or (
        counts.values is not None and len(counts.values) == 1
    )


def _copies(counts: NumericCounts) -> int:
    """By what every count can be divided, where that is no accident."""
    held = (
        list(counts.values.values()) if counts.values else counts.cells[counts.cells > 0].tolist()
    )
    return gcd(*held) if len(held) >= _COPIED else 1


def _missing(name: str, reference: NumericCounts, current: NumericCounts) -> Explained:
    was, now = reference.missing / max(reference.rows, 1), current.missing / max(current.rows, 1)
    broken = current.invalid + current.nan + current.infinite
    less_broken = reference.invalid + reference.nan + reference.infinite
    if broken * max(reference.rows, 1) > 2 * less_broken * max(current.rows, 1) and (
        broken * 2 > current.missing
    ):
        sentence = f"{now:.1%} of the values are no usable number (before: {was:.1%})."
        return Explained("unreadable values", sentence, f"{name} is not a number", (now, was))
    sentence = f"{now:.1%} of the values are missing (before: {was:.1%})."
    return Explained("nulls", sentence, f"{name} IS NULL", (now, was))


def _one_value(name: str, reference: NumericCounts, current: NumericCounts) -> Explained:
    """The reference held one value; how many rows still do."""
    shares = [
        (counts.at_centre or 0) / max(int(counts.cells.sum()), 1) for counts in (reference, current)
    ]
    value = reference.grid.text(0.0)
    less = shares[1] < shares[0]
    sentence = f"{shares[1]:.1%} of the values are {value} (before: {shares[0]:.1%})."
    most = max(current.values, key=current.values.__getitem__) if current.values else None
    if less and most is not None and current.values:
        now, told = current.values[most] / max(int(current.cells.sum()), 1), amount(most)
        sentence += f" {now:.1%} are {told}." if told != value else ""
    rows = f"{name} {'<>' if less else '='} {value.replace(',', '')}"
    now, was = (1 - shares[1], 1 - shares[0]) if less else (shares[1], shares[0])
    return Explained("one value", sentence, rows, (now, was))


def _tail(name: str, pair: Pair, test: Tested) -> Explained:
    side = "high" if test.name == "high tail" else "low"
    more = "more" if test.difference > 0 else "fewer"
    rows, share = _gained(name, pair)
    sentence = f"There are {more} extremely {side} values than before; the others are as before."
    return Explained("outliers", sentence, rows, share)


def _unclear(name: str, reference: NumericCounts, current: NumericCounts) -> Explained:
    pair = pair_of(reference, current)
    grid, before, after = reference.grid, quantiles(reference), quantiles(current)
    spans = [f"{number(grid, side[4])} to {number(grid, side[14])}" for side in (before, after)]
    sentence = (
        f"It is unclear what happened: no simple change explains it. Half of the values lie from "
        f"{spans[1]} (before: {spans[0]})."
    )
    rows, share = _gained(name, pair)
    return Explained("unclear", sentence, rows, share)


def _rows(name: str, pair: Pair, story: DriftStory) -> tuple[str, tuple[float, float]]:
    """Condition of the rows to look at, and how many of the current and reference rows meet it."""
    if story.where is None:
        return _gained(name, pair)
    low, high = story.where
    was, now = _share(pair.reference, low, high), _share(pair.current, low, high)
    if story.value:
        return f"{name} = {story.value}", (now, was)
    return _condition(name, pair, low, high), (now, was)


def _share(counts: NumericCounts, low: float, high: float) -> float:
    ends = law_of(counts)(np.asarray([max(low, -1e12), min(high, 1e12)]))
    return float(ends[1] - ends[0])


def _condition(name: str, pair: Pair, low: float, high: float) -> str:
    grid, bounds = pair.reference.grid, []
    if low > -1e6:
        bounds.append(f"{name} >= {grid.text(low).replace(',', '')}")
    if high < 1e6 * 1.1:
        bounds.append(f"{name} < {grid.text(high).replace(',', '')}")
    return " AND ".join(bounds) or f"{name} IS NOT NULL"


def _gained(name: str, pair: Pair) -> tuple[str, tuple[float, float]]:
    """The run of cells where the current rows exceed the reference's most."""
    reference, current = pair.reference, pair.current
    n, m = pair.rows
    groups = equiprobable(reference.cells + current.cells)
    gain = np.bincount(
        groups, weights=current.cells / m - reference.cells / n, minlength=EQUIPROBABLE
    )
    best, start, here, running = (0, 0), 0, 0.0, 0.0
    for index, value in enumerate(gain):
        if running <= 0:
            start, running = index, 0.0
        running += float(value)
        if running > here:
            here, best = running, (start, index)
    inside = np.flatnonzero((groups >= best[0]) & (groups <= best[1]))
    low, high = int(inside[0]), int(inside[-1])
    share = (float(current.cells[inside].sum()) / m, float(reference.cells[inside].sum()) / n)
    grid, bounds = reference.grid, []
    if best[0] > 0 and low > 0:
        bounds.append(f"{name} >= {grid.text(EDGES[low - 1]).replace(',', '')}")
    if best[1] < EQUIPROBABLE - 1 and high < len(EDGES):
        bounds.append(f"{name} < {grid.text(EDGES[high]).replace(',', '')}")
    return " AND ".join(bounds) or f"{name} IS NOT NULL", share
