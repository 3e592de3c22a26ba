"""Stories of numeric columns that move all rows: units, clocks, shifts, scales, cut-off ends."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tasks.drift.explanation.fitting import Pair
from tasks.drift.explanation.law import (
    Law,
    clipped,
    kept,
    moved,
    quantiles,
    turned,
    units_of,
)
from tasks.drift.explanation.story import DriftStory
from tasks.drift.explanation.units import CLOCKS, DIALS, PLAIN, READINGS, UNITS
from tasks.drift.profiles.cells import EDGES, Floats
from tasks.drift.profiles.grid import NumericGrid

_CUT_OFF = 0.01
"""Share of the reference that must have lain beyond an end for it to be cut off."""


def stories(pair: Pair) -> Iterator[DriftStory]:
    """Every story of this kind that is worth a look, fitted."""
    before, after = quantiles(pair.reference), quantiles(pair.current)
    yield from _units(pair)
    yield from _dials(pair)
    yield from _shifts(pair, before, after)
    yield from _scales(pair, before, after)
    yield from _ends(pair)


def number(grid: NumericGrid, units: float) -> str:
    """A number of the column, for people: four digits, more where it needs them."""
    value = grid.centre + grid.scale * units
    if grid.rest or abs(value) > 1e4 * grid.scale:
        return grid.text(units)
    return amount(value)


def amount(value: float) -> str:
    """A figure with four digits, without an exponent where it can be read without."""
    if value and not 1e-4 <= abs(value) < 1e15:
        return f"{value:.4g}"
    digits = max(0, 3 - int(np.floor(np.log10(abs(value))))) if value else 0
    shown = f"{value:,.{min(digits, 8)}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _zero(grid: NumericGrid) -> float:
    """The centre in units of the scale: how far the column's own zero lies below it."""
    return grid.centre / grid.scale


def _units(pair: Pair) -> Iterator[DriftStory]:
    grid = pair.reference.grid
    zero = _zero(grid)
    for size, text in UNITS:
        for factor, word in ((size, "multiplied"), (1 / size, "divided")):
            sentence = f"All values were {word} by {text}: the unit probably changed."
            law = moved(pair.law, factor, (factor - 1) * zero)
            odd = 0.0 if size in PLAIN else factor
            yield DriftStory("unit change", sentence, law, 0, size=factor, factor=odd)
    yield DriftStory(
        "unit change",
        "All values changed their sign.",
        moved(pair.law, -1.0, -2 * zero),
        0,
    )
    for factor, added, what in READINGS:
        by = (factor - 1) * zero + added / grid.scale
        sentence = f"{what}: all values were converted."
        yield DriftStory("unit change", sentence, moved(pair.law, factor, by), 0)


def _dials(pair: Pair) -> Iterator[DriftStory]:
    """Numbers that go round: hours of a day, minutes, months, degrees."""
    grid, filled = pair.reference.grid, np.flatnonzero(pair.reference.cells)
    if pair.reference.values:
        ends = [float(min(pair.reference.values)), float(max(pair.reference.values))]
    else:
        low = EDGES[max(int(filled[0]) - 1, 0)]
        high = EDGES[min(int(filled[-1]), len(EDGES) - 1)]
        ends = [grid.centre + grid.scale * float(low), grid.centre + grid.scale * float(high)]
    for period, step, name in DIALS:
        first = 1.0 if ends[0] >= 1 and period < 20 else 0.0
        fits = first - period * 0.05 <= ends[0] <= first + period * 0.2
        if not fits or not first + period * 0.8 <= ends[1] <= first + period * 1.05:
            continue
        start, round_ = units_of(first, grid), period / grid.scale
        for count in range(1, round(period / step)):
            law = turned(pair.law, count * step / grid.scale, round_, start)
            back = round(period / step) - count
            shown = f"{count} {name}{'s' * (count > 1)} forward"
            if back < count:
                shown = f"{back} {name}{'s' * (back > 1)} back"
            sentence = f"All values were turned {shown}: a clock or its zone probably changed."
            yield DriftStory("clock", sentence, law, 0)


def _shifts(pair: Pair, before: Floats, after: Floats) -> Iterator[DriftStory]:
    grid = pair.reference.grid
    if pair.exact:
        steps, often = np.unique(np.round(after - before, 9), return_counts=True)
        by = float(steps[np.argmax(often)])
    else:
        by = float(np.median(after - before))
        by = pair.best(lambda d: moved(pair.law, 1.0, d), by, _reach(pair, before, after))
    law = moved(pair.law, 1.0, by)
    for least, most, hour in CLOCKS:
        hours = by * grid.scale / hour
        whole = round(hours * 4) / 4
        sure = _reach(pair, before, after) * grid.scale / hour < 0.1
        if least <= grid.centre < most and sure and 0 < abs(whole) <= 14:
            exactly = moved(pair.law, 1.0, whole * hour / grid.scale)
            sentence = f"All moments moved by {whole:+g} hours: a clock or its zone changed."
            yield DriftStory("clock", sentence, exactly, 0)
    way = "up" if by > 0 else "down"
    middle = f"median {number(grid, before[9])} → {number(grid, after[9])}"
    sentence = f"The values moved {way} by about {amount(abs(by) * grid.scale)} ({middle})."
    yield DriftStory("shift", sentence, law, 1)


