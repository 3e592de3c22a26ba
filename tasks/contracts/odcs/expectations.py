"""Every expectation of Great Expectations' core: kept row by row, or refused by name.

A snapshot is judged in batches, so that only what one row says by itself can be kept here; an
expectation about a whole column would be asked of each batch and not of the snapshot. A test holds
the lists to what the installed Great Expectations offers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tasks.contracts.model import Bound, Column
from tasks.contracts.odcs.arguments import require_arguments
from tasks.contracts.odcs.documents import Fault


@dataclass(frozen=True)
class RowExpectation:
    """An expectation that is kept: the arguments it needs, and those it may have."""

    needs: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()
    columns: tuple[str, ...] = ("column",)
    one_of: frozenset[str] = frozenset()


def _kept(needs: str = "", may: str = "", one_of: str = "") -> RowExpectation:
    return RowExpectation(
        frozenset(needs.split()), frozenset(may.split()), ("column",), frozenset(one_of.split())
    )


def _pair(needs: str = "", may: str = "") -> RowExpectation:
    options = frozenset(["ignore_row_if", *may.split()])
    return RowExpectation(frozenset(needs.split()), options, ("column_A", "column_B"))


def _several(needs: str = "") -> RowExpectation:
    return RowExpectation(frozenset(needs.split()), frozenset({"ignore_row_if"}), ("column_list",))


BETWEEN = "min_value max_value"
ROWS: Mapping[str, RowExpectation] = {
    "expect_column_pair_values_a_to_be_greater_than_b": _pair(may="or_equal"),
    "expect_column_pair_values_to_be_equal": _pair(),
    "expect_column_pair_values_to_be_in_set": _pair("value_pairs_set"),
    "expect_column_value_lengths_to_be_between": _kept(may="strict_min strict_max", one_of=BETWEEN),
    "expect_column_value_lengths_to_equal": _kept("value"),
    "expect_column_values_to_be_between": _kept(may="strict_min strict_max", one_of=BETWEEN),
    "expect_column_values_to_be_dateutil_parseable": _kept(),
    "expect_column_values_to_be_in_set": _kept("value_set"),
    "expect_column_values_to_be_json_parseable": _kept(),
    "expect_column_values_to_be_null": _kept(),
    "expect_column_values_to_match_json_schema": _kept("json_schema"),
    "expect_column_values_to_match_regex": _kept("regex"),
    "expect_column_values_to_match_regex_list": _kept("regex_list", "match_on"),
    "expect_column_values_to_match_strftime_format": _kept("strftime_format"),
    "expect_column_values_to_not_be_in_set": _kept("value_set"),
    "expect_column_values_to_not_be_null": _kept(),
    "expect_column_values_to_not_match_regex": _kept("regex"),
    "expect_column_values_to_not_match_regex_list": _kept("regex_list"),
    "expect_multicolumn_sum_to_equal": _several("sum_total"),
    "expect_multicolumn_values_to_be_equal": _several(),
    "expect_select_column_values_to_be_unique_within_record": _several(),
}
_WHOLE = "it judges a whole column, and a snapshot is judged in batches"
_TABLE = "it judges a table, and a snapshot is judged in batches; volume is the metric rowCount"
_TYPE = "types are judged by logicalType"
_SQL = "it needs a database"
_UNIQUE = "say unique: true, or use the metric duplicateValues"
_NAMES = "columns are judged by the schema's properties"
REFUSED: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "expect_column_distinct_values_to_be_in_set",
            "expect_column_distinct_values_to_contain_set",
            "expect_column_distinct_values_to_equal_set",
            "expect_column_kl_divergence_to_be_less_than",
            "expect_column_max_to_be_between",
            "expect_column_mean_to_be_between",
            "expect_column_median_to_be_between",
            "expect_column_min_to_be_between",
            "expect_column_most_common_value_to_be_in_set",
            "expect_column_proportion_of_non_null_values_to_be_between",
            "expect_column_proportion_of_unique_values_to_be_between",
            "expect_column_quantile_values_to_be_between",
            "expect_column_stdev_to_be_between",
            "expect_column_sum_to_be_between",
            "expect_column_unique_value_count_to_be_between",
            "expect_column_value_z_scores_to_be_less_than",
            "expect_column_values_to_be_decreasing",
            "expect_column_values_to_be_increasing",
            "expect_column_values_to_not_be_outliers",
        ),
        _WHOLE,
    ),
    **dict.fromkeys(
        (
            "expect_table_row_count_to_be_between",
            "expect_table_row_count_to_equal",
            "expect_table_row_count_to_equal_other_table",
        ),
        _TABLE,
    ),
    **dict.fromkeys(
        (
            "expect_column_type_to_be",
            "expect_column_values_to_be_in_type_list",
            "expect_column_values_to_be_of_type",
        ),
        _TYPE,
    ),
    **dict.fromkeys(
        (
            "expect_column_values_to_match_like_pattern",
            "expect_column_values_to_match_like_pattern_list",
            "expect_column_values_to_not_match_like_pattern",
            "expect_column_values_to_not_match_like_pattern_list",
            "expect_query_results_to_match_comparison",
            "unexpected_rows_expectation",
        ),
        _SQL,
    ),
    **dict.fromkeys(
        ("expect_column_values_to_be_unique", "expect_compound_columns_to_be_unique"), _UNIQUE
    ),
    **dict.fromkeys(
        (
            "expect_column_to_exist",
            "expect_table_column_count_to_be_between",
            "expect_table_column_count_to_equal",
            "expect_table_columns_to_match_ordered_list",
            "expect_table_columns_to_match_set",
        ),
        _NAMES,
    ),
}
REMARKS = frozenset({"meta", "notes", "description"})
"""Words beside ``type`` and ``kwargs`` that ask for nothing."""


@dataclass(frozen=True)
class Expectation:
    """An expectation of a contract, known to be kept.

    ``bound`` is the share that ``mostly`` lets fail, in percent of the values that are there.
    """

    type: str
    kwargs: Mapping[str, Any]
    columns: tuple[str, ...]
    bound: Bound | None = None


def expectation_of(
    body: Mapping[str, Any], where: str, column: str, columns: Mapping[str, Column]
) -> Expectation:
    """Read ``{type, kwargs}``.

    Raises:
        Fault: it cannot be kept row by row, or an argument would mean nothing.
    """
    name = str(body.get("type") or body.get("expectation_type") or "")
    if name not in ROWS:
        why = REFUSED.get(name, "Great Expectations' core does not know it")
        raise Fault(f"{where}: {name!r} does not judge row by row: {why}")
    strange = sorted(set(body) - {"type", "expectation_type", "kwargs"} - REMARKS)
    if strange:
        raise Fault(f"{where}: {name} beside type and kwargs says {', '.join(strange)}")
    if not isinstance(body.get("kwargs"), Mapping | None):
        raise Fault(f"{where}: kwargs {body['kwargs']!r} are not arguments with their values")
    kept = ROWS[name]
    kwargs = {key: value for key, value in (body.get("kwargs") or {}).items() if value is not None}
    if column and "column" in kept.columns:
        kwargs.setdefault("column", column)
    _arguments(kept, kwargs, f"{where}: {name}")
    named = _named(kept, kwargs, where)
    if not named or set(named) - set(columns):
        raise Fault(f"{where}: {named!r} are not columns")
    if "column_list" in kept.columns and len(named) == 1:
        raise Fault(f"{where}: {name}: column_list {named!r} names one column; name two or more")
    most = kwargs.pop("mostly", 1)
    if isinstance(most, bool) or not isinstance(most, int | float) or not 0 <= most <= 1:
        raise Fault(f"{where}: mostly is {most!r}, not a share in (0, 1]")
    if round(100 * (1 - most), 9) == 100:  # noqa: PLR2004 - per cent
        raise Fault(f"{where}: mostly is {most!r}, which lets every row fail; leave the rule out")
    require_arguments(name, kwargs, [columns[key] for key in named], f"{where}: {name}")
    share = None if most == 1 else Bound(high=round(100 * (1 - most), 9), unit="percent")
    return Expectation(name, kwargs, tuple(named), share)


def _arguments(kept: RowExpectation, kwargs: Mapping[str, Any], where: str) -> None:
    known = kept.needs | kept.may | kept.one_of | {*kept.columns, "mostly"}
    if strange := sorted(set(kwargs) - known):
        raise Fault(f"{where} does not know {', '.join(strange)} here")
    if missing := sorted((kept.needs | set(kept.columns)) - set(kwargs)):
        raise Fault(f"{where} needs {', '.join(missing)}")
    if kept.one_of and not kept.one_of & set(kwargs):
        raise Fault(f"{where} needs {' or '.join(sorted(kept.one_of))}")
    if any(isinstance(value, dict) for key, value in kwargs.items() if key != "json_schema"):
        raise Fault(f"{where}: parameters are given by nobody")


def _named(kept: RowExpectation, kwargs: Mapping[str, Any], where: str) -> list[str]:
    """Columns that it looks at, in its order."""
    named: list[str] = []
    for key in kept.columns:
        value = kwargs[key]
        listed = value if key == "column_list" else [value]
        if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
            raise Fault(f"{where}: {key} {value!r} are not columns")
        named += listed
    return named
