"""The pages that a run leaves behind, as Markdown: pure."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.reports.markdown import table
from tasks.values import Snapshot, Verdict

__all__ = [
    "SIGNS",
    "snapshot_page",
    "summary_page",
    "table",
    "verdict_page",
]
SIGNS = {"pass": "✔", "fail": "✘", "error": "⚠", "inconclusive": "?"}


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


def summary_page(title: str, facts: Sequence[tuple[str, object]], next_step: str = "") -> str:
    """What the on-call engineer reads first."""
    parts = [f"# {title}", table(("what", "value"), list(facts))]
    if next_step:
        parts.append(f"**Next:** {next_step}")
    return "\n\n".join(parts)
