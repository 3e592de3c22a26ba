"""Whether what is learned from is older than what is held out. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tasks.gates.rows.finding import RowFinding, broken, unknown
from tasks.gates.rows.sides import ChannelRows, RowFeature, shares
from tasks.specs.data_gates import RowSeverity

SHOWN = 5
MOST_AHEAD = 0.01
"""Share of the rows up to which a date in the future is a slip."""
TIME_ORDER, FUTURE_DATES = "time order", "future dates"


def in_order(training: ChannelRows, holdout: ChannelRows, severity: RowSeverity) -> RowFinding:
    """Rows to learn from that are as new as held-out ones, by the day of their partition."""
    if np.isnat(training.days).any() or np.isnat(holdout.days).any():
        return unknown(TIME_ORDER, "the rows bear no day")
    first = holdout.days.min()
    late = training.days >= first
    count = int(late.sum())
    value, bound = shares(count, len(training)), f"older than {first}"
    if not count:
        return RowFinding(TIME_ORDER, "pass", value, bound)
    return RowFinding(
        TIME_ORDER,
        broken(severity),
        value,
        bound,
        "rows to learn from are as new as rows that are held out",
        "run again with force, so that the rows are split anew, and report it if it comes again",
        tuple(map(str, training.names[late][:SHOWN])),
    )


def dates_ahead(
    training: ChannelRows,
    holdout: ChannelRows,
    features: Sequence[RowFeature],
    severity: RowSeverity,
) -> Iterator[RowFinding]:
    """Features that are dates and, in rows to learn from, name days of the held-out time.

    A date of a change or a closing was written after the row's own day: what it tells of, nobody
    knew then.
    """
    dates = [feature.name for feature in features if feature.kind == "date"]
    if not dates or np.isnat(holdout.days).any():
        yield unknown(FUTURE_DATES, "no feature is a date" if not dates else "rows bear no day")
        return
    first = holdout.days.min()
    ahead = {name: training.columns[name] >= first for name in dates}
    found = {n: late for n, late in ahead.items() if late.sum() > MOST_AHEAD * len(training)}
    if not found:
        worst = max(int(late.sum()) for late in ahead.values())
        yield RowFinding(FUTURE_DATES, "pass", shares(worst, len(training)), f"before {first}")
    for name, late in found.items():
        yield RowFinding(
            f"{FUTURE_DATES}: {name}",
            broken(severity),
            shares(int(late.sum()), len(training)),
            f"before {first}",
            f"{name} of rows to learn from lies in the time that is held out: it may have been "
            "written after they were",
            f"write data.features: {{{name}: drop}}, unless it is a plan that is known beforehand",
            tuple(map(str, training.names[late][:SHOWN])),
        )
