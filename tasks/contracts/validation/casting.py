"""Raw columns → typed columns and, beside each, what did not read.

Text is read strictly: a number is digits, not ``?`` or ``$1,000``; a date has the contract's
format and exists. JSON and Parquet have types, and there a number in quotes is not a number.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Callable, Sequence
from datetime import date, time
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tasks.contracts.model import NESTED, Column
from tasks.contracts.moments.arrays import dates, moments, stamps, times
from tasks.contracts.moments.reading import placed, whole_day, written_clock, zone_of
from tasks.contracts.odcs.columns import MOMENTS
from tasks.contracts.odcs.json_texts import loaded
from tasks.contracts.odcs.nested import Checker
from tasks.contracts.odcs.single import is_multiple, is_void
from tasks.contracts.validation.strict_json import like_json, strict

SHOWN = 200
INTEGER = r"^[+-]?\d{1,19}(\.0*)?$"
NUMBER = r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?$"
NUMERIC = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
ARROW: dict[str, Any] = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
}


class NotAnObject:
    """Stands where a field was expected inside something that is no object.

    ``kind`` says what it is where a whole value was expected, and its text is no JSON.
    """

    kind = "text that is no JSON"

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"not an object: {self.value!r:.100}"


def arrow_type(column: Column) -> Any:
    """The Arrow type in which good rows carry a column; nested values are JSON text."""
    if column.type == "timestamp":
        return pa.timestamp("us", tz="UTC" if column.zoned else None)
    return ARROW.get(column.type, pa.string())


def cast(column: Column, raw: Any, kind: str) -> tuple[Any, Any]:
    """Read one column.

    Args:
        column: What the contract says.
        raw: pyarrow array or list, as :class:`tasks.lake.chunks.Chunk` describes.
        kind: ``text``, ``typed`` or ``objects``.

    Returns:
        The typed pyarrow array (null where nothing was or nothing read), and a string array with
        what did not read (null elsewhere). Same length both.
    """
    if isinstance(raw, list):
        return _from_objects(column, raw)
    if isinstance(raw, pa.ChunkedArray):
        raw = raw.combine_chunks()
    if pa.types.is_dictionary(raw.type):
        raw = raw.dictionary_decode()
    if pa.types.is_large_string(raw.type):
        raw = raw.cast(pa.string())
    raw = _without(column, raw, kind)
    if kind == "text":
        return _from_text(column, pc.if_else(pc.equal(raw, ""), None, raw))
    return _from_arrow(column, raw)


def to_pandas(array: Any) -> pd.Series:
    """A column in the form that Great Expectations compares without a loop over its values.

    Dates and times become UTC times, booleans keep their nulls, and integers with nulls become
    floats unless that would change a value.
    """
    kind = array.type
    mapper = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    if array.null_count == 0:
        mapper = {}
    if pa.types.is_date(kind):
        array = array.cast(pa.timestamp("s")).cast(pa.timestamp("s", tz="UTC"))
    elif pa.types.is_timestamp(kind):
        array = array.cast(pa.timestamp("us", tz="UTC"))
    elif pa.types.is_integer(kind) and array.null_count:
        with contextlib.suppress(pa.ArrowInvalid):  # beyond 2⁵³ it stays as it is
            array = array.cast(pa.float64())
    series: pd.Series = pa.chunked_array([array]).to_pandas(types_mapper=mapper.get)
    return series


def _without(column: Column, raw: Any, kind: str) -> Any:
    """The values but for those that stand for "no value", as the contract names such values.

    A number is the same in whatever digits: the text ``-999.0`` of CSV, the decimal -999.00. In
    columns of whole numbers it is no other number of the same float, but where floats were written.
    """
    tokens = column.missing_tokens
    if not tokens:
        return raw
    numbers = pa.array([float(token) for token in tokens if re.fullmatch(NUMBER, token)])
    if pa.types.is_string(raw.type):
        void = pc.is_in(raw, value_set=pa.array(list(tokens)))
        if kind == "text" and len(numbers) and column.type in {"integer", "number"}:
            void = pc.or_(void, _same(column, raw, _numbers(column, raw), numbers))
    elif len(numbers) and any(is_number(raw.type) for is_number in NUMERIC):
        void = _same(column, raw, raw.cast(pa.float64(), safe=False), numbers)
    else:
        return raw
    return pc.if_else(void, None, raw)


def _same(column: Column, raw: Any, floats: Any, numbers: Any) -> Any:
    """Which values are one of the numbers that stand for "no value"."""
    void = pc.is_in(floats, value_set=numbers)
    if column.type != "integer" or pa.types.is_floating(raw.type):
        return void
    exact = _exact(column)
    alike = pc.unique(raw.filter(void)).to_pylist()
    return pc.is_in(raw, value_set=pa.array([v for v in alike if Decimal(v) in exact], raw.type))


def _exact(column: Column) -> frozenset[Decimal]:
    return frozenset(Decimal(text) for text in column.missing_tokens if re.fullmatch(NUMBER, text))


def _nothing(length: int) -> Any:
    return pa.nulls(length, pa.string())


def _shown(values: Any) -> Any:
    return pc.utf8_slice_codeunits(values, 0, SHOWN)


def _from_text(column: Column, raw: Any) -> tuple[Any, Any]:
    reader: Callable[[Column, Any], Any] = {
        "integer": _integers,
        "number": _numbers,
        "boolean": _booleans,
        "date": dates,
        "timestamp": stamps,
        "time": times,
    }.get(column.type, _strings)
    if column.type in NESTED:
        return _from_objects(column, [unpacked(text) for text in raw.to_pylist()])
    typed = reader(column, raw)
    failed = pc.and_(pc.is_valid(raw), pc.is_null(typed))
    return typed, _shown(pc.if_else(failed, raw, None))


def _strings(_: Column, raw: Any) -> Any:
    return raw


def _matching(raw: Any, pattern: str) -> Any:
    return pc.if_else(pc.match_substring_regex(raw, pattern), raw, None)


def _integers(_: Column, raw: Any) -> Any:
    digits = pc.replace_substring_regex(_matching(raw, INTEGER), r"^\+|\.0*$", "")
    try:
        return digits.cast(pa.int64())
    except pa.ArrowInvalid:  # nineteen digits may or may not fit into 64 bits
        whole = (None if text is None else int(text) for text in digits.to_pylist())
        return pa.array([_number(value, whole=True) for value in whole], pa.int64())


def _numbers(_: Column, raw: Any) -> Any:
    values = pc.replace_substring_regex(_matching(raw, NUMBER), r"^\+", "").cast(pa.float64())
    return pc.if_else(pc.is_finite(values), values, None)


def _booleans(_: Column, raw: Any) -> Any:
    lower = pc.utf8_lower(raw)
    true = pc.is_in(lower, value_set=pa.array(["true", "1"]))
    known = pc.or_(true, pc.is_in(lower, value_set=pa.array(["false", "0"])))
    return pc.if_else(known, true, None)


def _from_arrow(column: Column, raw: Any) -> tuple[Any, Any]:
    kind, wanted = raw.type, arrow_type(column)
    nothing = _nothing(len(raw))
    if pa.types.is_null(kind):
        return pa.nulls(len(raw), wanted), nothing
    if pa.types.is_string(kind):
        if column.type in {"string", "date", "timestamp", "time", *NESTED}:
            return _from_text(column, raw)
        return pa.nulls(len(raw), wanted), _shown(raw)
    number = any(is_number(kind) for is_number in NUMERIC)
    moment = pa.types.is_date(kind) or pa.types.is_timestamp(kind)
    if number and column.type in {"integer", "number"}:
        return _narrowed(raw, wanted)
    if pa.types.is_boolean(kind) and column.type == "boolean":
        return raw, nothing
    if moment and column.type in {"date", "timestamp"}:
        typed, unread = moments(column, raw, wanted)
        return typed, _shown(unread)
    if pa.types.is_time(kind) and column.type == "time":
        return times(column.model_copy(update={"format": ""}), raw.cast(pa.string())), nothing
    return _from_objects(column, raw.to_pylist())


def _narrowed(raw: Any, wanted: Any) -> tuple[Any, Any]:
    """Numbers to int64 or float64; a NaN is no value, what does not fit did not read."""
    if pa.types.is_floating(raw.type):
        raw = pc.if_else(pc.is_nan(raw), None, raw)
    try:
        typed = raw.cast(wanted)
    except pa.ArrowInvalid:
        values = raw.to_pylist()
        kept = [_number(value, whole=wanted == pa.int64()) for value in values]
        typed = pa.array(kept, wanted)
    if wanted == pa.float64():
        typed = pc.if_else(pc.is_finite(typed), typed, None)
    failed = pc.and_(pc.is_valid(raw), pc.is_null(typed))
    if not pc.any(failed).as_py():
        return typed, _nothing(len(raw))
    return typed, pc.if_else(failed, raw.cast(pa.string()), None)


def _number(value: Any, *, whole: bool) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    try:
        if whole:
            return int(value) if value == int(value) and -(2**63) <= value < 2**63 else None
        return float(value) if math.isfinite(value) else None
    except (OverflowError, ValueError):
        return None


def unpacked(text: str | None) -> Any:
    """What a JSON text holds; a marker where it holds nothing that can be read."""
    if text is None:
        return None
    try:
        return loaded(text)
    except (ValueError, RecursionError):
        return NotAnObject(text)


def _encodable(value: str) -> bool:
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON can write and UTF-8 cannot
        return False
    return True


def _from_objects(column: Column, values: Sequence[Any]) -> tuple[Any, Any]:
    typed: list[Any] = [None] * len(values)
    failed: list[str | None] = [None] * len(values)
    texts: dict[int, str] = {}
    void = _void(column)
    checker = Checker(column) if column.type in NESTED else None
    for index, value in enumerate(values):
        if is_void(value) or void(value):
            continue
        if column.type in {"integer", "number"}:
            typed[index] = _number(value, whole=column.type == "integer")
        elif column.type == "boolean":
            typed[index] = value if isinstance(value, bool) else None
        elif checker is not None:
            fault = checker.fault(value)
            typed[index] = None if fault else _packed(checker.named(value))
            if fault:
                failed[index] = fault[:SHOWN]
                continue
        elif isinstance(value, str) and _encodable(value):
            texts[index] = value
            typed[index] = value
        elif isinstance(value, date | time) and column.type in MOMENTS:
            typed[index] = _native(column, value)
        if typed[index] is None:
            failed[index] = _written(value)
    if column.type in MOMENTS:
        array = pa.array([texts.get(index) for index in range(len(values))], pa.string())
        read, unread = _from_text(column, array)
        native = [None if index in texts else value for index, value in enumerate(typed)]
        read = pc.coalesce(read, pa.array(native, arrow_type(column)))
        return read, pc.coalesce(unread, pa.array(failed, pa.string()))
    return pa.array(typed, arrow_type(column)), pa.array(failed, pa.string())


def _native(column: Column, value: date | time) -> date | str | None:
    """A date or time of Python's own, as good rows carry it; None when it is of another type."""
    if column.type == "time":
        return written_clock(value) if isinstance(value, time) else None
    if isinstance(value, time):
        return None
    if column.type == "date":
        return whole_day(value)
    # A file with types of its own knows whether its moments have a zone.
    moment = placed(value, zone_of(column), column.model_copy(update={"timezone": True}))
    return moment if moment is None or column.zoned else moment.replace(tzinfo=None)


