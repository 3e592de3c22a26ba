"""Small partitions together, until they hold rows enough to say something. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.drift.profiles.profile import Profile, merged


def gathered(run: Sequence[Profile], least_rows: int) -> tuple[Profile, ...]:
    """Partitions of at least so many rows, made from neighbours; in order of time.

    It goes back from the newest: one that holds enough stays as it is, one that does not takes in
    the one before it. What is left over at the beginning goes with the oldest. Only when all rows
    together are too few does a partition remain that is too small.
    """
    parts: list[list[Profile]] = []
    rows = least_rows
    for part in reversed(run):
        if rows >= least_rows:
            parts.append([])
            rows = 0
        parts[-1].insert(0, part)
        rows += part.rows
    if len(parts) > 1 and rows < least_rows:
        left_over = parts.pop()
        parts[-1] = [*left_over, *parts[-1]]
    return tuple(group[0] if len(group) == 1 else merged(group) for group in reversed(parts))
