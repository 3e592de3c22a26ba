"""Contract → checks: the one translation, from which suite, report and quarantine all follow.

Great Expectations judges everything that a typed table can show. What it cannot know (did the
text read as a number, was the key seen in an earlier batch, does the image decode) is computed
first as an *evidence column*: empty where all is well, else what is wrong; the expectation is that
it is empty.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from tasks.contracts.model import Bound, Column, Contract, Kind, Quality, Reference, Severity
from tasks.contracts.odcs.columns import limits, within
from tasks.contracts.odcs.formats import NUMBERS, TEXTS
from tasks.contracts.odcs.json_schemas import MATCHES
from tasks.contracts.odcs.own_checks import OWN_CHECKS
from tasks.contracts.odcs.patterns import python_pattern
from tasks.values import Frozen

Phase = Literal["rows", "keys", "snapshot"]
NULL = "expect_column_values_to_be_null"
READABLE = "row.readable"
COLUMNS_THERE = "object.columns"
MISSING_COLUMNS = "object (columns missing)"
KEPT = "kept"


class RowCheck(Frozen):
    """One check.

    Attributes:
        id: ``<column or subject>.<what>``, stable; quarantined rows bear it as their reason.
        columns: Columns of the contract that it looks at; examples show their values.
        rule: What must hold, as a sentence.
        phase: ``rows`` judges each row, ``keys`` the rows that are left (duplicates), ``snapshot``
            is counted over the whole snapshot without Great Expectations.
        expectation, kwargs: The Great Expectations type and its arguments.
        evidence: Evidence column that the expectation looks at, or "".
        bound: With a bound, failing rows are counted and the count is judged; without one, each
            failing row is quarantined.
        of_values: The share is one of the values that are there, and not of the rows.
    """

    id: str
    columns: tuple[str, ...]
    rule: str
    severity: Severity = "error"
    phase: Phase = "rows"
    expectation: str = ""
    kwargs: Mapping[str, Any] = {}
    evidence: str = ""
    bound: Bound | None = None
    of_values: bool = False

    @property
    def quarantines(self) -> bool:
        """Whether a row that fails it is set aside."""
        return self.bound is None and self.severity == "error" and self.phase != "snapshot"


def unreadable_column(name: str) -> str:
    """Evidence: text that did not read as the column's type."""
    return f"{name} (unreadable)"


def seen_column(names: tuple[str, ...]) -> str:
    """Evidence: the key of a row that came before."""
    return f"{'+'.join(names)} (seen before)"


def unknown_column(reference: Reference) -> str:
    """Evidence: a foreign key that names no row."""
    return f"{'+'.join(reference.columns)} (not in {reference.dataset})"


def ours_column(quality: Quality) -> str:
    """Evidence of a check of ours; another bound is another check, and has its own."""
    told = [f"{name}={value}" for name, value in sorted(quality.arguments.items())]
    return f"{quality.column or 'row'} ({' '.join([quality.kind, *told])})"


def pattern_of(quality: Quality) -> str:
    """Evidence of ``invalidValues`` with a pattern, or "" of any other rule."""
    pattern = quality.arguments.get("pattern") if quality.kind == "invalidValues" else None
    return f"{quality.column} (not like {pattern})" if pattern is not None else ""


def schema_column(quality: Quality) -> str:
    """Whether a text is JSON that keeps a rule's schema, or "" of any other rule."""
    if quality.arguments.get("type") != MATCHES:
        return ""
    return f"{quality.column} (like {json.dumps(quality.arguments['kwargs'], sort_keys=True)})"


def multiple_column(name: str) -> str:
    """Evidence: a number that is no multiple."""
    return f"{name} (not a multiple)"


def inside_column(name: str) -> str:
    """Evidence: what an object lacks whose fields are columns."""
    return f"{name} (lacking)"


def pattern_column(name: str) -> str:
    """Evidence: a text that its pattern is not found in."""
    return f"{name} (not like its pattern)"


def format_column(name: str) -> str:
    """Evidence: a text that has not the named format."""
    return f"{name} (not of its format)"


def range_column(name: str) -> str:
    """Evidence: a time of day outside its range."""
    return f"{name} (outside its range)"


def text_rules(column: Column) -> Iterator[tuple[str, Callable[[str], bool]]]:
    """(evidence column, whether a text keeps it) of each rule that a text shows by itself."""
    if column.pattern:
        search = re.compile(python_pattern(column.pattern)).search
        yield pattern_column(column.name), lambda text: search(text) is not None
    if column.type == "string" and column.format in TEXTS:
        yield format_column(column.name), TEXTS[column.format]
    low, high = limits(column) if column.type == "time" else (None, None)
    if low is not None or high is not None:
        # A time of day is text, and Great Expectations compares numbers and dates.
        yield range_column(column.name), lambda text: within(text, low, high)


