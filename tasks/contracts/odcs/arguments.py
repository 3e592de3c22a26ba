"""What the arguments of an expectation may be: of their kind, and of the columns' types.

Great Expectations would say part of it itself, once it is imported (6 s), which a menu that names
contracts does not wait for; a test holds these words to its classes. The rest it would say of every
row: a text is no number of a set, no length is 5 or more and 3 or less.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tasks.contracts.model import NESTED, Column
from tasks.contracts.odcs.columns import fits, require_bounds
from tasks.contracts.odcs.documents import Fault
from tasks.contracts.odcs.json_schemas import require_schema

TEXTS = frozenset({"string", "time", *NESTED})
"""Types that good rows hold as text: what is nested as JSON."""
NUMBERS = frozenset({"integer", "number"})
MOMENTS = frozenset({"date", "timestamp"})
COMPARED = (TEXTS, NUMBERS | {"boolean"}, MOMENTS)
"""Types of which one value can equal another's."""
SUBJECTS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("regex", "value_lengths"), TEXTS),
    **dict.fromkeys(("dateutil", "strftime", "json_parseable"), frozenset({"string"})),
    "json_schema": frozenset({"string", *NESTED}),
    "multicolumn_sum": NUMBERS,
    "values_to_be_between": NUMBERS | MOMENTS,
}
"""Types that an expectation can look at, by a part of its name; others look at any.

An integer is no text of digits: where one of a batch is missing, pandas spells the others ``12.0``.
"""
PAIR_IGNORES = ("both_values_are_missing", "either_value_is_missing", "neither")
ROW_IGNORES = ("all_values_are_missing", "any_value_is_missing", "never")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return _is_number(value) and value >= 0 and value == int(value)


def _is_list_of(fitting: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and bool(value) and all(map(fitting, value))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == len(("A", "B"))


def _reads_what_it_writes(form: Any) -> bool:
    try:
        return isinstance(form, str) and bool(
            datetime.strptime(datetime.now(UTC).strftime(form), form)  # noqa: DTZ007 - a form
        )
    except ValueError:
        return False


def _is_one_of(words: Sequence[str]) -> Callable[[Any], bool]:
    return lambda value: value in words


_FLAG = (lambda value: isinstance(value, bool), "true or false")
KINDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "or_equal": _FLAG,
    "strict_min": _FLAG,
    "strict_max": _FLAG,
    "match_on": (_is_one_of(("any", "all")), "any or all"),
    "regex": (_is_text, "a regular expression"),
    "regex_list": (_is_list_of(_is_text), "a list of regular expressions"),
    "value_set": (_is_list_of(lambda _: True), "a list of values"),
    "value_pairs_set": (_is_list_of(_is_pair), "a list of pairs, each of two values"),
    "json_schema": (lambda value: isinstance(value, dict), "a JSON schema"),
    "strftime_format": (_reads_what_it_writes, "a format that strptime reads"),
    "sum_total": (_is_number, "a number"),
    "value": (_is_count, "a length: 0, 1, 2 …"),
}
"""By argument, whether a value is of its kind, and what its kind is."""


def require_arguments(
    name: str, kwargs: Mapping[str, Any], columns: Sequence[Column], where: str
) -> None:
    """Refuse arguments that mean nothing, or that no value of the columns keeps.

    Args:
        name: The expectation.
        kwargs: Its arguments, none of them null, without ``mostly``.
        columns: Those that it looks at, in its order.
        where: What an error begins with.

    Raises:
        Fault: one of them would be an error of Great Expectations, or set aside each row or none.
    """
    for key, value in kwargs.items():
        if key in KINDS and not KINDS[key][0](value):
            raise Fault(f"{where}: {key} {value!r} is not {KINDS[key][1]}")
    _ignored(name, kwargs, where)
    _subjects(name, columns, where)
    _patterns(kwargs, where)
    if "values_to_be_between" in name:
        _between(kwargs, columns[0], where)
    elif "lengths_to_be_between" in name:
        _lengths(kwargs, where)
    for value in kwargs.get("value_set") or ():
        _require_fitting(value, columns[0], where)
    if all(value is None for value in kwargs.get("value_set") or ("some",)):
        raise Fault(f"{where}: value_set lists no value but null")
    for pair in kwargs.get("value_pairs_set") or ():
        for value, column in zip(pair, columns, strict=True):
            _require_fitting(value, column, where)


