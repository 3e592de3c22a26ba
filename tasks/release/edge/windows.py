"""What to ask CloudWatch for the reports of edge clients. Pure.

Clients report one observation per user, version and release (docs/edge.md), so that a user whose
device is always slow, or always fails, counts once. The collector writes them as ``Requests``,
``Errors``, ``PredictionLatency`` and ``PredictionBin`` with the dimensions ModelName and Version.
"""

from __future__ import annotations

from typing import Any

from tasks.release.journal.record import Arm, Journal
from tasks.release.observation.windows import bins, query

REQUESTS, ERRORS = "Requests", "Errors"
LATENCY, BIN = "PredictionLatency", "PredictionBin"
COUNTS = {"requests": REQUESTS, "model": ERRORS}
"""Query → metric; `tasks.release.observation.windows` reads errors from the query ``model``."""


def dimensions(model: str, version: str) -> dict[str, str]:
    """Dimensions of what the judge reads."""
    return {"ModelName": model, "Version": version}


def queries(journal: Journal) -> list[dict[str, Any]]:
    """MetricDataQueries for both versions; ids as in `observation.windows.queries`."""
    metric_queries = []
    for letter, arm in (("c", journal.candidate), ("s", journal.stable)):
        if arm is not None:
            metric_queries += _of_arm(journal, letter, arm)
    return metric_queries


def _of_arm(journal: Journal, letter: str, arm: Arm) -> list[dict[str, Any]]:
    space = journal.site.metrics_namespace
    of_version = dimensions(journal.model, arm.version)
    period = journal.spec.window_seconds
    metric_queries = [
        query(f"{letter}_{name}", space, metric, of_version, period, "Sum")
        for name, metric in COUNTS.items()
    ]
    metric_queries += [
        query(f"{letter}_l{i}", space, LATENCY, of_version, period, stat)
        for i, stat in enumerate(bins(journal.latency_edges_ms))
    ]
    if journal.judged_edges:
        middles = [index + 0.5 for index in range(len(journal.judged_edges))]
        metric_queries += [
            query(f"{letter}_p{i}", space, BIN, of_version, period, stat)
            for i, stat in enumerate(bins(middles))
        ]
    return metric_queries
