"""ODCS quality rules → :class:`Quality`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tasks.contracts.model import Bound, Quality, Severity

ENGINE = "sluice"
ROW_EXPECTATIONS = re.compile(
    r"^expect_(column_values_(?!to_be_unique)|column_value_lengths_|column_pair_values_"
    r"|multicolumn_sum|select_column_values_)"
)
SLUICE_CHECKS: Mapping[str, frozenset[str]] = {
    "imageDecodes": frozenset(),
    "imageSizeAsLabelled": frozenset(),
    "imageSize": frozenset({"minWidth", "minHeight", "maxWidth", "maxHeight"}),
    "noDuplicateImages": frozenset({"maxDistance", "maxDifference", "label"}),
    "noConflictingLabels": frozenset({"label"}),
    "textEncoding": frozenset({"column"}),
    "textLanguage": frozenset({"column", "languages"}),
    "noDuplicateText": frozenset({"column", "within"}),
}
IMAGE_CHECKS = frozenset(
    {"imageDecodes", "imageSizeAsLabelled", "imageSize", "noDuplicateImages", "noConflictingLabels"}
)


class Fault(Exception):
    """A contract says something that cannot be kept; becomes InvalidContract."""


def quality_of(rule: Mapping[str, Any], column: str, names: set[str]) -> Iterator[Quality]:
    """The rule as a value; nothing for prose (``type: text``).

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
        yield _library(rule, where, names, common)
    elif kind == "custom" and rule["engine"] == "greatExpectations":
        yield _expectation(rule, where, names, common)
    elif kind == "custom" and rule["engine"] == ENGINE:
        yield _ours(rule, where, names, common)
    else:
        raise Fault(f"{where}: type {kind} of engine {rule.get('engine')!r} cannot be checked")


def _severity(rule: Mapping[str, Any], where: str) -> Severity:
    written = rule.get("severity", "error")
    if written not in {"error", "warning", "info"}:
        raise Fault(f"{where}: severity {written!r} is not error, warning or info")
    return "error" if written == "error" else "warning"


def _library(
    rule: Mapping[str, Any], where: str, names: set[str], common: dict[str, Any]
) -> Quality:
    arguments = dict(rule.get("arguments") or {})
    metric = rule["metric"]
    if metric == "duplicateValues" and not common["column"]:
        listed = arguments.get("properties") or []
        if not listed or set(listed) - names:
            raise Fault(f"{where}: arguments.properties {listed!r} are not columns")
    if metric in {"nullValues", "missingValues", "invalidValues"} and not common["column"]:
        raise Fault(f"{where}: {metric} belongs to a column")
    return Quality(kind=metric, arguments=arguments, bound=_bound(rule, where), **common)


def _bound(rule: Mapping[str, Any], where: str) -> Bound:
    unit = rule.get("unit", "rows")
    if unit not in {"rows", "percent"}:
        raise Fault(f"{where}: unit {unit!r} is not rows or percent")
    made: dict[str, dict[str, Any]] = {}
    for operator, value in rule.items():
        if operator in {"mustBe", "mustNotBe"}:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise Fault(f"{where}: {operator} {value!r} is not a number")
            made[operator] = {"low": value, "high": value, "inside": operator == "mustBe"}
        elif operator in {"mustBeGreaterThan", "mustBeGreaterOrEqualTo"}:
            made[operator] = {"low": value, "strict": operator == "mustBeGreaterThan"}
        elif operator in {"mustBeLessThan", "mustBeLessOrEqualTo"}:
            made[operator] = {"high": value, "strict": operator == "mustBeLessThan"}
        elif operator in {"mustBeBetween", "mustNotBeBetween"}:
            low, high = value
            made[operator] = {"low": low, "high": high, "inside": operator == "mustBeBetween"}
    if len(made) != 1:
        raise Fault(f"{where}: needs exactly one operator, has {sorted(made) or 'none'}")
    return Bound(unit=unit, **next(iter(made.values())))


def _implementation(rule: Mapping[str, Any], where: str) -> dict[str, Any]:
    written = rule["implementation"]
    parsed = yaml.safe_load(written) if isinstance(written, str) else written
    if not isinstance(parsed, dict):
        raise Fault(f"{where}: implementation is not a mapping")
    return dict(parsed)


def _expectation(
    rule: Mapping[str, Any], where: str, names: set[str], common: dict[str, Any]
) -> Quality:
    body = _implementation(rule, where)
    name, kwargs = str(body.get("type", "")), dict(body.get("kwargs") or {})
    if not ROW_EXPECTATIONS.match(name):
        raise Fault(f"{where}: {name!r} does not judge row by row; use a library metric")
    if common["column"]:
        kwargs.setdefault("column", common["column"])
    columns = [kwargs[key] for key in ("column", "column_A", "column_B") if key in kwargs]
    columns += list(kwargs.get("column_list") or ())
    if not columns or set(columns) - names:
        raise Fault(f"{where}: {columns!r} are not columns")
    common["column"] = columns[0]
    return Quality(
        kind="greatExpectations",
        arguments={"type": name, "kwargs": kwargs, "columns": columns},
        **common,
    )


def _ours(rule: Mapping[str, Any], where: str, names: set[str], common: dict[str, Any]) -> Quality:
    body = _implementation(rule, where)
    check = str(body.pop("check", ""))
    if check not in SLUICE_CHECKS:
        raise Fault(f"{where}: check {check!r} is not one of {', '.join(sorted(SLUICE_CHECKS))}")
    unknown = sorted(set(body) - SLUICE_CHECKS[check])
    if unknown:
        raise Fault(f"{where}: {check} does not know {', '.join(unknown)}")
    if "column" in SLUICE_CHECKS[check]:
        common["column"] = body.pop("column", common["column"])
        if common["column"] not in names:
            raise Fault(f"{where}: {common['column']!r} is not a column")
    return Quality(kind=check, arguments=body, **common)
