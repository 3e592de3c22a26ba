"""Where latencies are counted: narrow bins around what the stable version has done lately. Pure.

A gate speaks of the stable version's p50, p90 and p99, and can only stand between two bins. A fine
grid over all that a service may take, from microseconds to half a minute, would be hundreds of
questions to CloudWatch for every window; so bins are narrow where the stable version's own
quantiles were during the last day, and a quarter apart everywhere else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tasks.release.observation.windows import query

LEVELS = ("p50", "p90", "p99")
HISTORY_SECONDS = 24 * 3600
PERIOD_SECONDS = 3600
FIRST_MS, LAST_MS = 0.046116860184, 30_093.0
"""The judge's own first and last edge."""
WIDE = 1.25
NARROW = WIDE ** (1 / 5)
UNKNOWN = WIDE ** (2 / 5)
"""Ratio where nothing is known: half as fine over the whole range, for half as many questions."""
ROOM = 1.25
"""Narrow bins reach this factor beyond the lowest p50 and the highest p99."""
SAME = 0.002
"""Edges that are closer, relatively, are one."""
MOST = 200
"""Most narrow bins; a version whose quantiles lie further apart has wider ones."""


def questions(
    namespace: str, metric: str, dimensions: Mapping[str, str]
) -> tuple[dict[str, Any], ...]:
    """MetricDataQueries for the stable version's quantiles by the hour, named as in LEVELS."""
    return tuple(
        query(level, namespace, metric, dimensions, PERIOD_SECONDS, level) for level in LEVELS
    )


def placed(quantiles_ms: Mapping[str, Sequence[float]]) -> tuple[float, ...]:
    """Inner edges of the latency bins, milliseconds, each larger than the one before.

    Args:
        quantiles_ms: p50, p90 and p99 of the stable version in successive hours; those of the
            last hour are edges themselves. Without any, bins are equally narrow everywhere.
    """
    told = {
        level: [value for value in quantiles_ms.get(level, ()) if FIRST_MS < value < LAST_MS]
        for level in LEVELS
    }
    known = [value for values in told.values() for value in values]
    if not known:
        return _grid(FIRST_MS, LAST_MS, UNKNOWN)
    low, high = max(min(known) / ROOM, FIRST_MS), min(max(known) * ROOM, LAST_MS)
    ratio = max(NARROW, (high / low) ** (1 / MOST))
    edges = {edge for edge in _grid(FIRST_MS, LAST_MS, WIDE) if not low <= edge <= high}
    edges |= set(_grid(low, high, ratio))
    exact = {_shown(values[-1]) for values in told.values() if values}
    edges = {edge for edge in edges if all(abs(edge / one - 1.0) > SAME for one in exact)}
    return tuple(sorted(edges | exact))


def _grid(first: float, last: float, ratio: float) -> tuple[float, ...]:
    steps = math.floor(math.log(last / first) / math.log(ratio) + 1e-9)
    return tuple(_shown(first * ratio**step) for step in range(steps + 1))


def _shown(milliseconds: float) -> float:
    """As CloudWatch is asked: microseconds with three digits behind the point."""
    return round(milliseconds, 6)
