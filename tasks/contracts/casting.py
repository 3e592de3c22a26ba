"""Raw columns → typed columns and, beside each, what did not read.

Text is read strictly: a number is digits, not ``?`` or ``$1,000``; a date has the contract's
format and exists. JSON and Parquet have types, and there a number in quotes is not a number.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tasks.contracts.model import NESTED, Column
from tasks.contracts.nested import fault_in
from tasks.contracts.strict_json import like_json, strict

SHOWN = 200
EPOCH = date(1970, 1, 1).toordinal()
INTEGER = r"^[+-]?\d{1,18}(\.0*)?$"
NUMBER = r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?$"
STAMP = r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$"
TIME = r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?$"
JDK: tuple[tuple[str, str, str], ...] = (
    ("yyyy", "%Y", r"\d{4}"),
    ("MM", "%m", r"\d\d"),
    ("dd", "%d", r"\d\d"),
    ("HH", "%H", r"\d\d"),
    ("mm", "%M", r"\d\d"),
    ("ss", "%S", r"\d\d"),
    ("'T'", "T", "T"),
)
CALENDAR = (date.min.toordinal() - EPOCH, date.max.toordinal() + 1 - EPOCH)
"""First day of the year 1 and of the year 10000, in days since 1970."""
UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
ARROW: dict[str, Any] = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
}


class NotAnObject:
    """Stands where a field was expected inside something that is no object."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"not an object: {self.value!r:.100}"


def arrow_type(column: Column) -> Any:
    """The Arrow type in which good rows carry a column; nested values are JSON text."""
    if column.type == "timestamp":
        return pa.timestamp("us", tz="UTC" if column.timezone else None)
    return ARROW.get(column.type, pa.string())


def cast(column: Column, raw: Any, kind: str) -> tuple[Any, Any]:
    """Read one column.

    Args:
        column: What the contract says.
        raw: pyarrow array or list, as :class:`tasks.lake.formats.Chunk` describes.
        kind: ``text``, ``typed`` or ``objects``.

    Returns:
        The typed pyarrow array (null where nothing was or nothing read), and a string array with
        what did not read (null elsewhere). Same length both.
    """
    if isinstance(raw, list):
        return _from_objects(column, raw, kind)
    if isinstance(raw, pa.ChunkedArray):
        raw = raw.combine_chunks()
    if pa.types.is_dictionary(raw.type):
        raw = raw.dictionary_decode()
    if pa.types.is_large_string(raw.type):
        raw = raw.cast(pa.string())
    raw = _without(raw, column.missing_tokens)
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


def _without(raw: Any, tokens: Sequence[str]) -> Any:
    if not tokens or not pa.types.is_string(raw.type):
        return raw
    return pc.if_else(pc.is_in(raw, value_set=pa.array(list(tokens))), None, raw)


def _nothing(length: int) -> Any:
    return pa.nulls(length, pa.string())


def _shown(values: Any) -> Any:
    return pc.utf8_slice_codeunits(values, 0, SHOWN)


def _from_text(column: Column, raw: Any) -> tuple[Any, Any]:
    reader: Callable[[Column, Any], Any] = {
        "integer": _integers,
        "number": _numbers,
        "boolean": _booleans,
        "date": _dates,
        "timestamp": _stamps,
        "time": _times,
    }.get(column.type, _strings)
    if column.type in NESTED:
        return _from_objects(column, [_unpacked(text) for text in raw.to_pylist()], "objects")
    typed = reader(column, raw)
    failed = pc.and_(pc.is_valid(raw), pc.is_null(typed))
    return typed, _shown(pc.if_else(failed, raw, None))


def _strings(_: Column, raw: Any) -> Any:
    return raw


def _matching(raw: Any, pattern: str) -> Any:
    return pc.if_else(pc.match_substring_regex(raw, pattern), raw, None)


def _integers(_: Column, raw: Any) -> Any:
    digits = pc.replace_substring_regex(_matching(raw, INTEGER), r"^\+|\.0*$", "")
    return digits.cast(pa.int64())


def _numbers(_: Column, raw: Any) -> Any:
    values = pc.replace_substring_regex(_matching(raw, NUMBER), r"^\+", "").cast(pa.float64())
    return pc.if_else(pc.is_finite(values), values, None)


def _booleans(_: Column, raw: Any) -> Any:
    lower = pc.utf8_lower(raw)
    true = pc.is_in(lower, value_set=pa.array(["true", "1"]))
    known = pc.or_(true, pc.is_in(lower, value_set=pa.array(["false", "0"])))
    return pc.if_else(known, true, None)


def _dates(column: Column, raw: Any) -> Any:
    form, pattern = (column.format or "yyyy-MM-dd"), ""
    form, pattern = _strptime(form)
    parsed = pd.to_datetime(
        _matching(raw, pattern).to_pandas(), format=form, errors="coerce", utc=False
    )
    days = pa.Array.from_pandas(parsed.astype("datetime64[s]")).cast(pa.date32())
    return _in_calendar(days, days.cast(pa.int32()).cast(pa.int64()))


