"""The pages that a run leaves behind, as Markdown: pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tasks.reports.chart import image, line_chart
from tasks.reports.markdown import table
from tasks.values import Snapshot, Verdict

__all__ = [
    "SIGNS",
    "epochs_of",
    "snapshot_page",
    "summary_page",
    "table",
    "training_page",
    "verdict_page",
]
SIGNS = {"pass": "✔", "fail": "✘", "error": "⚠", "inconclusive": "?"}
_EPOCH = re.compile(r"\bepoch=(\d+)\b")
_NUMBER = re.compile(r"\b([a-z_0-9]+)=(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\b")


def verdict_page(title: str, verdict: Verdict, note: str = "") -> str:
    """A verdict with its evidence."""
    rows = [(SIGNS[c.outcome], c.name, c.observed, c.bound, c.detail) for c in verdict.checks]
    return "\n\n".join(
        part
        for part in (
            f"# {SIGNS[verdict.outcome]} {title}: {verdict.outcome}",
            verdict.reason,
            table(("", "check", "observed", "bound", "why"), rows) if rows else "",
            note,
        )
        if part
    )


def snapshot_page(snapshot: Snapshot, address: str, pulled: int, pulled_bytes: int) -> str:
    """What was pinned, and what of it had to be pulled."""
    days = len({item.day for item in snapshot.objects})
    return "\n\n".join(
        (
            f"# Snapshot of `{snapshot.dataset}`",
            table(
                ("what", "value"),
                (
                    ("days", f"{snapshot.start} to {snapshot.end} ({days} with data)"),
                    ("objects", f"{len(snapshot.objects):,}"),
                    ("size", f"{snapshot.size / 1e6:,.2f} MB"),
                    ("pulled now", f"{pulled:,} objects, {pulled_bytes / 1e6:,.2f} MB"),
                    ("fingerprint", f"`{snapshot.fingerprint[:24]}`"),
                    ("list of versions", f"`{address}`" if address else "not kept"),
                ),
            ),
        )
    )


def epochs_of(lines: Sequence[str]) -> dict[str, list[tuple[float, float]]]:
    """Read ``epoch=3 loss=0.12 val_mae=…`` lines into one series per number."""
    series: dict[str, list[tuple[float, float]]] = {}
    for line in lines:
        found = _EPOCH.search(line)
        if not found:
            continue
        for name, value in _NUMBER.findall(line):
            if name not in {"epoch", "epochs"}:
                series.setdefault(name, []).append((float(found.group(1)), float(value)))
    return series


def training_page(
    job_name: str, status: str, lines: Sequence[str], metrics: Mapping[str, float] | None = None
) -> str:
    """The training curve, one chart per number, and the result when it is there."""
    series = epochs_of(lines)
    parts = [f"# Training `{job_name}`", f"Status: **{status}**"]
    losses = {name: points for name, points in series.items() if "loss" in name}
    others = {name: points for name, points in series.items() if "loss" not in name}
    if losses:
        parts.append(image(line_chart("loss", losses, "epoch"), "loss by epoch"))
    parts.extend(
        image(line_chart(name, {name: points}, "epoch"), f"{name} by epoch")
        for name, points in list(others.items())[:3]
    )
    if metrics:
        rows = [(name, f"{value:,.6g}") for name, value in sorted(metrics.items())]
        parts.append(table(("held-out metric", "value"), rows))
    return "\n\n".join(parts)


def summary_page(title: str, facts: Sequence[tuple[str, object]], next_step: str = "") -> str:
    """What the on-call engineer reads first."""
    parts = [f"# {title}", table(("what", "value"), list(facts))]
    if next_step:
        parts.append(f"**Next:** {next_step}")
    return "\n\n".join(parts)
