"""Pictures of two distributions, as data addresses that need no network, large enough to read."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

import numpy as np

from tasks.drift.comparison.categorical import aligned
from tasks.drift.profiles.cells import CENTRES, Floats
from tasks.drift.profiles.counts import CategoryCounts, NumericCounts
from tasks.reports.chart import axis_label, ticks
from tasks.reports.figures import UNBROKEN, percent
from tasks.reports.links import shortened

WIDTH, HEIGHT = 780, 260
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 44, 34
BARS, SHOWN = 32, 12
ROW, NAMES, VALUES, SIGNS = 30, 250, 90, 32
"""Of the bars of categories: height of one, room for its name and its figures, signs of a name."""
OUTLINE = (240, 80)
"""Width and height of what stands in a table's cell."""
EDGE = 4
"""Half the width of a sign."""
# Told apart in grey and by people who do not see red and green; readable on dark and light.
REFERENCE, CURRENT, TEXT = "#8c96a3", "#e8590c", "#8a8f98"


def picture(reference: NumericCounts | CategoryCounts, current: object) -> str:
    """``data:image/svg+xml`` of the reference (grey) and the current rows (orange)."""
    if isinstance(reference, NumericCounts) and isinstance(current, NumericCounts):
        body, height = _numeric(reference, current), HEIGHT
    elif isinstance(reference, CategoryCounts) and isinstance(current, CategoryCounts):
        body, height = _categorical(reference, current)
    else:
        return ""
    svg = _document(_legend(reference, current) + body, height)
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def outline(shares: Sequence[Sequence[float]]) -> str:
    """``data:image/svg+xml`` of shares by cell, small enough to stand in a table's cell.

    Args:
        shares: [cells][reference, current].
    """
    width, height = OUTLINE
    top = max((share for pair in shares for share in pair), default=0.0) or 1.0
    step = width / max(len(shares), 1)
    lines = []
    for side, colour in enumerate((REFERENCE, CURRENT)):
        points = " ".join(
            f"{(cell + edge) * step:.1f},{height - 2 - pair[side] / top * (height - 4):.1f}"
            for cell, pair in enumerate(shares)
            for edge in (0, 1)
        )
        lines.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">{"".join(lines)}</svg>'
    )
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def _numeric(reference: NumericCounts, current: NumericCounts) -> str:
    """Shares on an even scale over the pooled 0.5-99.5 %; what lies outside joins the end bars."""
    pooled = reference.cells / max(int(reference.cells.sum()), 1)
    pooled = pooled + current.cells / max(int(current.cells.sum()), 1)
    below = np.cumsum(pooled) / max(float(pooled.sum()), 1e-12)
    low = float(CENTRES[int(np.searchsorted(below, 0.005))])
    high = float(CENTRES[min(int(np.searchsorted(below, 0.995)), len(CENTRES) - 1)])
    span = max(high - low, 1e-9)
    bar = np.clip(((CENTRES - low) / span * BARS).astype(np.int64), 0, BARS - 1)
    a = np.bincount(bar, weights=reference.cells, minlength=BARS)
    b = np.bincount(bar, weights=current.cells, minlength=BARS)
    grid = reference.grid
    ends = (grid.centre + grid.scale * low, grid.centre + grid.scale * (low + span))
    return _histogram(a / max(a.sum(), 1), b / max(b.sum(), 1), ends)


