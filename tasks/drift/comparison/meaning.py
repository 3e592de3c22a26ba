"""What a difference probably means, and which rows to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tasks.drift.comparison.categorical import aligned
from tasks.drift.comparison.effects import NORMAL_IQR, quantile
from tasks.drift.comparison.twosample import EQUIPROBABLE, Tested, equiprobable
from tasks.drift.profiles.cells import EDGES, Ints
from tasks.drift.profiles.counts import CategoryCounts, NumericCounts

Meaning = Literal[
    "unit change",
    "nulls",
    "unreadable values",
    "new category",
    "lost category",
    "category share",
    "words",
    "shift",
    "spread",
    "outliers",
    "shape",
]
UNITS: tuple[tuple[float, str], ...] = (
    (10, "a factor of 10"),
    (100, "a factor of 100 (cents, or percent)"),
    (1_000, "a factor of 1,000 (thousands, or milli-units)"),
    (1_000_000, "a factor of 1,000,000 (millions, or micro-units)"),
    (60, "a factor of 60 (minutes, or seconds)"),
    (3_600, "a factor of 3,600 (hours, or seconds)"),
    (2.54, "a factor of 2.54 (inches, or centimetres)"),
    (3.281, "a factor of 3.281 (feet, or metres)"),
    (10.764, "a factor of 10.76 (square feet, or square metres)"),
    (1.609, "a factor of 1.609 (miles, or kilometres)"),
    (2.205, "a factor of 2.205 (pounds, or kilograms)"),
)
_EVEN = (0.1, 0.25, 0.5, 0.75, 0.9)


@dataclass(frozen=True)
class Explained:
    """``rows`` is a condition as in SQL; ``share`` how many current and reference rows meet it."""

    meaning: Meaning
    sentence: str
    rows: str
    share: tuple[float, float]


def explain_numeric(
    name: str, reference: NumericCounts, current: NumericCounts, test: Tested
) -> Explained:
    """What happened to a numeric column."""
    was, now = reference.missing / max(reference.rows, 1), current.missing / max(current.rows, 1)
    # Where one side has no number at all, whatever was tested is a matter of that.
    if test.name == "missing" or not reference.cells.any() or not current.cells.any():
        broken = current.invalid + current.nan + current.infinite
        less_broken = reference.invalid + reference.nan + reference.infinite
        if broken * max(reference.rows, 1) > 2 * less_broken * max(current.rows, 1) and (
            broken * 2 > current.missing
        ):
            sentence = f"{now:.1%} of the values are no usable number (before: {was:.1%})."
            return Explained("unreadable values", sentence, f"{name} is not a number", (now, was))
        sentence = f"{now:.1%} of the values are missing (before: {was:.1%})."
        return Explained("nulls", sentence, f"{name} IS NULL", (now, was))
    if test.name == "one value":
        return _one_value(name, reference, current)
    rows, share = _excess(name, reference, current)
    factor = _unit(reference, current)
    if factor:
        sentence = f"All values moved by {factor}: its unit probably changed."
        return Explained("unit change", sentence, rows, share)
    for high in (True, False):
        partly = _unit_of_some(reference, current, high=high)
        if partly:
            sentence = f"{partly[0]:.1%} of the rows moved by {partly[1]}: a unit changed for them."
            return Explained("unit change", sentence, rows, share)
    if test.name in {"low tail", "high tail"}:
        side = "high" if test.name == "high tail" else "low"
        more = "more" if test.difference > 0 else "fewer"
        sentence = f"There are {more} extremely {side} values than before."
        return Explained("outliers", sentence, rows, share)
    if test.name == "spread":
        word = "wider" if test.difference > 0 else "narrower"
        return Explained("spread", f"The values spread {word} than before.", rows, share)
    medians = [_quantiles(counts)[2] for counts in (reference, current)]
    moved = (medians[1] - medians[0]) / reference.grid.scale * NORMAL_IQR
    if test.name in {"location", "largest gap"}:
        word = "up" if test.difference > 0 or moved > 0 else "down"
        if test.name == "location":
            word = "up" if test.difference > 0 else "down"
        shown = [_median(reference), _median(current)]
        if shown[0] == shown[1] and reference.at_centre is not None:
            return _one_value(name, reference, current)
        sentence = f"The values moved {word}: median {shown[0]} → {shown[1]}."
        return Explained("shift", sentence, rows, share)
    return Explained("shape", "The distribution changed its shape.", rows, share)


def _one_value(name: str, reference: NumericCounts, current: NumericCounts) -> Explained:
    """The share of the rows that hold the middle value itself changed."""
    shares = [
        (counts.at_centre or 0) / max(int(counts.cells.sum()), 1) for counts in (reference, current)
    ]
    value = reference.grid.text(0.0)
    less = shares[1] < shares[0]
    sentence = f"{shares[1]:.1%} of the values are {value} (before: {shares[0]:.1%})."
    rows = f"{name} {'<>' if less else '='} {value.replace(',', '')}"
    now, was = (1 - shares[1], 1 - shares[0]) if less else (shares[1], shares[0])
    return Explained("shift" if less else "spread", sentence, rows, (now, was))


def explain_categorical(
    name: str, reference: CategoryCounts, current: CategoryCounts, test: Tested
) -> Explained:
    """What happened to a categorical column."""
    if test.name == "missing":
        was = reference.nulls / max(reference.rows, 1)
        now = current.nulls / max(current.rows, 1)
        sentence = f"{now:.1%} of the values are missing (before: {was:.1%})."
        return Explained("nulls", sentence, f"{name} IS NULL", (now, was))
    pair = aligned(reference, current)
    n, m = max(pair.rows[0], 1), max(pair.rows[1], 1)
    where = test.where
    if where not in pair.names:  # a test over many: show the one that moved most
        where = pair.names[int(np.argmax(np.abs(pair.current / m - pair.reference / n)))]
    at = pair.names.index(where)
    was, now = float(pair.reference[at]) / n, float(pair.current[at]) / m
    value = where.replace("'", "''")
    share = (now, was)
    if current.words:
        column = name.rsplit(".", 1)[0]
        sentence = f"The word {where!r} stands in {now:.1%} of the texts (before: {was:.1%})."
        return Explained("words", sentence, f"{column} contains '{value}'", share)
    rows = f"{name} in hash {where}" if pair.sketched else f"{name} = '{value}'"
    if not pair.sketched and not pair.reference[at]:
        sentence = f"{where!r} is new: {now:.1%} of the rows hold it."
        return Explained("new category", sentence, rows, share)
    if not pair.current[at]:
        sentence = f"{where!r} is gone: {was:.1%} of the rows held it before."
        return Explained("lost category", sentence, rows, share)
    sentence = f"{where!r} moved from {was:.1%} to {now:.1%} of the rows."
    return Explained("category share", sentence, rows, share)


def _quantiles(counts: NumericCounts) -> list[float]:
    grid = counts.grid
    return [quantile(counts.cells, share, grid.centre, grid.scale) for share in _EVEN]


def _median(counts: NumericCounts) -> str:
    """The median; of one that lies in an open end, which side of the end's edge it lies on."""
    units = quantile(counts.cells, 0.5, 0.0, 1.0)
    side = "over " if units >= EDGES[-1] else "under " if units <= EDGES[0] else ""
    return side + counts.grid.text(units)


