"""Patterns of space-delimited fields: ``[ip, user, ..., status = 4* && status != 404, size]``.

What stands between brackets or double quotation marks is one field. An ellipsis stands for any
number of fields; without one the last field takes the rest of the line, so that ``[w1 = ERROR,
w2]`` finds every line of several words that begins with ERROR.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from embedded_aws.logs.patterns.scanner import PatternError, Scanner
from embedded_aws.logs.patterns.values import FilterPattern, Found, Test, read_comparison

MAX_REGEXES = 2
_NAME = re.compile(r"[^\W\d][\w-]*")
_POSITION = re.compile(r"\$[1-9]\d*\Z", re.ASCII)
_FIELD = re.compile(r'(?:\[([^\]]*)\]|"((?:\\.|[^"\\])*)"|(\S+))(?=\s|\Z)')


@dataclass(frozen=True)
class _Column:
    name: str
    holds: Test


def field_pattern(text: str) -> FilterPattern:
    """Read a pattern in brackets; empty ones match every line.

    Raises:
        PatternError: it cannot be read, or has too many regular expressions.
    """
    reader = _Reader(text)
    before, after = reader.whole()
    columns = before + (after or [])
    named = {f"${column.name}" for column in columns if column.name}

    def find(message: str) -> Found | None:
        fields = _fields(message, None if after is not None else len(before))
        if len(fields) < len(columns):
            return None
        places = [*range(len(before)), *range(len(fields) - len(after or []), len(fields))]
        pairs = list(zip(columns, places, strict=True))
        if not all(column.holds(fields[place]) for column, place in pairs):
            return None
        names = {place: column.name for column, place in pairs if column.name}
        extracted = {f"${names.get(place, place + 1)}": value for place, value in enumerate(fields)}
        return Found(_lookup(extracted, fields), extracted)

    return FilterPattern(
        "fields",
        find,
        lambda reference: reference in named or bool(_POSITION.match(reference)),
        reader.scanner.regexes,
    )


def _lookup(extracted: Mapping[str, str], fields: list[str]) -> Callable[[str], str | None]:
    positions = {f"${place}": value for place, value in enumerate(fields, 1)}
    return lambda reference: extracted.get(reference, positions.get(reference))


def _fields(message: str, count: int | None) -> list[str]:
    """The fields of a line; of ``count`` the last is the rest of it."""
    fields: list[str] = []
    for match in _FIELD.finditer(message):
        if count is not None and len(fields) == count - 1:
            rest = message[match.start() :].rstrip()
            return [*fields, rest if match.end() < match.start() + len(rest) else _inner(match)]
        fields.append(_inner(match))
    return fields


def _inner(match: re.Match[str]) -> str:
    return next(group for group in match.groups() if group is not None)


class _Reader:
    def __init__(self, text: str) -> None:
        self.scanner = Scanner(text, MAX_REGEXES)
        self._names: set[str] = set()

    def whole(self) -> tuple[list[_Column], list[_Column] | None]:
        """The columns before the ellipsis, and those behind it; None where there is no ellipsis."""
        self.scanner.expect("[")
        columns: list[_Column] = []
        before: list[_Column] | None = None
        if self.scanner.accept("]"):
            self.scanner.finish()
            return [], []
        while True:
            if self.scanner.accept("..."):
                if before is not None:
                    raise PatternError("Invalid filter pattern: it has more than one ellipsis.")
                before, columns = columns, []
            else:
                columns.append(self._column())
            if self.scanner.accept("]"):
                break
            self.scanner.expect(",")
        self.scanner.finish()
        return (columns, None) if before is None else (before, columns)

    def _column(self) -> _Column:
        self.scanner.skip()
        name = self.scanner.read(_NAME)
        if name is None:
            if self.scanner.sees(",") or self.scanner.sees("]"):
                return _Column("", lambda _: True)
            raise self.scanner.error("the name of a field is expected")
        if name in self._names:
            raise PatternError(f"Invalid filter pattern: it has two fields named {name}.")
        self._names.add(name)
        if self.scanner.sees(",") or self.scanner.sees("]"):
            return _Column(name, lambda _: True)
        return _Column(name, self._either(name))

    def _either(self, name: str) -> Test:
        terms = [self._all(name)]
        while self.scanner.accept("||"):
            self._again(name)
            terms.append(self._all(name))
        return lambda text: any(test(text) for test in terms)

    def _all(self, name: str) -> Test:
        terms = [read_comparison(self.scanner)]
        while self.scanner.accept("&&"):
            self._again(name)
            terms.append(read_comparison(self.scanner))
        return lambda text: all(test(text) for test in terms)

    def _again(self, name: str) -> None:
        """Each condition of a field names it."""
        self.scanner.skip()
        place = self.scanner.at
        if self.scanner.read(_NAME) != name:
            self.scanner.at = place
            raise self.scanner.error(f"{name} is expected")
