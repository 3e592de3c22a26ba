"""The charts of a release. Pure."""

from __future__ import annotations

from collections.abc import Callable

from tasks.release.journal.record import ArmFigures, Journal, Point
from tasks.reports.chart import image, line_chart

MINUTE = 60.0


def drawn(journal: Journal) -> list[str]:
    """Share and evidence first: where it stands, and why; then latency and errors."""
    points = journal.timeline
    if not points:
        return []
    begin = journal.started
    spec = journal.spec
    span = [(points[0].at - begin) / MINUTE, (points[-1].at - begin) / MINUTE]

    def series(value: Callable[[Point], float | None]) -> list[tuple[float, float]]:
        values = [((p.at - begin) / MINUTE, value(p)) for p in points]
        return [(x, y) for x, y in values if y is not None]

    def level(value: float) -> list[tuple[float, float]]:
        return [(x, value) for x in span]

    evidence = {
        "worse than stable": series(lambda p: 10.0 ** max(-6.0, min(p.against, 12.0))),
        f"rolls back at {1 / spec.alpha:.0f}": level(1.0 / spec.alpha),
        "not worse (weakest gate)": series(lambda p: 10.0 ** max(-6.0, min(p.proven, 12.0))),
        f"proven at {1 / spec.beta:.0f}": level(1.0 / spec.beta),
    }
    latency = {
        "candidate p50": series(lambda p: p.candidate.latency_p50),
        "stable p50": series(lambda p: p.stable.latency_p50),
        "candidate p99": series(lambda p: p.candidate.latency_p99),
        "stable p99": series(lambda p: p.stable.latency_p99),
    }
    errors = {
        "candidate": series(lambda p: _rate(p.candidate)),
        "stable": series(lambda p: _rate(p.stable)),
    }
    shares = {"share": series(lambda p: 100.0 * p.share)}
    return [
        image(line_chart("candidate's share of traffic, %", shares, "minutes"), "share over time"),
        image(
            line_chart("evidence, times", evidence, "minutes", logarithmic=True),
            "evidence over time",
        ),
        f"*How to read the evidence:* like odds. At 1 nothing is known, and each power of ten up "
        f"is ten times stronger. At {1 / spec.alpha:.0f} for *worse* the candidate is taken back; "
        f"at {1 / spec.beta:.0f} for *not worse* its share grows.",
        image(line_chart("latency, ms", latency, "minutes"), "latency of both versions"),
        image(line_chart("errors, %", errors, "minutes"), "errors of both versions"),
    ]


def _rate(figures: ArmFigures) -> float | None:
    if not figures.requests or figures.errors is None:
        return None
    return 100.0 * figures.errors / figures.requests
