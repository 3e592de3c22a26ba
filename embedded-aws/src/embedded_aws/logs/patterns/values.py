"""What patterns of all kinds are made of: comparisons of one value, and what was found."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Literal

from embedded_aws.logs.patterns.scanner import PatternError, Scanner

Test = Callable[[str], bool]

_OPERATOR = re.compile(r"!=|<=|>=|=|<|>")
# What needs no quotation marks; of other characters the guide says that they do.
_WORD = re.compile(r"[\w.*+-]+")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z", re.ASCII)
_ORDER: Mapping[str, Callable[[Decimal, Decimal], bool]] = {
    "<": lambda value, bound: value < bound,
    ">": lambda value, bound: value > bound,
    "<=": lambda value, bound: value <= bound,
    ">=": lambda value, bound: value >= bound,
}


@dataclass(frozen=True)
class Found:
    """A message that matches.

    Args:
        value: The text of what a reference (``$.path``, ``$name``, ``$3``) names; None where the
            message has no such value.
        extracted: All fields of a space-delimited message, by reference.
    """

    value: Callable[[str], str | None] = field(default=lambda _: None)
    extracted: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FilterPattern:
    """A pattern that has been read.

    Args:
        kind: Of terms, of JSON documents, or of space-delimited fields.
        find: What it finds in a message; None when the message does not match.
        names: Whether a reference is one that its messages may have a value for.
        regexes: How many regular expressions it holds.
    """

    kind: Literal["terms", "documents", "fields"]
    find: Callable[[str], Found | None]
    names: Callable[[str], bool] = field(default=lambda _: False)
    regexes: int = 0

    def matches(self, message: str) -> bool:
        """Whether a message matches."""
        return self.find(message) is not None


def read_comparison(scanner: Scanner) -> Test:
    """An operator and what a value's text is compared with.

    Numbers are compared as numbers. A string matches as a whole; an asterisk at its beginning or
    end stands for any text, one within it for itself.

    Raises:
        PatternError: there is none, or the two do not go together.
    """
    scanner.skip()
    operator = scanner.read(_OPERATOR)
    if operator is None:
        raise scanner.error("an operator is expected")
    equal = _read_operand(scanner, operator)
    if operator == "!=":
        return lambda text: not equal(text)
    return equal


def number_of(text: str) -> Decimal | None:
    """A number in decimal or scientific notation; None where the text is none."""
    if not _NUMBER.match(text):
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:  # an exponent of twenty digits
        return None
    return number if number.is_finite() else None


def _read_operand(scanner: Scanner, operator: str) -> Test:
    ordered = operator in _ORDER
    if scanner.sees('"') and not ordered:
        return _like(scanner.string())
    if scanner.sees("%") and not ordered:
        expression = scanner.regex()
        return lambda text: expression.search(text) is not None
    word = scanner.read(_WORD)
    if word is None:
        raise scanner.error("a number is expected" if ordered else "a value is expected")
    number = number_of(word)
    if ordered:
        if number is None:
            raise PatternError(
                f"Invalid filter pattern: {operator} compares numbers, and {word!r} is none."
            )
        return _ordered(operator, number)
    if number is None:
        return _like(word)
    return lambda text: text == word or number_of(text) == number


def _ordered(operator: str, bound: Decimal) -> Test:
    holds = _ORDER[operator]

    def test(text: str) -> bool:
        number = number_of(text)
        return number is not None and holds(number, bound)

    return test


def _like(word: str) -> Test:
    if word == "*":
        return lambda _: True
    before, after = word.startswith("*"), word.endswith("*")
    core = word[before : len(word) - after]
    if before and after:
        return lambda text: core in text
    if before:
        return lambda text: text.endswith(core)
    if after:
        return lambda text: text.startswith(core)
    return lambda text: text == core