def _strptime(form: str) -> tuple[str, str]:
    """A JDK date format as strptime format and as the regular expression of its shape."""
    written, shape, rest = "", "", form
    while rest:
        for token, directive, digits in JDK:
            if rest.startswith(token):
                written, shape, rest = written + directive, shape + digits, rest[len(token) :]
                break
        else:
            sign, rest = rest[0], rest[1:]
            written += "%%" if sign == "%" else sign
            shape += f"\\{sign}" if not sign.isalnum() else sign
    return written, f"^{shape}$"


def _stamps(column: Column, raw: Any) -> Any:
    form, pattern = ("ISO8601", STAMP) if not column.format else _strptime(column.format)
    parsed = pd.to_datetime(
        _matching(raw, pattern).to_pandas(), format=form, errors="coerce", utc=True
    ).astype("datetime64[us, UTC]")
    array = pa.Array.from_pandas(parsed)
    array = _in_calendar(array, array.cast(pa.int64()))
    return array if column.timezone else array.cast(pa.timestamp("us"))


def _times(_: Column, raw: Any) -> Any:
    return _matching(raw, TIME)


def _from_arrow(column: Column, raw: Any) -> tuple[Any, Any]:
    kind, wanted = raw.type, arrow_type(column)
    nothing = _nothing(len(raw))
    if pa.types.is_null(kind):
        return pa.nulls(len(raw), wanted), nothing
    if pa.types.is_string(kind):
        if column.type in {"string", "date", "timestamp", "time", *NESTED}:
            return _from_text(column, raw)
        return pa.nulls(len(raw), wanted), _shown(raw)
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    moment = pa.types.is_date(kind) or pa.types.is_timestamp(kind)
    if number and column.type in {"integer", "number"}:
        return _narrowed(raw, wanted)
    if pa.types.is_boolean(kind) and column.type == "boolean":
        return raw, nothing
    if moment and column.type in {"date", "timestamp"}:
        return _moments(raw, wanted)
    if pa.types.is_time(kind) and column.type == "time":
        return raw.cast(pa.string()), nothing
    return _from_objects(column, raw.to_pylist(), "objects")


def _moments(raw: Any, wanted: Any) -> tuple[Any, Any]:
    """Dates and times; what lies beyond the years 1 to 9999, or in no known zone, did not read."""
    counted = raw.cast(pa.int32()) if pa.types.is_date32(raw.type) else raw.cast(pa.int64())
    kept = _in_calendar(raw, counted.cast(pa.int64()))
    try:
        typed = kept.cast(wanted, safe=False)
    except pa.ArrowInvalid:
        typed = pa.nulls(len(raw), wanted)
    failed = pc.and_(pc.is_valid(raw), pc.is_null(typed))
    if not pc.any(failed).as_py():
        return typed, _nothing(len(raw))
    said = [None if count is None else f"{count} as {raw.type}" for count in counted.to_pylist()]
    return typed, _shown(pc.if_else(failed, pa.array(said, pa.string()), None))


def _in_calendar(moments: Any, counted: Any) -> Any:
    """Moments of the years 1 to 9999, null for others, which would wrap around unseen."""
    kind = moments.type
    if pa.types.is_timestamp(kind):
        per_day = 86_400 * UNITS[kind.unit]
    else:
        per_day = 1 if pa.types.is_date32(kind) else 86_400_000
    first, beyond = (max(-(2**63), min(2**63 - 1, day * per_day)) for day in CALENDAR)
    inside = pc.and_(pc.greater_equal(counted, first), pc.less(counted, beyond))
    return pc.if_else(inside, moments, None)


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


def _unpacked(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return json.loads(text)
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


def _from_objects(column: Column, values: Sequence[Any], kind: str) -> tuple[Any, Any]:
    if kind == "typed" and column.type in NESTED:
        values = [like_json(value) for value in values]
    typed: list[Any] = [None] * len(values)
    failed: list[str | None] = [None] * len(values)
    texts: dict[int, str] = {}
    tokens = frozenset(column.missing_tokens)
    for index, value in enumerate(values):
        if value is None or (isinstance(value, str) and value in tokens):
            continue
        if column.type in {"integer", "number"}:
            typed[index] = _number(value, whole=column.type == "integer")
        elif column.type == "boolean":
            typed[index] = value if isinstance(value, bool) else None
        elif column.type in NESTED:
            fault = fault_in(value, column)
            typed[index] = None if fault else _packed(value)
            if fault:
                failed[index] = fault[:SHOWN]
                continue
        elif isinstance(value, str) and _encodable(value):
            texts[index] = value
            typed[index] = value
        elif isinstance(value, date | datetime) and column.type in {"date", "timestamp"}:
            texts[index] = typed[index] = value.isoformat()
        if typed[index] is None:
            failed[index] = _written(value)
    if column.type in {"date", "timestamp", "time"}:
        array = pa.array([texts.get(index) for index in range(len(values))], pa.string())
        read, unread = _from_text(column, array)
        return read, pc.coalesce(unread, pa.array(failed, pa.string()))
    return pa.array(typed, arrow_type(column)), pa.array(failed, pa.string())


def _packed(value: Any) -> str | None:
    try:
        packed = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
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
    values = typed.cast(pa.float64()).to_numpy(zero_copy_only=False)
    quotient = values / of
    wrong = np.abs(quotient - np.round(quotient)) > 1e-9 * np.maximum(1.0, np.abs(quotient))
    return [f"{value:g}" if bad else None for value, bad in zip(values, wrong, strict=True)]
