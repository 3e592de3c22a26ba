"""ODCS properties → columns. Fields of objects become columns of their own, ``outer.inner``."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from tasks.contracts.model import NESTED, PRIVATE, Column, Inside, Kind
from tasks.contracts.moments.bounds import comparable, moment_of
from tasks.contracts.moments.forms import ZONES, UnknownForm, form_of
from tasks.contracts.moments.zones import zone_named
from tasks.contracts.odcs.documents import Fault
from tasks.contracts.odcs.formats import NUMBERS, PASSWORD, TEXTS
from tasks.contracts.odcs.patterns import python_pattern

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
    "defaultTimezone": "default_timezone",
}
BOUNDS = ("minimum", "exclusive_minimum", "maximum", "exclusive_maximum")
MOMENTS = frozenset({"date", "timestamp", "time"})
OF_A_COLUMN = ("enum", "quality", "relationships", "unique", "primaryKey")
"""Keys that an object whose fields are columns has no column for."""
WIDEST = {"integer": "i64", "number": "f64"}
"""What good rows hold of a column that names no format."""
COUNTED = frozenset(
    {"minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "required",
     "dimensions", "elementType", "normalized", "distanceMetric", "embeddingModel",
     "embeddingModelVersion"}
)  # fmt: skip
"""Options of arrays, objects and vectors, which :mod:`tasks.contracts.odcs.nested` checks."""


def columns_of(
    properties: Sequence[Mapping[str, Any]],
) -> tuple[tuple[Column, ...], tuple[Inside, ...]]:
    """Columns in the contract's order, and what objects around them must hold.

    Raises:
        Fault: a property says something that no check could keep.
    """
    parts = tuple(_flatten(properties, _Around()))
    columns = tuple(item for item in parts if isinstance(item, Column))
    for verb, names in (
        ("names", [column.name for column in columns]),
        ("reads physicalName", [column.source for column in columns]),
    ):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise Fault(f"schema {verb} {', '.join(twice)} more than once")
    if not columns:
        raise Fault("schema names no column")
    return columns, tuple(item for item in parts if isinstance(item, Inside))


class _Around:
    """The objects around a property."""

    def __init__(
        self, name: str = "", source: str = "", *, required: bool = True, classification: str = ""
    ) -> None:
        self.name = name
        self.source = source
        self.required = required
        self.classification = classification


def physical(item: Mapping[str, Any]) -> str:
    """What the file calls a property."""
    return str(item.get("physicalName") or item["name"])


def _flatten(properties: Sequence[Mapping[str, Any]], around: _Around) -> Iterator[Column | Inside]:
    for item in properties:
        name = str(item["name"])
        if not NAME.match(name):
            raise Fault(f"column {name!r} is not a plain name (letters, digits, underscores)")
        own = f"{around.name}{name}"
        source = f"{around.source}{physical(item)}"
        must = around.required and bool(item.get("required") or item.get("primaryKey"))
        inner = item.get("properties")
        if item.get("logicalType") == "object" and inner:
            custom = {part["property"] for part in item.get("customProperties") or []}
            for key in ("formerNames", "profile"):
                if key in custom:
                    raise Fault(f"object {own}: {key} belongs on each of its fields")
            for key in OF_A_COLUMN:
                if item.get(key):
                    raise Fault(f"object {own}: {key} belongs on one of its fields")
            if item.get("primaryKeyPosition") not in {None, -1}:
                raise Fault(f"object {own}: primaryKeyPosition belongs on one of its fields")
            if item.get("partitioned"):
                raise Fault(f"object {own}: partitioned: no folder bears the name of an object")
            within = _Around(
                f"{own}.",
                f"{source}.",
                required=must,
                classification=str(item.get("classification") or around.classification),
            )
            parts = list(_flatten(inner, within))
            if rule := _inside(item, own, source, must, parts):
                yield rule
            yield from parts
        else:
            if around.name and item.get("partitioned"):
                raise Fault(f"column {own}: partitioned: no folder bears the name of a field")
            yield column_of(
                item,
                own,
                source=source,
                required=must,
                classification=str(item.get("classification") or around.classification),
            )


def _inside(
    item: Mapping[str, Any], name: str, source: str, must: bool, parts: list[Column | Inside]
) -> Inside | None:
    """What an object whose fields are columns must hold itself, or None when nothing."""
    options = item.get("logicalTypeOptions") or {}
    listed = set(options.get("required") or ())
    fields = {str(field["name"]): field for field in item["properties"]}
    if strange := sorted(listed - set(fields)):
        raise Fault(f"object {name}: required names {', '.join(strange)}, which it does not have")
    required_names = {part.name for part in parts if isinstance(part, Column) and part.required}
    wanted = [
        (key, physical(field))
        for key, field in fields.items()
        # What is never missing at all needs no second word about it.
        if (field.get("required") or field.get("primaryKey") or key in listed)
        and f"{name}.{key}" not in required_names
    ]
    covered = any(isinstance(part, Column) and part.required for part in parts)
    inside = Inside(
        name=name,
        physical_name=source if source != name else "",
        required=must and not covered,
        fields=tuple(wanted),
        least=options.get("minProperties") or None,
        most=options.get("maxProperties"),
    )
    if inside.most is not None and (inside.least or 0) > inside.most:
        raise Fault(
            f"object {name}: minProperties {inside.least} exceeds maxProperties {inside.most}"
        )
    empty = not (inside.required or inside.fields or inside.least or inside.most is not None)
    return None if empty else inside


def column_of(
    item: Mapping[str, Any],
    name: str,
    *,
    source: str = "",
    required: bool = False,
    classification: str = "",
) -> Column:
    """One property as a column; also what an array or a map holds.

    Raises:
        Fault: it says something that no check could keep.
    """
    kind = item.get("logicalType")
    if kind is None:
        raise Fault(f"column {name} has no logicalType")
    options = dict(item.get("logicalTypeOptions") or {})
    nested = {key: options.pop(key) for key in sorted(COUNTED) if key in options}
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise Fault(f"column {name}: logicalTypeOptions {', '.join(unknown)} cannot be checked")
    custom = {part["property"]: part["value"] for part in item.get("customProperties") or []}
    profile = custom.get("profile", "")
    if profile not in {"", "none", *get_args(Kind)}:
        raise Fault(f"column {name}: customProperties profile is {profile!r}")
    former = custom.get("formerNames") or []
    if not isinstance(former, list) or not all(isinstance(path, str) and path for path in former):
        raise Fault(f"column {name}: customProperties formerNames is {former!r}, not names")
    listed = [entry["value"] for entry in item.get("enum") or []]
    if listed and all(value is None for value in listed):
        raise Fault(f"column {name}: enum lists no value but null; leave it out, or name values")
    described = {
        key: item[key] for key in ("items", "properties", "map") if item.get(key) is not None
    }
    column = Column(
        name=name,
        type=kind,
        description=item.get("description") or "",
        required=required,
        unique=bool(item.get("unique")),
        classification=_classified(item, classification or str(item.get("classification") or "")),
        enum=tuple(value for value in listed if value is not None),
        missing_tokens=_missing_tokens(item),
        items={**described, "options": nested} if described or nested else None,
        profile=profile,
        physical_name="" if source in {"", name} else source,
        partitioned=bool(item.get("partitioned")),
        former_names=tuple(former),
        **({"timezone": False} if kind == "time" else {})
        | {OPTIONS[key]: value for key, value in options.items()},
    )
    return _understood(column)


def _classified(item: Mapping[str, Any], own: str) -> str:
    """A column is as private as the most private part of it; so is a password."""
    if own in PRIVATE:
        return own
    if (item.get("logicalTypeOptions") or {}).get("format") == PASSWORD:
        return "restricted"
    inner = [*(item.get("properties") or ()), *(item.get("map") or {}).values()]
    inner += [item["items"]] if item.get("items") else []
    levels = (_classified(part, str(part.get("classification") or "")) for part in inner)
    return next((level for level in levels if level in PRIVATE), own)


def _understood(column: Column) -> Column:
    """The column, once every value that it says is known to mean something.

    Raises:
        Fault: one of them does not.
    """
    where = f"column {column.name}"
    _format(column, where)
    try:
        pattern = python_pattern(column.pattern)
    except re.error as error:
        message = f"{where}: pattern {column.pattern!r} does not compile: {error}"
        raise Fault(message) from error
    del pattern
    require_bounds(column, where)
    if (column.min_length or 0) > (column.max_length if column.max_length is not None else 2**63):
        raise Fault(f"{where}: minLength {column.min_length} exceeds maxLength {column.max_length}")
    if column.enum and column.type in NESTED:
        raise Fault(f"{where}: enum of {column.type} values cannot be checked")
    for value in column.enum:
        if not fits(column, value):
            raise Fault(f"{where}: enum value {value!r} is no {column.type}; quote what is text")
    return column


def require_bounds(column: Column, where: str) -> None:
    """Refuse bounds that are no values of the column's type, or that leave none.

    Raises:
        Fault: so they are.
    """
    for bound in BOUNDS:
        value = getattr(column, bound)
        if column.type in MOMENTS and value is not None and moment_of(column, str(value)) is None:
            raise Fault(f"{where}: {bound} {value!r} is no {column.type}")
    low, high = limits(column)
    if low is not None and high is not None and not _leaves(column, low, high):
        raise Fault(f"{where}: no value lies between {low[1]} and {high[1]}")
    _numbers(column, where)


def _leaves(column: Column, low: tuple[Any, Any, bool], high: tuple[Any, Any, bool]) -> bool:
    """Whether some value lies between two bounds."""
    if column.type == "integer":
        least = math.floor(low[0]) + 1 if low[2] else math.ceil(low[0])
        return within(least, low, high)
    return bool(low[0] < high[0] or (low[0] == high[0] and not (low[2] or high[2])))


def limits(column: Column) -> tuple[tuple[Any, Any, bool] | None, tuple[Any, Any, bool] | None]:
    """The bounds that count: (comparable value, as written, exclusive) below and above, or None.

    Where a side has an inclusive and an exclusive bound, the one that lets fewer values through.
    """

    def sides(inclusive: str, exclusive: str) -> list[tuple[Any, Any, bool]]:
        bounds = []
        for name, strict in ((inclusive, False), (exclusive, True)):
            value = getattr(column, name)
            if value is not None:
                key = comparable(column, str(value)) if column.type in MOMENTS else value
                bounds.append((key, value, strict))
        return bounds

    low = max(
        sides("minimum", "exclusive_minimum"), key=lambda side: (side[0], side[2]), default=None
    )
    high = min(
        sides("maximum", "exclusive_maximum"), key=lambda side: (side[0], not side[2]), default=None
    )
    return low, high


def within(
    value: Any, low: tuple[Any, Any, bool] | None, high: tuple[Any, Any, bool] | None
) -> bool:
    """Whether a value that bounds compare with lies between :func:`limits`."""
    below = low is not None and (value < low[0] or (low[2] and value == low[0]))
    above = high is not None and (value > high[0] or (high[2] and value == high[0]))
    return not (below or above)


def _format(column: Column, where: str) -> None:
    form, kind = column.format, column.type
    if column.default_timezone:
        try:
            zone_named(column.default_timezone)
        except ValueError as error:
            raise Fault(f"{where}: defaultTimezone {error}") from error
    if kind == "time" and column.zoned:
        raise Fault(f"{where}: a time of day without its day has no zone: leave timezone out")
    if not form:
        return
    if kind in MOMENTS:
        try:
            certain = form_of(form, kind).certain
        except UnknownForm as error:
            raise Fault(
                f"{where}: format {form!r} of a {kind} is not understood: {error}"
            ) from error
        if kind == "timestamp" and not column.timezone and certain & ZONES:
            raise Fault(
                f"{where}: every text of the format {form!r} names a zone, and timezone: false "
                "sets aside each that does; leave timezone out, or write the zone as [ … ]"
            )
    elif kind == "string" and form not in {*TEXTS, PASSWORD}:
        raise Fault(
            f"{where}: format {form!r} of a string cannot be checked, only "
            f"{', '.join([*TEXTS, PASSWORD])}; dates and times have a logicalType of their own"
        )
    elif kind in {"integer", "number"} and form not in NUMBERS:
        raise Fault(f"{where}: format {form!r} cannot be kept: good rows have 64 bits, signed")


def _numbers(column: Column, where: str) -> None:
    """Bounds and steps against what the numbers of a column can be."""
    if column.type not in {"integer", "number"}:
        return
    least, most = NUMBERS[column.format or WIDEST[column.type]]
    low, high = limits(column)
    for bound, leaves in (
        (low, low is None or within(most, low, None)),
        (high, high is None or within(least, None, high)),
    ):
        if bound is not None and not leaves:
            raise Fault(
                f"{where}: {bound[1]} as a bound leaves no value: "
                f"{column.format or WIDEST[column.type]} holds {least} to {most}"
            )
    step = column.multiple_of
    if step is not None and step < sys.float_info.min:
        raise Fault(f"{where}: multipleOf {step} is finer than numbers differ; leave it out")


def fits(column: Column, value: Any) -> bool:
    """Whether a value that a contract lists can be one of the column's."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if column.type in MOMENTS:
        return isinstance(value, str) and moment_of(column, value) is not None
    least, most = NUMBERS[WIDEST["integer"]]
    return {
        "string": isinstance(value, str),
        "integer": number and value == int(value) and least <= value <= most,
        "number": number,
        "boolean": isinstance(value, bool),
    }.get(column.type, False)


def _missing_tokens(item: Mapping[str, Any]) -> tuple[str, ...]:
    """Texts that mean "no value", as the library metric ``missingValues`` names them."""
    tokens: list[str] = []
    for rule in item.get("quality") or []:
        if rule.get("metric") == "missingValues":
            named = (rule.get("arguments") or {}).get("missingValues") or []
            tokens += [str(token) for token in named if token not in {None, ""}]
    return tuple(dict.fromkeys(tokens))
