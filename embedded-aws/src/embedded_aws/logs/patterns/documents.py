"""Patterns of JSON documents: ``{ $.level = "error" && ($.n > 5 || $.user NOT EXISTS) }``.

Compared are strings and numbers. Of an array, an object, a boolean, null or a property that is not
there no comparison holds, be it ``=`` or ``!=``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from embedded_aws.logs.patterns.scanner import PatternError, Scanner
from embedded_aws.logs.patterns.selectors import (
    Step,
    read_document,
    read_selector,
    selected,
    selector_of,
    text_of,
)
from embedded_aws.logs.patterns.values import FilterPattern, Found, read_comparison

Holds = Callable[[Any], bool]

MAX_REGEXES = 2
MAX_WILDCARDS = 3
_IS = re.compile(r"IS\s+(NULL|TRUE|FALSE)\b")
_NOT_EXISTS = re.compile(r"NOT\s+EXISTS\b")
_CONSTANTS = {"NULL": None, "TRUE": True, "FALSE": False}


def document_pattern(text: str) -> FilterPattern:
    """Read a pattern in braces.

    Raises:
        PatternError: it cannot be read, or has too many wildcards or regular expressions.
    """
    reader = _Reader(text)
    holds = reader.whole()

    def find(message: str) -> Found | None:
        document = read_document(message)
        if document is None or not holds(document):
            return None
        return Found(lambda reference: _value(document, reference))

    return FilterPattern(
        "documents",
        find,
        lambda reference: selector_of(reference) is not None,
        reader.scanner.regexes,
    )


def _value(document: Any, reference: str) -> str | None:
    nodes = selected(document, selector_of(reference) or ("",))
    return text_of(nodes[0]) if nodes else None


class _Reader:
    """Precedence: parentheses before ``&&`` before ``||``."""

    def __init__(self, text: str) -> None:
        self.scanner = Scanner(text, MAX_REGEXES)
        self._wildcards = 0

    def whole(self) -> Holds:
        self.scanner.expect("{")
        holds = self._either()
        self.scanner.expect("}")
        self.scanner.finish()
        return holds

    def _either(self) -> Holds:
        terms = [self._all()]
        while self.scanner.accept("||"):
            terms.append(self._all())
        return lambda document: any(holds(document) for holds in terms)

    def _all(self) -> Holds:
        terms = [self._one()]
        while self.scanner.accept("&&"):
            terms.append(self._one())
        return lambda document: all(holds(document) for holds in terms)

    def _one(self) -> Holds:
        if self.scanner.accept("("):
            holds = self._either()
            self.scanner.expect(")")
            return holds
        steps = read_selector(self.scanner)
        self._wildcards += steps.count(None)
        if self._wildcards > MAX_WILDCARDS:
            raise PatternError(f"A filter pattern has at most {MAX_WILDCARDS} wildcard selectors.")
        self.scanner.skip()
        return self._condition(steps)

    def _condition(self, steps: tuple[Step, ...]) -> Holds:
        if self.scanner.read(_NOT_EXISTS):
            return lambda document: not selected(document, steps)
        if constant := self.scanner.read(_IS):
            wanted = _CONSTANTS[constant.split()[1]]
            return lambda document: any(node is wanted for node in selected(document, steps))
        test = read_comparison(self.scanner)

        def holds(document: Any) -> bool:
            texts = map(text_of, selected(document, steps))
            return any(text is not None and test(text) for text in texts)

        return holds
