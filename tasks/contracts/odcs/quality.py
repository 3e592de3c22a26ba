"""ODCS quality rules → :class:`Quality`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tasks.contracts.model import NESTED, Bound, Column, Format, Quality, Severity
from tasks.contracts.odcs.columns import column_of
from tasks.contracts.odcs.counts import bound_of
from tasks.contracts.odcs.documents import Fault, plain
from tasks.contracts.odcs.expectations import expectation_of
from tasks.contracts.odcs.own_checks import own_check
from tasks.contracts.odcs.patterns import python_pattern
from tasks.yaml_documents import yaml_document

ENGINE = "sluice"
ARGUMENTS: Mapping[str, frozenset[str]] = {
    "nullValues": frozenset(),
    "missingValues": frozenset({"missingValues"}),
    "invalidValues": frozenset({"validValues", "pattern"}),
    "duplicateValues": frozenset({"properties"}),
    "rowCount": frozenset(),
}
"""Metrics of the ODCS library and the arguments that are honoured."""


def quality_of(
    rule: Mapping[str, Any], column: str, columns: Mapping[str, Column], form: Format
) -> Iterator[Quality]:
    """The rule as values; nothing for prose (``type: text``).

    Args:
        rule: As the contract writes it.
        column: The column that it stands at, or "" at the table.
        columns: All columns by name.
        form: What the data set's objects are.

    Raises:
        Fault: the rule cannot be checked.
    """
    kind = rule.get("type", "library")
    where = f"quality {rule.get('name') or rule.get('metric') or kind}"
    if kind == "text":
        return
    common: dict[str, Any] = {
        "column": column,
        "name": rule.get("name") or "",
        "description": rule.get("description") or "",
        "severity": _severity(rule, where),
    }
    if kind == "library":
        yield from _library(rule, where, columns, common)
    elif kind == "custom" and rule["engine"] == "greatExpectations":
        yield _expectation(rule, where, columns, common)
    elif kind == "custom" and rule["engine"] == ENGINE:
        body = _implementation(rule, where)
        yield own_check(body, where, common, columns, form)
    else:
        raise Fault(f"{where}: type {kind} of engine {rule.get('engine')!r} cannot be checked")


def _severity(rule: Mapping[str, Any], where: str) -> Severity:
    written = rule.get("severity", "error")
    if written not in {"error", "warning", "info"}:
        raise Fault(f"{where}: severity {written!r} is not error, warning or info")
    return "error" if written == "error" else "warning"


def _library(
    rule: Mapping[str, Any], where: str, columns: Mapping[str, Column], common: dict[str, Any]
) -> Iterator[Quality]:
    arguments = dict(rule.get("arguments") or {})
    metric, column = str(rule.get("metric")), common["column"]
    if metric not in ARGUMENTS:
        raise Fault(f"{where}: metric {metric!r} is not one of {', '.join(ARGUMENTS)}")
    if strange := sorted(set(arguments) - ARGUMENTS[metric]):
        raise Fault(f"{where}: {metric} does not know the arguments {', '.join(strange)}")
    bound = bound_of(rule, where)
    if metric == "duplicateValues":
        listed = arguments.get("properties") or ([column] if column else [])
        if not listed or set(listed) - set(columns):
            raise Fault(f"{where}: arguments.properties {listed!r} are not columns")
        if nested := [name for name in listed if columns[name].type in NESTED]:
            raise Fault(f"{where}: {nested[0]} is nested, and is not looked for twice")
    elif metric == "rowCount":
        if column:
            raise Fault(f"{where}: rowCount belongs to the table")
        if bound.unit != "rows":
            raise Fault(f"{where}: rowCount is counted in rows")
    elif not column:
        raise Fault(f"{where}: {metric} belongs to a column")
    tokens = arguments.get("missingValues")
    if metric == "missingValues" and not isinstance(tokens, list | None):
        raise Fault(f"{where}: missingValues {tokens!r} is not a list")
    if tokens and columns[column].type in {"boolean", *NESTED}:
        raise Fault(f"{where}: no value of a {columns[column].type} stands for a missing one")
    if metric == "invalidValues":
        yield from _invalid(columns[column], arguments, bound, where, common)
        return
    yield Quality(kind=metric, arguments=arguments, bound=bound, **common)


def _invalid(
    column: Column, arguments: dict[str, Any], bound: Bound, where: str, common: dict[str, Any]
) -> Iterator[Quality]:
    """One value for each of ``validValues`` and ``pattern``."""
    if len(arguments) > 1 and bound.high != 0:
        raise Fault(f"{where}: validValues and pattern are counted apart; write two rules")
    if "validValues" in arguments:
        values = arguments["validValues"]
        if not isinstance(values, list) or not values:
            raise Fault(f"{where}: validValues {values!r} is not a list of values")
        values = [value for value in values if value is not None]  # a missing value is judged apart
        if not values:
            raise Fault(
                f"{where}: validValues lists no value but null; name values, or count what is "
                "missing by nullValues"
            )
        arguments["validValues"] = values
        # The same words as of an enum: what no value can be equal to is no value.
        item = {"logicalType": column.type, "enum": [{"value": value} for value in values]}
        options = {"format": column.format} if column.format else {}
        column_of({**item, "logicalTypeOptions": options}, f"{column.name}, {where}")
    if "pattern" in arguments:
        if column.type != "string":
            raise Fault(f"{where}: a {column.type} has no pattern")
        try:
            python_pattern(str(arguments["pattern"]))
        except re.error as error:
            message = f"{where}: pattern {arguments['pattern']!r} does not compile: {error}"
            raise Fault(message) from error
    for key in arguments or {"": None}:
        part = {key: arguments[key]} if key else {}
        yield Quality(kind="invalidValues", arguments=part, bound=bound, **common)


def _implementation(rule: Mapping[str, Any], where: str) -> dict[str, Any]:
    written = rule["implementation"]
    try:
        parsed = yaml_document(written) if isinstance(written, str) else written
    except yaml.YAMLError as error:
        raise Fault(f"{where}: implementation is not YAML: {error}") from error
    if not isinstance(parsed, dict):
        raise Fault(f"{where}: implementation is not a mapping")
    return dict(plain(parsed, f"{where}: "))


def _expectation(
    rule: Mapping[str, Any], where: str, columns: Mapping[str, Column], common: dict[str, Any]
) -> Quality:
    expectation = expectation_of(_implementation(rule, where), where, common["column"], columns)
    common["column"] = expectation.columns[0]
    return Quality(
        kind="greatExpectations",
        arguments={
            "type": expectation.type,
            "kwargs": expectation.kwargs,
            "columns": list(expectation.columns),
        },
        bound=expectation.bound,
        **common,
    )
