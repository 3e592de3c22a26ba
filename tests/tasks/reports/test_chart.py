"""Charts that are read: round numbers on the axes, every line drawn and named."""

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tasks.reports.chart import axis_label, line_chart, ticks

NUMBERS = st.floats(-1e12, 1e12).map(lambda value: round(value, 3))


@given(NUMBERS, NUMBERS)
def test_ticks_hold_every_value_between_a_handful_of_round_numbers(one, other):
    low, high = min(one, other), max(one, other)
    if high - low < 1e-9 * max(1.0, abs(low), abs(high)):
        return
    levels = ticks(low, high)
    steps = [b - a for a, b in pairwise(levels)]
    slack = 1e-6 * (high - low)
    assert levels[0] <= low + slack
    assert levels[-1] >= high - slack
    assert 2 <= len(levels) <= 7
    assert max(steps) - min(steps) <= 1e-6 * max(steps)


@given(st.floats(-12, 12), st.floats(-12, 12))
def test_a_logarithmic_axis_is_labelled_with_whole_powers_of_ten(one, other):
    low, high = min(one, other), max(one, other)
    if high - low > 1e-6:
        assert all(level == int(level) for level in ticks(low, high, whole=True))


def test_every_line_is_drawn_and_named_and_hostile_names_stay_text():
    drawn = line_chart("a < b", {"one": [(0, 1), (1, 2)], "<script>": [(0, 3)]}, "minutes")
    assert drawn.count("<polyline") == 2
    assert "&lt;script&gt;" in drawn
    assert "<script>" not in drawn
    assert "a &lt; b" in drawn


def test_nothing_measured_is_said():
    assert "nothing measured yet" in line_chart("loss", {"loss": [(0, float("nan"))]})


@given(NUMBERS, NUMBERS)
def test_neighbours_on_an_axis_have_different_labels(one, other):
    low, high = min(one, other), max(one, other)
    if high - low < 1e-9 * max(1.0, abs(low), abs(high)):
        return
    levels = ticks(low, high)
    step = levels[1] - levels[0]
    if 1e-6 < step < 1e12:
        told = [axis_label(level, step) for level in levels]
        assert len(set(told)) == len(told)
        read = [float(label.replace(",", "")) for label in told]
        assert all(abs(a - b) <= step / 50 for a, b in zip(read, levels, strict=True))


def test_a_long_name_of_a_line_does_not_leave_the_picture():
    drawn = line_chart("t", {"a_line_with_a_name_that_is_longer_than_its_place": [(0, 1), (1, 2)]})
    assert re.search(r">a_line_with_[^<]*…[^<]*its_place<", drawn)
    assert "a_line_with_a_name_that_is_longer_than_its_place" not in drawn


@given(st.floats(-99, 99), st.floats(-99, 99))
def test_labels_of_a_logarithmic_axis_fit_left_of_it(one, other):
    """Eleven digits were cut off at the picture's edge: ``10,000,000,000``."""
    drawn = line_chart("evidence", {"worse": [(0, 10.0**one), (1, 10.0**other)]}, logarithmic=True)
    labels = re.findall(r'text-anchor="end"[^>]*>([^<]+)<', drawn)
    assert labels
    assert max(map(len, labels)) <= len("100,000")