def compile_checks(contract: Contract) -> tuple[RowCheck, ...]:
    """All checks of a contract, in a stable order, each id once."""
    checks = [*_schema(), *_columns(contract), *_objects(contract), *_keys(contract)]
    checks += [_reference(reference) for reference in contract.references]
    checks += [_quality(quality) for quality in contract.quality]
    if contract.freshness is not None:
        freshness = contract.freshness
        checks.append(
            RowCheck(
                id=f"{freshness.column}.freshness",
                columns=(freshness.column,),
                rule=f"the newest {freshness.column} is at most {freshness.days:g} days old",
                severity=freshness.severity,
                phase="snapshot",
            )
        )
    return tuple(_numbered(checks))


def _numbered(checks: list[RowCheck]) -> Iterator[RowCheck]:
    counts: dict[str, int] = {}
    for check in checks:
        count = counts[check.id] = counts.get(check.id, 0) + 1
        yield check if count == 1 else check.model_copy(update={"id": f"{check.id}#{count}"})


def _empty(check: str, columns: tuple[str, ...], rule: str, evidence: str, **more: Any) -> RowCheck:
    return RowCheck(
        id=check,
        columns=columns,
        rule=rule,
        expectation=NULL,
        kwargs={"column": evidence},
        evidence=evidence,
        **more,
    )


def _schema() -> Iterator[RowCheck]:
    yield RowCheck(id=READABLE, columns=(), rule="every row can be taken apart", phase="snapshot")
    yield _empty(COLUMNS_THERE, (), "every object has the required columns", MISSING_COLUMNS)


def _columns(contract: Contract) -> Iterator[RowCheck]:
    for column in contract.columns:
        name = column.name
        article = "an" if column.type[0] in "aeio" else "a"
        nested = ", as described" if column.items is not None else ""
        yield _empty(
            f"{name}.type",
            (name,),
            f"{name} is {article} {column.type}{nested}",
            unreadable_column(name),
        )
        if column.required:
            yield RowCheck(
                id=f"{name}.required",
                columns=(name,),
                rule=f"{name} is never missing",
                expectation="expect_column_values_to_not_be_null",
                kwargs={"column": name},
            )
        yield from _limits(column)


def _objects(contract: Contract) -> Iterator[RowCheck]:
    for inside in contract.objects:
        terms = [f"has {' and '.join(name for name, _ in inside.fields)}"] if inside.fields else []
        if inside.least is not None or inside.most is not None:
            terms.append(f"has {inside.least or 0} … {inside.most or 'any number of'} fields")
        where = "is never missing" if inside.required else ""
        rule = f"{inside.name}{', where it is present,' if terms else ''} {' and '.join(terms)}"
        yield _empty(
            f"{inside.name}.fields",
            (),
            " and ".join(filter(None, [rule.strip() if terms else inside.name, where])),
            inside_column(inside.name),
        )


def _limits(column: Column) -> Iterator[RowCheck]:
    name = column.name
    low, high = limits(column)
    if low is not None or high is not None:
        terms = [] if low is None else [f"{'>' if low[2] else '≥'} {_shown(low[1])}"]
        terms += [] if high is None else [f"{'<' if high[2] else '≤'} {_shown(high[1])}"]
        rule = f"{name} is {' and '.join(terms)}"
        if column.type == "time":
            yield _empty(f"{name}.range", (name,), rule, range_column(name))
            low = high = None
    if low is not None or high is not None:
        yield RowCheck(
            id=f"{name}.range",
            columns=(name,),
            rule=rule,
            expectation="expect_column_values_to_be_between",
            kwargs={
                "column": name,
                "min_value": None if low is None else low[1],
                "max_value": None if high is None else high[1],
                "strict_min": low is not None and low[2],
                "strict_max": high is not None and high[2],
            },
        )
    if column.type in {"integer", "number"} and column.format in NUMBERS:
        least, most = NUMBERS[column.format]
        yield RowCheck(
            id=f"{name}.format",
            columns=(name,),
            rule=f"{name} is what {column.format} holds",
            expectation="expect_column_values_to_be_between",
            kwargs={"column": name, "min_value": least, "max_value": most},
        )
    if column.multiple_of is not None:
        rule = f"{name} is a multiple of {column.multiple_of:g}"
        yield _empty(f"{name}.multiple", (name,), rule, multiple_column(name))
    if column.enum:
        yield RowCheck(
            id=f"{name}.enum",
            columns=(name,),
            rule=f"{name} is one of {', '.join(map(str, column.enum[:12]))}",
            expectation="expect_column_values_to_be_in_set",
            kwargs={"column": name, "value_set": list(column.enum)},
        )
    if column.min_length is not None or column.max_length is not None:
        low_length, high_length = column.min_length or 0, column.max_length
        length = (
            f"at least {low_length}" if high_length is None else f"{low_length} … {high_length}"
        )
        yield RowCheck(
            id=f"{name}.length",
            columns=(name,),
            rule=f"{name} has {length} characters",
            expectation="expect_column_value_lengths_to_be_between",
            kwargs={"column": name, "min_value": column.min_length, "max_value": high_length},
        )
    if column.pattern:
        rule, evidence = f"{name} matches {column.pattern}", pattern_column(name)
        yield _empty(f"{name}.pattern", (name,), rule, evidence)
    if column.type == "string" and column.format in TEXTS:
        rule, evidence = f"{name} is of the format {column.format}", format_column(name)
        yield _empty(f"{name}.format", (name,), rule, evidence)


