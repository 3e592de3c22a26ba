"""Metric math: the tables of the user guide, and numpy as an oracle for random expressions."""

import datetime as dt
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.cloudwatch.math.evaluate import evaluate
from embedded_aws.cloudwatch.math.syntax import MathError, calls, names, parse
from embedded_aws.cloudwatch.math.values import TimeSeries

BASE = 1_800_000_000 - 1_800_000_000 % 86400


def series(*values, name="m", period=60):
    grid = range(BASE, BASE + period * len(values), period)
    points = {t: float(v) for t, v in zip(grid, values, strict=True) if v is not None}
    return TimeSeries(points, period, grid, name, name)


class Scope:
    def __init__(self, **named):
        self.named = named

    def value_of(self, name):
        return self.named.get(name)

    def metrics(self):
        from dataclasses import replace

        return tuple(replace(v, id=k) for k, v in self.named.items() if isinstance(v, TimeSeries))

    def search(self, term, statistic, period):
        return (series(1, 2, name=term), series(3, 4, name=f"{statistic} {period}"))

    def constant(self, value):
        return series(value, value, value)


def run(expression, **named):
    return evaluate(parse(expression), Scope(**named))


def shown(value, length):
    return [value.points.get(BASE + 60 * i) for i in range(length)]


M1 = series(30, 20, 0, 0)
M2 = series(20, None, 20, None)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # "Comparison and logical operators": a missing value counts as 0.
        ("m1 < m2", [0, 0, 1, 0]),
        ("m1 >= 30", [1, 0, 0, 0]),
        ("m1 > 15 AND m2 > 15", [1, 0, 0, 0]),
        ("m1 > 15 && m2 > 15", [1, 0, 0, 0]),
        ("m1 > 15 || m2 > 15", [1, 1, 1, 0]),
        ("m1 == 0", [0, 0, 1, 1]),
        ("m1 != 0", [1, 1, 0, 0]),
        ("m2 <= 20", [1, None, 1, None]),
        # "Missing values in a time series are treated as 0."
        ("m1 + m2", [50, 20, 20, 0]),
        ("m2 * 2", [40, None, 40, None]),
        # Division by zero drops the data point.
        ("m2 / m1", [2 / 3, 0, None, None]),
        ("100 / m1", [100 / 30, 5, None, None]),
        ("-m1", [-30, -20, 0, 0]),
        ("m1 - AVG(m1)", [17.5, 7.5, -12.5, -12.5]),
        ("2 ^ 3 ^ 2 + m1 * 0", [512, 512, 512, 512]),
        ("-2 ^ 2 + m1 * 0", [-4, -4, -4, -4]),
        ("(1 + 2) * 3 - 4 / 2 + 0 * m1", [7, 7, 7, 7]),
        ("SUM([m1, m2])", [50, 20, 20, 0]),
        # "Missing values are treated as 0."
        ("AVG([m1, m2])", [25, 10, 10, 0]),
        ("MIN([m1, m2])", [20, 20, 0, 0]),
        ("MAX(METRICS())", [30, 20, 20, 0]),
        ("STDDEV([m1, m2])", [5, 0, 10, 0]),
        ("DATAPOINT_COUNT([m1, m2])", [2, 1, 2, 1]),
        ('SUM(METRICS("2"))', [20, None, 20, None]),
        ('SUM([METRICS("1"), METRICS("2")])', [50, 20, 20, 0]),
        ("m1 / METRIC_COUNT(METRICS())", [15, 10, 0, 0]),
        ("m1 / PERIOD(m1)", [0.5, 1 / 3, 0, 0]),
        ("m1 * DATAPOINT_COUNT(m2)", [60, 40, 0, 0]),
        ("SUM(100 / [m1, m2])", [5 + 100 / 30, 5, 5, None]),
        ("FILL(m2, 0)", [20, 0, 20, 0]),
        ("FILL(m2, m1)", [20, 20, 20, 0]),
        ("FILL(m2, MIN(m1))", [20, 0, 20, 0]),
        ("FILL(m2, REPEAT)", [20, 20, 20, 20]),
        ("FILL(m2, LINEAR)", [20, 20, 20, None]),
        ("RATE(m1)", [None, -10 / 60, -20 / 60, 0]),
        ("DIFF(m1)", [None, -10, -20, 0]),
        ("DIFF(m2)", [None, None, 0, None]),
        ("DIFF_TIME(m2)", [None, None, 120, None]),
        ("RUNNING_SUM(m1)", [30, 50, 50, 50]),
        ("ABS(-m1)", [30, 20, 0, 0]),
        ("CEIL(m1 / 7)", [5, 3, 0, 0]),
        ("FLOOR(m1 / 7)", [4, 2, 0, 0]),
        ("LOG10(m1)", [math.log10(30), math.log10(20), None, None]),
        ("LOG(m1)", [math.log(30), math.log(20), None, None]),
        ("SQRT(m1 - 20)", [math.sqrt(10), 0, None, None]),
        ("FIRST(SORT(METRICS(), AVG, DESC))", [20, None, 20, None]),
        ("LAST(SORT([m1, m2], MAX, ASC))", [30, 20, 0, 0]),
        ("SUM(SLICE(SORT([m1, m2], SUM, DESC), 0, 1))", [30, 20, 0, 0]),
        ("SUM(SLICE([m1, m2], 1))", [20, None, 20, None]),
        ("SUM(SORT([m1, m2], SUM, ASC, 1))", [20, None, 20, None]),
        ("IF(m1 < 25, m1)", [None, 20, 0, 0]),
        ("IF(m1 > 15, 10, 2)", [10, 10, 2, 2]),
        ("IF(SUM(m1) > 10, m2)", [20, None, 20, None]),
        ("IF(SUM(m1) > 100, m2, m1)", [30, 20, 0, 0]),
        ("TIME_SERIES(5 * MAX(m1))", [150, 150, 150, None]),
        ("SUM(SEARCH('{N} x', 'Sum', 60))", [4, 6, None, None]),
    ],
)  # fmt: skip
def test_an_expression(expression, expected):
    result = shown(run(expression, m1=M1, m2=M2), 4)
    assert result == [None if v is None else pytest.approx(v) for v in expected]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("IF(a, b, c)", [30, 0, 20, None, None]),
        ("IF(a, 5, c)", [5, 5, 20, None, None]),
        ("IF(a, b, 5)", [30, 0, 5, 5, None]),
    ],
)
def test_if_is_the_user_guides(expression, expected):
    named = {
        "a": series(1, 1, 0, 0, None),
        "b": series(30, None, 0, 0, 30),
        "c": series(0, 0, 20, None, 20),
    }
    assert shown(run(expression, **named), 5) == expected


