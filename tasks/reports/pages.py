"""The pages that a run leaves behind, as Markdown: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tasks.reports.figures import size
from tasks.reports.markdown import table
from tasks.values import Snapshot

__all__ = [
    "SIGNS",
    "snapshot_page",
    "summary_page",
    "table",
]
SIGNS = {"pass": "✔", "fail": "✘", "error": "⚠", "inconclusive": "?"}


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
    rows = [
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
                ("size", size(snapshot.size)),
                ("pulled now", f"{pulled:,} objects, {size(pulled_bytes)}"),
                ("fingerprint", f"`{snapshot.fingerprint[:24]}`"),
                ("list of versions", f"`{address}`" if address else "not kept"),
            ),
        ),
    ]
    if rows:
        parts += [
            "## Left out",
            table(("rule", "objects", "why", "for example"), rows),
        ]
    return "\n\n".join(parts)


def _shown_key(text: str, most: int = 200) -> str:
    """A key as it is written, bounded, without signs that move or hide others."""
    return ascii(text[:most])[1:-1].replace("`", "'")


def summary_page(title: str, facts: Sequence[tuple[str, object]], next_step: str = "") -> str:
    """What the on-call engineer reads first."""
    parts = [f"# {title}", table(("what", "value"), list(facts))]
    if next_step:
        parts.append(f"**Next:** {next_step}")
    return "\n\n".join(parts)
