"""Schedule expressions, by the user guide and by what a calendar says."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.events.expressions import ScheduleError, parse_schedule

NOON = dt.datetime(2026, 11, 29, 12, 0, tzinfo=dt.UTC)  # a Sunday


def times(text, count=3, moment=NOON):
    schedule, at = parse_schedule(text), moment.timestamp()
    told = []
    while len(told) < count:
        at = schedule.after(at, 0.0)
        if at is None:
            return [*told, None]
        told.append(dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y-%m-%d %H:%M"))
    return told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cron(0 10 * * ? *)", ["2026-11-30 10:00", "2026-12-01 10:00", "2026-12-02 10:00"]),
        ("cron(15 12 * * ? *)", ["2026-11-29 12:15", "2026-11-30 12:15", "2026-12-01 12:15"]),
        ("cron(0 18 ? * MON-FRI *)", ["2026-11-30 18:00", "2026-12-01 18:00", "2026-12-02 18:00"]),
        ("cron(0 8 1 * ? *)", ["2026-12-01 08:00", "2027-01-01 08:00", "2027-02-01 08:00"]),
        ("cron(0/15 * * * ? *)", ["2026-11-29 12:15", "2026-11-29 12:30", "2026-11-29 12:45"]),
        ("cron(1/10 * * * ? *)", ["2026-11-29 12:01", "2026-11-29 12:11", "2026-11-29 12:21"]),
        (
            "cron(0/30 20-2/2 ? * MON-FRI *)", None,
        ),
        ("cron(30 8,20 ? JAN 3#2 *)", ["2027-01-12 08:30", "2027-01-12 20:30", "2028-01-11 08:30"]),
        ("cron(0 0 L * ? *)", ["2026-11-30 00:00", "2026-12-31 00:00", "2027-01-31 00:00"]),
        ("cron(0 0 29 FEB ? *)", ["2028-02-29 00:00", "2032-02-29 00:00", "2036-02-29 00:00"]),
        ("cron(0 0 31W * ? *)", ["2026-12-31 00:00", "2027-01-29 00:00", "2027-03-31 00:00"]),
        ("cron(0 0 1W AUG ? *)", ["2027-08-02 00:00", "2028-08-01 00:00", "2029-08-01 00:00"]),
        ("cron(0 0 ? * L *)", ["2026-12-05 00:00", "2026-12-12 00:00", "2026-12-19 00:00"]),
        ("cron(0 0 ? * 6L *)", ["2026-12-25 00:00", "2027-01-29 00:00", "2027-02-26 00:00"]),
        ("cron(0 0 ? * 1,sat *)", ["2026-12-05 00:00", "2026-12-06 00:00", "2026-12-12 00:00"]),
        ("cron(0 0 1 1 ? 2030-2031)", ["2030-01-01 00:00", "2031-01-01 00:00", None]),
        ("cron(0 0 1 1 ? 1999)", [None]),
        ("cron(0 0 31 2 ? *)", [None]),
    ],
)  # fmt: skip
def test_cron(text, expected):
    if expected is None:
        with pytest.raises(ScheduleError):
            parse_schedule(text)
    else:
        assert times(text) == expected


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("rate(1 minute)", 60), ("rate(5 minutes)", 300), ("rate(1 hour)", 3600),
     ("rate(12 hours)", 43_200), ("rate(1 day)", 86_400), ("rate(7 days)", 604_800)],
)  # fmt: skip
def test_rate(text, seconds):
    schedule = parse_schedule(text)
    assert schedule.after(100.5, 100.5) == 100.5 + seconds
    assert schedule.after(0.0, 100.5) == 100.5 + seconds
    assert schedule.after(100.5 + seconds, 100.5) == 100.5 + 2 * seconds


@pytest.mark.parametrize(
    "text",
    [
        "", "rate()", "rate(5)", "rate(1 minutes)", "rate(5 minute)", "rate(0 minutes)",
        "rate(-1 minute)", "rate(1.5 hours)", "rate(05 minutes)", "rate(5 seconds)",
        "rate(5 Minutes)", "rate(5  minutes)", " rate(5 minutes)", "rate(5 minutes) ", "5 minutes",
        "at(2026-01-01T00:00:00)", "cron()", "cron(* * * * *)", "cron(* * * * ? * *)",
        "cron(0 10 * * * *)", "cron(0 10 ? * ? *)", "cron(0 10 1 * MON *)", "cron(60 * * * ? *)",
        "cron(-1 * * * ? *)", "cron(* 24 * * ? *)", "cron(* * 0 * ? *)", "cron(* * 32 * ? *)",
        "cron(* * * 13 ? *)", "cron(* * * FOO ? *)", "cron(* * ? * 0 *)", "cron(* * ? * 8 *)",
        "cron(* * * * ? 1969)", "cron(* * * * ? 2200)", "cron(*/0 * * * ? *)",
        "cron(5-1 * * * ? *)", "cron(1, * * * ? *)", "cron(? * * * ? *)", "cron(L * * * ? *)",
        "cron(0 0 ? * 3#6 *)", "cron(0 0 ? * 3#1,6#3 *)", "cron(0 0 ? * */2 *)",
        "cron(0 0 LW * ? *)", "cron(0 0 ? * 3W *)", "cron(0 10 * * ? *", "cron(0 10 * * ? *) x",
        "cron(*-5 * * * ? *)", "CRON(0 10 * * ? *)",
    ],
)  # fmt: skip
def test_what_is_no_schedule_is_refused(text):
    with pytest.raises(ScheduleError):
        parse_schedule(text)


MOMENTS = st.floats(0, 4e9)


@given(MOMENTS, MOMENTS, st.integers(2, 500))
def test_a_rate_comes_after_the_moment_and_within_one_interval(start, moment, count):
    at = parse_schedule(f"rate({count} minutes)").after(moment, start)
    latest = max(moment, start)
    assert latest < at <= latest + count * 60 + 1e-3
    assert abs((at - start) / (count * 60) - round((at - start) / (count * 60))) < 1e-6


@given(MOMENTS, st.integers(0, 59), st.integers(0, 23))
def test_a_daily_time_is_the_next_of_its_kind(moment, minute, hour):
    at = parse_schedule(f"cron({minute} {hour} * * ? *)").after(moment, 0.0)
    told = dt.datetime.fromtimestamp(at, dt.UTC)
    assert (told.hour, told.minute, told.second) == (hour, minute, 0)
    assert moment < at <= moment + 86_400


@given(MOMENTS, st.integers(1, 7), st.sampled_from(["?"]))
def test_weekdays_begin_with_sunday(moment, number, day):
    at = parse_schedule(f"cron(0 0 {day} * {number} *)").after(moment, 0.0)
    assert dt.datetime.fromtimestamp(at, dt.UTC).isoweekday() % 7 + 1 == number
    assert moment < at <= moment + 7 * 86_400