def test_times_are_parts_of_each_period():
    moment = dt.datetime(2026, 4, 6, 9, 59, tzinfo=dt.UTC)
    start = int(moment.timestamp())
    m = TimeSeries({start: 1.0}, 60, range(start, start + 120, 60))
    for name, expected in {
        "MINUTE": [59, 0], "HOUR": [9, 10], "DAY": [1, 1], "DATE": [6, 6], "MONTH": [4, 4],
        "YEAR": [2026, 2026], "EPOCH": [start, start + 60],
    }.items():  # fmt: skip
        assert list(run(f"{name}(m)", m=m).points.values()) == expected


def test_series_of_two_periods_meet_on_the_longer_one():
    fine = series(*range(10))
    coarse = series(100, 200, period=300)
    assert run("a + b", a=fine, b=coarse).points == {BASE: 100.0, BASE + 300: 205.0}


def test_an_empty_metric_of_another_period_takes_nothing_away():
    nothing = TimeSeries({}, 300, range(BASE, BASE + 300, 300))
    assert shown(run("a + b", a=series(1, 2), b=nothing), 2) == [1, 2]


def test_arrays_stay_arrays():
    scaled = run("METRICS() * 100", m1=M1, m2=M2)
    assert [one.id for one in scaled] == ["m1", "m2"]
    assert len(run("REMOVE_EMPTY([m1, e])", m1=M1, e=series(None))) == 1


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("m1 +", "incomplete"),
        ("m1 m2", "unexpected 'm2'"),
        ("SUM(m1", r"'\)' expected"),
        ("[m1, m2", r"'\]' expected"),
        ("m1 ? m2", "unexpected character"),
        ("", "incomplete"),
        ("m9", "not the Id"),
        ("sum(m1)", "Function 'sum' not found"),
        ("NO_SUCH(m1)", "Function 'NO_SUCH' not found"),
        ("SUM(m1, m2)", "does not take 2 arguments"),
        ("SUM(1)", "an array of time series is needed, not a scalar"),
        ("[m1, m2] + [m1, m2]", "between two arrays"),
        ("ANOMALY_DETECTION_BAND(m1, 2)", "no anomaly detection"),
        ('SELECT AVG(ModelLatency) FROM "AWS/SageMaker"', "no Metrics Insights"),
        ("SORT([m1, m2], P99, ASC)", "not the Id"),
        ("SORT([m1, m2], REPEAT, ASC)", "AVG, MIN, MAX or SUM"),
        ("FILL(m1, ASC)", "REPEAT or LINEAR"),
        ("IF(m1, [m1, m2])", "IF does not take"),
        ("FIRST(m1)", "an array"),
        ("m1 + 'x'", "does not take a string"),
        ("(" * 200 + "m1" + ")" * 200, "nested too deeply"),
    ],
)
def test_a_broken_expression_says_why(expression, why):
    with pytest.raises(MathError, match=why):
        run(expression, m1=M1, m2=M2)


