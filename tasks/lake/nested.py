"""Nested Parquet values as JSON shapes them: lists, and objects whose keys are text.

What stands inside stays as Python has it (``Decimal``, ``datetime``, ``bytes``), so that a row that
is set aside loses nothing; who reads a value decides what it is as JSON.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time
from typing import Any

import pyarrow as pa

from tasks.lake.extensions import unwrapped


def values_of(array: Any) -> list[Any]:
    """A column's values, level by level.

    A map becomes an object; one that names a key twice becomes a list of pairs, because an object
    would lose one of them. Binary is text where it is UTF-8, as older writers store text. A moment
    that Python has no value for is text: its count and its unit. A UUID is text.
    """
    array = unwrapped(array)
    kind = array.type
    types = pa.types
    if types.is_dictionary(kind):
        return values_of(array.dictionary_decode())
    if types.is_map(kind):
        return list(_maps(array))
    if types.is_list(kind) or types.is_large_list(kind):
        return list(_lists(array))
    if types.is_fixed_size_list(kind):
        return values_of(array.cast(pa.list_(kind.value_type)))
    if types.is_list_view(kind) or types.is_large_list_view(kind):
        return values_of(array.cast(pa.large_list(kind.value_type)))
    if types.is_struct(kind):
        names = [kind.field(index).name for index in range(kind.num_fields)]
        inner = [values_of(child) for child in array.flatten()]
        whole = array.is_valid().to_pylist()
        return [
            {name: values[index] for name, values in zip(names, inner, strict=True)}
            if there
            else None
            for index, there in enumerate(whole)
        ]
    return _leaves(array)


def _leaves(array: Any) -> list[Any]:
    kind = array.type
    if pa.types.is_timestamp(kind) and kind.unit == "ns" and not _finer(array):
        array = array.cast(
            pa.timestamp("us", kind.tz)
        )  # Python's own moments end with microseconds
    try:
        values = array.to_pylist()
    except (ValueError, ArithmeticError, KeyError):  # beyond the year 9999, or in no known zone
        values = [_scalar(value) for value in array]
    if (
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
    ):
        return [_text(value) for value in values]
    return list(values)


def _finer(array: Any) -> bool:
    counts = array.drop_null().cast(pa.int64()).to_numpy()
    return bool((counts % 1000).any())


def _scalar(value: Any) -> Any:
    try:
        return value.as_py()
    except (ValueError, ArithmeticError, KeyError):
        return f"{getattr(value, 'value', '')} as {value.type}"


def _text(value: bytes | None) -> str | bytes | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return value


def _lists(array: Any) -> Iterator[list[Any] | None]:
    offsets = array.offsets.to_pylist()
    inner = values_of(array.values.slice(offsets[0], offsets[-1] - offsets[0]))
    for index, there in enumerate(array.is_valid().to_pylist()):
        start, end = (offset - offsets[0] for offset in offsets[index : index + 2])
        yield inner[start:end] if there else None


def _maps(array: Any) -> Iterator[dict[str, Any] | list[list[Any]] | None]:
    offsets = array.offsets.to_pylist()
    first, length = offsets[0], offsets[-1] - offsets[0]
    keys = values_of(array.keys.slice(first, length))
    items = values_of(array.items.slice(first, length))
    for index, there in enumerate(array.is_valid().to_pylist()):
        start, end = (offset - first for offset in offsets[index : index + 2])
        pairs = list(zip(keys[start:end], items[start:end], strict=True))
        named = {_key(key): item for key, item in pairs}
        if not there:
            yield None
        elif len(named) < len(pairs):
            yield [[key, item] for key, item in pairs]
        else:
            yield named


def _key(value: Any) -> str:
    """A map's key as the text that JSON wants."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date | time):
        return value.isoformat()
    return value if isinstance(value, str) else str(value)
