"""The pages that a run leaves behind, as Markdown: pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tasks.reports.chart import image, line_chart
from tasks.values import Snapshot, Verdict

SIGNS = {"pass": "✔", "fail": "✘", "error": "⚠", "inconclusive": "?"}
_EPOCH = re.compile(r"\bepoch=(\d+)\b")
_NUMBER = re.compile(r"\b([a-z_0-9]+)=(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\b")


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table; cells are escaped so that a value cannot break it."""
    lines = ["| " + " | ".join(header) + " |", "|" + "|".join("---" for _ in header) + "|"]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: object) -> str:
    text = str(value).replace("\n", " ").replace("|", "\\|")
    return text.replace(">=", "≥").replace("<=", "≤").replace("<", "&lt;")


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


def snapshot_page(
    snapshot: Snapshot,
    address: str,
    pulled: int,
    pulled_bytes: int,
    why: Mapping[str, str] | None = None,
) -> str:
    """What was pinned, what of it had to be pulled, and what lies beside it and was left out.

    Args:
        snapshot: What was pinned.
        address: Where its list lies.
        pulled: Objects pulled now.
        pulled_bytes: Their size.
        why: What each rule that leaves objects out means.
    """
    days = len({item.day for item in snapshot.objects})
    left = [
        (item.rule, f"{item.count:,}", (why or {}).get(item.rule, ""), _shown_key(item.example))
        for item in snapshot.left_out
    ]
    listed = len(snapshot.objects) + sum(item.count for item in snapshot.left_out)
    parts = [
        f"# Snapshot of `{snapshot.dataset}`",
        *(f"⚠ {_shown_key(notice, 600)}" for notice in snapshot.notices),
        table(
            ("what", "value"),
            (
                ("days", f"{snapshot.start} to {snapshot.end} ({days} with data)"),
                ("objects", f"{len(snapshot.objects):,} of {listed:,} below the prefix"),
                ("size", f"{snapshot.size / 1e6:,.2f} MB"),
                ("pulled now", f"{pulled:,} objects, {pulled_bytes / 1e6:,.2f} MB"),
                ("fingerprint", f"`{snapshot.fingerprint[:24]}`"),
                ("list of versions", f"`{address}`" if address else "not kept"),
            ),
        ),
    ]
    if left:
        parts += [
            "## Left out",
            table(("rule", "objects", "why", "for example"), left),
        ]
    return "\n\n".join(parts)


def _shown_key(text: str, most: int = 200) -> str:
    """A key as it is written, bounded, without signs that move or hide others."""
    return ascii(text[:most])[1:-1].replace("`", "'")


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
