"""What arrays, objects and maps inside a record must hold: every rule of every part of them.

A part is described as a column is, and is compiled by the same words; a rule that only a whole
column can keep (uniqueness, quality, relationships) is refused when the contract is loaded
(:mod:`tasks.contracts.odcs.standard`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.contracts.model import NESTED, Column
from tasks.contracts.odcs.columns import column_of, physical
from tasks.contracts.odcs.documents import Fault
from tasks.contracts.odcs.formats import NUMBERS
from tasks.contracts.odcs.single import Rule, is_finite, is_number, is_void, kind_of, plain_rule

DEPTH = 32
NORM = 1e-3
"""How far the length of a normalised vector may lie from 1: what float16 leaves of it."""
ELEMENTS: Mapping[str, tuple[float, float]] = {
    "int8": (-128, 127),
    "uint8": (0, 255),
    "binary": (0, 1),
    "float16": (-65504.0, 65504.0),
    "bfloat16": (-3.3895313892515355e38, 3.3895313892515355e38),
    "float32": NUMBERS["f32"],
    "float64": NUMBERS["f64"],
}


@dataclass(frozen=True)
class Shape:
    """One part, compiled.

    Attributes:
        column: Its rules, as of a column.
        options: Options of arrays, objects and vectors.
        fields: (key in the file, shape) of an object's fields.
        item: What an array holds.
        key, value: What a map holds.
        plain: The rules of a value that holds no others.
    """

    column: Column
    options: Mapping[str, Any] = field(default_factory=dict)
    fields: tuple[tuple[str, Shape], ...] = ()
    item: Shape | None = None
    key: Shape | None = None
    value: Shape | None = None
    plain: Rule = lambda _value, _where: ""

    @property
    def renames(self) -> bool:
        """Whether the file calls anything inside by another name."""
        inner = [shape for _, shape in self.fields] + [
            shape for shape in (self.item, self.value) if shape is not None
        ]
        return any(key != shape.column.name for key, shape in self.fields) or any(
            shape.renames for shape in inner
        )


def shape_of(column: Column) -> Shape:
    """Compile the description of a nested column.

    Raises:
        Fault: a part of it says something that no check could keep.
    """
    described: dict[str, Any] = {"logicalType": column.type, **(column.items or {})}
    described["logicalTypeOptions"] = described.pop("options", None) or {}
    return _shape(described, column.name, column, DEPTH)


def _shape(item: Mapping[str, Any], where: str, column: Column | None, depth: int) -> Shape:
    if depth == 0:
        raise Fault(f"{where} is nested more than {DEPTH} deep")
    if column is None:
        name = str(item.get("name") or where)
        required = bool(item.get("required") or item.get("primaryKey"))
        column = column_of(item, name, source=physical({"name": name, **item}), required=required)
    options = dict(item.get("logicalTypeOptions") or {})
    if column.type not in NESTED:
        return Shape(column, plain=plain_rule(column))
    for low, high in (("minItems", "maxItems"), ("minProperties", "maxProperties")):
        if (options.get(low) or 0) > options.get(high, math.inf):
            raise Fault(f"{where}: {low} {options[low]} exceeds {high} {options[high]}")
    fields = tuple(
        (physical(part), _shape(part, f"{where}.{part['name']}", None, depth - 1))
        for part in item.get("properties") or ()
    )
    names = [shape.column.name for _, shape in fields]
    if len(set(names)) < len(names):
        raise Fault(f"{where} names a field twice")
    strange = sorted(
        set(options.get("required") or ())
        - {*names, *([] if names else options.get("required") or ())}
    )
    if strange:
        raise Fault(f"{where}: required names {', '.join(strange)}, which it does not have")
    mapped = item.get("map") or {}
    inner = {
        part: _shape(described, f"{where}{'[]' if part == 'item' else f'.{part}'}", None, depth - 1)
        for part, described in (
            ("item", item.get("items")),
            ("key", mapped.get("key")),
            ("value", mapped.get("value")),
        )
        if described
    }
    element, key, value = inner.get("item"), inner.get("key"), inner.get("value")
    if key is not None and key.column.type in NESTED:
        raise Fault(f"{where}: a map's key is a {key.column.type}, which no text can be")
    return Shape(column, options, fields, element, key, value)


class Checker:
    """Checks values of one nested column."""

    def __init__(self, column: Column) -> None:
        self._shape = shape_of(column)
        self._name = column.name
        self._renames = self._shape.renames

    def fault(self, value: Any) -> str:
        """The first place where a value is not as described, or "" when there is none."""
        return _fault(value, self._shape, self._name, DEPTH)

    def named(self, value: Any) -> Any:
        """The value with the contract's names instead of the file's."""
        value = _mapping(value) if self._shape.column.type == "map" else value
        return _named(value, self._shape) if self._renames else value


def _fault(value: Any, shape: Shape, where: str, depth: int) -> str:
    if depth == 0:
        return f"{where} is nested more than {DEPTH} deep"
    kind = shape.column.type
    if kind == "array":
        faults = _array(value, shape, where, depth)
    elif kind == "vector":
        faults = _vector(value, shape, where)
    elif kind == "object":
        faults = _object(value, shape, where, depth)
    elif kind == "map":
        faults = _map(value, shape, where, depth)
    else:
        return shape.plain(value, where)
    return next(filter(None, faults), "")


def _array(value: Any, shape: Shape, where: str, depth: int) -> Iterator[str]:
    options = shape.options
    if not isinstance(value, list):
        yield f"{where} is not an array but {kind_of(value)}"
        return
    if len(value) < options.get("minItems", 0):
        yield f"{where} holds {len(value)} items, fewer than {options['minItems']}"
    if len(value) > options.get("maxItems", len(value)):
        yield f"{where} holds {len(value)} items, more than {options['maxItems']}"
    if options.get("uniqueItems") and len({_same(item) for item in value}) < len(value):
        yield f"{where} holds an item twice"
    if shape.item is None:
        return
    for at, item in enumerate(value):
        if is_void(item):
            if shape.item.column.required:
                yield f"{where}[{at}] is missing"
            continue
        yield _fault(item, shape.item, f"{where}[{at}]", depth - 1)


def _same(value: Any) -> str:
    """Text that two items share when JSON calls them equal: 1 and 1.0, but not 1 and true."""
    if isinstance(value, dict):
        return repr(sorted((key, _same(inner)) for key, inner in value.items()))
    if isinstance(value, list):
        return repr([_same(inner) for inner in value])
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        return repr(int(value))
    return repr(value)


def _vector(value: Any, shape: Shape, where: str) -> Iterator[str]:
    options = shape.options
    if not isinstance(value, list):
        yield f"{where} is not a vector but {kind_of(value)}"
        return
    dimensions = options.get("dimensions")
    if dimensions is not None and len(value) != dimensions:
        yield f"{where} has {len(value)} dimensions, not {dimensions}"
    element = str(options.get("elementType", "float32"))
    low, high = ELEMENTS[element]
    whole = element in {"int8", "uint8", "binary"}
    for at, item in enumerate(value):
        if not is_number(item) or not is_finite(item):
            yield f"{where}[{at}] is not a number but {kind_of(item)}"
        elif not low <= item <= high or (whole and item != int(item)):
            yield f"{where}[{at}] is {item!r:.60}, no {element}"
    if options.get("normalized") and all(map(is_number, value)):
        length = math.sqrt(sum(float(item) ** 2 for item in value))
        if abs(length - 1) > NORM:
            yield f"{where} has length {length:.4g}, not 1"


def _object(value: Any, shape: Shape, where: str, depth: int) -> Iterator[str]:
    options = shape.options
    if not isinstance(value, dict):
        yield f"{where} is not an object but {kind_of(value)}"
        return
    if len(value) < options.get("minProperties", 0):
        yield f"{where} has {len(value)} fields, fewer than {options['minProperties']}"
    if len(value) > options.get("maxProperties", len(value)):
        yield f"{where} has {len(value)} fields, more than {options['maxProperties']}"
    wanted = frozenset(options.get("required") or ())
    keys = {inner.column.name: key for key, inner in shape.fields}
    for name in sorted(wanted - set(keys)):
        if is_void(value.get(name)):
            yield f"{where}.{name} is missing"
    for key, inner in shape.fields:
        member, name = value.get(key), inner.column.name
        if is_void(member):
            if inner.column.required or name in wanted:
                yield f"{where}.{name} is missing"
            continue
        yield _fault(member, inner, f"{where}.{name}", depth - 1)


def _mapping(value: Any) -> Any:
    """A map as a mapping; typed files bring it as a list of pairs."""
    pairs = isinstance(value, list) and all(isinstance(p, tuple) and len(p) == 2 for p in value)  # noqa: PLR2004 - a pair
    return dict(value) if pairs and value else {} if pairs else value


def _map(value: Any, shape: Shape, where: str, depth: int) -> Iterator[str]:
    value = _mapping(value)
    if not isinstance(value, dict):
        yield f"{where} is not a map but {kind_of(value)}"
        return
    for key, item in value.items():
        if shape.key is not None:
            yield _key_fault(key, shape.key, where)
        if shape.value is None:
            continue
        if is_void(item):
            if shape.value.column.required:
                yield f"{where}.{key:.40} is missing"
            continue
        yield _fault(item, shape.value, f"{where}.{key!s:.40}", depth - 1)


def _key_fault(key: Any, shape: Shape, where: str) -> str:
    """A key is text in JSON, whatever it stands for."""
    value: Any = key
    if isinstance(key, str) and shape.column.type in {"integer", "number"}:
        try:
            value = int(key) if shape.column.type == "integer" else float(key)
        except ValueError:
            value = key
    elif isinstance(key, str) and shape.column.type == "boolean":
        value = {"true": True, "false": False}.get(key, key)
    return shape.plain(value, f"{where}: key {key!s:.40}")


def _named(value: Any, shape: Shape) -> Any:
    if value is None or not shape.renames:
        return value
    if isinstance(value, list) and shape.item is not None:
        return [_named(item, shape.item) for item in value]
    if shape.column.type == "map" and shape.value is not None:
        return {key: _named(item, shape.value) for key, item in value.items()}
    names = dict(shape.fields)
    return {
        names[key].column.name if key in names else key: (
            _named(item, names[key]) if key in names else item
        )
        for key, item in value.items()
    }
