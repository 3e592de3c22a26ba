"""One value of a request → a number, a day or a text; what is none is the client's fault."""

from __future__ import annotations

import math
import re
import reprlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar

import numpy as np

# Python's float() also reads 1_000, blanks, other scripts' digits and "infinity": no client means
# them.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_LONGEST_NUMBER = 400
LONGEST_TEXT = 100_000
"""Characters of one text: more take longer to read than an answer may."""


class BadInput(Exception):
    """The client sent something that the model cannot read."""

    status: ClassVar[int] = 400
    """What HTTP says of it: a 4xx, so that it is counted apart from the model's failures."""


def shown(value: Any) -> str:
    """A value of a request for a message: short, whatever its depth and length.

    >>> shown([[["deep"]]])
    '[[[...]]]'
    """
    short = reprlib.Repr()
    short.maxlevel = 2
    short.maxstring = short.maxother = 60
    # A client's text may hold halves of characters that no log can write.
    return short.repr(value)[:120].encode("ascii", "backslashreplace").decode("ascii")


def _inside(row: Mapping[str, Any], name: str) -> Any:
    """The value of ``outer.inner`` in a record that is nested as the contract's are; else None."""
    value: Any = row
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def cell(row: Any, column: Mapping[str, Any], number: int) -> Any:
    """The value of a column: float, ``datetime64[D]`` or text; NaN, NaT or "" where it is missing.

    Args:
        row: The instance: columns by name, or a record whose objects hold them.
        column: Its entry in preprocess.json: ``name``, ``type``, ``required``.
        number: Index of the instance, for the message.

    Raises:
        BadInput: naming instance and column.
    """
    name = column["name"]
    if not isinstance(row, Mapping):
        raise BadInput(f"instance {number}: expected an object of columns, got {shown(row)}")
    value = row[name] if name in row else _inside(row, name)
    read, missing = _TYPES[column["type"]]
    if value is None:
        if column["required"]:
            raise BadInput(f"instance {number}: column {name!r} is missing")
        return missing
    return read(value, f"instance {number}: column {name!r} is {shown(value)}")


def _day(value: Any, where: str) -> np.datetime64:
    if not isinstance(value, str) or not value.isascii():
        raise BadInput(f"{where}, not a date like 2026-01-31")
    try:
        return np.datetime64(datetime.fromisoformat(value).date(), "D")
    except ValueError as error:
        raise BadInput(f"{where}, not a date like 2026-01-31") from error


def _number(value: Any, where: str) -> float:
    if isinstance(value, str):
        if len(value) > _LONGEST_NUMBER or not _NUMBER.fullmatch(value):
            raise BadInput(f"{where}, no number")
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise BadInput(f"{where}, no number")
    try:
        number = float(value)
    except OverflowError as error:
        raise BadInput(f"{where}, not finite") from error
    if not math.isfinite(number):
        raise BadInput(f"{where}, not finite")
    return number


def _boolean(value: Any, where: str) -> float:
    if not isinstance(value, bool):
        raise BadInput(f"{where}, neither true nor false")
    return float(value)


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise BadInput(f"{where}, no text")
    if len(value) > LONGEST_TEXT:
        raise BadInput(f"{where}, of {len(value)} characters; at most {LONGEST_TEXT} are read")
    return value


_TYPES: Mapping[str, tuple[Callable[[Any, str], Any], Any]] = {
    "number": (_number, math.nan),
    "boolean": (_boolean, math.nan),
    "date": (_day, np.datetime64("NaT")),
    "text": (_text, ""),
}
