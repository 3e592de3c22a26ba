"""Every member that a request of AWS may have, after botocore's own model of the service."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

import pytest

from embedded_aws.protocol.service import AwsFault

ASKED = {"boolean": True, "integer": 7, "long": 7, "float": 7.0, "double": 7.0, "timestamp": 7.0}


def leaves(model: Any, action: str) -> dict[str, Any]:
    """Shapes of the leaves of an action's request, by path."""
    return dict(_walk(model.operation_model(action).input_shape))


def asking(path: str, shape: Any) -> dict[str, Any]:
    """The smallest request that asks for one leaf."""
    value: Any = ASKED.get(shape.type_name, "asked-for")
    if shape.type_name in {"map", "structure"}:
        value = {"key": "value"}
    elif shape.type_name == "list":
        value = ["one"]
    for part in reversed(path.split(".")):
        value = {part.removesuffix("[]"): [value] if part.endswith("[]") else value}
    return value


def hold_to_its_list(
    model: Any, action: str, listed: Collection[str], ask: Callable[[dict[str, Any]], None]
) -> None:
    """Ask for each leaf alone: what is listed is let in, every other refused by its name."""
    refused = 0
    for path, shape in leaves(model, action).items():
        request = asking(path, shape)
        if path in listed:
            ask(request)
            continue
        with pytest.raises(AwsFault) as fault:
            ask(request)
        named = fault.value.message.partition(" of ")[0]
        assert path.startswith(named), (path, fault.value.message)
        assert fault.value.code == "ValidationException"
        refused += 1
    assert refused > 0


def _walk(shape: Any, path: str = "", above: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every leaf of a shape with its path; maps, lists of words, and what holds itself are such."""
    if shape.type_name == "structure" and shape.members and shape.name not in above:
        for name, member in shape.members.items():
            yield from _walk(member, f"{path}.{name}" if path else name, (*above, shape.name))
    elif shape.type_name == "list" and shape.member.type_name == "structure":
        yield from _walk(shape.member, f"{path}[]", above)
    else:
        yield path, shape
