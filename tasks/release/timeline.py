"""A release as people see it: one page that can be read in ten seconds. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from tasks.clock import utc, wall
from tasks.release.journal import ArmFigures, Journal, Point
from tasks.reports.chart import image, line_chart
from tasks.reports.pages import table

MINUTE = 60.0
LAST_LINES = 60
SIGNS = {"done": "✔", "rolled_back": "↩", "mismatch": "❄"}


def page(journal: Journal) -> str:
    """The whole page: decision, charts, figures, what to do, the journal."""
    parts = [
        f"# {SIGNS.get(journal.phase, '▸')} {_title(journal)}",
        f"**{decision(journal)}**",
        table(("what", "value"), _facts(journal)),
    ]
    if journal.recovery and journal.phase == "mismatch":
        parts.append(f"**Next:** {journal.recovery}")
    question = journal.waiting_for
    if question and not journal.ended:
        until = _when(journal.approvals[question].until)
        parts.append(f"**A person must answer ({question}) by {until}; no answer means no.**")
    parts += _charts(journal)
    parts += ["## Journal", lines(journal)]
    return "\n\n".join(parts)


def decision(journal: Journal) -> str:
    """Where the release stands and why, in one sentence."""
    if journal.ended:
        return journal.verdict
    where = {
        "planned": "Nothing has been changed yet.",
        "shadow": "The candidate answers a copy of the traffic; users see the stable version only.",
        "bring_up": "The candidate is being brought up; it has no traffic.",
        "health_check": "The candidate is up and is being asked; it has no traffic.",
        "canary": f"The candidate has {journal.share:.0%} of the traffic.",
        "promoting": "The candidate is proven not worse and is being promoted.",
        "watching": f"The candidate has {journal.share:.0%}; the old version is its control.",
        "retiring": "The old version is being retired.",
        "rolling_back": "The stable version is being put back.",
    }[journal.phase]
    return f"{where} {journal.ruling.reason if journal.ruling else ''}".strip()


def lines(journal: Journal) -> str:
    """The newest lines of the journal as a table."""
    shown = journal.entries[-LAST_LINES:]
    rows = [
        (_when(entry.at), entry.kind, entry.action, entry.detail, entry.actor) for entry in shown
    ]
    left_out = len(journal.entries) - len(shown)
    note = f"\n\n{left_out} earlier lines stand in the journal itself." if left_out else ""
    return table(("when (UTC)", "kind", "what", "detail", "who"), rows) + note


def _title(journal: Journal) -> str:
    version = journal.candidate.version
    word = {"done": "released", "rolled_back": "rolled back", "mismatch": "frozen"}
    return f"{journal.model} {version}: {word.get(journal.phase, journal.phase.replace('_', ' '))}"


def _facts(journal: Journal) -> list[tuple[str, object]]:
    stable = journal.stable.version if journal.stable else "none: this is the first version"
    requests, errors = _total(journal.timeline)
    return [
        ("release", f"`{journal.release_id}`"),
        ("asked for by", f"{journal.actor}: {journal.reason}"),
        ("stable version", stable),
        ("strategy", journal.strategy),
        ("share of the candidate", f"{1.0 if journal.phase == 'done' else journal.share:.0%}"),
        ("answered by the candidate", f"{requests:,} requests, {errors:,} of them errors"),
        ("since", _when(journal.started)),
        ("lasted", _lasted(journal)),
        ("owner", f"`{journal.owner}`"),
    ]


def _charts(journal: Journal) -> list[str]:
    points = journal.timeline
    if not points:
        return []
    begin = journal.started
    spec = journal.spec
    span = [(points[0].at - begin) / MINUTE, (points[-1].at - begin) / MINUTE]

    def series(value: Callable[[Point], float | None]) -> list[tuple[float, float]]:
        found = [((p.at - begin) / MINUTE, value(p)) for p in points]
        return [(x, y) for x, y in found if y is not None]

    def level(value: float) -> list[tuple[float, float]]:
        return [(x, value) for x in span]

    evidence = {
        "worse than stable": series(lambda p: 10.0 ** max(-6.0, min(p.against, 12.0))),
        f"rolls back at {1 / spec.alpha:.0f}": level(1.0 / spec.alpha),
        "not worse (weakest gate)": series(lambda p: 10.0 ** max(-6.0, min(p.proven, 12.0))),
        f"proven at {1 / spec.beta:.0f}": level(1.0 / spec.beta),
    }
    return [
        image(
            line_chart(
                "candidate's share of traffic, %",
                {"share": series(lambda p: 100.0 * p.share)},
                "minutes",
            ),
            "share over time",
        ),
        image(line_chart("evidence", evidence, "minutes", logarithmic=True), "evidence over time"),
        image(
            line_chart(
                "latency, ms",
                {
                    "candidate p50": series(lambda p: p.candidate.latency_p50),
                    "stable p50": series(lambda p: p.stable.latency_p50),
                    "candidate p99": series(lambda p: p.candidate.latency_p99),
                    "stable p99": series(lambda p: p.stable.latency_p99),
                },
                "minutes",
            ),
            "latency of both versions",
        ),
        image(
            line_chart(
                "errors, %",
                {
                    "candidate": series(lambda p: _rate(p.candidate)),
                    "stable": series(lambda p: _rate(p.stable)),
                },
                "minutes",
            ),
            "errors of both versions",
        ),
    ]


def _rate(figures: ArmFigures) -> float | None:
    return 100.0 * figures.errors / figures.requests if figures.requests else None


def _total(points: Sequence[Point]) -> tuple[int, int]:
    return (
        sum(point.candidate.requests for point in points),
        sum(point.candidate.errors for point in points),
    )


def _lasted(journal: Journal) -> str:
    last = journal.ended_at or (journal.entries[-1].at if journal.entries else journal.started)
    seconds = math.floor(last - journal.started)
    return f"{seconds // 60} min {seconds % 60} s"


def _when(at: float) -> str:
    return utc(wall(at)).strftime("%H:%M:%S")
