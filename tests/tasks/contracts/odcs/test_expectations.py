"""Every expectation that Great Expectations' core offers: kept row by row, or refused by name."""

from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest

from tasks.contracts.odcs import contract_of
from tasks.contracts.odcs.expectations import REFUSED, ROWS
from tasks.contracts.validation.suite import _judged, great_expectations
from tasks.errors import InvalidContract
from tests.tasks.contracts.conftest import document

COLUMNS = [
    {"name": "n", "logicalType": "integer"},
    {"name": "m", "logicalType": "integer"},
    {"name": "s", "logicalType": "string"},
    {"name": "on", "logicalType": "date"},
]
TABLES = {
    "expect_column_pair_values_a_to_be_greater_than_b": (
        {"column_A": "n", "column_B": "m"}, {"n": 2, "m": 1}, {"n": 1, "m": 2}),
    "expect_column_pair_values_to_be_equal": (
        {"column_A": "n", "column_B": "m"}, {"n": 1, "m": 1}, {"n": 1, "m": 2}),
    "expect_column_pair_values_to_be_in_set": (
        {"column_A": "n", "column_B": "m", "value_pairs_set": [[1, 2]]}, {"n": 1, "m": 2},
        {"n": 2, "m": 2}),
    "expect_column_value_lengths_to_be_between": (
        {"column": "s", "min_value": 2}, {"s": "ab"}, {"s": "a"}),
    "expect_column_value_lengths_to_equal": ({"column": "s", "value": 2}, {"s": "ab"}, {"s": "a"}),
    "expect_column_values_to_be_between": ({"column": "n", "max_value": 2}, {"n": 2}, {"n": 3}),
    "expect_column_values_to_be_dateutil_parseable": (
        {"column": "s"}, {"s": "1 May 2020"}, {"s": "soon"}),
    "expect_column_values_to_be_in_set": ({"column": "n", "value_set": [1]}, {"n": 1}, {"n": 2}),
    "expect_column_values_to_be_json_parseable": ({"column": "s"}, {"s": "[]"}, {"s": "["}),
    "expect_column_values_to_be_null": ({"column": "n"}, {"s": "a"}, {"n": 1}),
    "expect_column_values_to_match_json_schema": (
        {"column": "s", "json_schema": {"type": "array"}}, {"s": "[]"}, {"s": "{}"}),
    "expect_column_values_to_match_regex": ({"column": "s", "regex": "^a"}, {"s": "a"}, {"s": "b"}),
    "expect_column_values_to_match_regex_list": (
        {"column": "s", "regex_list": ["^a", "^b"]}, {"s": "b"}, {"s": "c"}),
    "expect_column_values_to_match_strftime_format": (
        {"column": "s", "strftime_format": "%Y"}, {"s": "2020"}, {"s": "x"}),
    "expect_column_values_to_not_be_in_set": (
        {"column": "on", "value_set": ["2020-05-01"]}, {"on": "2020-05-02"}, {"on": "2020-05-01"}),
    "expect_column_values_to_not_be_null": ({"column": "n"}, {"n": 1}, {"s": "a"}),
    "expect_column_values_to_not_match_regex": (
        {"column": "s", "regex": "^a"}, {"s": "b"}, {"s": "a"}),
    "expect_column_values_to_not_match_regex_list": (
        {"column": "s", "regex_list": ["^a", "^b"]}, {"s": "c"}, {"s": "b"}),
    "expect_multicolumn_sum_to_equal": (
        {"column_list": ["n", "m"], "sum_total": 3}, {"n": 1, "m": 2}, {"n": 2, "m": 2}),
    "expect_multicolumn_values_to_be_equal": (
        {"column_list": ["n", "m"]}, {"n": 1, "m": 1}, {"n": 1, "m": 2}),
    "expect_select_column_values_to_be_unique_within_record": (
        {"column_list": ["n", "m"]}, {"n": 1, "m": 2}, {"n": 1, "m": 1}),
}  # fmt: skip
"""By expectation: arguments, a row that keeps it, a row that does not."""


def contract(kind, kwargs, **more):
    body = {"type": kind, "kwargs": kwargs} | more
    rule = {"name": "it", "type": "custom", "engine": "greatExpectations", "implementation": body}
    return contract_of(document(COLUMNS, table={"quality": [rule]}), "things", "t")


def test_every_expectation_of_the_core_is_kept_or_refused():
    great_expectations()
    import_module("great_expectations.expectations.core")  # fills the registry
    registry = import_module("great_expectations.expectations.registry")
    core = {
        name
        for name in registry.list_registered_expectation_implementations()
        if (name.startswith("expect_") or name == "unexpected_rows_expectation")
        and registry.get_expectation_impl(name).__module__.startswith("great_expectations.")
    }
    assert not set(ROWS) & set(REFUSED)
    assert core - (set(ROWS) | set(REFUSED)) == set()
    assert set(TABLES) == set(ROWS)


