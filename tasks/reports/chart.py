"""Line charts as self-contained SVG, small enough to live in a Markdown artifact."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from html import escape

from tasks.reports.figures import decade, number
from tasks.reports.links import shortened

WIDTH, HEIGHT = 760, 260
LEFT, RIGHT, TOP, BOTTOM = 64, 165, 32, 38
# Colours that stay apart for colour-blind eyes (Okabe & Ito, 2008), readable on dark and light.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")
NAME = 26
"""Signs of a line's name that there is room for."""
TICKS = 5
"""About as many lines as an axis bears."""
MILLIONTH, LARGE = 1e-6, 1e12
"""Finer or larger steps than these are told by powers of ten."""
LARGEST = 1e100
"""Beyond it (and below its inverse) nothing was measured: arithmetic on it would overflow."""


def line_chart(
    title: str,
    series: Mapping[str, Sequence[tuple[float, float]]],
    x_label: str = "",
    logarithmic: bool = False,
) -> str:
    """Draw lines.

    Args:
        title: Stands above the chart.
        series: Points (x, y) by name; what is no drawable number (or, on a logarithmic axis, not
            above 0) are left out.
        x_label: Stands below the chart.
        logarithmic: Whether the y axis is logarithmic.

    Returns:
        An SVG document; with nothing to draw it says so.
    """

    def level(value: float) -> float:
        return math.log10(value) if logarithmic else value

    drawn = {
        name: [
            (x, level(y))
            for x, y in points
            if abs(x) < LARGEST and abs(y) < LARGEST and (y > 1 / LARGEST or not logarithmic)
        ]
        for name, points in series.items()
    }
    drawn = {name: points for name, points in drawn.items() if points}
    body = [text(LEFT, 18, title, size=14, weight="600")]
    if not drawn:
        body.append(text(LEFT, HEIGHT / 2, "nothing measured yet"))
        return document(body)
    xs = [x for points in drawn.values() for x, _ in points]
    ys = [y for points in drawn.values() for _, y in points]
    (x0, x1), levels = _span(xs), ticks(*_span(ys), whole=logarithmic)
    y0, y1 = levels[0], levels[-1]

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            LEFT + (x - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - (y - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM),
        )

    for y in levels:
        _, height = at(x0, y)
        body.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{height:.1f}" y2="{height:.1f}" '
            'stroke="#8884" />'
        )
        label = decade(round(y)) if logarithmic else axis_label(y, levels[1] - levels[0])
        body.append(text(LEFT - 6, height + 4, label, anchor="end"))
    marks = ticks(x0, x1)
    body.extend(
        text(
            at(x, y0)[0], HEIGHT - BOTTOM + 16, axis_label(x, marks[1] - marks[0]), anchor="middle"
        )
        for x in marks
        if x0 <= x <= x1
    )
    body.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, x_label, anchor="middle"))
    for index, (name, points) in enumerate(drawn.items()):
        colour = COLOURS[index % len(COLOURS)]
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in (at(x, y) for x, y in points))
        body.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" />')
        if len(points) == 1:
            a, b = at(*points[0])
            body.append(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}" />')
        label = shortened(name, NAME)
        body.append(text(WIDTH - RIGHT + 12, TOP + 12 + 17 * index, label, colour=colour))
    return document(body)


def image(svg: str, alternative: str) -> str:
    """An SVG as a Markdown image that needs no network."""
    data = base64.b64encode(svg.encode()).decode()
    return f"![{alternative}](data:image/svg+xml;base64,{data})"


def _span(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    size = max(abs(low), abs(high))
    if size < 1 / LARGEST:  # a flat line stands on the floor when it is 0, else in the middle
        return 0.0, 1.0
    if high - low < size * 1e-9:
        return low - size * 0.1, high + size * 0.1
    return low, high


def ticks(low: float, high: float, *, whole: bool = False) -> list[float]:
    """Round numbers (1, 2, 2.5 or 5 times a power of ten) from below ``low`` to above ``high``.

    Args:
        low: Smallest value.
        high: Largest value, above ``low``.
        whole: Whether a step is at least 1: decades of a logarithmic axis.
    """
    raw = (high - low) / (TICKS - 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * times for times in (1, 2, 2.5, 5, 10) if power * times >= raw * (1 - 1e-9))
    if whole:
        step = max(1.0, math.ceil(step))
    first, last = math.floor(low / step), math.ceil(high / step)
    return [step * index for index in range(first, max(last, first + 1) + 1)]


def axis_label(value: float, step: float) -> str:
    """A number beside an axis: as many decimals as tell it from its neighbours, and no more."""
    if not MILLIONTH < step < LARGE:
        return number(value, 6)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    decimals += abs(step * 10**decimals - round(step * 10**decimals)) > MILLIONTH  # 2.5, 0.25
    told = f"{value:,.{decimals}f}"
    told = told.rstrip("0").rstrip(".") if "." in told else told
    return "0" if told == "-0" else told


def text(
    x: float,
    y: float,
    words: str,
    size: int = 11,
    anchor: str = "start",
    colour: str = "#8a8f98",
    weight: str = "400",
) -> str:
    """Words at a place, readable on dark and light."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
        f'fill="{colour}" font-weight="{weight}">{escape(words)}</text>'
    )


def document(body: Sequence[str], height: int = HEIGHT) -> str:
    """What was drawn, as an SVG of the width that pages have room for."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" font-family="system-ui, sans-serif">' + "".join(body) + "</svg>"
    )
