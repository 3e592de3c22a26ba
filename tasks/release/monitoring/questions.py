"""What to ask CloudWatch of a champion alone, and what the answer means. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tasks.judge.monitor import WINDOW_SECONDS, Totals, latency_edges
from tasks.release.observation.windows import COUNTS, MICROSECONDS, SAGEMAKER, bins, query

MOST_WINDOWS = 288
"""Windows of one look, a day of them: a monitor that was away catches up look by look."""


def of_variant(endpoint: str, variant: str) -> list[dict[str, Any]]:
    """MetricDataQueries of one variant's requests, errors and latencies by window."""
    served = {"EndpointName": endpoint, "VariantName": variant}
    counted = [
        query(name, SAGEMAKER, metric, served, WINDOW_SECONDS, "Sum")
        for name, metric in COUNTS.items()
    ]
    edges = [edge * MICROSECONDS for edge in latency_edges()]
    return counted + [
        query(f"l{place}", SAGEMAKER, "ModelLatency", served, WINDOW_SECONDS, stat)
        for place, stat in enumerate(bins(edges))
    ]


def due(since: float, now: float, lag: float) -> tuple[float, ...]:
    """Begins of the whole windows that are over and told, the oldest first.

    Args:
        since: Nothing before it; unix seconds.
        now: Unix seconds.
        lag: Seconds after which a window's metrics are complete.
    """
    first = math.ceil(since / WINDOW_SECONDS)
    last = math.floor((now - lag) / WINDOW_SECONDS)
    return tuple(float(at * WINDOW_SECONDS) for at in range(first, last))[:MOST_WINDOWS]


def windows(
    values: Mapping[str, Mapping[float, float]], begins: Sequence[float]
) -> list[tuple[float, Totals]]:
    """Each window's begin and what was counted in it.

    Args:
        values: Query id → timestamp of the window's start → value.
        begins: The windows that were asked for.
    """
    return [(begin, _totals(values, begin)) for begin in begins]


def _totals(values: Mapping[str, Mapping[float, float]], begin: float) -> Totals:
    def of(name: str) -> int:
        return round(values.get(name, {}).get(begin, 0.0))

    requests = of("requests")
    told = begin in values.get("model", {}) or all(
        begin in values.get(name, {}) for name in ("client", "server")
    )
    # Every request is told as 0 or 1 of each kind of error: what is absent was lost, not none.
    errors = min(requests, max(of("model"), of("client") + of("server"))) if told else None
    places = range(len(latency_edges()) + 1)
    return Totals(
        requests=requests,
        errors=0 if not requests else errors,
        latency={place: count for place in places if (count := of(f"l{place}"))},
    )
