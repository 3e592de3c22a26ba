"""The analysis of a canary: journal and windows in, the judge's ruling out. Pure.

This module imports numpy and scipy; nothing that a flow imports at its head imports it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tasks.judge import (
    AbsoluteLimits,
    CanaryVerdict,
    HarmMargins,
    JudgePolicy,
    JudgeState,
    NonInferiorityMargins,
    Window,
    observe,
    verdict,
)
from tasks.judge.information import seconds_to_proof
from tasks.release.journal.record import ArmFigures, Journal, Point, Ruling
from tasks.release.observation import pairs, windows
from tasks.release.ports import WindowCounts
from tasks.specs.release import ReleaseSpec

ACTUATION_SECONDS = 10.0


def policy(
    spec: ReleaseSpec,
    prediction_bins: int,
    latency_edges_ms: Sequence[float],
    busiest_hour: float | None = None,
) -> JudgePolicy:
    """The judge's policy for a model's release spec.

    Args:
        spec: From model.yaml.
        prediction_bins: Number of prediction bins; 0 when none are counted.
        latency_edges_ms: Inner edges of the latency bins.
        busiest_hour: Requests per second of the last week's busiest hour; None: not known, and
            then no load is demanded.
    """
    tolerance = spec.tolerance
    return JudgePolicy(
        alpha=spec.alpha,
        beta=spec.beta,
        ladder=spec.ladder,
        tolerance=NonInferiorityMargins(
            errors=tolerance.errors,
            latency_p50=tolerance.latency_p50,
            latency_p90=tolerance.latency_p90,
            latency_p99=tolerance.latency_p99,
            predictions=tolerance.predictions,
        ),
        harm_margin=HarmMargins(errors=spec.harm.errors, latency=spec.harm.latency),
        limits=AbsoluteLimits(
            max_error_rate=min(spec.max_error_rate, 0.999), max_latency_ms=spec.max_latency_ms
        ),
        latency_edges=tuple(latency_edges_ms),
        prediction_bins=prediction_bins,
        prediction_drift=pairs.DRIFT,
        sample_ratio=spec.sample_ratio and spec.assigns_requests,
        lag_seconds=float(spec.metrics_lag_seconds),
        actuation_seconds=ACTUATION_SECONDS,
        warm_up_seconds=float(spec.warm_up_seconds),
        watch_seconds=float(spec.watch_seconds),
        demanded_rate=spec.demand_load * (busiest_hour or 0.0),
        deadline_seconds=float(spec.deadline_seconds),
        on_deadline=spec.inconclusive,
    )


def journal_policy(journal: Journal) -> JudgePolicy:
    """The policy of a release, from its journal."""
    bins = len(journal.judged_edges) + 1 if journal.judged_edges else 0
    return policy(journal.spec, bins, journal.latency_edges_ms, journal.busiest_before)


@dataclass(frozen=True)
class CanaryAnalysis:
    """Folds windows into the state that the journal carries."""

    def analyse(
        self, journal: Journal, counts: Sequence[WindowCounts]
    ) -> tuple[Any, Ruling, tuple[Point, ...]]:
        """See `ports.Analysis.analyse`."""
        state = (
            JudgeState.start(journal_policy(journal))
            if journal.judge_state is None
            else JudgeState.from_json(journal.judge_state)
        )
        points = []
        judged = verdict(state)
        for item in counts:
            window = Window.model_validate(item)
            state = observe(state, window)
            judged = verdict(state)
            points.append(point(journal, window, judged))
        return state.to_json(), ruling(judged), tuple(points)

    def seconds_to_proof(self, journal: Journal, requests_per_second: float) -> float:
        """See `ports.Analysis.seconds_to_proof`."""
        return seconds_to_proof(journal_policy(journal), requests_per_second)


def ruling(judged: CanaryVerdict) -> Ruling:
    """A verdict as the journal keeps it."""
    proven = min((margin.log_evidence for margin in judged.margins), default=0.0)
    reason = f"{judged.reason} {judged.recommend}".strip()
    return Ruling(
        action=judged.action,
        reason=reason,
        against=_tens(judged.log_evidence),
        proven=_tens(proven),
        share=judged.weight,
    )


def point(journal: Journal, window: Window, judged: CanaryVerdict) -> Point:
    """A window as people see it."""
    given = ruling(judged)
    edges = journal.latency_edges_ms

    def figures(arm: Any) -> ArmFigures:
        return ArmFigures(
            requests=arm.requests,
            errors=arm.errors,
            latency_p50=windows.quantile(arm.latency, edges, 0.5),
            latency_p99=windows.quantile(arm.latency, edges, 0.99),
        )

    return Point(
        at=window.t1,
        share=window.weight,
        against=given.against,
        proven=given.proven,
        candidate=figures(window.canary),
        stable=figures(window.stable),
    )


def _tens(natural: float) -> float:
    """A natural logarithm in powers of ten, bounded so that JSON and charts stay readable."""
    return round(max(-99.0, min(99.0, natural / math.log(10.0))), 3)
