"""Numbers out of an Arrow array, whatever its type."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_NUMBER = r"^[+-]?((\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[iI]nf(inity)?|[nN]a[nN])$"


def numbers_of(values: Any) -> tuple[NDArray[Any], int, int]:
    """Numbers of an Arrow array.

    Times become seconds since 1970, durations seconds, booleans 0 and 1. Text is parsed; blank text
    is null, and text that is no number is invalid.

    Returns:
        Numbers, shape (n,); how many values are null; how many are invalid.
    """
    import pyarrow as pa

    kind = values.type
    if pa.types.is_dictionary(kind):
        return numbers_of(values.cast(kind.value_type))
    nulls = values.null_count
    if nulls:
        values = values.drop_null()
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        numbers, blank, invalid = _parsed(values)
        return numbers, nulls + blank, invalid
    if pa.types.is_floating(kind) or pa.types.is_integer(kind):
        return values.to_numpy(zero_copy_only=False), nulls, 0
    if pa.types.is_null(kind):
        return np.zeros(0), nulls, 0
    if pa.types.is_boolean(kind):
        return values.to_numpy(zero_copy_only=False).astype(np.float64), nulls, 0
    if pa.types.is_decimal(kind):
        return values.cast(pa.float64()).to_numpy(zero_copy_only=False), nulls, 0
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        millis = values.cast(pa.timestamp("ms"), safe=False).cast(pa.int64())
        return millis.to_numpy(zero_copy_only=False) / 1e3, nulls, 0
    if pa.types.is_duration(kind):
        micros = values.cast(pa.duration("us"), safe=False).cast(pa.int64())
        return micros.to_numpy(zero_copy_only=False) / 1e6, nulls, 0
    return np.zeros(0), nulls, len(values)


def _parsed(values: Any) -> tuple[NDArray[Any], int, int]:
    import pyarrow as pa
    import pyarrow.compute as pc

    trimmed = pc.utf8_trim_whitespace(values)
    filled = trimmed.filter(pc.greater(pc.binary_length(trimmed), 0))
    good = filled.filter(pc.match_substring_regex(filled, _NUMBER))
    # Arrow reads no leading plus sign.
    plain = pc.replace_substring_regex(good, r"^\+", "")
    numbers = plain.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return numbers, len(values) - len(filled), len(filled) - len(good)
