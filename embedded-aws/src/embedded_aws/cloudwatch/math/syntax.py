"""Metric math, from text to tree.

Precedence, loosest first: OR, AND, comparison, sum, product, sign, power. Operators of one level
group to the left, powers to the right.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache


class MathError(ValueError):
    """An expression cannot be read or evaluated; the text says why."""


@dataclass(frozen=True)
class Number:
    """``5``, ``0.25``, ``1e3``."""

    value: float


@dataclass(frozen=True)
class Text:
    """A quoted string."""

    value: str


@dataclass(frozen=True)
class Name:
    """The id of a query, or a keyword argument such as ``REPEAT`` or ``DESC``."""

    value: str


@dataclass(frozen=True)
class Call:
    """``NAME(arguments)``."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Array:
    """``[a, b]``."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class Minus:
    """``-a``."""

    operand: Node


@dataclass(frozen=True)
class Binary:
    """``left operator right``; ``&&`` and ``||`` are written ``AND`` and ``OR``."""

    operator: str
    left: Node
    right: Node


Node = Number | Text | Name | Call | Array | Minus | Binary

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<word>[A-Za-z][A-Za-z0-9_]*)
      | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
      | (?P<sign>&&|\|\||==|!=|<=|>=|[-+*/^<>()\[\],])
    )""",
    re.VERBOSE,
)
_LEVELS = (
    frozenset({"OR"}),
    frozenset({"AND"}),
    frozenset({"==", "!=", "<=", ">=", "<", ">"}),
    frozenset({"+", "-"}),
    frozenset({"*", "/"}),
)
_MAX_DEPTH = 50


@lru_cache(maxsize=512)
def parse(text: str) -> Node:
    """The tree of an expression.

    Raises:
        MathError: where it is none.
    """
    if text.lstrip().upper().startswith("SELECT "):
        raise MathError("SELECT is not available: the embedded AWS has no Metrics Insights")
    try:
        parser = _Parser(_tokens(text), text)
        node = parser.level(0)
        parser.finish()
    except MathError as error:
        # AWS says no more than the first two words.
        raise MathError(f"Invalid syntax: {error}") from None
    return node


def names(node: Node) -> frozenset[str]:
    """Every name that occurs in a tree."""
    match node:
        case Name(value):
            return frozenset({value})
        case Call(_, items) | Array(items):
            return frozenset().union(*(names(item) for item in items))
        case Minus(operand):
            return names(operand)
        case Binary(_, left, right):
            return names(left) | names(right)
    return frozenset()


def calls(node: Node) -> frozenset[str]:
    """Every function that a tree calls."""
    match node:
        case Call(function, items):
            return frozenset({function}).union(*(calls(item) for item in items))
        case Array(items):
            return frozenset().union(*(calls(item) for item in items))
        case Minus(operand):
            return calls(operand)
        case Binary(_, left, right):
            return calls(left) | calls(right)
    return frozenset()


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens = []
    at = 0
    # People paste expressions with typographic quotes.
    text = text.translate({0x201C: '"', 0x201D: '"', 0x2018: "'", 0x2019: "'"}).rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise MathError(f"unexpected character {text[at:].lstrip()[:1]!r} in {text!r}")
        kind = str(match.lastgroup)
        value = match[kind]
        value = {"&&": "AND", "||": "OR"}.get(value, value)
        if kind == "word" and value in ("AND", "OR"):
            kind = "sign"
        tokens.append((kind, value))
        at = match.end()
    return tokens


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]], text: str) -> None:
        self._tokens = tokens
        self._text = text
        self._at = 0
        self._depth = 0

    def level(self, index: int) -> Node:
        if index == len(_LEVELS):
            return self._signed()
        node = self.level(index + 1)
        while self._peek()[0] == "sign" and self._peek()[1] in _LEVELS[index]:
            operator = self._next()[1]
            node = Binary(operator, node, self.level(index + 1))
        return node

    def finish(self) -> None:
        if self._at < len(self._tokens):
            raise MathError(f"unexpected {self._peek()[1]!r} in {self._text!r}")

    def _signed(self) -> Node:
        if self._accept("-"):
            return Minus(self._nested(self._signed_again))
        if self._accept("+"):
            return self._nested(self._signed_again)
        base = self._primary()
        if self._accept("^"):
            return Binary("^", base, self._nested(self._signed_again))
        return base

    def _signed_again(self, _index: int) -> Node:
        return self._signed()

    def _nested(self, rule: Callable[[int], Node], index: int = 0) -> Node:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise MathError("the expression is nested too deeply")
        node = rule(index)
        self._depth -= 1
        return node

    def _primary(self) -> Node:
        kind, value = self._next()
        if kind == "number":
            return Number(float(value))
        if kind == "text":
            # Other backslashes are for SEARCH to read.
            return Text(value[1:-1].replace("\\" + value[0], value[0]))
        if kind == "word":
            return Call(value, self._list(")")) if self._accept("(") else Name(value)
        if value == "(":
            node = self._nested(self.level)
            self._expect(")")
            return node
        if value == "[":
            return Array(self._list("]"))
        raise MathError(
            f"unexpected {value!r} in {self._text!r}" if value else f"{self._text!r} is incomplete"
        )

    def _list(self, closing: str) -> tuple[Node, ...]:
        if self._accept(closing):
            return ()
        items = [self._nested(self.level)]
        while self._accept(","):
            items.append(self._nested(self.level))
        self._expect(closing)
        return tuple(items)

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        self._at += 1
        return token

    def _accept(self, sign: str) -> bool:
        if self._peek() == ("sign", sign):
            self._at += 1
            return True
        return False

    def _expect(self, sign: str) -> None:
        if not self._accept(sign):
            token = self._peek()[1]
            raise MathError(
                f"{sign!r} expected"
                + (f" before {token!r}" if token else "")
                + f" in {self._text!r}"
            )