def _void(column: Column) -> Callable[[Any], bool]:
    """Whether a value stands for "no value", as the contract names such values."""
    tokens = frozenset(column.missing_tokens)
    exact = _exact(column)
    numbers = {float(number) for number in exact}

    def void(value: Any) -> bool:
        if isinstance(value, str):
            return value in tokens
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            return False
        whole = column.type == "integer" and not isinstance(value, float)
        return value in (exact if whole else numbers)

    return void if tokens else lambda _value: False


def _packed(value: Any) -> str | None:
    try:
        packed = json.dumps(like_json(value), sort_keys=True, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return None
    return packed if _encodable(packed) else None


def _written(value: Any) -> str:
    try:
        text = value if isinstance(value, str) else json.dumps(value, default=strict)
    except RecursionError:
        text = "(nested too deeply to be shown)"
    except (TypeError, ValueError):
        text = repr(value)
    return text[:SHOWN].encode("utf-8", "backslashreplace").decode()


def ordinal_index(length: int) -> pd.RangeIndex:
    """Rows of a batch are numbered from 0, which is what Great Expectations gives back."""
    return pd.RangeIndex(length)


def not_multiples(typed: Any, of: float) -> list[str | None]:
    """Evidence for ``multipleOf``."""
    return [
        f"{value:g}" if value is not None and not is_multiple(value, of) else None
        for value in typed.to_pylist()
    ]
