"""The base of every part of model.yaml: an unknown key, or what is no number, is refused. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator


class Strict(BaseModel):
    """A part of model.yaml."""

    # A budget of .nan, or a bound of .inf, would hold nothing back.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _numbers_are_numbers(cls, value: Any, info: ValidationInfo) -> Any:
        """``true`` is no 1, and ``"12:00:00"`` and ``"5"`` are texts."""
        asked = info.field_name is not None and _asks_for_a_number(cls, info.field_name)
        words = [given for given in _single(value) if isinstance(given, bool | str)]
        if asked and words:
            kind = "text" if isinstance(words[0], str) else "true or false"
            raise ValueError(f"{words[0]!r} is {kind}; write a number, without quotes")
        return value


@cache
def _asks_for_a_number(part: type[BaseModel], field: str) -> bool:
    """Whether the single values of a field may be numbers, and neither texts nor true or false."""
    kinds = set(_kinds(part.model_fields[field].annotation))
    return bool(kinds & {int, float}) and not kinds & {bool, str}


def _kinds(annotation: Any) -> Iterator[Any]:
    """Types that an annotation names, keys of mappings aside."""
    inner = get_args(annotation)
    if not inner:
        yield annotation
        return
    origin = get_origin(annotation)
    mapping = isinstance(origin, type) and issubclass(origin, Mapping)
    for part in inner[1:] if mapping else inner:
        yield from _kinds(part)


def _single(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, Collection) and not isinstance(value, str | bytes):
        for inner in value:
            yield from _single(inner)
    else:
        yield value