def _reach(pair: Pair, before: Floats, after: Floats) -> float:
    """How far a fitted shift may lie from the quantiles', in the grid's units."""
    width = float(max(before[14] - before[4], after[14] - after[4]))
    return float(max(4 / np.sqrt(min(pair.rows)), 0.02)) * width


def _scales(pair: Pair, before: Floats, after: Floats) -> Iterator[DriftStory]:
    grid = pair.reference.grid
    zero, slack = _zero(grid), max(6 / np.sqrt(min(pair.rows)), 0.02)
    a, b = before + zero, after + zero
    if abs(zero) < 1e6 and (a @ a) > 0 and (a @ b) > 0:
        factor = _ratio(a, b, exact=pair.exact)

        def times(size: float) -> Law:
            return moved(pair.law, size, (size - 1) * zero)

        if not pair.exact:
            factor = pair.best(times, factor, factor * slack)
        shown = f"multiplied by about {amount(factor)}"
        if factor < 0.5:
            shown = f"divided by about {amount(1 / factor)}"
        yield DriftStory("scale", f"All values were {shown}.", times(factor), 1)
    for middle, name in ((float(np.mean(before)), "mean"), (float(before[9]), "median")):
        x, y = before - middle, after - middle
        if not (x @ x) > 0 or not (x @ y) > 0:
            continue

        def spread(size: float, about: float = middle) -> Law:
            return moved(pair.law, size, (1 - size) * about)

        size = _ratio(x, y, exact=pair.exact)
        if not pair.exact:
            size = pair.best(spread, size, size * slack)
        law = spread(size)
        sentence = f"The values spread {amount(size)} times as wide about the same {name}."
        yield DriftStory("spread", sentence, law, 1)
    yield from _lines(pair, before, after)


def _ratio(a: Floats, b: Floats, *, exact: bool) -> float:
    """The factor from one to the other: of most quantiles where values are exact."""
    if not exact:
        return float(a @ b) / float(a @ a)
    ratios, often = np.unique(np.round(b[a != 0] / a[a != 0], 9), return_counts=True)
    return float(ratios[np.argmax(often)]) or 1.0


def _lines(pair: Pair, before: Floats, after: Floats) -> Iterator[DriftStory]:
    """A shift and a spread at once."""
    grid = pair.reference.grid
    x = before - before.mean()
    if not (x @ x) > 0:
        return
    slope = float(x @ after / (x @ x))
    if slope <= 0:
        return
    start = (slope, float(after.mean() - slope * before.mean()))
    if not pair.exact:
        start = pair.best_two(
            lambda a, b: moved(pair.law, max(a, 1e-6), b), start, 3 / np.sqrt(min(pair.rows))
        )
    slope, by = start
    middle = f"median {number(grid, before[9])} → {number(grid, after[9])}"
    sentence = f"The values moved ({middle}) and spread {amount(slope)} times as wide."
    yield DriftStory("shift and spread", sentence, moved(pair.law, max(slope, 1e-6), by), 2)


def _ends(pair: Pair) -> Iterator[DriftStory]:
    """Rows beyond a number are gone, or were put on it."""
    grid = pair.reference.grid
    for high in (True, False):
        for edge in _last(pair, high=high):
            below = float(pair.law(np.asarray([edge]))[0])
            beyond = 1 - below if high else below
            if beyond < _CUT_OFF or beyond > 0.98:
                continue
            low, top = (-np.inf, edge) if high else (edge, np.inf)
            side, shown = "above" if high else "below", number(grid, edge)
            gone = f"No value lies {side} {shown} any more (before: {beyond:.1%} of them did)"
            yield DriftStory(
                "truncation",
                f"{gone}; the others are as they were.",
                kept(pair.law, max(low, -1e9), min(top, 1e9)),
                1,
                where=(top, np.inf) if high else (-np.inf, low),
            )
            cell = _around(pair, edge, high=high)
            yield DriftStory(
                "truncation",
                f"{gone}: what would lie beyond was set to it.",
                clipped(pair.law, low, top),
                1,
                where=cell,
            )


def _last(pair: Pair, *, high: bool) -> list[float]:
    """Where the current rows may end: the last value, or places within the last cell."""
    if pair.exact:
        values = pair.current.values or {}
        end = units_of(max(values) if high else min(values), pair.reference.grid)
        return [end + 1e-6 if high else end - 1e-6]
    filled = np.flatnonzero(pair.current.cells)
    last = int(filled[-1] if high else filled[0])
    if last in {0, len(EDGES)}:
        return []
    return [float(edge) for edge in np.linspace(EDGES[last - 1], EDGES[last], 7)[1:-1]]


def _around(pair: Pair, edge: float, *, high: bool) -> tuple[float, float]:
    """The cell (or the value) that an end lies in."""
    if pair.exact:
        return (edge - 2e-6, edge) if high else (edge, edge + 2e-6)
    at = int(np.searchsorted(EDGES, edge))
    return float(EDGES[max(at - 1, 0)]), float(EDGES[min(at, len(EDGES) - 1)])
