"""One alarm for one change: what goes on as it was told is not told again, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.drift.world import NUMERIC, Week, counts
from tasks.drift import DriftPolicy, compare
from tasks.drift.alarms.announced import AnnouncedDrift
from tasks.drift.alarms.following import GOES_ON, going_on, told_after, with_followed
from tasks.drift.reports.markdown import markdown

POLICY = DriftPolicy()


def weeks(levels, start=0, seed=0, rows=10_000):
    random = np.random.default_rng(seed)
    return [
        counts(random, rows, Week().shifted(level), f"w{start + index:03d}", categories=False)
        for index, level in enumerate(levels)
    ]


def told_in(levels, rows=10_000, policy=POLICY):
    """Weeks in which something is told, of a run of levels of the first column."""
    reference, run = weeks([0.0] * 8, seed=1, rows=max(rows, 1000)), weeks(levels, 8, rows=rows)
    told, when = {}, []
    for index in range(len(run)):
        seen = run[: index + 1]
        report = compare(reference, seen, policy)
        same = going_on(report, told, reference, seen, policy)
        report = with_followed(report, same)
        if report.news:
            when.append(index)
        assert set(report.news) | set(same) == set(report.drifted)
        told = told_after(report, told) if report.news else told
    return when


def test_a_step_that_stays_is_told_once():
    assert told_in([0.0] * 2 + [0.3] * 20) == [2]


@pytest.mark.parametrize("second", [0.8, -0.4])
def test_another_step_of_the_same_column_is_told_too(second):
    when = told_in([0.0] * 2 + [0.3] * 12 + [second] * 6)
    assert when[0] == 2
    assert 14 <= when[1] <= 16
    assert len(when) <= 3


@pytest.mark.parametrize("before", [1, 2, 3, 4])
@pytest.mark.parametrize("second", [3.0, 1.0, -0.3])
def test_another_step_soon_after_the_first_is_told_at_once(before, second):
    when = told_in([0.0] * 2 + [0.3] * before + [second] * 4)
    assert when[0] == 2
    assert 2 + before in when


def test_a_drift_that_went_and_came_again_is_told_again():
    when = told_in([0.0] * 2 + [3.0] + [0.0] * 6 + [3.0] * 4)
    assert when[0] == 2
    assert 9 in when


def test_small_partitions_are_taken_together_here_too():
    levels = [0.0] * 4 + [3.0] * 14 + [-3.0] * 6
    when = told_in(levels, rows=30)
    assert any(4 <= week <= 8 for week in when)
    assert any(18 <= week <= 22 for week in when)


def test_a_trend_is_told_once_and_followed():
    assert told_in(0.1 + 0.1 * np.arange(52) / 52) == [0]  # a tenth of a deviation a year


def test_another_column_is_news_and_keeps_what_was_told():
    reference, run = weeks([0.0] * 8, seed=1), weeks([0.3] * 6, 8)
    report = compare(reference, run, POLICY)
    assert report.news == (NUMERIC[0],)
    other = {
        NUMERIC[3]: AnnouncedDrift(since="w001", until="w001", test="location", difference=1.0)
    }
    told = told_after(report, other)
    [column] = [one for one in report.columns if one.drifted]
    now = AnnouncedDrift(
        since=column.since, until="w013", test=column.test, difference=column.difference
    )
    assert told == {**other, NUMERIC[0]: now}
    assert going_on(report, other, reference, run, POLICY) == ()
    assert going_on(report, told, reference, run, POLICY) == (NUMERIC[0],)


@pytest.mark.parametrize(
    ("test", "difference", "same"),
    [
        ("location", 0.3, True),
        ("location", 0.44, True),
        ("location", 0.46, False),
        ("location", -0.3, False),
        ("missing", 0.3, False),
    ],
)
def test_a_drift_is_covered_by_what_was_told_or_is_another(test, difference, same):
    reference, run = weeks([0.0] * 8, seed=1), weeks([0.3], 8)
    column = compare(reference, run, POLICY).columns[0]
    moved = column.model_copy(update={"test": test, "difference": difference})
    told = AnnouncedDrift(since="w008", until="w008", test="location", difference=0.3)
    assert told.covers(moved) is same


def test_the_page_of_what_goes_on_promises_no_new_retraining():
    reference, run = weeks([0.0] * 8, seed=1), weeks([0.3] * 6, 8)
    report = compare(reference, run, POLICY)
    assert with_followed(report, ()).next_step == POLICY.next_step
    followed = with_followed(report, (NUMERIC[0],))
    assert followed.next_step == GOES_ON
    page = markdown(followed)
    assert "starts nothing new" in page
    assert POLICY.next_step not in page