def _histogram(reference: Floats, current: Floats, ends: tuple[float, float]) -> str:
    """Bars of the reference, a stepped line of the current rows, both axes with round numbers."""
    top = max(float(reference.max(initial=0)), float(current.max(initial=0)), 1e-12)
    levels = ticks(0.0, top)
    ground, roof = HEIGHT - BOTTOM, TOP
    step = (WIDTH - LEFT - RIGHT) / len(reference)

    def high(share: float) -> float:
        return ground - share / levels[-1] * (ground - roof)

    parts = []
    for level in levels:
        y = high(level)
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#8884"/>'
        )
        parts.append(_text(LEFT - 6, y + 4, percent(level), anchor="end"))
    bars = "".join(
        f'<rect x="{LEFT + i * step:.1f}" y="{high(v):.1f}" width="{step * 0.9:.1f}" '
        f'height="{ground - high(v):.1f}"/>'
        for i, v in enumerate(reference)
    )
    points = " ".join(
        f"{LEFT + (i + edge) * step:.1f},{high(v):.1f}"
        for i, v in enumerate(current)
        for edge in (0, 0.9)
    )
    parts.append(f'<g fill="{REFERENCE}" fill-opacity="0.75">{bars}</g>')
    parts.append(f'<polyline points="{points}" fill="none" stroke="{CURRENT}" stroke-width="2.5"/>')
    low, up = ends
    if not up > low or not np.isfinite(up - low):  # too fine for a float: the one value there is
        return "".join([*parts, _text(LEFT, HEIGHT - 12, axis_label(low, 1.0))])
    marks = [value for value in ticks(low, up) if low <= value <= up]
    size = marks[1] - marks[0] if len(marks) > 1 else up - low
    for value in marks:
        x = LEFT + (value - low) / (up - low) * (WIDTH - LEFT - RIGHT)
        label = axis_label(value, size)
        if x + EDGE * len(label) > WIDTH:  # beside the edge it would be cut off
            parts.append(_text(WIDTH - 2, HEIGHT - 12, label, anchor="end"))
        else:
            parts.append(_text(max(x, EDGE * len(label)), HEIGHT - 12, label, anchor="middle"))
    return "".join(parts)


def _categorical(reference: CategoryCounts, current: CategoryCounts) -> tuple[str, int]:
    """Shares of the values that are most common on either side, one row each; and its height."""
    pair = aligned(reference, current)
    a, b = pair.reference / max(pair.rows[0], 1), pair.current / max(pair.rows[1], 1)
    chosen = np.argsort(-(a + b), kind="stable")[:SHOWN]
    names = [pair.names[index] for index in chosen]
    rest = len(pair.names) - len(chosen)
    height = TOP + ROW * len(names) + (24 if rest else 8)
    body = _rows(names, a[chosen], b[chosen])
    if rest:
        body += _text(NAMES, height - 8, f"and {rest:,} more, each less common than these")
    return body, height


def _rows(names: Sequence[str], reference: Floats, current: Floats) -> str:
    top = max(float(reference.max(initial=0)), float(current.max(initial=0)), 1e-12)
    room = WIDTH - NAMES - VALUES
    parts = []
    for index, (name, was, now) in enumerate(zip(names, reference, current, strict=True)):
        y = TOP + ROW * index
        shown = shortened(" ".join(name.split()) or "(empty)", SIGNS)
        parts.append(_text(NAMES - 8, y + 15, shown, anchor="end"))
        for share, colour, line in ((was, REFERENCE, 0), (now, CURRENT, 1)):
            width = share / top * room
            parts.append(
                f'<rect x="{NAMES}" y="{y + 2 + 11 * line}" width="{width:.1f}" height="10" '
                f'fill="{colour}"/>'
            )
            place = NAMES + width + 6
            parts.append(_text(place, y + 11 + 11 * line, percent(float(share)), size=10))
    return "".join(parts)


def _legend(
    reference: NumericCounts | CategoryCounts, current: NumericCounts | CategoryCounts
) -> str:
    parts = [
        f'<rect x="{LEFT}" y="10" width="12" height="12" fill="{REFERENCE}"/>',
        _text(LEFT + 18, 20, f"champion's data, {reference.rows:,} rows"),
        f'<rect x="{LEFT + 240}" y="10" width="12" height="12" fill="{CURRENT}"/>',
        _text(LEFT + 258, 20, f"new, {current.rows:,} rows"),
    ]
    if reference.missing or current.missing:
        was, now = (side.missing / max(side.rows, 1) for side in (reference, current))
        label = f"without a value: {percent(was)} → {percent(now)}"
        parts.append(_text(WIDTH - RIGHT, 20, label, anchor="end"))
    return "".join(parts)


def _text(x: float, y: float, words: str, anchor: str = "start", size: int = 12) -> str:
    clean = "".join(s if s.isprintable() or s == UNBROKEN else "�" for s in words)
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
        f'fill="{TEXT}">{escape(clean)}</text>'
    )


def _document(body: str, height: int) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="system-ui, sans-serif">{body}</svg>'
    )
