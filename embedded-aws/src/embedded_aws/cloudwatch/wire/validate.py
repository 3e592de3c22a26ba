"""What the model itself demands of a request: required members, lengths, ranges, enumerations."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from embedded_aws.cloudwatch.wire.parameters import check_parameters
from embedded_aws.protocol.service import AwsFault

# The order in which AWS tells choices, where it is not the one of its model.
_TOLD = {"StateValue": ("INSUFFICIENT_DATA", "ALARM", "OK")}
# Checked by the operations themselves, whose words are others than these.
_OWN = frozenset({("PutMetricAlarm", "EvaluationPeriods"),
                  ("PutMetricAlarm", "ComparisonOperator")})  # fmt: skip


def validate(operation: Any, members: dict[str, Any]) -> None:
    """Check a request against its operation's model, as the service's own front does.

    Raises:
        AwsFault: ``ValidationError`` naming every constraint broken; of the older operations
            ``MissingParameter`` or ``InvalidParameterValue`` for the first one.
    """
    shape = operation.input_shape
    if shape is None:
        return
    if any(e.name == "InvalidParameterValueException" for e in operation.error_shapes):
        check_parameters(shape, members)
        return
    if operation.name == "GetMetricData":
        _demand(shape, members)
    faults: list[str] = []
    _check(shape, members, "", faults)
    faults = [f for f in faults if not _is_own(operation.name, f)]
    if faults:
        noun = "error" if len(faults) == 1 else "errors"
        raise AwsFault(
            "ValidationError", f"{len(faults)} validation {noun} detected: {'; '.join(faults)}"
        )


def _is_own(action: str, fault: str) -> bool:
    return fault.startswith("Value null") and any(
        action == one and f"'{_lower(name)}'" in fault for one, name in _OWN
    )


def _demand(shape: Any, value: Any, path: str = "") -> None:
    """What GetMetricData says of members that are not there."""
    if shape.type_name == "list" and shape.member.type_name == "structure":
        for i, item in enumerate(value, 1):
            _demand(shape.member, item, f"{path}.member.{i}")
    if shape.type_name != "structure":
        return
    for name in shape.required_members:
        if name not in value:
            where = f"{path}.{name}" if path else name
            # The line's end is part of the message.
            raise AwsFault("ValidationError", f"The parameter {where} is required.\n")
    for name, member in value.items():
        _demand(shape.members[name], member, f"{path}.{name}" if path else name)


def _check(shape: Any, value: Any, path: str, faults: list[str]) -> None:
    kind = shape.type_name
    if kind == "structure":
        for name in shape.required_members:
            if name not in value:
                where = f"{path}.{_lower(name)}" if path else _lower(name)
                faults.append(f"Value null at '{where}' failed to satisfy constraint: Member must "
                              "not be null")  # fmt: skip
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
            told = _TOLD.get(shape.name, enum)
            demands.append(f"satisfy enum value set: [{', '.join(told)}]")
        pattern = shape.metadata.get("pattern")
        if pattern and not demands and not _compiled(pattern).fullmatch(value):
            demands.append(f"satisfy regular expression pattern: {pattern}")
    return demands


@lru_cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.DOTALL)


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]
