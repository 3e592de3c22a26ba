"""Stories of numeric columns in which some rows change and the others stay as they were."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tasks.drift.explanation.candidates import amount, number
from tasks.drift.explanation.fitting import Pair
from tasks.drift.explanation.law import (
    Law,
    law_of,
    mixed,
    moved,
    point,
    points_of,
    reweighed,
    units_of,
)
from tasks.drift.explanation.story import DriftStory, Meaning
from tasks.drift.explanation.units import SENTINELS, UNITS
from tasks.drift.profiles.cells import CELLS, EDGES, MIDDLE, Floats

_POINTS, _LEAST, _BUMP, _TAIL = 3, 0.0005, 0.45, 0.05
_FAR = 1e9
_CONCENTRATED = 0.9


def part_stories(pair: Pair) -> Iterator[DriftStory]:
    """Every story of this kind that is worth a look, fitted."""
    yield from _points(pair)
    yield from _units_of_some(pair)
    yield from _runs(pair)


def _bins(pair: Pair) -> tuple[Floats, Floats, Floats]:
    """Ends of each value or cell, shape (k + 1,); reference and current share in it, shape (k,)."""
    if pair.exact:
        where = points_of(pair.reference)[0], points_of(pair.current)[0]
        known = np.unique(np.concatenate(where))
        between = (known[1:] + known[:-1]) / 2
    else:
        between = EDGES * (1 - 1e-9)
    ends = np.concatenate(([-_FAR], between, [_FAR]))
    now = law_of(pair.current)(ends) if pair.exact else None
    if now is None:
        now = np.concatenate(([0.0], np.cumsum(pair.current.cells))) / pair.rows[1]
    return ends, np.diff(pair.law(ends)), np.diff(now)


def _excess(pair: Pair, was: Floats, now: Floats) -> Floats:
    """By how many standard errors each share rose, shape (k,)."""
    n, m = pair.rows
    rate = (n * was + m * now) / (n + m)
    error = np.sqrt(np.maximum(rate * (1 - rate), 1 / (n + m) ** 2) * (1 / n + 1 / m))
    return np.asarray((now - was) / error)


def _points(pair: Pair) -> Iterator[DriftStory]:
    """One value appeared, grew, shrank or is gone."""
    ends, was, now = _bins(pair)
    excess = _excess(pair, was, now)
    for at in np.argsort(-np.abs(excess))[:_POINTS]:
        p, q = float(was[at]), float(now[at])
        if abs(q - p) < _LEAST or min(p, q) > 0.98:
            continue
        low, high = float(ends[at]), float(ends[at + 1])
        if not pair.exact and q > p and not _lumped(pair, int(at), p, q):
            continue
        inside = pair.law if p > 0 else law_of(pair.current)
        law = reweighed(pair.law, inside, low, high, q)
        if not pair.exact and q > p:  # what came lies on one number, what was there lies as it was
            share = (q - p) / max(1 - p, 1e-9)
            law = mixed(pair.law, point(_middle(low, high)), share)
        told, value = _told(pair, int(at), low, high)
        sentence = f"{q:.1%} of the values are {told} (before: {p:.1%}); the others are as before."
        if p == 0 and q > 0:
            sentence = f"{q:.1%} of the values are {told}, which was never seen before."
        elif q == 0:
            sentence = f"No value is {told} any more (before: {p:.1%}); the others are as before."
        yield DriftStory("one value", sentence, law, 2, where=(low, high), value=value)


def _middle(low: float, high: float) -> float:
    return (max(low, float(EDGES[0]) * 1.001) + min(high, float(EDGES[-1]) * 1.001)) / 2


def _lumped(pair: Pair, at: int, p: float, q: float) -> bool:
    """Whether what came into a cell did not come into its neighbours too."""
    around = [i for i in (at - 1, at + 1) if 0 <= i < CELLS]
    now = pair.current.cells[around] / pair.rows[1]
    was = pair.reference.cells[around] / pair.rows[0]
    return float(np.max(now - was)) < 0.2 * (q - p)


def _told(pair: Pair, at: int, low: float, high: float) -> tuple[str, str]:
    """How a value is named, and the value itself where it is known."""
    grid, current, reference = pair.reference.grid, pair.current, pair.reference
    known = {**(reference.values or {}), **(current.values or {})} if pair.exact else {}
    if not pair.exact and current.values:
        known = dict(current.values)
    inside = [value for value in known if low <= units_of(value, grid) < high]
    if len(inside) == 1:
        plain = (
            f"{inside[0]:,}" if isinstance(inside[0], int) else grid.text(units_of(inside[0], grid))
        )
        return plain, repr(inside[0])
    here, before = current.at_centre or 0, reference.at_centre or 0
    if not pair.exact and at == MIDDLE and here > 0.8 * current.cells[MIDDLE] and here > before:
        return grid.text(0.0), grid.text(0.0).replace(",", "")
    ends = [grid.centre + grid.scale * end for end in (low, high)]
    usual = [value for value in SENTINELS if ends[0] <= value < ends[1]]
    if usual and not known:
        return f"about {amount(usual[0])}, which often stands for a missing value", ""
    return f"about {number(grid, _middle(low, high))}", ""


def _units_of_some(pair: Pair) -> Iterator[DriftStory]:
    """Some rows came in another unit."""
    grid = pair.reference.grid
    zero = grid.centre / grid.scale
    m = pair.rows[1]
    was = np.diff(np.concatenate(([0.0], pair.law(pair.cuts), [1.0])))
    now = pair.seen / m
    weight = 1 / np.maximum(was + now, 1 / m)
    for size, text in UNITS:
        for factor, word in ((size, "multiplied"), (1 / size, "divided")):
            other = moved(pair.law, factor, (factor - 1) * zero)
            there = np.diff(np.concatenate(([0.0], other(pair.cuts), [1.0])))
            if not pair.exact and _in_one_cell(there):
                continue
            away = there - was
            power = float((weight * away) @ away)
            share = float((weight * (now - was)) @ away) / power if power > 0 else 0.0
            if not _LEAST < share < 0.97:
                continue

            def some(of: float, other: Law = other) -> Law:
                return mixed(pair.law, other, min(max(of, 0.0), 1.0))

            share = pair.best(some, share, share * 0.5)
            sentence = (
                f"{share:.1%} of the values were {word} by {text}; the others are as before: "
                "the unit changed for them."
            )
            yield DriftStory("unit change", sentence, some(share), 2)


def _in_one_cell(there: Floats) -> bool:
    """Whether a law lies where a single value would: divided by a thousand, all is about 0.

    What a cell does not tell apart is told as the value that was seen: rows filled with 0 are far
    commoner than rows in another unit.
    """
    return float(there.max()) > _CONCENTRATED


def _runs(pair: Pair) -> Iterator[DriftStory]:
    """Rows of an interval became more or fewer, or others came into it."""
    ends, was, now = _bins(pair)
    for sign in (1.0, -1.0):
        first, last = _run(sign * (now - was))
        low, high = float(ends[first]), float(ends[last + 1])
        p, q = float(was[first : last + 1].sum()), float(now[first : last + 1].sum())
        if abs(q - p) < _LEAST or max(p, q) > 0.995:
            continue
        place = _place(pair, low, high)
        outer = low <= -_FAR or high >= _FAR
        meaning: Meaning = "outliers" if outer and max(p, q) < _TAIL else "mix"
        if min(p, q) > 0.001:
            sentence = (
                f"{q:.1%} of the values lie {place} (before: {p:.1%}); "
                "within and without they lie as before."
            )
            law = reweighed(pair.law, pair.law, low, high, q)
            yield DriftStory(meaning, sentence, law, 3, where=(low, high))
        if sign > 0 and p < q / 2 and q < _BUMP:
            # Any law within: as many numbers are fitted as groups of rows are compared there.
            fitted = 3 + int(np.ceil(20 * q))
            sentence = f"{q:.1%} of the values lie {place} (before: {p:.1%}); the others as before."
            law = reweighed(pair.law, law_of(pair.current), low, high, q)
            yield DriftStory(meaning, sentence, law, fitted, where=(low, high))


def _run(gain: Floats) -> tuple[int, int]:
    """First and last of the run whose sum is the largest (Kadane)."""
    best, chosen, start, running = 0.0, (0, 0), 0, 0.0
    for index, value in enumerate(gain.tolist()):
        if running <= 0:
            start, running = index, 0.0
        running += value
        if running > best:
            best, chosen = running, (start, index)
    return chosen


def _place(pair: Pair, low: float, high: float) -> str:
    grid = pair.reference.grid
    if low <= -_FAR:
        return f"below {number(grid, high)}"
    if high >= _FAR:
        return f"at {number(grid, low)} or above"
    return f"between {number(grid, low)} and {number(grid, high)}"