def _ignored(name: str, kwargs: Mapping[str, Any], where: str) -> None:
    ignored = kwargs.get("ignore_row_if")
    words = PAIR_IGNORES if "column_pair" in name else ROW_IGNORES
    if ignored is not None and ignored not in words:
        raise Fault(f"{where}: ignore_row_if {ignored!r} is not one of {', '.join(words)}")


def _subjects(name: str, columns: Sequence[Column], where: str) -> None:
    """Types of the columns: one that it can look at, and several that it can compare."""
    for part, kinds in SUBJECTS.items():
        for column in columns:
            if part in name and column.type not in kinds:
                raise Fault(
                    f"{where}: {column.name} is of type {column.type}, which it cannot look at; "
                    f"only {', '.join(sorted(kinds))}"
                )
    named = [column.name for column in columns]
    if len(set(named)) < len(named):
        raise Fault(f"{where}: {', '.join(named)} names a column twice")
    moments = [column for column in columns if column.type in {*MOMENTS, "time"}]
    if "pair_values_to_be_in_set" in name and moments:
        raise Fault(f"{where}: pairs with {moments[0].type}s cannot be compared")
    families = [next(f for f in COMPARED if column.type in f) for column in columns]
    if len(columns) == 1 or "in_set" in name:
        return
    meeting = len(set(families))
    if meeting == len(families) or (meeting > 1 and "unique_within" not in name):
        kinds_named = ", ".join(f"{column.name} ({column.type})" for column in columns)
        raise Fault(f"{where}: {kinds_named} are of types that no two values share")


def _patterns(kwargs: Mapping[str, Any], where: str) -> None:
    for key in ("regex", "regex_list"):
        value = kwargs.get(key) or []
        for pattern in [value] if isinstance(value, str) else value:
            try:
                re.compile(pattern)
            except re.error as error:
                raise Fault(f"{where}: {key} {pattern!r} does not compile: {error}") from error
    if "json_schema" in kwargs:
        require_schema(kwargs["json_schema"], where)


def _between(kwargs: Mapping[str, Any], column: Column, where: str) -> None:
    bounds: dict[str, Any] = {}
    for side in ("min", "max"):
        value = kwargs.get(f"{side}_value")
        if value is None:
            continue
        if _is_number(value) != (column.type in NUMBERS):
            raise Fault(f"{where}: {side}_value {value!r} is no {column.type}")
        strict = "exclusive_" if kwargs.get(f"strict_{side}") else ""
        bounds[f"{strict}{side}imum"] = value
    none = dict.fromkeys(("minimum", "maximum", "exclusive_minimum", "exclusive_maximum"))
    require_bounds(column.model_copy(update={**none, **bounds}), where)


def _lengths(kwargs: Mapping[str, Any], where: str) -> None:
    least, most = kwargs.get("min_value"), kwargs.get("max_value")
    for key, value in (("min_value", least), ("max_value", most)):
        if value is not None and not _is_count(value):
            raise Fault(f"{where}: {key} {value!r} is not a length: 0, 1, 2 …")
    low = 0 if least is None else least + bool(kwargs.get("strict_min"))
    high = None if most is None else most - bool(kwargs.get("strict_max"))
    if high is not None and high < low:
        raise Fault(f"{where}: no length lies between {least or 0} and {most}")
    if high is None and low == 0:
        raise Fault(f"{where}: every length is 0 or more")


def _require_fitting(value: Any, column: Column, where: str) -> None:
    if value is not None and not fits(column, value):
        raise Fault(f"{where}: {value!r} is no {column.type}, as {column.name} is")
