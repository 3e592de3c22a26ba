"""Statistics by name, against the examples of the user guide."""

import pytest

from embedded_aws.cloudwatch.cells import Cell
from embedded_aws.cloudwatch.statistics import UnknownStatisticError, parse


def cell_of(*values):
    cell = Cell()
    for value in values:
        cell.add(value)
    return cell


TEN = cell_of(*range(1, 11))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SampleCount", 10),
        ("Sum", 55),
        ("Average", 5.5),
        ("Minimum", 1),
        ("Maximum", 10),
        ("p0", 1),
        ("p50", 5.5),
        ("p90", 9.1),
        ("p99.9", 9.991),
        ("p100", 10),
        # Without the highest 10 %.
        ("tm90", 5),
        ("tc90", 9),
        ("ts90", 45),
        ("TM(:90%)", 5),
        ("TM(10%:90%)", 5.5),
        ("TC(10%:90%)", 8),
        ("TS(80%:)", 19),
        ("IQM", 5.5),
        # Lower bound excluded, upper bound included.
        ("TC(2:5)", 3),
        ("TM(2:5)", 4),
        ("TS(2:5)", 12),
        ("TC(:5)", 5),
        ("TC(8:)", 2),
        ("PR(:3)", 30),
        ("PR(3:7)", 40),
        ("PR(7:)", 30),
        # Beyond the bounds values count as the bounds: 3 3 3 4 5 6 7 7 7 7.
        ("WM(3:7)", 5.2),
        # The highest one counts as the 90th percentile.
        ("wm90", (45 + 9.1) / 10),
        ("WM(10%:90%)", (1.9 + 44 + 9.1) / 10),
    ],
)
def test_a_statistic_of_one_to_ten(name, expected):
    assert parse(name).of(TEN) == pytest.approx(expected)


def test_equal_values_survive_every_trimming():
    same = cell_of(7, 7, 7, 7)
    for name in ("p99", "tm50", "IQM", "wm10", "TM(25%:75%)"):
        assert parse(name).of(same) == 7


@pytest.mark.parametrize(
    "name",
    [
        "p101", "p-1", "p", "P50", "tm", "TM90", "tm(10%:90%)", "TM(90%:10%)", "TM(:)", "TM(1%:5)",
        "PR(10%:20%)", "pr50", "TC(5:2)", "average", "", "IQM50", "p50.12345678901", "TM(101%:)",
    ],
)  # fmt: skip
def test_what_cloudwatch_does_not_know_is_refused(name):
    with pytest.raises(UnknownStatisticError):
        parse(name)


def test_a_trimmed_mean_of_nothing_has_no_value():
    assert parse("TM(100:200)").of(TEN) is None
    assert parse("TC(100:200)").of(TEN) == 0


def test_a_distribution_is_needed():
    cell = Cell()
    cell.add_set(10, 55, 1, 10)
    assert parse("Average").of(cell) == 5.5
    assert parse("p50").of(cell) is None
    cell.add(3)
    assert parse("p50").of(cell) is None


def test_a_statistic_set_of_equal_values_is_a_distribution():
    cell = Cell()
    cell.add_set(4, 20, 5, 5)
    assert parse("p99").of(cell) == 5


def test_negative_values_have_no_percentiles():
    cell = cell_of(-1, 1, 2)
    assert parse("p50").of(cell) is None
    assert parse("Minimum").of(cell) == -1