def _named(factor: float, uneven: float) -> str:
    """The unit whose factor this is; ``uneven`` is by how much it differs between quantiles.

    Prices double for many reasons, so a small factor must be met closely, by every quantile.
    """
    for size, text in UNITS:
        slack, least = (0.1, 1.25) if size >= 5 else (0.03, 1.07)
        for exact in (size, 1 / size):
            if abs(np.log(factor / exact)) < slack and uneven < least:
                return text
    return ""


def _unit(reference: NumericCounts, current: NumericCounts) -> str:
    """The unit when every quantile moved by the same well-known factor, else ""."""
    before, after = np.asarray(_quantiles(reference)), np.asarray(_quantiles(current))
    if not np.isfinite(before).all() or not np.isfinite(after).all():
        return ""
    # Near zero the cells are as wide as zero is far from the baseline: no factor can be read there.
    width = max(abs(reference.grid.centre) / 16, reference.grid.scale / 128)
    if np.abs(after).max() <= 1.5 * width and np.abs(before).min() > 4 * width:
        return "a large factor, towards 0"
    if (np.sign(before) * np.sign(after) <= 0).any():
        return ""
    with np.errstate(over="ignore"):
        ratios = after / before
    if not np.isfinite(ratios).all() or not ratios.min():
        return ""
    return _named(float(np.exp(np.log(ratios).mean())), float(ratios.max() / ratios.min()))


def _unit_of_some(
    reference: NumericCounts, current: NumericCounts, *, high: bool
) -> tuple[float, str] | None:
    """Share and unit of the rows beyond the reference's range, when they moved by one factor."""
    filled = np.flatnonzero(reference.cells)
    if not len(filled):
        return None
    beyond = np.zeros_like(current.cells)
    cut = slice(int(filled[-1]) + 1, None) if high else slice(0, int(filled[0]))
    beyond[cut] = current.cells[cut]
    moved = int(beyond.sum())
    if moved < 5:
        return None
    grid = reference.grid
    inner = [quantile(beyond, share, grid.centre, grid.scale) for share in (0.25, 0.5, 0.75)]
    source = _side(reference, high=high)
    outer = [quantile(source, share, grid.centre, grid.scale) for share in (0.25, 0.5, 0.75)]
    if 0 in outer:
        return None
    ratios = np.asarray(inner) / np.asarray(outer)
    if not np.isfinite(ratios).all() or (ratios <= 1).any():
        return None
    for size, text in UNITS[:4]:
        if abs(np.log(float(np.median(ratios)) / size)) < 0.5:
            return moved / max(current.rows, 1), text
    return None


def _side(reference: NumericCounts, *, high: bool) -> Ints:
    """Reference cells of the sign that values beyond its range come from."""
    grid = reference.grid
    edges = grid.centre + grid.scale * EDGES
    cells = reference.cells.copy()
    if high:
        cells[:-1][edges <= 0] = 0
    else:
        cells[1:][edges >= 0] = 0
    return cells


def _excess(
    name: str, reference: NumericCounts, current: NumericCounts
) -> tuple[str, tuple[float, float]]:
    """The run of cells where the current rows exceed the reference's most."""
    n, m = max(int(reference.cells.sum()), 1), max(int(current.cells.sum()), 1)
    pooled = reference.cells + current.cells
    groups = equiprobable(pooled)
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
    share = (
        float(current.cells[inside].sum()) / m,
        float(reference.cells[inside].sum()) / n,
    )
    grid = reference.grid
    bounds = []
    if best[0] > 0 and low > 0:
        bounds.append(f"{name} >= {grid.text(EDGES[low - 1]).replace(',', '')}")
    if best[1] < EQUIPROBABLE - 1 and high < len(EDGES):
        bounds.append(f"{name} < {grid.text(EDGES[high]).replace(',', '')}")
    return " AND ".join(bounds) or f"{name} IS NOT NULL", share
