"""Every expectation that Great Expectations' core offers: kept row by row, or refused by name."""

from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest

from tasks.contracts.odcs import contract_of
from tasks.contracts.odcs.expectations import REFUSED, ROWS
from tasks.contracts.validation.checks import compile_checks
from tasks.contracts.validation.suite import Suite, _judged, great_expectations
from tasks.errors import InvalidContract
from tests.tasks.contracts.conftest import document

pytestmark = pytest.mark.seconds(60)

COLUMNS = [
    {"name": "n", "logicalType": "integer"},
    {"name": "m", "logicalType": "integer"},
    {"name": "s", "logicalType": "string"},
    {"name": "on", "logicalType": "date"},
    {"name": "q", "logicalType": "number"},
    {"name": "b", "logicalType": "boolean"},
    {"name": "t", "logicalType": "time"},
    {"name": "at", "logicalType": "timestamp"},
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
        ("expect_column_values_to_be_null", {"column": "n", "mostly": 0}, "lets every row fail"),
        ("expect_column_values_to_be_null", {"column": "n", "mostly": 0.0}, "lets every row fail"),
        ("expect_column_values_to_be_null", {"column": "n", "mostly": 1e-15}, "every row fail"),
        ("expect_column_values_to_be_null", {"column": ["n"]}, "not columns"),
        ("expect_column_values_to_be_in_set", {"column": "n", "value_set": None}, "needs value_s"),
    ],
)  # fmt: skip
def test_an_argument_that_would_mean_nothing_is_refused(kind, kwargs, said):
    with pytest.raises(InvalidContract, match=said):
        contract(kind, kwargs)


BETWEEN, LENGTHS = "expect_column_values_to_be_between", "expect_column_value_lengths_to_be_between"
IN_SET, SCHEMA = "expect_column_values_to_be_in_set", "expect_column_values_to_match_json_schema"
STRFTIME = "expect_column_values_to_match_strftime_format"
EQUAL, SAME = "expect_column_pair_values_to_be_equal", "expect_multicolumn_values_to_be_equal"


def of(column, **more):
    return {"column": column, **more}


