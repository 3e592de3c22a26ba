"""One alarm for one change: what was told is followed, and told again when it changes again. Pure.

A column whose drift was told is compared with the periods since it began, no longer with the
champion's data: a step that stays is told once, a slow trend or a season now and then; another
step, or the way back, is news. A retraining brings another baseline, and with it a fresh start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tasks.drift.check import compare
from tasks.drift.policy import DriftPolicy
from tasks.drift.profiles.profile import Profile
from tasks.drift.reports.report import DriftReport

LOOKED_BACK = 8
"""Newest periods since the change that later ones are compared with: a trend that goes on leaves
older ones behind."""


GOES_ON = (
    "All of it was told before and goes on as it was told: by itself it starts nothing new. A "
    "retraining that was asked for and brought no other champion is taken up again by retrain-due."
)


def with_followed(report: DriftReport, same: tuple[str, ...]) -> DriftReport:
    """The report, which says what goes on as it was told, and that nothing follows of it alone."""
    marked = report.model_copy(update={"followed": same})
    return marked if marked.news else marked.model_copy(update={"next_step": GOES_ON})


def going_on(
    report: DriftReport, told: Mapping[str, str], run: Sequence[Profile], policy: DriftPolicy
) -> tuple[str, ...]:
    """Drifted columns that go on as they were told.

    Args:
        report: Of the run against the champion's data.
        told: Column → first partition of its drift as it was told.
        run: What the report looked at, in order of time.
        policy: The same.
    """
    known = [name for name in report.drifted if name in told]
    newest = run[-max(policy.windows) :]
    chosen = policy.model_copy(update={"season": "none"})
    goes_on = []
    changed: dict[str, frozenset[str]] = {}
    for name in known:
        since = told[name]
        if since not in changed:
            before = [
                part
                for part in run[: -len(newest)]
                if part.partitions and min(part.partitions) >= since
            ][-LOOKED_BACK:]
            drifted = compare(before, newest, chosen).drifted if len(before) > 1 else ()
            changed[since] = frozenset(drifted)
        if name not in changed[since]:
            goes_on.append(name)
    return tuple(goes_on)


def told_after(report: DriftReport, told: Mapping[str, str]) -> dict[str, str]:
    """What is told once this report was: news begin anew, what goes on stays as it was told."""
    newest = max(report.current_partitions, default="")
    news = {
        column.name: newest if column.name in told else column.since or newest
        for column in report.columns
        if column.drifted and column.name not in report.followed
    }
    return {**told, **news}
