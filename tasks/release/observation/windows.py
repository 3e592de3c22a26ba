"""Which windows to judge, what to ask CloudWatch for them, and what its answer means. Pure.

A window during which the shares moved is left out: its requests were split at two shares, so an
incident that both versions share could look like one version's fault.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from tasks.release.journal.record import Arm, Journal, Move
from tasks.values import Frozen

SAGEMAKER = "AWS/SageMaker"
ARMS = ("canary", "stable")
LOOK_BACK = 10
"""Windows of the stable version alone that are read before the first step.

They teach the judge its quantiles, and how far its shares move from window to window."""
MICROSECONDS = 1000.0  # in a millisecond
PATIENCE = 3.0
SEVERAL = 5.0
"""Requests that chance keeps from an arm in fewer than one window of a hundred."""
COUNTS = {
    "requests": "Invocations",
    "client": "Invocation4XXErrors",
    "server": "Invocation5XXErrors",
    "model": "InvocationModelErrors",
}

Span = tuple[float, float]


class ArmTotals(Frozen):
    """One arm in one window, in integers; the judge's ArmCounts has the same fields."""

    requests: int = 0
    errors: int | None = 0
    latency: tuple[int, ...] = ()
    predictions: tuple[int, ...] = ()


def start_of(now: float, window: float, lag: float) -> float:
    """Where judging begins: a few whole windows before the last that is complete."""
    complete = math.floor((now - lag) / window) * window
    return max(0.0, complete - LOOK_BACK * window)


def due(judged_until: float, now: float, window: float, lag: float) -> tuple[Span, ...]:
    """Whole windows that are over and complete, and not judged yet."""
    spans = []
    begin = judged_until
    while begin + window + lag <= now:
        spans.append((begin, begin + window))
        begin += window
    return tuple(spans)


def steady(span: Span, moves: Sequence[Move]) -> bool:
    """Whether the shares stood still during a window."""
    return all(move.settled <= span[0] or move.begun >= span[1] for move in moves)


def share_in(span: Span, moves: Sequence[Move]) -> float:
    """The candidate's share during a steady window."""
    return next((m.share for m in reversed(moves) if m.settled <= span[0]), 0.0)


def queries(journal: Journal) -> list[dict[str, Any]]:
    """MetricDataQueries for both arms; ids begin with c (candidate) or s (stable).

    Latency and predictions are counted by bin with the trimmed count ``TC(a:b)``: the number of
    values above a and not above b.
    """
    metric_queries = []
    for letter, arm in (("c", journal.candidate), ("s", journal.stable)):
        if arm is not None:
            metric_queries += _of_arm(journal, letter, arm)
    return metric_queries


def complete(
    journal: Journal, values: Mapping[str, Mapping[float, float]], spans: Sequence[Span], now: float
) -> list[dict[str, Any]]:
    """Windows as JSON, in order, up to the first that is not complete.

    Args:
        journal: The release.
        values: Query id → timestamp of the window's start (unix seconds) → value.
        spans: The windows that were asked for.
        now: Unix time; a window that stays incomplete is taken as it is in the end.
    """
    windows: list[dict[str, Any]] = []
    read = [(s, {name: _arm(journal, name[0], values, s[0]) for name in ARMS}) for s in spans]
    last = max((s[0] for s, arms in read if _requests(arms)), default=0.0)
    for span, arms in read:
        later = now >= span[1] + journal.spec.metrics_lag_seconds + journal.spec.window_seconds
        # An empty window is complete once there are counts of what came after it.
        whole = _whole(arms) if _requests(arms) else later or span[0] < last
        whole &= later or not _one_is_late(arms, share_in(span, journal.moves))
        patience = PATIENCE * (journal.spec.metrics_lag_seconds + journal.spec.window_seconds)
        if not whole and now < span[1] + patience:
            break
        windows.append(
            {
                "t0": span[0],
                "t1": span[1],
                "weight": share_in(span, journal.moves),
                **{name: arm.model_dump(mode="json") for name, arm in arms.items()},
            }
        )
    return windows


