"""One alarm for one change: what goes on as it was told is not told again."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.drift.world import NUMERIC, Week, counts
from tasks.drift import DriftPolicy, compare
from tasks.drift.alarms.following import GOES_ON, going_on, told_after, with_followed
from tasks.drift.reports.markdown import markdown

POLICY = DriftPolicy()


def weeks(levels, start=0, seed=0):
    random = np.random.default_rng(seed)
    return [
        counts(random, 10_000, Week().shifted(level), f"w{start + index:03d}", categories=False)
        for index, level in enumerate(levels)
    ]


def told_in(levels):
    """Weeks in which something is told, of a run of levels of the first column."""
    reference, run = weeks([0.0] * 8, seed=1), weeks(levels, 8)
    told, when = {}, []
    for index in range(len(run)):
        report = compare(reference, run[: index + 1], POLICY)
        same = going_on(report, told, run[: index + 1], POLICY)
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
    assert len(when) == 2


def test_a_trend_is_told_once_and_followed():
    assert told_in(0.1 + 0.1 * np.arange(52) / 52) == [0]  # a tenth of a deviation a year


def test_another_column_is_news_and_keeps_what_was_told():
    reference, run = weeks([0.0] * 8, seed=1), weeks([0.3] * 6, 8)
    report = compare(reference, run, POLICY)
    assert report.news == (NUMERIC[0],)
    told = told_after(report, {NUMERIC[3]: "w001"})
    assert told == {NUMERIC[3]: "w001", NUMERIC[0]: report.columns[0].since}
    assert going_on(report, {NUMERIC[3]: "w001"}, run, POLICY) == ()
    assert going_on(report, told, run, POLICY) == (NUMERIC[0],)


def test_the_page_of_what_goes_on_promises_no_new_retraining():
    reference, run = weeks([0.0] * 8, seed=1), weeks([0.3] * 6, 8)
    report = compare(reference, run, POLICY)
    assert with_followed(report, ()).next_step == POLICY.next_step
    followed = with_followed(report, (NUMERIC[0],))
    assert followed.next_step == GOES_ON
    page = markdown(followed)
    assert "starts nothing new" in page
    assert POLICY.next_step not in page
