"""What arrays, objects and maps inside a JSON record must hold."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tasks.contracts.model import Column

DEPTH = 32
LARGEST = 2**63


def fault_in(value: Any, column: Column) -> str:
    """The first place where a nested value is not as described, or "" when there is none."""
    outer: dict[str, Any] = {"logicalType": column.type, **(column.items or {})}
    outer["logicalTypeOptions"] = outer.pop("options", None) or {}
    return _fault(value, outer, column.name, DEPTH)


def _fault(value: Any, described: Mapping[str, Any], where: str, depth: int) -> str:
    if depth == 0:
        return f"{where} is nested more than {DEPTH} deep"
    kind = described.get("logicalType")
    options = described.get("logicalTypeOptions") or {}
    if kind in {"array", "vector"}:
        return _array(value, described, options, where, depth)
    if kind == "object":
        return _object(value, described, where, depth)
    if kind == "map":
        inner = (described.get("map") or {}).get("value") or {}
        if not isinstance(value, dict):
            return f"{where} is not a map but {_kind(value)}"
        found = (
            _fault(item, inner, f"{where}.{key:.40}", depth - 1)
            for key, item in value.items()
            if item is not None  # a key without a value, as in any object
        )
        return next(filter(None, found), "")
    return _plain(value, kind, options, described, where)


def _array(
    value: Any, described: Mapping[str, Any], options: Mapping[str, Any], where: str, depth: int
) -> str:
    if not isinstance(value, list):
        return f"{where} is not an array but {_kind(value)}"
    if len(value) < options.get("minItems", 0):
        return f"{where} holds {len(value)} items, fewer than {options['minItems']}"
    if len(value) > options.get("maxItems", len(value)):
        return f"{where} holds {len(value)} items, more than {options['maxItems']}"
    if options.get("uniqueItems") and len({repr(item) for item in value}) < len(value):
        return f"{where} holds an item twice"
    inner = described.get("items") or (
        {"logicalType": "number"} if described.get("logicalType") == "vector" else {}
    )
    found = (_fault(item, inner, f"{where}[{at}]", depth - 1) for at, item in enumerate(value))
    return next(filter(None, found), "")


def _object(value: Any, described: Mapping[str, Any], where: str, depth: int) -> str:
    if not isinstance(value, dict):
        return f"{where} is not an object but {_kind(value)}"
    for field in described.get("properties") or []:
        inside = value.get(field["name"])
        if inside is None:
            if field.get("required"):
                return f"{where}.{field['name']} is missing"
            continue
        if fault := _fault(inside, field, f"{where}.{field['name']}", depth - 1):
            return fault
    return ""


def _plain(
    value: Any,
    kind: str | None,
    options: Mapping[str, Any],
    described: Mapping[str, Any],
    where: str,
) -> str:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = {
        "integer": number and abs(value) < LARGEST and value == int(value),
        "number": number and _finite(value),
        "boolean": isinstance(value, bool),
        "string": isinstance(value, str),
        "timestamp": isinstance(value, str) and _moment(value),
        "date": isinstance(value, str) and _moment(value),
        "time": isinstance(value, str),
        None: True,
    }
    if not fits.get(kind, True):
        return f"{where} is not {'an' if kind == 'integer' else 'a'} {kind} but {_kind(value)}"
    allowed = [entry["value"] for entry in described.get("enum") or []]
    if allowed and value not in allowed:
        return f"{where} is {value!r:.60}, not one of {', '.join(map(str, allowed[:8]))}"
    if number and not options.get("minimum", value) <= value <= options.get("maximum", value):
        return f"{where} is {value!r:.60}, outside its range"
    if isinstance(value, str):
        low, high = options.get("minLength", 0), options.get("maxLength", len(value))
        if not low <= len(value) <= high:
            return f"{where} has {len(value)} characters"
        if "pattern" in options and not re.search(options["pattern"], value):
            return f"{where} is {value!r:.60}, not like {options['pattern']}"
    return ""


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond any float
        return False


def _moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "an array", str: "text", bool: "true or false"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else "nothing")