def test_names_and_calls_of_a_tree():
    tree = parse("IF(m1 > SUM([m2, -m3]), FILL(m1, REPEAT))")
    assert names(tree) == {"m1", "m2", "m3", "REPEAT"}
    assert calls(tree) == {"IF", "SUM", "FILL"}


OPERATORS = {
    "+": np.add, "-": np.subtract, "*": np.multiply,
    "<": np.less, ">": np.greater, "<=": np.less_equal, ">=": np.greater_equal,
    "==": np.equal, "!=": np.not_equal,
    "AND": np.logical_and, "OR": np.logical_or,
}  # fmt: skip
ROWS = {"a": np.array([1.0, -2, 3.5, 0]), "b": np.array([0.5, 4, -1, 2]), "c": np.full(4, 3.0)}


@st.composite
def trees(draw, depth=4):
    """Text of an expression, and its value by numpy."""
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        if draw(st.booleans()):
            name = draw(st.sampled_from(sorted(ROWS)))
            return name, ROWS[name]
        number = draw(st.integers(0, 9))
        return str(number), np.float64(number)
    kind = draw(st.sampled_from(["binary", "binary", "minus", "ABS", "IF", "reduce"]))
    text, value = draw(trees(depth=depth - 1))
    if kind == "minus":
        return f"(-{text})", -value
    if kind == "ABS":
        return f"ABS({text})", np.abs(value)
    if kind == "reduce":
        name, reduction = draw(
            st.sampled_from(
                [("SUM", np.sum), ("AVG", np.mean), ("MAX", np.max), ("STDDEV", np.std)]
            )
        )
        return f"{name}({text} + 0 * a)", np.float64(reduction(value + 0 * ROWS["a"]))
    other, other_value = draw(trees(depth=depth - 1))
    if kind == "IF":
        return (
            f"IF({text} > 0, {other} + 0 * a, b)",
            np.where(value > 0, other_value + 0 * ROWS["a"], ROWS["b"]),
        )
    sign = draw(st.sampled_from(sorted(OPERATORS)))
    return f"({text} {sign} {other})", OPERATORS[sign](value, other_value).astype(float)


@given(trees())
def test_a_random_expression_is_numpys(tree):
    text, expected = tree
    value = run(f"({text}) + 0 * a", **{k: series(*v) for k, v in ROWS.items()})
    expected = np.broadcast_to(expected, 4)
    # Comparisons of sums that differ in the last bit may fall either way.
    if not np.any(np.abs(expected) > 1e12):
        assert shown(value, 4) == pytest.approx(list(expected), rel=1e-6, abs=1e-6)
