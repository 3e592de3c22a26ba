"""Small pictures of two distributions, as data addresses that need no network."""

from __future__ import annotations

import base64
from html import escape

import numpy as np

from tasks.drift.categorical import aligned
from tasks.drift.cells import CENTRES, Floats
from tasks.drift.counts import CategoryCounts, NumericCounts

WIDTH, HEIGHT, BARS, SHOWN = 240, 64, 32, 12
# Told apart in grey and by people who do not see red and green.
REFERENCE, CURRENT = "#8c96a3", "#d9480f"


def picture(reference: NumericCounts | CategoryCounts, current: object) -> str:
    """``data:image/svg+xml`` of the reference (grey area) and the current rows (orange line)."""
    if isinstance(reference, NumericCounts) and isinstance(current, NumericCounts):
        a, b, label = _numeric(reference, current)
    elif isinstance(reference, CategoryCounts) and isinstance(current, CategoryCounts):
        a, b, label = _categorical(reference, current)
    else:
        return ""
    svg = _svg(a, b, label)
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def _numeric(reference: NumericCounts, current: NumericCounts) -> tuple[Floats, Floats, str]:
    """Shares on an even scale over the pooled 0.5-99.5 %; what lies outside joins the end bars."""
    pooled = reference.cells / max(int(reference.cells.sum()), 1)
    pooled = pooled + current.cells / max(int(current.cells.sum()), 1)
    below = np.cumsum(pooled) / max(float(pooled.sum()), 1e-12)
    low = float(CENTRES[int(np.searchsorted(below, 0.005))])
    high = float(CENTRES[min(int(np.searchsorted(below, 0.995)), len(CENTRES) - 1)])
    span = max(high - low, 1e-9)
    bar = np.clip(((CENTRES - low) / span * BARS).astype(np.int64), 0, BARS - 1)
    grid = reference.grid
    label = f"{grid.text(low)} … {grid.text(high)}"
    a = np.bincount(bar, weights=reference.cells, minlength=BARS)
    b = np.bincount(bar, weights=current.cells, minlength=BARS)
    return a / max(a.sum(), 1), b / max(b.sum(), 1), label


def _categorical(reference: CategoryCounts, current: CategoryCounts) -> tuple[Floats, Floats, str]:
    """Shares of the values that are most common on either side."""
    pair = aligned(reference, current)
    a, b = pair.reference / max(pair.rows[0], 1), pair.current / max(pair.rows[1], 1)
    top = np.argsort(-(a + b), kind="stable")[:SHOWN]
    names = ", ".join(pair.names[index] for index in top[:3])
    return a[top], b[top], names if len(names) <= 40 else names[:39] + "…"


def _svg(reference: Floats, current: Floats, label: str) -> str:
    top = max(float(reference.max(initial=0)), float(current.max(initial=0)), 1e-12)
    step, ground = WIDTH / max(len(reference), 1), HEIGHT - 12
    areas = "".join(
        f'<rect x="{i * step:.1f}" y="{ground - v / top * ground:.1f}" width="{step * 0.9:.1f}" '
        f'height="{v / top * ground:.1f}"/>'
        for i, v in enumerate(reference)
    )
    points = " ".join(
        f"{(i + edge) * step:.1f},{ground - v / top * ground:.1f}"
        for i, v in enumerate(current)
        for edge in (0, 0.9)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}"><g fill="{REFERENCE}">{areas}</g>'
        f'<polyline points="{points}" fill="none" stroke="{CURRENT}" stroke-width="1.5"/>'
        f'<text x="0" y="{HEIGHT - 2}" font-family="sans-serif" font-size="9" '
        f'fill="#495057">{escape(label)}</text></svg>'
    )
