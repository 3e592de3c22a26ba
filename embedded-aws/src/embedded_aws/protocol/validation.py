"""Request validation in the words of the service, from the model that botocore ships."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Literal

from embedded_aws.protocol.service import AwsFault


def validate_sagemaker(action: str, params: dict[str, Any]) -> None:
    """Check a SageMaker request against the constraints of the API model.

    Raises:
        AwsFault: ``ValidationException`` that lists every constraint not met, as SageMaker does;
            ``SerializationException`` for a member of the wrong type.
    """
    validate_request("sagemaker", action, params, "ValidationException")


def validate_request(service: str, action: str, params: dict[str, Any], code: str) -> None:
    """Check a request against the constraints of its service's model.

    Raises:
        AwsFault: with this code, listing every constraint not met; ``SerializationException`` for
            a member of the wrong type.
    """
    shape = _model(service).operation_model(action).input_shape
    if shape is None:
        return
    problems = list(_problems(shape, params, ""))
    if problems:
        count = len(problems)
        plural = "error" if count == 1 else "errors"
        raise AwsFault(
            code,
            f"{count} validation {plural} detected: {'; '.join(problems)}",
        )


@lru_cache
def _model(service: str) -> Any:
    import botocore.session

    return botocore.session.get_session().get_service_model(service)


def _problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    kind = shape.type_name
    types = _TYPES.get(kind)
    if types and (not isinstance(value, types) or (
        isinstance(value, bool) and kind != "boolean"
    )):  # fmt: skip
        raise AwsFault(
            "SerializationException",
            f"{type(value).__name__} can not be converted to {kind} at '{path}'",
        )
    if kind == "structure":
        yield from _structure_problems(shape, value, path)
    elif kind == "list":
        yield from _length(shape, len(value), value, path)
        for number, member in enumerate(value, start=1):
            yield from _problems(shape.member, member, f"{path}.{number}.member")
    elif kind == "map":
        yield from _length(shape, len(value), value, path)
        for key, member in value.items():
            yield from _problems(shape.key, key, f"{path}.key")
            yield from _problems(shape.value, member, f"{path}.{key}")
    elif kind == "string":
        yield from _string_problems(shape, value, path)
    elif kind in {"integer", "long", "float", "double"}:
        yield from _range(shape, value, path)


def _structure_problems(shape: Any, value: dict[str, Any], path: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield _problem("null", _join(path, name), "Member must not be null")
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from _problems(member, value[name], _join(path, name))


def _string_problems(shape: Any, value: str, path: str) -> Iterator[str]:
    yield from _length(shape, len(value), value, path)
    if shape.enum and value not in shape.enum:
        choices = ", ".join(shape.enum)
        yield _problem(value, path, f"Member must satisfy enum value set: [{choices}]")
    pattern = shape.metadata.get("pattern")
    if pattern and not _matches(pattern, value):
        yield _problem(value, path, f"Member must satisfy regular expression pattern: {pattern}")


def _matches(pattern: str, value: str) -> bool:
    try:
        return re.fullmatch(pattern, value, re.DOTALL) is not None
    except re.error:  # a pattern in a dialect that Python does not read
        return True


def _length(shape: Any, length: int, value: Any, path: str) -> Iterator[str]:
    yield from _within(shape.metadata, length, "length", value, path)


def _range(shape: Any, value: float, path: str) -> Iterator[str]:
    yield from _within(shape.metadata, value, "value", value, path)


def _within(
    limits: Any, measured: float, what: Literal["length", "value"], value: Any, path: str
) -> Iterator[str]:
    if "max" in limits and measured > limits["max"]:
        rule = f"Member must have {what} less than or equal to {limits['max']}"
        yield _problem(value, path, rule)
    if "min" in limits and measured < limits["min"]:
        rule = f"Member must have {what} greater than or equal to {limits['min']}"
        yield _problem(value, path, rule)


def _problem(value: object, path: str, rule: str) -> str:
    text = value if value == "null" else f"'{value}'"
    return f"Value {text} at '{path}' failed to satisfy constraint: {rule}"


def _join(path: str, name: str) -> str:
    member = name[0].lower() + name[1:]
    return f"{path}.{member}" if path else member


_TYPES: dict[str, type | tuple[type, ...]] = {
    "structure": dict,
    "map": dict,
    "list": list,
    "string": str,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "boolean": bool,
}
