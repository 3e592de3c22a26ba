"""One alarm for one change: what was told is followed, and told again when it changes again. Pure.

A column whose drift was told is compared with the periods since it began, no longer with the
champion's data: a step that stays is told once, a slow trend now and then. What cannot be shown to
go on as it was told is told again: another step, the way back, one that went and came again, and
whatever nobody can tell. Too many words are held back by the cooldown; a silence by nothing.
A retraining brings another baseline, and with it a fresh start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tasks.drift.alarms.announced import AnnouncedDrift
from tasks.drift.check import compare
from tasks.drift.comparison.gathering import gathered
from tasks.drift.comparison.reference import in_season
from tasks.drift.policy import DriftPolicy
from tasks.drift.profiles.profile import Profile
from tasks.drift.reports.report import ColumnDrift, DriftReport

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
    report: DriftReport,
    told: Mapping[str, AnnouncedDrift],
    reference: Sequence[Profile],
    run: Sequence[Profile],
    policy: DriftPolicy,
) -> tuple[str, ...]:
    """Drifted columns that go on as they were told.

    Args:
        report: Of the run against the champion's data.
        told: What was said of columns before.
        reference: The champion's data, in order of time.
        run: What the report looked at, in order of time.
        policy: The same.
    """
    known = [column for column in report.columns if column.drifted and column.name in told]
    if not known:
        return ()
    stored, looked_at = (tuple(part for part in side if part.rows) for side in (reference, run))
    stored, looked_at = in_season(stored, looked_at, policy.season)
    least = policy.least_rows
    followed = _FollowedRun(gathered(stored, least), gathered(looked_at, least), policy)
    return tuple(one.name for one in known if followed.goes_on(one, told[one.name]))


def told_after(
    report: DriftReport, told: Mapping[str, AnnouncedDrift]
) -> dict[str, AnnouncedDrift]:
    """What is told once this report was: news begin anew, what goes on stays as it was told."""
    newest = max(report.current_partitions, default="")
    news = {}
    for column in report.columns:
        if column.name not in report.news:
            continue
        before = told.get(column.name)
        begun = column.since if before is None or column.since > before.until else newest
        news[column.name] = AnnouncedDrift(
            since=begun or newest, until=newest, test=column.test, difference=column.difference
        )
    return {**told, **news}


@dataclass
class _FollowedRun:
    """Periods that hold rows enough each, and what was compared of them."""

    reference: tuple[Profile, ...]
    run: tuple[Profile, ...]
    policy: DriftPolicy
    _steady: dict[tuple[str, str, str], frozenset[str]] = field(default_factory=dict)

    def goes_on(self, column: ColumnDrift, told: AnnouncedDrift) -> bool:
        """Whether a column's drift is the one that was told, and no other."""
        later = column.since > told.until
        between = [part for part in self.run if told.until < _first(part) < column.since]
        if later and between and column.name in self._steady_in(self.reference, between):
            return False  # it was over, and came again
        since = [part for part in self.run if _first(part) >= told.since]
        # As many at a time as the check looks at, where two or more are left to compare with.
        newest = max(1, min(max(self.policy.windows), len(since) - 2))
        before = since[:-newest][-LOOKED_BACK:]
        if before and column.name not in self._steady_in(before, since[-newest:]):
            return False
        return len(before) > 1 or (not later and told.covers(column))

    def _steady_in(self, before: Sequence[Profile], after: Sequence[Profile]) -> frozenset[str]:
        """Columns that are as they were before; none where nobody can tell."""
        key = (_first(before[0]), _first(after[0]), _first(after[-1]))
        if key not in self._steady:
            report = compare(before, after, self.policy.model_copy(update={"season": "none"}))
            sure = report.outcome in {"pass", "fail"}
            names = (column.name for column in report.columns if not column.drifted)
            self._steady[key] = frozenset(names if sure else ())
        return self._steady[key]


def _first(part: Profile) -> str:
    return min(part.partitions, default="")
