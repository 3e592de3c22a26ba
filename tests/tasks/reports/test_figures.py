"""Numbers, moments and addresses as people read them."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.reports import figures, links, moments
from tasks.reports.figures import number, percent, rounded, size
from tasks.reports.moments import moment_of

FINITE = st.floats(-1e300, 1e300)


@pytest.mark.parametrize("module", [figures, links, moments])
def test_the_examples_hold(module):
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0


@given(FINITE)
def test_a_number_is_short_and_never_wrong_by_more_than_its_digits(value):
    told = number(value)
    assert len(told) <= 20
    mantissa, _, power = told.replace(",", "").partition(" × 10")
    digits = power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
    read = float(f"{mantissa}e{digits or 0}")
    assert read == pytest.approx(value, rel=6e-4, abs=1e-300)


@given(st.integers(-(10**11), 10**11))
def test_no_whole_digit_is_lost(value):
    assert int(number(value).replace(",", "")) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_said(value):
    assert number(value) in {"not a number", "∞", "−∞"}
    assert percent(value) == number(value)
    assert "nan" not in figures.metric("accuracy", value)


@given(st.integers(0, 10**20))
def test_a_size_has_a_unit_and_few_digits(count):
    told = size(count)
    assert told.split()[-1] in {"byte", "bytes", "kB", "MB", "GB", "TB", "PB"}
    assert len(told) <= 12


@pytest.mark.parametrize(
    "text", ["v20260131_020000", "1.2.3", "2026-01-31", "12:30:05", "a-1b2", "s3://b/7f/x9"]
)
def test_names_versions_and_dates_are_no_numbers(text):
    assert rounded(text) == text


def test_a_moment_bears_its_zone_wherever_it_was_written_down():
    told = "2026-01-31 02:00:00 UTC"
    assert moment_of("2026-01-31T02:00:00") == told
    assert moment_of("2026-01-31T04:00:00+02:00") == told
    assert moment_of("2026-01-31T02:00:00.999Z") == told
