"""JSON schemas as a contract's rules name them: refused at load where they cannot be kept.

Great Expectations takes a text that is no JSON, or a reference that it cannot follow, for an error
of the whole check, after which no row is judged. Here such a text is a row that breaks the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from tasks.contracts.odcs.documents import Fault
from tasks.contracts.odcs.json_texts import loaded

MATCHES = "expect_column_values_to_match_json_schema"
_VALUES = frozenset({"const", "enum", "default", "examples"})
"""Keywords below which values stand, and no schemas."""
_NAMES = ("$id", "id", "$anchor", "$dynamicAnchor")


def require_schema(schema: Any, where: str) -> None:
    """Refuse what is no schema, or refers to what is not in it.

    Raises:
        Fault: which place, and why.
    """
    import jsonschema

    validator = jsonschema.validators.validator_for(schema)
    try:
        validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        place = "".join(f".{part}" for part in error.absolute_path)
        raise Fault(f"{where}: json_schema{place} is none: {error.message:.200}") from error
    parts = list(_schemas(schema))
    names = {part[key].lstrip("#") for part in parts for key in _NAMES if _text(part, key)}
    for part in parts:
        for key in ("$ref", "$dynamicRef", "$recursiveRef"):
            if _text(part, key) and not _leads(part[key], schema, names):
                raise Fault(
                    f"{where}: json_schema refers to {part[key]!r:.100}, which does not stand in "
                    "it, and nothing is fetched; write it out below $defs"
                )
    try:
        validator(schema).is_valid(None)
    except RecursionError as error:
        raise Fault(f"{where}: json_schema refers to itself without end") from error


def matching(schema: Mapping[str, Any]) -> Callable[[str], bool]:
    """Whether a text is JSON and keeps the schema."""
    import jsonschema

    validator = jsonschema.validators.validator_for(schema)(schema)

    def keeps(text: str) -> bool:
        try:
            return bool(validator.is_valid(loaded(text)))
        except (ValueError, RecursionError):
            return False

    return keeps


def _text(part: Mapping[str, Any], key: str) -> bool:
    return isinstance(part.get(key), str)


def _schemas(element: Any) -> Iterator[Mapping[str, Any]]:
    """All mappings of a schema but for those that are values."""
    if isinstance(element, Mapping):
        yield element
        for key, inner in element.items():
            if key not in _VALUES:
                yield from _schemas(inner)
    elif isinstance(element, list):
        for inner in element:
            yield from _schemas(inner)


def _leads(reference: str, schema: Any, names: set[str]) -> bool:
    """Whether a reference names a place of the schema."""
    if not reference.startswith("#/"):
        return reference == "#" or reference.removeprefix("#") in names
    place = schema
    for part in unquote(reference[2:]).split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(place, Mapping) and key in place:
            place = place[key]
        elif isinstance(place, list) and key.isdecimal() and int(key) < len(place):
            place = place[int(key)]
        else:
            return False
    return True
