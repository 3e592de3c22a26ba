"""The lines of a journal as people read them: what repeats is one line. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tasks.clock import utc, wall
from tasks.release.journal.record import JournalEntry
from tasks.reports.markdown import plain, table

LAST_LINES = 60
_NUMBERS = re.compile(r"\d[\d.,]*")
_CHANGING = frozenset({"Observe", "take over"})
"""Whose lines differ only in their numbers: the newest is shown."""


def folded(entries: Sequence[JournalEntry]) -> tuple[JournalEntry, ...]:
    """The lines, with those that say the same in one phase made one: a count, first and last."""
    kept: list[JournalEntry] = []
    at: dict[tuple[str, ...], int] = {}
    for entry in entries:
        if entry.kind in {"phase", "started", "ended"}:
            at.clear()
        detail = entry.detail
        if entry.action in _CHANGING:
            detail = _NUMBERS.sub("#", detail)
        key = (entry.kind, entry.action, detail)
        if key not in at:
            at[key] = len(kept)
            kept.append(entry)
            continue
        before = kept[at[key]]
        kept[at[key]] = entry.model_copy(
            update={
                "at": before.at,
                "times": before.times + entry.times,
                "until": max(entry.at, entry.until),
            }
        )
    return tuple(kept)


def shown(entries: Sequence[JournalEntry]) -> str:
    """The newest lines as a table."""
    whole = folded(entries)
    rows = [
        (moment(line), line.kind, *map(plain, (line.action, line.detail, line.actor)))
        for line in whole[-LAST_LINES:]
    ]
    left_out = len(whole) - len(rows)
    note = f"\n\n{left_out} earlier lines stand in the journal itself." if left_out else ""
    return table(("when (UTC)", "kind", "what", "detail", "who"), rows) + note


def moment(line: JournalEntry) -> str:
    """When a line was written; of one that was folded, how often, and its first and last time."""
    if line.times == 1:
        return clock(line.at)
    return f"{clock(line.at)} to {clock(line.until)}, {line.times} times"


def clock(at: float) -> str:
    """The time of day of a unix time."""
    return utc(wall(at)).strftime("%H:%M:%S")
