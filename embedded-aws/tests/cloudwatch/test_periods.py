"""Start times are rounded as the documentation says."""

import datetime as dt

import pytest

from embedded_aws.cloudwatch.periods import Range, check_period
from embedded_aws.cloudwatch.store import DAY
from embedded_aws.protocol.service import AwsFault


def at(text):
    return dt.datetime.fromisoformat(text + "+00:00").timestamp()


START = at("2026-03-10T12:32:34")


@pytest.mark.parametrize(
    ("age", "period", "rounded"),
    [
        (1 * DAY, 60, "2026-03-10T12:32:00"),
        (16 * DAY, 300, "2026-03-10T12:30:00"),
        (64 * DAY, 3600, "2026-03-10T12:00:00"),
        (0, 5, "2026-03-10T12:32:30"),
        (0, 10, "2026-03-10T12:32:30"),
        (0, 20, "2026-03-10T12:32:20"),
        (0, 30, "2026-03-10T12:32:30"),
        (0, 1, "2026-03-10T12:32:34"),
        (1 * DAY, 300, "2026-03-10T12:32:00"),
    ],
)
def test_a_start_is_rounded_down(age, period, rounded):
    asked = Range(START, START + DAY, START + age)
    assert asked.begin(period) == at(rounded)


def test_periods_begin_before_the_end():
    asked = Range(START, START + 120, START + DAY)
    begin = int(at("2026-03-10T12:32:00"))
    assert list(asked.grid(60)) == [begin, begin + 60, begin + 120]
    assert asked.spans(60)[0] == (begin, 60)


def test_the_end_is_exclusive():
    start = at("2026-03-10T12:00:00")
    assert list(Range(start, start + 120, start + DAY).grid(60)) == [start, start + 60]


def test_the_future_has_no_periods():
    start = at("2026-03-10T12:00:00")
    assert list(Range(start, start + DAY, start + 61).grid(60)) == [start, start + 60]
    assert list(Range(start, start + DAY, start - DAY).grid(60)) == []


@pytest.mark.parametrize("period", [0, -60, 2, 15, 61, 90])
def test_other_periods_are_refused(period):
    with pytest.raises(AwsFault, match="multiple of 60"):
        check_period(period)


@pytest.mark.parametrize("period", [1, 5, 10, 20, 30, 60, 300, 86400])
def test_these_periods_exist(period):
    check_period(period)
