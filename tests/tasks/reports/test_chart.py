"""Charts that are read: round numbers on the axes, every line drawn and named."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tasks.reports.chart import line_chart, ticks

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