@pytest.mark.parametrize(
    ("kind", "kwargs", "said"),
    [
        (IN_SET, of("s", value_set="57"), "value_set '57' is not a list"),
        (IN_SET, of("n", value_set=["1", "2"]), "'1' is no integer, as n is"),
        (IN_SET, of("q", value_set=["1"]), "'1' is no number"),
        (IN_SET, of("s", value_set=[1]), "1 is no string"),
        (IN_SET, of("b", value_set=["yes"]), "'yes' is no boolean"),
        (IN_SET, of("n", value_set=[2**63]), "is no integer"),
        (IN_SET, of("on", value_set=["2024-02-30"]), "'2024-02-30' is no date"),
        (IN_SET, of("s", value_set=[]), r"value_set \[\] is not a list of values"),
        (IN_SET, of("s", value_set=[None]), "no value but null"),
        ("expect_column_values_to_not_be_in_set", of("n", value_set=["1"]), "'1' is no integer"),
        ("expect_column_values_to_match_regex", of("s", regex=5), "regex 5 is not a regular"),
        ("expect_column_values_to_match_regex", of("q", regex="^1"), "q is of type number"),
        ("expect_column_values_to_match_regex", of("n", regex="^1"), "n is of type integer"),
        ("expect_column_values_to_match_regex", of("at", regex="^2"), "at is of type timestamp"),
        ("expect_column_values_to_match_regex_list", of("s", regex_list="^a"), "'.a' is not a li"),
        ("expect_column_values_to_match_regex_list", of("s", regex_list=[]), "is not a list"),
        ("expect_column_values_to_match_regex_list", of("s", regex_list=["("]), "does not compile"),
        ("expect_column_values_to_match_regex_list",
         of("s", regex_list=["a"], match_on="some"), "match_on 'some' is not any or all"),
        ("expect_column_values_to_not_match_regex_list", of("q", regex_list=["a"]), "type number"),
        (SCHEMA, of("s", json_schema="x"), "json_schema 'x' is not a JSON schema"),
        (SCHEMA, of("s", json_schema={"type": "objekt"}), r"json_schema.type is none: 'objekt'"),
        (SCHEMA, of("s", json_schema={"minLength": "a"}), "json_schema.minLength is none"),
        (SCHEMA, of("n", json_schema={}), "n is of type integer"),
        (SCHEMA, of("s", json_schema={"$ref": "https://a.org/b.json"}), "'https://a.org/b.json', .*"
         "nothing is fetched"),
        (SCHEMA, of("s", json_schema={"items": {"$ref": "#/$defs/a"}}), "refers to '#/.defs/a'"),
        (SCHEMA, of("s", json_schema={"anyOf": [{"$ref": "#a"}]}), "refers to '#a'"),
        (SCHEMA, of("s", json_schema={"$ref": "#"}), "refers to itself without end"),
        (STRFTIME, of("s", strftime_format="%Q"), "'%Q' is not a format that strptime reads"),
        (STRFTIME, of("s", strftime_format=5), "is not a format"),
        (STRFTIME, of("on", strftime_format="%Y"), "on is of type date"),
        (STRFTIME, of("t", strftime_format="%H"), "t is of type time"),
        (LENGTHS, of("s", min_value="a"), "min_value 'a' is not a length"),
        (LENGTHS, of("s", min_value=-1), "min_value -1 is not a length"),
        (LENGTHS, of("s", max_value=1.5), "max_value 1.5 is not a length"),
        (LENGTHS, of("s", min_value=5, max_value=3), "no length lies between 5 and 3"),
        (LENGTHS, of("s", max_value=0, strict_max=True), "no length lies between 0 and 0"),
        (LENGTHS, of("s", min_value=2, max_value=3, strict_min=True, strict_max=True), "between 2"),
        (LENGTHS, of("s", min_value=0), "every length is 0 or more"),
        (LENGTHS, of("b", min_value=1), "b is of type boolean"),
        (LENGTHS, of("q", min_value=1), "q is of type number"),
        (LENGTHS, of("n", min_value=1), "n is of type integer"),
        ("expect_column_value_lengths_to_equal", of("s", value="a"), "value 'a' is not a length"),
        ("expect_column_value_lengths_to_equal", of("s", value=-1), "value -1 is not a length"),
        ("expect_column_value_lengths_to_equal", of("s", value=2.5), "is not a length"),
        (BETWEEN, of("n", min_value=[1]), r"min_value \[1\] is no integer"),
        (BETWEEN, of("n", min_value="1"), "min_value '1' is no integer"),
        (BETWEEN, of("n", min_value=True), "min_value True is no integer"),
        (BETWEEN, of("q", max_value="2024-01-01"), "max_value '2024-01-01' is no number"),
        (BETWEEN, of("on", min_value=5), "min_value 5 is no date"),
        (BETWEEN, of("n", min_value=5, max_value=1), "no value lies between 5 and 1"),
        (BETWEEN, of("n", min_value=5, max_value=5, strict_max=True), "no value lies between"),
        (BETWEEN, of("n", min_value=1.2, max_value=1.8), "no value lies between"),
        (BETWEEN, of("n", min_value=2**63), "leaves no value"),
        (BETWEEN, of("on", min_value="2024-02-01", max_value="2024-01-01"), "no value lies"),
        (BETWEEN, of("n", min_value=5, strict_min="yes"), "strict_min 'yes' is not true or false"),
        (BETWEEN, of("s", min_value=5), "s is of type string"),
        (BETWEEN, of("b", min_value=0), "b is of type boolean"),
        ("expect_column_values_to_be_json_parseable", of("q"), "q is of type number"),
        ("expect_column_values_to_be_json_parseable", of("n"), "n is of type integer"),
        ("expect_column_values_to_be_dateutil_parseable", of("n"), "n is of type integer"),
        ("expect_column_values_to_be_dateutil_parseable", of("on"), "on is of type date"),
        ("expect_column_pair_values_to_be_in_set",
         {"column_A": "n", "column_B": "m", "value_pairs_set": [[5]]}, "a list of pairs"),
        ("expect_column_pair_values_to_be_in_set",
         {"column_A": "n", "column_B": "m", "value_pairs_set": "x"}, "a list of pairs"),
        ("expect_column_pair_values_to_be_in_set",
         {"column_A": "n", "column_B": "m", "value_pairs_set": []}, "a list of pairs"),
        ("expect_column_pair_values_to_be_in_set",
         {"column_A": "n", "column_B": "s", "value_pairs_set": [["a", 1]]}, "'a' is no integer"),
        ("expect_column_pair_values_to_be_in_set",
         {"column_A": "n", "column_B": "t", "value_pairs_set": [[1, "08:30"]]}, "pairs with times"),
        (EQUAL, {"column_A": "n", "column_B": "m", "ignore_row_if": "sometimes"}, "neither"),
        (EQUAL, {"column_A": "n", "column_B": "m", "ignore_row_if": "never"}, "is not one of"),
        (EQUAL, {"column_A": "q", "column_B": "s"}, r"q \(number\), s \(string\) are of types"),
        (EQUAL, {"column_A": "on", "column_B": "t"}, "are of types that no two values share"),
        (EQUAL, {"column_A": "n", "column_B": "n"}, "names a column twice"),
        ("expect_column_pair_values_a_to_be_greater_than_b",
         {"column_A": "n", "column_B": "s"}, "are of types"),
        ("expect_column_pair_values_a_to_be_greater_than_b",
         {"column_A": "n", "column_B": "m", "or_equal": "sometimes"}, "or_equal 'sometimes'"),
        (SAME, {"column_list": ["n"]}, "names one column; name two or more"),
        (SAME, {"column_list": ["n", "n"]}, "names a column twice"),
        (SAME, {"column_list": "n"}, "not columns"),
        (SAME, {"column_list": ["n", "m", "s"]}, "are of types"),
        (SAME, {"column_list": ["n", "m"], "ignore_row_if": "neither"}, "is not one of all_values"),
        ("expect_multicolumn_sum_to_equal",
         {"column_list": ["n", "s"], "sum_total": 1}, "s is of type string"),
        ("expect_multicolumn_sum_to_equal",
         {"column_list": ["n", "m"], "sum_total": "1"}, "sum_total '1' is not a number"),
        ("expect_select_column_values_to_be_unique_within_record",
         {"column_list": ["n", "s"]}, "are of types that no two values share"),
        ("expect_select_column_values_to_be_unique_within_record",
         {"column_list": ["n", "m"], "ignore_row_if": "sometimes"}, "is not one of"),
    ],
)  # fmt: skip
def test_an_argument_that_no_row_or_every_row_keeps_is_refused(kind, kwargs, said):
    with pytest.raises(InvalidContract, match=said):
        contract(kind, kwargs)


