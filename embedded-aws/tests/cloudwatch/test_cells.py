"""A cell is a multiset: laws of merging, and numpy as the judge of its statistics."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.cloudwatch.cells import GROWTH, Cell, middle_of_bin
from embedded_aws.cloudwatch.statistics import parse

values = st.floats(0, 1e9, allow_nan=False).map(lambda v: round(v, 3))
multisets = st.lists(st.tuples(values, st.integers(1, 5)), min_size=1, max_size=40)
percents = st.floats(0, 100, allow_nan=False)


def cell_of(pairs, limit=2048):
    cell = Cell(limit)
    for value, count in pairs:
        cell.add(value, count)
    return cell


def spread(pairs):
    return np.repeat([v for v, _ in pairs], [c for _, c in pairs])


@given(multisets, percents)
def test_a_percentile_is_numpys(pairs, percent):
    expected = np.percentile(spread(pairs), percent)
    assert cell_of(pairs).order().percentile(percent) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(multisets, percents, percents)
def test_percentiles_rise_with_the_percentage(pairs, one, other):
    order = cell_of(pairs).order()
    low, high = sorted((one, other))
    assert order.percentile(low) <= order.percentile(high) + 1e-6


@given(multisets, multisets)
def test_merging_two_cells_is_measuring_everything_in_one(left, right):
    merged = cell_of(left)
    merged.merge(cell_of(right))
    whole = cell_of(left + right)
    assert merged.values == whole.values
    assert (merged.count, merged.low, merged.high) == (whole.count, whole.low, whole.high)
    assert merged.total == pytest.approx(whole.total)


@given(multisets, multisets, multisets)
def test_merging_does_not_depend_on_the_order(a, b, c):
    def merge(*parts):
        cell = Cell()
        for part in parts:
            cell.merge(cell_of(part))
        return cell

    assert merge(a, b, c).values == merge(c, a, b).values


@given(multisets, percents, percents)
def test_trimmed_counts_and_sums_of_neighbouring_shares_add_up(pairs, one, other):
    low, high = (round(p, 4) for p in sorted((one, other)))
    cell = cell_of(pairs)
    parts = [f"(:{low}%)", f"({low}%:{high}%)", f"({high}%:)"]
    count = sum(parse(f"TC{part}").of(cell) for part in parts)
    total = sum(parse(f"TS{part}").of(cell) for part in parts)
    assert count == pytest.approx(cell.count)
    assert total == pytest.approx(cell.total, rel=1e-9, abs=1e-3)


@given(multisets, values, values)
def test_ranks_of_neighbouring_values_add_up_to_a_hundred(pairs, one, other):
    low, high = (f"{v:f}" for v in sorted((one, other)))
    cell = cell_of(pairs)
    parts = [f"PR(:{low})", f"PR({low}:{high})", f"PR({high}:)"]
    assert sum(parse(part).of(cell) for part in parts) == pytest.approx(100)


@given(multisets, values, values)
def test_a_trimmed_count_between_values_excludes_the_lower_and_includes_the_upper(
    pairs, one, other
):
    low, high = sorted((one, other))
    expected = sum(c for v, c in pairs if low < v <= high)
    assert parse(f"TC({low:f}:{high:f})").of(cell_of(pairs)) == pytest.approx(expected)


@given(multisets, st.integers(0, 49), st.integers(51, 99))
def test_means_lie_within_the_values(pairs, low, high):
    cell = cell_of(pairs)
    for name in (f"TM({low}%:{high}%)", f"WM({low}%:{high}%)", "IQM", f"tm{high}", f"wm{high}"):
        value = parse(name).of(cell)
        assert cell.low - 1e-6 <= value <= cell.high * (1 + 1e-12) + 1e-6


@given(st.lists(st.floats(1e-6, 1e12), min_size=60, max_size=200, unique=True), percents)
def test_a_coarse_cell_is_off_by_half_a_percent_at_most(numbers, percent):
    coarse = cell_of([(v, 1) for v in numbers], limit=50)
    exact = cell_of([(v, 1) for v in numbers])
    assert coarse.coarse
    assert not exact.coarse
    assert coarse.total == exact.total
    assert (coarse.low, coarse.high) == (exact.low, exact.high)
    # Interpolation between two values that are each off by 0.5 % is off by no more.
    expected = exact.order().percentile(percent)
    assert coarse.order().percentile(percent) == pytest.approx(expected, rel=0.00501)


def test_a_coarse_cell_stays_small_whatever_comes():
    cell = Cell(limit=256)
    rng = np.random.default_rng(0)
    for value in rng.lognormal(9, 0.5, 50_000):
        cell.add(float(value))
    assert cell.coarse
    assert len(cell.values) < 600
    assert cell.count == 50_000


def test_merging_into_a_coarse_cell_keeps_the_bins():
    coarse = cell_of([(1.0 + i / 1000, 1) for i in range(100)], limit=50)
    coarse.merge(cell_of([(5.0, 3)]))
    assert coarse.values[middle_of_bin(5.0)] == 3


@given(st.floats(1e-300, 1e300))
def test_a_bin_holds_its_value(value):
    assert abs(math.log(middle_of_bin(value) / value)) <= math.log(GROWTH) / 2 * 1.0001
    assert middle_of_bin(-value) == -middle_of_bin(value)


def test_zero_is_its_own_bin():
    assert middle_of_bin(0.0) == 0.0
