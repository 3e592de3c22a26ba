"""Values as strict JSON (RFC 8259): any parser reads it back, and nothing is lost.

JSON has no NaN, no bytes, no decimals and no half characters. Where Python's value is none that
JSON has, it is written as MongoDB's Extended JSON v2 names it: ``{"$numberDouble": "NaN"}``,
``{"$numberDecimal": "1.50"}``, ``{"$binary": {"base64": …}}``; moments are ISO 8601 text. What is
nested deeper than readers take is the text of its JSON: ``{"$json": "[[1]]"}``.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from typing import Any

LARGEST = 2**63
"""From here on an integer is no 64-bit one, and parsers would round or refuse it."""
TEXT = "$escaped"
"""Text that UTF-8 cannot write (half a character), with Python's ``unicode_escape``."""


LEVELS = 62
"""Lists and objects inside each other, of the 64 that readers of JSON take: what stands deeper is
its own text, and so is a value that JSON does not have one level below."""
PACKED = "$json"


def strict(value: Any, levels: int = LEVELS) -> Any:
    """The value in what JSON has; lossless."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value if _encodable(value) else {TEXT: value.encode("unicode_escape").decode()}
    if not isinstance(value, Mapping | list | tuple | set | frozenset):
        return _scalar(value)
    if not levels:
        return {PACKED: jsonable(value)}
    if isinstance(value, Mapping):
        return {_key(key): strict(item, levels - 1) for key, item in value.items()}
    return [strict(item, levels - 1) for item in value]


def _scalar(value: Any) -> Any:
    if hasattr(value, "item") and not isinstance(value, bytes | memoryview):
        value = value.item()  # NumPy's own numbers
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -LARGEST <= value < LARGEST else {"$numberDecimal": str(value)}
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$numberDouble": _named(value)}
    if isinstance(value, Decimal):
        return {"$numberDecimal": str(value)}
    if isinstance(value, bytes | bytearray | memoryview):
        return {"$binary": {"base64": base64.b64encode(value).decode(), "subType": "00"}}
    if isinstance(value, date | time):
        return value.isoformat()
    return strict(str(value))


def _named(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _key(key: Any) -> str:
    text = key if isinstance(key, str) else str(key)
    return text if _encodable(text) else text.encode("unicode_escape").decode()


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def jsonable(value: Any) -> str:
    """One line of strict JSON, in ASCII, keys sorted."""
    return json.dumps(strict(value), sort_keys=True, allow_nan=False)


def like_json(value: Any) -> Any:
    """A typed value as a JSON file would bring it: a decimal is a number, a moment its ISO text.

    A NaN is no value, as in a column. Bytes that are no text stay what no contract calls text.
    """
    if isinstance(value, Mapping):
        return {_key(key): like_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [like_json(item) for item in value]
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, Decimal):
        if not value.is_finite():
            return None if value.is_nan() else float(value)
        whole = value == value.to_integral_value() and value.as_tuple().exponent == 0
        return int(value) if whole else float(value)
    return strict(value) if isinstance(value, date | time | bytes) else value
