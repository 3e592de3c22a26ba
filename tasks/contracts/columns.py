"""ODCS properties → columns. Fields of objects become columns of their own, ``outer.inner``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from tasks.contracts.model import Column, Kind
from tasks.contracts.quality import Fault

NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_]{0,127}$")
OPTIONS = {
    "minimum": "minimum",
    "maximum": "maximum",
    "exclusiveMinimum": "exclusive_minimum",
    "exclusiveMaximum": "exclusive_maximum",
    "multipleOf": "multiple_of",
    "minLength": "min_length",
    "maxLength": "max_length",
    "pattern": "pattern",
    "format": "format",
    "timezone": "timezone",
}
NUMBER_FORMATS = re.compile(r"^[iuf]\d{1,3}$")
"""ODCS writes the width of a number as ``i32``, ``f64``; we keep 64 bits, so it is a remark."""


def columns_of(properties: Sequence[Mapping[str, Any]]) -> tuple[Column, ...]:
    """Columns in the contract's order.

    Raises:
        Fault: a property says something that no check could keep.
    """
    found = tuple(_flatten(properties, "", required=True))
    names = [column.name for column in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Fault(f"schema names {', '.join(twice)} more than once")
    if not found:
        raise Fault("schema names no column")
    return found


def _flatten(
    properties: Sequence[Mapping[str, Any]], prefix: str, *, required: bool
) -> Iterator[Column]:
    for item in properties:
        name = str(item["name"])
        if not NAME.match(name):
            raise Fault(f"column {name!r} is not a plain name (letters, digits, underscores)")
        must = required and bool(item.get("required") or item.get("primaryKey"))
        inner = item.get("properties")
        if item.get("logicalType") == "object" and inner:
            custom = {part["property"] for part in item.get("customProperties") or []}
            if "formerNames" in custom:
                raise Fault(f"object {prefix}{name}: formerNames belong on each of its fields")
            # An optional object may be absent as a whole: what it must hold is then not missing.
            yield from _flatten(inner, f"{prefix}{name}.", required=must)
        else:
            yield _column(item, f"{prefix}{name}", required=must)


def _column(item: Mapping[str, Any], name: str, *, required: bool) -> Column:
    kind = item.get("logicalType")
    if kind is None:
        raise Fault(f"column {name} has no logicalType")
    options = dict(item.get("logicalTypeOptions") or {})
    if kind in {"integer", "number"} and NUMBER_FORMATS.match(str(options.get("format", ""))):
        del options["format"]
    nested = {key: options.pop(key) for key in ("minItems", "maxItems", "uniqueItems")
              if key in options}  # fmt: skip
    options.pop("defaultTimezone", None)
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise Fault(f"column {name}: logicalTypeOptions {', '.join(unknown)} cannot be checked")
    pattern = str(options.get("pattern", ""))
    try:
        re.compile(pattern)
    except re.error as error:
        raise Fault(f"column {name}: pattern {pattern!r} does not compile: {error}") from error
    custom = {part["property"]: part["value"] for part in item.get("customProperties") or []}
    profile = custom.get("profile", "")
    if profile not in {"", "none", *get_args(Kind)}:
        raise Fault(f"column {name}: customProperties profile is {profile!r}")
    former = custom.get("formerNames") or []
    if not isinstance(former, list) or not all(isinstance(path, str) and path for path in former):
        raise Fault(f"column {name}: customProperties formerNames is {former!r}, not names")
    described = {
        key: item[key] for key in ("items", "properties", "map") if item.get(key) is not None
    }
    return Column(
        name=name,
        type=kind,
        description=item.get("description") or "",
        required=required,
        unique=bool(item.get("unique")),
        classification=item.get("classification") or "",
        enum=tuple(entry["value"] for entry in item.get("enum") or []),
        missing_tokens=_missing_tokens(item),
        items={**described, "options": nested} if described or nested else None,
        profile=profile,
        former_names=tuple(former),
        **{OPTIONS[key]: value for key, value in options.items()},
    )


def _missing_tokens(item: Mapping[str, Any]) -> tuple[str, ...]:
    """Texts that mean "no value", as the library metric ``missingValues`` names them."""
    tokens: list[str] = []
    for rule in item.get("quality") or []:
        if rule.get("metric") == "missingValues":
            named = (rule.get("arguments") or {}).get("missingValues") or []
            tokens += [token for token in named if isinstance(token, str) and token]
    return tuple(dict.fromkeys(tokens))
