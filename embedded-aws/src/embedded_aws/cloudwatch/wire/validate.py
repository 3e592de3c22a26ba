"""What the model itself demands of a request: required members, lengths, ranges, enumerations."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from embedded_aws.protocol.service import AwsFault


def validate(shape: Any | None, members: dict[str, Any]) -> None:
    """Check a request against its shape, as the service's own front does.

    Raises:
        AwsFault: ``MissingParameter``, or ``ValidationError`` naming every constraint broken.
    """
    if shape is None:
        return
    faults: list[str] = []
    _check(shape, members, "", faults)
    if faults:
        noun = "error" if len(faults) == 1 else "errors"
        raise AwsFault(
            "ValidationError", f"{len(faults)} validation {noun} detected: {'; '.join(faults)}"
        )


def _check(shape: Any, value: Any, path: str, faults: list[str]) -> None:
    kind = shape.type_name
    if kind == "structure":
        for name in shape.required_members:
            if name not in value:
                where = f"{path}.{_lower(name)}" if path else name
                raise AwsFault("MissingParameter", f"The parameter {where} is required.")
        for name, member in value.items():
            inner = f"{path}.{_lower(name)}" if path else _lower(name)
            _check(shape.members[name], member, inner, faults)
        return
    for demand in _demands(shape, value):
        text = value if kind in ("string", "integer", "long", "double") else f"{kind}"
        faults.append(f"Value '{text}' at '{path}' failed to satisfy constraint: Member must "
                      f"{demand}")  # fmt: skip
    if kind == "list" and shape.member.type_name not in ("double", "timestamp", "boolean"):
        for i, item in enumerate(value, 1):
            _check(shape.member, item, f"{path}.{i}.member", faults)


def _demands(shape: Any, value: Any) -> list[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    demands = []
    if shape.type_name in ("string", "list", "map"):
        if low is not None and len(value) < low:
            demands.append(f"have length greater than or equal to {low}")
        if high is not None and len(value) > high:
            demands.append(f"have length less than or equal to {high}")
    elif shape.type_name in ("integer", "long"):
        if low is not None and value < low:
            demands.append(f"have value greater than or equal to {low}")
        if high is not None and value > high:
            demands.append(f"have value less than or equal to {high}")
    if shape.type_name == "string":
        if (enum := shape.metadata.get("enum")) and value not in enum:
            demands.append(f"satisfy enum value set: [{', '.join(enum)}]")
        pattern = shape.metadata.get("pattern")
        if pattern and not demands and not _compiled(pattern).fullmatch(value):
            demands.append(f"satisfy regular expression pattern: {pattern}")
    return demands


@lru_cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.DOTALL)


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]