@pytest.mark.parametrize(
    ("kind", "kwargs", "good", "bad"),
    [
        (IN_SET, of("n", value_set=[1.0, None]), {"n": 1}, {"n": 2}),
        (IN_SET, of("b", value_set=[True]), {"b": True}, {"b": False}),
        (IN_SET, of("t", value_set=["08:30"]), {"t": "08:30:00"}, {"t": "08:31:00"}),
        (IN_SET, of("at", value_set=["2024-01-01T01:00:00+01:00"]),
         {"at": "2024-01-01T00:00:00Z"}, {"at": "2024-01-02T00:00:00Z"}),
        ("expect_column_values_to_match_regex", of("t", regex="^08"), {"t": "08:30:00"},
         {"t": "09:30:00"}),
        (LENGTHS, of("s", min_value=0, strict_min=True), {"s": "a"}, {"s": ""}),
        ("expect_column_value_lengths_to_equal", of("t", value=8), {"t": "08:30:00"},
         {"t": "08:30:00.5"}),
        (BETWEEN, of("on", min_value="2024-01-01", max_value="2024-01-01"), {"on": "2024-01-01"},
         {"on": "2024-01-02"}),
        (BETWEEN, of("q", min_value=1, max_value=1.5, strict_min=True), {"q": 1.5}, {"q": 1}),
        (EQUAL, {"column_A": "n", "column_B": "q"}, {"n": 1, "q": 1.0}, {"n": 1, "q": 1.5}),
        (EQUAL, {"column_A": "n", "column_B": "b"}, {"n": 1, "b": True}, {"n": 0, "b": True}),
        (EQUAL, {"column_A": "on", "column_B": "at"},
         {"on": "2024-01-01", "at": "2024-01-01T00:00:00Z"},
         {"on": "2024-01-01", "at": "2024-01-01T00:00:01Z"}),
        (EQUAL, {"column_A": "s", "column_B": "t"}, {"s": "08:30:00", "t": "08:30:00"},
         {"s": "8:30", "t": "08:30:00"}),
        ("expect_select_column_values_to_be_unique_within_record",
         {"column_list": ["n", "s", "q"]}, {"n": 1, "s": "a", "q": 2.0},
         {"n": 1, "s": "a", "q": 1.0}),
        ("expect_column_pair_values_to_be_in_set",
         {"column_A": "n", "column_B": "s", "value_pairs_set": [[1, "a"]]},
         {"n": 1, "s": "a"}, {"n": 1, "s": "b"}),
    ],
)  # fmt: skip
def test_types_that_can_be_looked_at_and_compared_are(kind, kwargs, good, bad, lake, judge):
    absent = dict.fromkeys(("n", "q", "s", "b", "t"))  # where nothing is, nothing is judged
    lake.jsonl("a.jsonl", [good, bad, absent if "unique_within" not in kind else good])
    judge(contract(kind, kwargs), lake)
    assert judge.reasons() == {2: ["it"]}