@pytest.mark.parametrize("kind", sorted(ROWS))
def test_an_expectation_that_is_kept_sets_aside_the_row_that_breaks_it(kind, lake, judge):
    kwargs, good, bad = TABLES[kind]
    made = contract(kind, kwargs)
    lake.jsonl("a.jsonl", [good, bad, good])
    report = judge(made, lake)
    assert judge.reasons() == {2: ["it"]}
    (check,) = (check for check in report.checks if check.id == "it")
    assert (check.outcome, check.failed) == ("fail", 1)


@pytest.mark.parametrize("kind", sorted(ROWS))
def test_an_expectation_that_every_row_keeps_passes(kind, lake, judge):
    kwargs, good, _ = TABLES[kind]
    lake.jsonl("a.jsonl", [good, good])
    report = judge(contract(kind, kwargs), lake)
    assert (report.outcome, report.rows_good) == ("pass", 2)


@pytest.mark.parametrize("kind", sorted(REFUSED))
def test_an_expectation_that_no_row_can_keep_is_refused_by_name(kind):
    with pytest.raises(InvalidContract, match=kind):
        contract(kind, {"column": "n"})


@pytest.mark.parametrize(
    ("kind", "kwargs", "said"),
    [
        ("expect_column_values_to_be_good", {"column": "n"}, "core does not know it"),
        ("expect_column_values_to_be_between", {"column": "n"}, "max_value or min_value"),
        ("expect_column_values_to_be_in_set", {"column": "n"}, "needs value_set"),
        ("expect_column_values_to_be_null", {"column": "x"}, "not columns"),
        ("expect_column_values_to_be_null", {}, "needs column"),
        ("expect_column_values_to_be_null", {"column": "n", "mostly": 2}, "mostly"),
        ("expect_column_values_to_be_null", {"column": "n", "mostly": "0.9"}, "mostly"),
        ("expect_column_values_to_be_null", {"column": "n", "row_condition": "n>1"}, "row_c"),
        ("expect_column_values_to_be_null", {"column": "n", "catch_exceptions": True}, "catch_"),
        ("expect_column_values_to_match_regex", {"column": "s", "regex": "("}, "does not compile"),
        ("expect_column_values_to_be_between", {"column": "on", "min_value": "soon"}, "soon"),
        ("expect_column_values_to_be_in_set",
         {"column": "n", "value_set": {"$PARAMETER": "p"}}, "parameters"),
        ("expect_multicolumn_sum_to_equal", {"column_list": [], "sum_total": 1}, "not columns"),
    ],
)  # fmt: skip
def test_an_argument_that_would_mean_nothing_is_refused(kind, kwargs, said):
    with pytest.raises(InvalidContract, match=said):
        contract(kind, kwargs)


def test_a_word_beside_the_arguments_that_asks_for_something_is_refused():
    with pytest.raises(InvalidContract, match="severity"):
        contract("expect_column_values_to_be_null", {"column": "n"}, severity="warning")
    assert contract("expect_column_values_to_be_null", {"column": "n"}, meta={"a": 1})


@pytest.mark.parametrize(
    ("mostly", "bad", "outcome"),
    [(0.75, 2, "pass"), (0.75, 3, "fail"), (1, 1, "fail"), (0.9, 1, "fail"), (0, 8, "pass")],
)
def test_mostly_is_a_share_of_the_values_that_are_there(mostly, bad, outcome, lake, judge):
    kwargs = {"column": "n", "max_value": 9, "mostly": mostly}
    rows = [{"n": 10}] * bad + [{"n": 1}] * (8 - bad) + [{"s": "no number"}] * 8
    lake.jsonl("a.jsonl", rows)
    report = judge(contract("expect_column_values_to_be_between", kwargs), lake)
    (check,) = (check for check in report.checks if check.id == "it")
    assert check.outcome == outcome
    if mostly < 1:
        assert report.rows_quarantined == 0, "a share names no row that has to go"


def said(success=True, raised=None, **result):
    return SimpleNamespace(
        success=success, result=result, exception_info=raised or {"raised_exception": False}
    )


def test_a_failure_that_names_no_row_is_an_error():
    for failure in (False, np.False_):
        for result in ({}, {"observed_value": "float64"}, {"unexpected_index_list": []}):
            assert "without naming a row" in _judged(said(failure, **result)).error


def test_fewer_rows_named_than_counted_is_an_error():
    found = _judged(said(success=False, unexpected_count=3, unexpected_index_list=[1]))
    assert found.error == "it counted 3 failing rows and named 1"


def test_an_exception_is_an_error_whatever_else_is_said():
    for raised in (
        {"raised_exception": True, "exception_message": "no"},
        {"metric": {"raised_exception": True, "exception_message": "no"}},
    ):
        assert _judged(said(success=True, raised=raised)).error == "no"


def test_what_all_rows_keep_and_what_some_break_are_told_as_they_are():
    assert not len(_judged(said(element_count=3, unexpected_count=0)).failed)
    found = _judged(
        said(
            success=np.False_, element_count=5, missing_count=2, unexpected_count=1,
            unexpected_index_list=[2],
        )
    )  # fmt: skip
    assert (found.failed.tolist(), found.error, found.values) == ([2], "", 3)