def _shown(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def _keys(contract: Contract) -> Iterator[RowCheck]:
    sets: list[tuple[str, ...]] = [(column.name,) for column in contract.columns if column.unique]
    if contract.primary_key and contract.primary_key not in sets:
        sets.append(contract.primary_key)
    for names in sets:
        yield _empty(
            f"{'+'.join(names)}.unique",
            names,
            f"no two rows have the same {' and '.join(names)}",
            seen_column(names),
            phase="keys",
        )


def _reference(reference: Reference) -> RowCheck:
    return _empty(
        f"{'+'.join(reference.columns)}.reference",
        reference.columns,
        f"{' and '.join(reference.columns)} names a row of {reference.dataset}",
        unknown_column(reference),
        severity=reference.severity,
    )


def _quality(quality: Quality) -> RowCheck:
    name = quality.column
    common: dict[str, Any] = {"severity": quality.severity}
    bound = quality.bound
    never = bound is not None and bound.inside and bound.high == 0 and not bound.strict
    if quality.kind == "rowCount":
        return RowCheck(
            id=quality.name or "rowCount",
            columns=(),
            rule=quality.description or f"the snapshot has {bound} rows",
            phase="snapshot",
            bound=bound,
            **common,
        )
    if quality.kind == "greatExpectations":
        kind, kwargs = quality.arguments["type"], quality.arguments["kwargs"]
        if told := schema_column(quality):
            in_set = {"column": told, "value_set": [KEPT]}
        return RowCheck(
            id=quality.name or f"{name}.{kind.removeprefix('expect_')}",
            columns=tuple(quality.arguments["columns"]),
            rule=quality.description or kind,
            expectation="expect_column_values_to_be_in_set" if told else kind,
            kwargs=in_set if told else kwargs,
            bound=bound,
            of_values=bound is not None,
            **common,
        )
    if quality.kind in OWN_CHECKS:
        return _empty(
            quality.name or f"{name or 'row'}.{quality.kind}",
            (name,) if name else (),
            quality.description or quality.kind,
            ours_column(quality),
            phase="keys" if quality.kind == "noDuplicateText" else "rows",
            **common,
        )
    common["bound"] = None if never else bound
    frequency = "never" if never else f"in {bound}"
    if quality.kind == "duplicateValues":
        names = tuple(quality.arguments.get("properties") or (name,))
        rule = quality.description or f"{' and '.join(names)} repeats {frequency}"
        return _empty(
            quality.name or f"{'+'.join(names)}.duplicateValues",
            names,
            rule,
            seen_column(names),
            phase="keys",
            **common,
        )
    if quality.kind == "invalidValues" and "validValues" in quality.arguments:
        return RowCheck(
            id=quality.name or f"{name}.invalidValues",
            columns=(name,),
            rule=quality.description or f"{name} is invalid {frequency}",
            expectation="expect_column_values_to_be_in_set",
            kwargs={"column": name, "value_set": list(quality.arguments["validValues"])},
            **common,
        )
    if quality.kind == "invalidValues":
        return _empty(
            quality.name or f"{name}.invalidValues",
            (name,),
            quality.description or f"{name} is invalid {frequency}",
            pattern_of(quality) or unreadable_column(name),
            **common,
        )
    return RowCheck(
        id=quality.name or f"{name}.{quality.kind}",
        columns=(name,),
        rule=quality.description or f"{name} is missing {frequency}",
        expectation="expect_column_values_to_not_be_null",
        kwargs={"column": name},
        **common,
    )


def kinds_of(contract: Contract) -> Mapping[str, Kind]:
    """Columns for drift profiling; an image data set also has its image."""
    images: Mapping[str, Kind] = {"image": "image"} if contract.format == "images" else {}
    return {**contract.kinds, **images}
