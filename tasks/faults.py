"""What is wrong with a document, in words for its author: pydantic's errors, translated. Pure.

A fault names the key, what stands there and what may stand there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

WHOLE = "file"
KEY = "[key]"
"""What pydantic puts behind a key of a mapping that is itself wrong."""
MEMBERS: Mapping[str, str] = {
    "str": "a text",
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
}
"""Members of a union, each of which complains of a value that fits none."""
QUOTE = "YAML reads a bare on, off, yes or no as true or false: quote it"
ALIKE = 0.6
"""How alike a key is to another that was perhaps meant, of 1."""
NEAR = 3
"""Keys that are named as perhaps meant."""


def faults_of(error: ValidationError, form: type[BaseModel], whole: str = WHOLE) -> tuple[str, ...]:
    """Every fault of a document, each in a sentence without its full stop.

    Args:
        error: What parsing it raised.
        form: What it was to be; its keys are named where one is unknown.
        whole: What the document itself is called.
    """
    return tuple(_faults(error.errors(), form, whole))


def _faults(
    errors: Sequence[Mapping[str, Any]], form: type[BaseModel], whole: str
) -> Iterator[str]:
    places = [entry["loc"] for entry in errors]
    unions: set[tuple[int | str, ...]] = set()
    for entry in errors:
        place, kind, value = entry["loc"], entry["type"], entry["input"]
        inside = any(len(place) < len(o) and o[: len(place)] == place for o in places)
        if kind == "too_short" and inside:
            continue  # entries that are wrong are not counted: there may be enough of them
        members = [str(o[-1]) for o in places if o and o[:-1] == place[:-1]]
        if len(members) > 1 and set(members) <= set(MEMBERS):
            if place[:-1] not in unions:
                asked = " or ".join(dict.fromkeys(MEMBERS[one] for one in members))
                yield f"{_where(place[:-1], whole)}: asks for {asked} (got {value!r:.80})"
            unions.add(place[:-1])
        elif place and place[-1] == KEY:
            yield f"{_where(place[:-2], whole)}: {_key(value)}"
        elif kind == "extra_forbidden":
            there = _keys(form, place[:-1])
            yield f"{_where(place, whole)}: no such key; {meant(str(place[-1]), there)}"
        elif kind == "value_error" and not place:
            yield what_of(entry)  # it begins with the key that it is about
        else:
            yield f"{_where(place, whole)}: {what_of(entry)}"


def what_of(entry: Mapping[str, Any]) -> str:
    """What is wrong with a value, without its place."""
    kind, value = entry["type"], entry["input"]
    if kind == "missing":
        return "is missing"
    if kind == "value_error":
        said = str(entry["ctx"]["error"])
        return said if isinstance(value, Mapping | list | tuple) else f"{said} (got {value!r:.80})"
    if kind in {"model_type", "dict_type", "mapping_type", "model_attributes_type"}:
        return f"asks for keys with their values, `key: value` (got {value!r:.80})"
    if kind in {"tuple_type", "list_type"}:
        return f"asks for a list, a `-` before each entry (got {value!r:.80})"
    if kind == "too_short":
        least = entry["ctx"]["min_length"]
        return (
            f"asks for {least} {'entry' if least == 1 else 'entries'} at least (got {value!r:.80})"
        )
    if kind in {"string_type", "literal_error"} and isinstance(value, bool):
        return f"{entry['msg']} (got {value!r}; {QUOTE})"
    return f"{entry['msg']} (got {value!r:.80})"


def meant(said: str, there: Sequence[str]) -> str:
    """Which of the keys that there are may be meant."""
    parts = [key for key in there if set(key.split("_")) & set(said.split("_"))]
    near = list(dict.fromkeys([*get_close_matches(said, there, NEAR, ALIKE), *parts]))[:NEAR]
    if near:
        return f"perhaps {' or '.join(near)} is meant"
    return f"there are {', '.join(there) or 'none'}"


def _where(place: Sequence[int | str], whole: str) -> str:
    return ".".join(map(str, place)) or whole


def _key(value: Any) -> str:
    if isinstance(value, bool):
        return f"the key {value!r} is no text; {QUOTE}, like 'on'"
    return f"the key {value!r} is no text; quote it, like '{value}'"


def _keys(form: type[BaseModel], place: Sequence[int | str]) -> tuple[str, ...]:
    """Keys of the part of a form that a place leads to; none where it leads to no part."""
    part: type[BaseModel] | None = form
    for step in place:
        if isinstance(step, int):
            continue  # an entry of a list is of the kind of the list
        field = part.model_fields.get(step) if part else None
        part = _form_in(field.annotation) if field else None
    return tuple(part.model_fields) if part else ()


def _form_in(annotation: Any) -> type[BaseModel] | None:
    """The form that a field holds, be it optional, or one of a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_form_in, get_args(annotation))), None)
