"""Pictures of the page: differences with their margins, and how far chances can be believed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from models.runtime.measures import BINS, bin_indices
from tasks.gates.evidence import Evidence, Side
from tasks.gates.finding import Finding
from tasks.reports.chart import COLOURS, WIDTH, axis_label, document, line_chart, text, ticks
from tasks.reports.links import shortened

LEFT, RIGHT, TOP, ROW, BOTTOM = 250, 40, 40, 22, 40
MOST_ROWS = 24
NAME = 34
"""Signs of a row's name that there is room for."""
FURTHEST = 3.0
"""Largest relative difference that the axis reaches; what lies beyond ends in an arrow."""
_COLOUR = {"pass": COLOURS[2], "fail": COLOURS[1], "inconclusive": COLOURS[4], "error": COLOURS[3]}


def forest(findings: Sequence[Finding]) -> str:
    """Differences to a rival with their intervals and margins, worse to the right.

    In percent of the rival's value, so that metrics of any unit stand below each other; those of
    all rows first, then the slices. The tick in a row is its margin.

    Returns:
        An SVG document; "" without an interval of a difference.
    """
    rows = [row for finding in findings if (row := _row(finding)) is not None]
    rows.sort(key=lambda row: bool(row[0].part))
    rows = rows[:MOST_ROWS]
    if not rows:
        return ""
    ends = [value for _, *values in rows for value in values]
    reach = [min(max(100 * value, -100 * FURTHEST), 100 * FURTHEST) for value in (0.0, *ends)]
    levels = ticks(min(reach), max(reach))
    height = TOP + ROW * len(rows) + BOTTOM
    low, high = levels[0], levels[-1]

    def at(share: float) -> float:
        inside = min(max(100 * share, low), high)
        return LEFT + (inside - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    title = "difference to champion or baseline, % of its value (right: worse; tick: margin)"
    body = [text(12, 18, title, size=13, weight="600")]
    for level in levels:
        x, dark = at(level / 100), "8" if abs(level) < 1e-9 else "4"  # noqa: PLR2004 - rounding
        body.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 8}" y2="{height - BOTTOM}" '
            f'stroke="#888{dark}" />'
        )
        label = axis_label(level, levels[1] - levels[0])
        body.append(text(x, height - BOTTOM + 16, label, anchor="middle"))
    for index, (finding, begin, middle, end, margin) in enumerate(rows):
        y = TOP + ROW * index + ROW / 2
        colour = _COLOUR[finding.outcome] if finding.shown else COLOURS[0]
        name = f"{finding.metric}, {finding.part}" if finding.part else finding.name
        body += [
            text(LEFT - 10, y + 4, shortened(name, NAME), anchor="end"),
            f'<line x1="{at(begin):.1f}" x2="{at(end):.1f}" y1="{y}" y2="{y}" '
            f'stroke="{colour}" stroke-width="2" />',
            f'<circle cx="{at(middle):.1f}" cy="{y}" r="4" fill="{colour}" />',
            f'<line x1="{at(margin):.1f}" x2="{at(margin):.1f}" y1="{y - 8}" y2="{y + 8}" '
            'stroke="#8a8f98" stroke-width="2" />',
        ]
    return document(body, height)


def reliability(evidence: Evidence) -> str:
    """Share of yeses against the chance that was said, in bins of equally many rows.

    Returns:
        An SVG document; "" for a task that says no chance of a yes.
    """
    if evidence.sides["candidate"].task.output.get("kind") != "probability":
        return ""
    truth = np.asarray(evidence.labels, dtype=np.float64)
    lines = {name: _curve(side, truth) for name, side in evidence.sides.items()}
    most = max((x for points in lines.values() for x, _ in points), default=1.0)
    lines["as said"] = [(0.0, 0.0), (most, most)]
    return line_chart("share of yeses, by the chance that was said", lines, "chance that was said")


def confusions(evidence: Evidence, most: int) -> tuple[list[str], list[list[int]]]:
    """Classes, and rows by true class and answered class; nothing for more classes than so many.

    Args:
        evidence: Of a classification; any other has no classes.
        most: Classes that a page has room for.
    """
    side = evidence.sides["candidate"]
    if side.task.output.get("kind") != "classes":
        return [], []
    names = [str(name) for name in side.task.output["classes"]]
    if len(names) > most:
        return [], []
    cells = np.zeros((len(names), len(names)), dtype=np.int64)
    np.add.at(cells, (side.task.targets(evidence.labels), side.predicted.argmax(axis=1)), 1)
    return names, cells.tolist()


def _curve(
    side: Side, truth: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> list[tuple[float, float]]:
    said = side.predicted
    edges = np.unique(np.quantile(said, np.linspace(0, 1, BINS + 1)[1:-1]))
    at = bin_indices(said, edges.tolist())
    rows = np.bincount(at)
    there = rows > 0
    means = np.bincount(at, said)[there] / rows[there]
    shares = np.bincount(at, truth)[there] / rows[there]
    return list(zip(means.tolist(), shares.tolist(), strict=True))


def _row(finding: Finding) -> tuple[Finding, float, float, float, float] | None:
    """Lower end, value, upper end and margin of a relative difference, worse upwards."""
    interval, value, reference = finding.interval, finding.value, finding.reference
    if not finding.rival or interval is None or value is None or not reference:
        return None
    if finding.zero:
        value, reference = abs(value), abs(reference)
    scale = abs(reference) * (-1 if finding.sign == "≥" else 1)
    low, high = sorted((interval.low / scale, interval.high / scale))
    middle, margin = (value - reference) / scale, (finding.bound - reference) / scale
    return (finding, low, middle, high, margin) if math.isfinite(low + high) else None
