"""Rules of engine ``sluice`` → :class:`Quality`: every argument is one that the check can use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.contracts.languages import FUNCTION_WORDS
from tasks.contracts.model import NESTED, Column, Format, Quality
from tasks.contracts.odcs.documents import Fault

Columns = Mapping[str, Column]
LABEL = "label"
"""The column of an image's label where a rule names none."""
SIZES = ("minWidth", "maxWidth", "minHeight", "maxHeight")
HASH_BITS = 63
GREY_LEVELS = 255


def _whole(low: int, high: int | None = None) -> Callable[[str, Any, Columns], None]:
    """A whole number within bounds."""
    most = "" if high is None else f" to {high}"

    def require(name: str, value: Any, _columns: Columns) -> None:
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or value < low or (high is not None and value > high):
            raise Fault(f"{name} is {value!r}, not a whole number from {low}{most}")

    return require


def _grey_levels(name: str, value: Any, _columns: Columns) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value <= GREY_LEVELS:
        raise Fault(f"{name} is {value!r}, not grey levels from 0 to {GREY_LEVELS}")


def _column(name: str, value: Any, columns: Columns) -> None:
    if not isinstance(value, str) or value not in columns:
        raise Fault(f"{name} {value!r} is not a column")


def _flat_columns(name: str, value: Any, columns: Columns) -> None:
    for one in _listed(name, value, "columns"):
        _column(name, one, columns)
        if columns[one].type in NESTED:
            raise Fault(f"{name} names {one}, which is nested, and is not looked for twice")


def _languages(name: str, value: Any, _columns: Columns) -> None:
    for one in _listed(name, value, "languages"):
        if one not in FUNCTION_WORDS:
            known = ", ".join(FUNCTION_WORDS)
            raise Fault(f"{name} names {one!r}; known by their function words are {known}")


def _listed(name: str, value: Any, what: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise Fault(f"{name} is {value!r}, not a list of {what}")
    if any(not isinstance(one, str) for one in value) or len(set(value)) < len(value):
        raise Fault(f"{name} {value!r} must list {what} as texts, each once")
    return value


@dataclass(frozen=True)
class OwnCheck:
    """What a check can use.

    Attributes:
        arguments: By name, what raises Fault for a value that the check cannot use.
        column: Types of the column that it looks at; empty: it looks at none.
        images: Whether it looks at images, which only a data set of format ``images`` has.
        needs: Columns that it cannot do without.
    """

    arguments: Mapping[str, Callable[[str, Any, Columns], None]] = field(default_factory=dict)
    column: frozenset[str] = frozenset()
    images: bool = False
    needs: tuple[str, ...] = ()


TEXT = frozenset({"string"})
OWN_CHECKS: Mapping[str, OwnCheck] = {
    "imageDecodes": OwnCheck(images=True),
    "imageSizeAsLabelled": OwnCheck(images=True, needs=("width", "height")),
    "imageSize": OwnCheck(dict.fromkeys(SIZES, _whole(1)), images=True),
    "noDuplicateImages": OwnCheck(
        {
            "maxDistance": _whole(0, HASH_BITS - 1),
            "maxDifference": _grey_levels,
            "label": _column,
        },
        images=True,
    ),
    "noConflictingLabels": OwnCheck({"label": _column}, images=True),
    "boxCorners": OwnCheck(column=frozenset({"array"})),
    "textEncoding": OwnCheck(column=TEXT),
    "textLanguage": OwnCheck({"languages": _languages}, column=TEXT),
    "noDuplicateText": OwnCheck({"within": _flat_columns}, column=TEXT),
}
SORTS = {
    "array": "objects with boxes are an array",
    "string": "only a string is read as text",
}


def own_check(
    body: Mapping[str, Any], where: str, common: Mapping[str, Any], columns: Columns, form: Format
) -> Quality:
    """The rule's ``implementation`` as a value.

    Args:
        body: ``check`` and its arguments.
        where: The rule, as an error names it.
        common: What every rule has: column, name, description, severity.
        columns: All columns by name.
        form: What the data set's objects are.

    Raises:
        Fault: nothing is known of the check or of an argument, or it could judge nothing.
    """
    arguments = dict(body)
    named = arguments.pop("check", "")
    check = OWN_CHECKS.get(named) if isinstance(named, str) else None
    if check is None:
        raise Fault(f"{where}: check {named!r} is not one of {', '.join(sorted(OWN_CHECKS))}")
    where = f"{where}: {named}"
    column = common["column"]
    if check.column:
        column = arguments.pop("column", column)
    if strange := sorted(set(arguments) - set(check.arguments)):
        raise Fault(f"{where} does not know {', '.join(strange)}")
    if check.column:
        _require_column(column, check.column, where, columns)
    if check.images and form != "images":
        raise Fault(f"{where} looks at images, and the objects of this data set are {form}")
    if lacking := [name for name in check.needs if name not in columns]:
        raise Fault(f"{where} compares with {' and '.join(lacking)}, which is not a column")
    for name, value in arguments.items():
        check.arguments[name](f"{where}: {name}", value, columns)
    _require_sense(named, arguments, column, where, columns)
    return Quality(kind=named, arguments=arguments, **{**common, "column": column})


def _require_column(column: Any, types: Iterable[str], where: str, columns: Columns) -> None:
    _column(f"{where}: column", column, columns)
    kind, (wanted,) = columns[column].type, types
    if kind != wanted:
        raise Fault(f"{where}: {column} is of type {kind}; {SORTS[wanted]}")


def _require_sense(
    check: str, arguments: Mapping[str, Any], column: str, where: str, columns: Columns
) -> None:
    """What no single argument shows: bounds that nothing meets, a rule without any."""
    if check == "imageSize":
        if not arguments:
            raise Fault(f"{where} names none of {', '.join(SIZES)}, and would refuse nothing")
        for low, high in (SIZES[:2], SIZES[2:]):
            if arguments.get(low, 1) > arguments.get(high, arguments.get(low, 1)):
                raise Fault(
                    f"{where}: {low} {arguments[low]} is above {high} {arguments[high]}; no image "
                    "would pass"
                )
    if check == "noConflictingLabels" and "label" not in arguments:
        _column(f"{where}: label (named by none)", LABEL, columns)
    if column in arguments.get("within", ()):
        raise Fault(f"{where}: within names {column} itself; texts that differ are no duplicates")