ODD = ("57", "", "^a", "(", "%Q", "sometimes", "neither", "any", "n", 0, 1, -1, 1.5, 10**20, True,
       [], [1], ["a"], ["1", 2], [None], [[5]], [[1, 2]], [["a", 2]], [{}], {}, {"type": "objekt"},
       {"$PARAMETER": "p"}, ["n", "m"], ["n"], ["2020-05-01"], None)  # fmt: skip


def suite_of(made):
    return Suite(made, compile_checks(made))._built()


@pytest.mark.parametrize("kind", sorted(ROWS))
def test_what_is_accepted_great_expectations_accepts_too(kind):
    sound, accepted = TABLES[kind][0], 0
    row = ROWS[kind]
    for name in sorted({*row.needs, *row.may, *row.one_of, *row.columns}):
        for value in ODD:
            try:
                made = contract(kind, sound | {name: value})
            except InvalidContract:
                continue
            accepted += 1
            assert suite_of(made), (name, value)
    assert suite_of(contract(kind, sound))
    assert accepted or not (row.needs or row.may)


def test_a_word_beside_the_arguments_that_asks_for_something_is_refused():
    with pytest.raises(InvalidContract, match="severity"):
        contract("expect_column_values_to_be_null", {"column": "n"}, severity="warning")
    assert contract("expect_column_values_to_be_null", {"column": "n"}, meta={"a": 1})


@pytest.mark.parametrize(
    ("mostly", "bad", "outcome"),
    [(0.75, 2, "pass"), (0.75, 3, "fail"), (1, 1, "fail"), (0.9, 1, "fail"), (0.01, 7, "pass")],
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


NO_JSON = ["", "no", "{", "{'k': 1}", '{"k": NaN}', '{"k": 1}{"k": 1}', "[" * 10_000, "9" * 5_000,
           "kept", "null"]  # fmt: skip


@pytest.mark.parametrize("mostly", [1, 0.2, 0.1])
def test_a_text_that_is_no_json_breaks_the_schema_in_its_row_alone(mostly, lake, judge):
    schema = {"$defs": {"whole": {"type": "integer"}, "x~/": {}}, "type": "object",
              "required": ["k"], "properties": {"k": {"$ref": "#/$defs/whole"},
              "l": {"$ref": "#/$defs/x~0~1"}, "$ref": {"const": {"$ref": "else"}}}}  # fmt: skip
    texts = ['{"k": 1}', *NO_JSON, None, '{"k": 2}']
    rows = [{"s": text} for text in texts]
    lake.jsonl("a.jsonl", rows)
    report = judge(contract(SCHEMA, of("s", json_schema=schema, mostly=mostly)), lake)
    (check,) = (check for check in report.checks if check.id == "it")
    assert check.outcome == ("pass" if mostly == 0.1 else "fail"), "2 of 12 values keep it"
    broken = range(2, 2 + len(NO_JSON))
    assert judge.reasons() == ({row: ["it"] for row in broken} if mostly == 1 else {})
    if mostly == 1:
        shown = [line["reasons"][0]["value"] for line in judge.quarantined()]
        assert shown[1] == "no", "the text itself is shown"


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
