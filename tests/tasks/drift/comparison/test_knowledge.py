"""A report says what its reference weeks tell, and what they do not."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from benchmarks.drift.world import Week, counts
from tasks.drift import DriftPolicy, compare
from tasks.drift.comparison.knowledge import known
from tasks.drift.reports.markdown import markdown

COLUMNS = 12


def profiles(levels, names):
    random = np.random.default_rng(2)
    return [
        counts(random, 10_000, Week(shift=tuple(level)), name, categories=False)
        for level, name in zip(levels, names, strict=True)
    ]


def report(levels, policy=None, name="{}"):
    days = [date(2026, 1, 5) + timedelta(days=7 * index) for index in range(len(levels) + 1)]
    parts = profiles([*levels, np.zeros(COLUMNS)], [name.format(day) for day in days])
    return compare(parts[:-1], parts[-1], policy)


def levels(weeks, rho=0.0):
    random = np.random.default_rng(3)
    effects = random.normal(0, 0.03, (weeks, COLUMNS))
    for week in range(1, weeks):
        effects[week] = rho * effects[week - 1] + np.sqrt(1 - rho**2) * effects[week]
    return effects


@pytest.mark.parametrize(
    ("weeks", "rho", "sentence"),
    [
        (3, 0.0, "3 reference periods tell little of how much periods differ"),
        (12, 0.0, "Of one period alone, a level that moves beyond 0.1"),
        (26, 0.6, "what moves one lives on in the next (correlation 0."),
        (26, 0.95, "Periods drift by themselves here: only levels that move beyond"),
    ],
)
def test_what_the_weeks_tell_stands_on_the_report(weeks, rho, sentence):
    found = report(levels(weeks, rho))
    assert sentence in found.known
    assert sentence in markdown(found)


def test_less_than_a_year_is_said_and_a_year_is_not():
    less = "The reference spans 26 weeks, less than a year"
    assert less in report(levels(26)).known
    assert "less than a year" not in report(levels(53)).known
    assert "less than a year" not in report(levels(26), name="w{}").known


def test_a_few_days_are_days_and_months_are_months():
    days = [f"2026-01-{day:02d}" for day in range(1, 9)]
    months = [f"2026-{month:02d}" for month in range(1, 4)]
    for names, span in ((days, "8 days"), (months, "9 weeks")):
        parts = profiles(np.zeros((len(names), COLUMNS)), names)
        assert f"The reference spans {span}, less than a year" in known(None, parts, DriftPolicy())


def test_a_season_without_its_like_says_what_is_missing():
    found = report(levels(26), DriftPolicy(season="year"))
    assert found.outcome == "inconclusive"
    assert "holds none" in found.reason
    assert "2026-01-05 to 2026-06-29" in found.reason
