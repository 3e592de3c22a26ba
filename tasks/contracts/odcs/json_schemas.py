"""JSON schemas as a contract's rules name them: refused at load where they cannot be kept.

Great Expectations takes a text that is no JSON, or a reference that it cannot follow, for an error
of the whole check, after which no row is judged. Here such a text is a row that breaks the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tasks.contracts.odcs.documents import Fault
from tasks.contracts.odcs.json_texts import loaded

MATCHES = "expect_column_values_to_match_json_schema"
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_SEVERAL = ("allOf", "anyOf", "oneOf")
_ONE = ("not", "if", "then", "else")
"""Keywords below which schemas stand that judge the same value, as ``$ref`` does."""


def require_schema(schema: Any, where: str) -> None:
    """Refuse what is no schema, or refers to what is not in it.

    Raises:
        Fault: which place, and why.
    """
    import jsonschema

    if isinstance(schema, Mapping) and not isinstance(schema.get("$schema", ""), str):
        raise Fault(f"{where}: json_schema.$schema is none: {schema['$schema']!r:.100} is no text")
    validator = jsonschema.validators.validator_for(schema)
    _require_kept(validator, schema, where)
    _require_end(_followed(schema, where), where)
    try:
        validator(schema).is_valid(None)
    except RecursionError as error:
        raise Fault(f"{where}: json_schema {_ENDLESS}") from error


_ENDLESS = "refers to itself without end"


def matching(schema: Mapping[str, Any]) -> Callable[[str], bool]:
    """Whether a text is JSON and keeps the schema.

    What is asked raises where nobody can say, which is a fault of the schema and of no row.
    """
    import jsonschema

    validator = jsonschema.validators.validator_for(schema)(schema)

    def keeps(text: str) -> bool:
        try:
            return bool(validator.is_valid(loaded(text)))
        except (ValueError, RecursionError, ArithmeticError):  # 1e400 is a multiple of nothing
            return False

    return keeps


def _require_kept(validator: Any, schema: Any, where: str, through: str = "") -> None:
    import jsonschema

    try:
        validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        place = through + "".join(f".{part}" for part in error.absolute_path)
        raise Fault(f"{where}: json_schema{place} is none: {error.message:.200}") from error


def _followed(schema: Any, where: str) -> dict[int, list[Any]]:
    """Of each schema within one, by identity: those that judge the same value as it does.

    Followed as JSON Schema says, ``$id`` below others included; a property may be named ``$ref``.

    Raises:
        Fault: a reference leads nowhere, or to what is no schema.
    """
    import jsonschema
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012, specification_with

    dialect = schema.get("$schema", "") if isinstance(schema, Mapping) else ""
    kind = specification_with(dialect, default=DRAFT202012)
    whole = kind.create_resource(schema)
    registry: Registry[Any] = Registry().with_resource(whole.id() or "", whole)
    found: dict[int, list[Any]] = {}
    todo = [(schema, registry.resolver(whole.id() or ""))]
    while todo:
        part, resolver = todo.pop()
        if not isinstance(part, Mapping) or id(part) in found:
            continue
        found[id(part)] = [each for key in _SEVERAL if key in part for each in part[key]]
        found[id(part)] += [part[key] for key in _ONE if key in part]
        for key in _REFERENCES:
            if not isinstance(part.get(key), str):
                continue
            try:
                led = resolver.lookup(part[key])
            except (Unresolvable, ValueError, TypeError) as error:
                raise Fault(
                    f"{where}: json_schema refers to {part[key]!r:.100}, which does not stand in "
                    "it, and nothing is fetched; write it out below $defs"
                ) from error
            if not isinstance(led.contents, Mapping | bool):
                said = f"refers to {part[key]!r:.100}, which is no schema"
                raise Fault(f"{where}: json_schema {said}: {led.contents!r:.100}")
            # It may stand where no schema is looked for.
            asked = jsonschema.validators.validator_for(schema)
            _require_kept(asked, led.contents, where, f" at {part[key]!r:.100}")
            todo.append((led.contents, led.resolver))
            if key == "$ref":
                found[id(part)].append(led.contents)
        below = kind.create_resource(part).subresources()
        todo += [(inner.contents, resolver.in_subresource(inner)) for inner in below]
    return found


def _require_end(followed: Mapping[int, list[Any]], where: str) -> None:
    """Refuse schemas of which one asks itself again for the same value, through others or not."""
    open_ones: set[int] = set()
    ended: set[int] = set()

    def visit(at: int) -> None:
        if at in open_ones:
            raise Fault(f"{where}: json_schema {_ENDLESS}")
        if at in ended:
            return
        open_ones.add(at)
        for each in followed.get(at, ()):
            visit(id(each))
        open_ones.remove(at)
        ended.add(at)

    for at in followed:
        visit(at)