def quantile(counts: Sequence[int], edges: Sequence[float], level: float) -> float | None:
    """Upper edge of the bin in which a quantile lies; None without data."""
    total = sum(counts)
    if total == 0:
        return None
    counted = 0
    for index, count in enumerate(counts):
        counted += count
        if counted >= level * total:
            return edges[min(index, len(edges) - 1)]
    return edges[-1]


def _requests(arms: Mapping[str, ArmTotals]) -> int:
    return sum(arm.requests for arm in arms.values())


def _one_is_late(arms: Mapping[str, ArmTotals], share: float) -> bool:
    """Whether one arm has no request although its share of them would be several.

    A feed may tell one arm before the other, and so one of them is waited for.
    """
    expected = {"canary": share, "stable": 1.0 - share}
    total = _requests(arms)
    return any(
        arm.requests == 0 and total * expected[name] >= SEVERAL for name, arm in arms.items()
    )


def _whole(arms: Mapping[str, ArmTotals]) -> bool:
    """Whether every request's latency has come too (failed requests may have none)."""
    return all(
        arm.errors is not None and sum(arm.latency) + arm.errors >= arm.requests
        for arm in arms.values()
    )


def _arm(
    journal: Journal, letter: str, values: Mapping[str, Mapping[float, float]], begin: float
) -> ArmTotals:
    def of(name: str) -> int:
        return round(values.get(f"{letter}_{name}", {}).get(begin, 0.0))

    def told(name: str) -> bool:
        return begin in values.get(f"{letter}_{name}", {})

    requests = of("requests")
    errors: int | None = min(requests, max(of("model"), of("client") + of("server")))
    # Every request is told as 0 or 1 of each kind of error: what is absent was lost, not none.
    if requests and not (told("model") or (told("client") and told("server"))):
        errors = None
    latency_bins = len(journal.latency_edges_ms) + 1
    prediction_bins = len(journal.judged_edges) + 1 if journal.judged_edges else 0
    return ArmTotals(
        requests=requests,
        errors=errors,
        latency=tuple(of(f"l{i}") for i in range(latency_bins)),
        predictions=tuple(of(f"p{i}") for i in range(prediction_bins)),
    )


def _of_arm(journal: Journal, letter: str, arm: Arm) -> list[dict[str, Any]]:
    served = {"EndpointName": journal.endpoint, "VariantName": arm.variant}
    predicted = {"ModelName": journal.model, "VariantName": arm.variant}
    period = journal.spec.window_seconds
    metric_queries = [
        query(f"{letter}_{name}", SAGEMAKER, metric, served, period, "Sum")
        for name, metric in COUNTS.items()
    ]
    edges = [edge * MICROSECONDS for edge in journal.latency_edges_ms]
    metric_queries += [
        query(f"{letter}_l{i}", SAGEMAKER, "ModelLatency", served, period, stat)
        for i, stat in enumerate(bins(edges))
    ]
    if journal.judged_edges:
        space = journal.site.metrics_namespace
        middles = [index + 0.5 for index in range(len(journal.judged_edges))]
        metric_queries += [
            query(f"{letter}_p{i}", space, "PredictionBin", predicted, period, stat)
            for i, stat in enumerate(bins(middles))
        ]
    return metric_queries


def bins(edges: Sequence[float]) -> list[str]:
    """Trimmed counts between neighbouring edges, open at both ends."""
    shown = [f"{edge:.3f}".rstrip("0").rstrip(".") for edge in edges]
    inner = [f"TC({low}:{high})" for low, high in pairwise(shown)]
    return [f"TC(:{shown[0]})", *inner, f"TC({shown[-1]}:)"]


def query(
    query_id: str,
    namespace: str,
    metric: str,
    dimensions: Mapping[str, str],
    period: int,
    stat: str,
) -> dict[str, Any]:
    """One MetricDataQuery; ``period`` in seconds."""
    return {
        "Id": query_id,
        "MetricStat": {
            "Metric": {
                "Namespace": namespace,
                "MetricName": metric,
                "Dimensions": [{"Name": k, "Value": v} for k, v in dimensions.items()],
            },
            "Period": period,
            "Stat": stat,
        },
        "ReturnData": True,
    }
