"""Bounds of counts: each tells some counts from others, or is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.contracts.model import Bound
from tasks.contracts.odcs.counts import bound_of, require_deciding
from tasks.contracts.odcs.documents import Fault


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        ({"mustBeLessThan": -3, "unit": "percent"}, "no share of 0 to 100 %"),
        ({"mustBeLessThan": 0, "unit": "percent"}, "no share"),
        ({"mustBe": 150, "unit": "percent"}, "no share"),
        ({"mustBeGreaterThan": 100, "unit": "percent"}, "no share"),
        ({"mustBeLessOrEqualTo": 100, "unit": "percent"}, "every share"),
        ({"mustBeGreaterOrEqualTo": 0, "unit": "percent"}, "every share"),
        ({"mustNotBeBetween": [0, 100], "unit": "percent"}, "no share"),
        ({"mustNotBeBetween": [-2, -1], "unit": "percent"}, "every share"),
        ({"mustBeLessThan": 0}, "no count of rows"),
        ({"mustBe": 0.5}, "no count"),
        ({"mustBe": -1}, "no count"),
        ({"mustBeBetween": [0.2, 0.8]}, "no count"),
        ({"mustNotBe": 0.5}, "every count"),
        ({"mustBeGreaterThan": -1}, "every count"),
        ({"mustBeGreaterOrEqualTo": 0}, "every count"),
    ],
)
def test_a_bound_that_tells_nothing_apart_is_refused_by_name(rule, kept):
    operator = next(iter(rule))
    with pytest.raises(Fault, match=rf"q: {operator} .*: {kept}.* keeps it"):
        bound_of(rule, "q")


@pytest.mark.parametrize(
    "rule",
    [
        {"mustBe": 0}, {"mustBe": 7}, {"mustNotBe": 0}, {"mustBeLessThan": 0.5},
        {"mustBeGreaterThan": 0}, {"mustBeBetween": [-5, 0]}, {"mustNotBeBetween": [1, 2]},
        {"mustBeLessThan": 10**20}, {"mustBe": 0, "unit": "percent"},
        {"mustBe": 100, "unit": "percent"}, {"mustBeLessThan": 100, "unit": "percent"},
        {"mustBeGreaterThan": 99.9, "unit": "percent"}, {"mustNotBe": 50, "unit": "percent"},
        {"mustBeBetween": [0, 99], "unit": "percent"},
    ],
)  # fmt: skip
def test_a_bound_that_some_keep_and_some_do_not_is_kept(rule):
    assert bound_of(rule, "q").unit == rule.get("unit", "rows")


ends = st.none() | st.floats(-3, 103).map(lambda end: round(end * 4) / 4)


@given(ends, ends, st.booleans(), st.booleans(), st.sampled_from(["rows", "percent"]))
def test_what_is_refused_is_what_no_count_tells_apart(low, high, strict, inside, unit):
    if (low is not None and high is not None and low > high) or low is high is None:
        return
    bound = Bound(low=low, high=high, strict=strict, inside=inside, unit=unit)
    counts = range(110) if unit == "rows" else (eighth / 8 for eighth in range(801))
    verdicts = {bound.holds(count) for count in counts}
    if len(verdicts) == 1:
        with pytest.raises(Fault, match="every" if verdicts.pop() else "no"):
            require_deciding(bound, "q")
    else:
        require_deciding(bound, "q")
