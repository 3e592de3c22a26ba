"""When scheduled actions are due."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.autoscaling.schedules import following, parse, zone_of
from embedded_aws.events.expressions import ScheduleError

ZONE = "Europe/Berlin"


def unix(text):
    return dt.datetime.fromisoformat(text).timestamp()


def test_at_is_once_in_its_zone():
    text = "at(2026-07-01T09:00:00)"
    assert following(text, "UTC", 0.0, 0.0) == unix("2026-07-01T09:00:00+00:00")
    due = following(text, ZONE, 0.0, 0.0)
    assert due == unix("2026-07-01T07:00:00+00:00")
    assert following(text, ZONE, due, 0.0) is None


def test_a_rate_counts_from_its_beginning():
    assert following("rate(10 minutes)", ZONE, 1000.0, 1000.0) == 1600.0
    assert following("rate(10 minutes)", ZONE, 1600.0, 1000.0) == 2200.0


def test_cron_follows_the_clocks_of_its_zone():
    text = "cron(0 9 * * ? *)"
    before, after = unix("2026-03-28T00:00+00:00"), unix("2026-03-29T00:00+00:00")
    assert following(text, ZONE, before, 0.0) == unix("2026-03-28T08:00+00:00")
    assert following(text, ZONE, after, 0.0) == unix("2026-03-29T07:00+00:00")  # summer has begun


def test_a_local_time_that_comes_twice_is_due_once():
    text = "cron(30 2 * * ? *)"
    first = following(text, ZONE, unix("2026-10-24T23:00+00:00"), 0.0)
    assert first == unix("2026-10-25T00:30+00:00")
    # 02:10 for the second time: that day's is over.
    second = following(text, ZONE, unix("2026-10-25T01:10+00:00"), 0.0)
    assert second == unix("2026-10-26T01:30+00:00")


@given(
    st.sampled_from(["cron(0/7 * * * ? *)", "cron(15 10 ? * MON-FRI *)", "rate(5 minutes)"]),
    st.sampled_from(["UTC", ZONE, "America/St_Johns", "Pacific/Auckland"]),
    st.floats(1.7e9, 1.8e9, allow_nan=False),
)
def test_it_is_always_later(text, zone, moment):
    due = following(text, zone, moment, 1.6e9)
    assert due is not None
    assert due > moment


@pytest.mark.parametrize(
    "text",
    [
        "at(2026-02-30T09:00:00)",
        "at(2026-07-01)",
        "at(2026-07-01T09:00:00Z)",
        "rate(1 minutes)",
        "rate(0 minutes)",
        "cron(0 9 * * *)",
        "every day",
    ],
)
def test_what_is_no_schedule(text):
    with pytest.raises(ScheduleError):
        parse(text)


@pytest.mark.parametrize("name", ["Europe/Atlantis", "../etc/passwd", "", "/"])
def test_what_is_no_zone(name):
    with pytest.raises(ScheduleError):
        zone_of(name)
