"""Laws of ranges and grids."""

import itertools
import math
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.tuning.ranges import RangeError, Scale, place, space_of
from embedded_aws.tuning.sampling import by_chance, combination, size

LINEAR = st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
ABOVE_ZERO = st.tuples(st.floats(1e-9, 1e9), st.floats(1e-9, 1e9))
BELOW_ONE = st.tuples(st.floats(0, 0.999999), st.floats(0, 0.999999))
UNIT = st.floats(0, 1)
SEEDS = st.integers(0, 2**31)


def scales():
    kinds = {"Linear": LINEAR, "Logarithmic": ABOVE_ZERO, "ReverseLogarithmic": BELOW_ONE}
    return st.one_of(
        ends.map(lambda pair, kind=kind: Scale(kind, *sorted(pair))) for kind, ends in kinds.items()
    ).filter(lambda scale: scale.high - scale.low > 1e-3 * max(1e-9, abs(scale.high)))


def continuous(low, high, scaling="Auto"):
    range_ = {"Name": "x", "MinValue": repr(low), "MaxValue": repr(high), "ScalingType": scaling}
    return space_of({"ContinuousParameterRanges": [range_]})


def integer(low, high, scaling="Auto"):
    range_ = {"Name": "n", "MinValue": str(low), "MaxValue": str(high), "ScalingType": scaling}
    return space_of({"IntegerParameterRanges": [range_]})


@given(scales(), UNIT)
def test_a_scale_and_back(scale, unit):
    value = scale.value(unit)
    assert scale.low <= value <= scale.high
    assert scale.unit(value) == pytest.approx(unit, abs=1e-6)


@given(scales(), UNIT, UNIT)
def test_a_scale_keeps_the_order(scale, one, other):
    least, most = sorted((one, other))
    assert scale.value(least) <= scale.value(most) + 1e-9 * max(1.0, abs(scale.high))


def test_the_middle_of_each_scale():
    assert Scale("Linear", 0, 10).value(0.5) == 5
    assert Scale("Logarithmic", 0.01, 100).value(0.5) == pytest.approx(1)
    # As far from 1 as the geometric mean of both ends' distances.
    assert Scale("ReverseLogarithmic", 0, 0.9999).value(0.5) == pytest.approx(0.99)


@given(LINEAR.map(sorted), SEEDS)
def test_every_number_is_within_its_range(ends, seed):
    [(name, value)] = by_chance(continuous(*ends), Random(seed)).items()
    assert name == "x"
    assert ends[0] <= float(value) <= ends[1]


@given(st.integers(-1000, 1000), st.integers(0, 1000), SEEDS, st.sampled_from(["Linear", "Auto"]))
def test_every_whole_number_is_within_its_range_and_has_its_place(low, width, seed, scaling):
    [range_] = integer(low, low + width, scaling)
    value = range_.random(Random(seed))
    assert low <= int(value) <= low + width
    assert range_.at(range_.place(value)[0]) == value


@given(st.integers(1, 1000), st.integers(0, 10_000), SEEDS)
def test_whole_numbers_on_a_logarithmic_scale(low, width, seed):
    [range_] = integer(low, low + width, "Logarithmic")
    value = range_.random(Random(seed))
    assert low <= int(value) <= low + width
    assert range_.at(range_.place(value)[0]) == value


@given(LINEAR.map(sorted), st.floats(0.001, 3), SEEDS)
def test_what_is_near_is_within_the_range_too(ends, width, seed):
    [range_] = continuous(*ends)
    rng = Random(seed)
    assert ends[0] <= float(range_.near(range_.random(rng), width, rng)) <= ends[1]


def test_whole_numbers_are_as_likely_as_each_other():
    [range_] = integer(1, 5, "Linear")
    rng = Random(1)
    drawn = Counter(range_.random(rng) for _ in range(5000))
    assert set(drawn) == set("12345")
    assert min(drawn.values()) > 900


def test_a_logarithmic_scale_spends_as_much_on_each_order():
    [range_] = continuous(0.0001, 1.0, "Logarithmic")
    rng = Random(1)
    orders = Counter(math.floor(math.log10(float(range_.random(rng)))) for _ in range(4000))
    assert set(orders) <= {-4, -3, -2, -1}
    assert min(orders.values()) > 800


def test_auto_is_logarithmic_over_several_orders():
    assert continuous(0.001, 1.0)[0].scale.kind == "Logarithmic"
    assert continuous(0.1, 1.0)[0].scale.kind == "Linear"
    assert continuous(0.0, 1.0)[0].scale.kind == "Linear"
    assert integer(1, 1000)[0].scale.kind == "Logarithmic"


@given(
    st.lists(st.lists(st.text("abc", min_size=1), min_size=1, max_size=4), min_size=1, max_size=4)
)
def test_a_grid_covers_everything_exactly_once(values):
    space = space_of(
        {
            "CategoricalParameterRanges": [
                {"Name": f"p{number}", "Values": some} for number, some in enumerate(values)
            ]
        }
    )
    all_of_it = [tuple(combination(space, n).values()) for n in range(size(space))]
    wanted = list(itertools.product(*(dict.fromkeys(some) for some in values)))
    assert all_of_it == wanted


def test_categories_are_as_far_from_each_other():
    space = space_of({"CategoricalParameterRanges": [{"Name": "p", "Values": ["a", "b", "c"]}]})
    places = [place(space, {"p": value}) for value in "abc"]
    assert {round(math.dist(a, b), 9) for a, b in itertools.combinations(places, 2)} == {1.0}


def test_what_has_no_place_has_none():
    space = continuous(0.1, 1.0, "Logarithmic")
    assert place(space, {"x": "0.5"}) is not None
    for values in ({}, {"x": "-1"}, {"x": "word"}):
        assert place(space, values) is None


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: continuous(2.0, 1.0), "must not be greater"),
        (lambda: continuous(0.0, 1.0, "Logarithmic"), "greater than 0"),
        (lambda: continuous(0.0, 1.0, "ReverseLogarithmic"), "0<=x<1"),
        (lambda: continuous(-0.1, 0.5, "ReverseLogarithmic"), "0<=x<1"),
        (lambda: continuous(float("nan"), 1.0), "a finite number"),
        (lambda: continuous(0.0, float("inf")), "a finite number"),
        (lambda: integer(0, 1, "ReverseLogarithmic"), "not supported for the integer"),
        (lambda: integer(0, 1, "Logarithmic"), "greater than 0"),
        (lambda: integer("1.5", 2), "an integer"),
        (lambda: space_of({"CategoricalParameterRanges": [{"Name": "p", "Values": ["a"]}] * 2}),
         "more than one range"),
    ],
)  # fmt: skip
def test_ranges_that_contradict_themselves_are_refused(make, reason):
    with pytest.raises(RangeError, match=reason):
        make()
