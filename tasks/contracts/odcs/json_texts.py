"""JSON that stands in a text, strictly: no NaN, and no field that is named twice."""

from __future__ import annotations

import json
from typing import Any, NoReturn


def loaded(text: str) -> Any:
    """What a text holds.

    Raises:
        ValueError: it is not JSON, or names a field twice, of which one would be lost.
        RecursionError: it is nested without bottom.
    """
    return _DECODER.decode(text)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        raise ValueError("a field is named more than once")
    return record


_DECODER = json.JSONDecoder(parse_constant=_no_constant, object_pairs_hook=_once)
