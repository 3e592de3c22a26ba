"""SEARCH: metrics by schema, tokens, exact names and Boolean operators.

``{Namespace, Dimension} term``: the schema asks for exactly these dimensions. A bare word matches
tokens of names, dimension names, dimension values and namespaces; a quoted one a whole string;
``Property=`` narrows either to ``MetricName``, ``Namespace`` or a dimension.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from embedded_aws.cloudwatch.math.syntax import MathError
from embedded_aws.cloudwatch.store import MetricKey

MAX_RESULTS = 100
_MAX_TERM = 1024

Match = Callable[[MetricKey], bool]

_TOKEN = re.compile(r"""\s*(?:,\s*)?(?:
    (?P<paren>[()])
  | (?P<exact>"(?:[^"\\]|\\.)*")
  | (?P<property>(?:[\w.:@/-]+|"(?:[^"\\]|\\.)*")\s*=\s*)
  | (?P<word>[^\s()",=]+)
)""", re.VERBOSE)  # fmt: skip
_PROPERTY = re.compile(r'\s*(?:,\s*)?((?:[\w.:@/+-]+|"(?:[^"\\]|\\.)*"))\s*=\s*')
_SCHEMA = re.compile(r"\s*\{([^}]*)\}\s*,?")
_PART = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^,"]*?)\s*(?:,|$)')
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def search(term: str, keys: Iterable[MetricKey]) -> list[MetricKey]:
    """The metrics that a search term finds, at most :data:`MAX_RESULTS`, in order.

    Raises:
        MathError: when the term cannot be read.
    """
    matches = compile_search(term)
    hits = [key for key in keys if matches(key)]
    return sorted(hits)[:MAX_RESULTS]


@lru_cache(maxsize=256)
def compile_search(term: str) -> Match:
    """A search term as a predicate.

    Raises:
        MathError: when the term cannot be read.
    """
    if len(term) > _MAX_TERM:
        raise MathError(f"a search expression must not be longer than {_MAX_TERM} characters")
    schema, rest = _schema(term)
    parser = _Parser(rest)
    if not parser.more():
        if schema is None:
            raise MathError("a search needs a metric schema, a search term, or both")
        return schema
    in_text = parser.either()
    parser.finish()
    if schema is None:
        return in_text
    in_schema = schema
    return lambda key: in_schema(key) and in_text(key)


@lru_cache(maxsize=65536)
def tokens(text: str) -> tuple[str, ...]:
    """The words of a name: ``Project2-trial333`` → Project, 2, trial, 333."""
    return tuple(_WORDS.findall(text))


def _schema(term: str) -> tuple[Match | None, str]:
    match = _SCHEMA.match(term)
    if match is None:
        return None, term
    parts = [_unquoted(part) for part in _PART.findall(match[1]) if part]
    if not parts:
        raise MathError("the metric schema names no namespace")
    namespace, names = parts[0], tuple(sorted(parts[1:]))

    def matches(key: MetricKey) -> bool:
        if key.namespace != namespace:
            return False
        return not names or tuple(name for name, _ in key.dimensions) == names

    return matches, term[match.end() :]


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def more(self) -> bool:
        return bool(self._text[self._at :].strip(" \t\n,"))

    def finish(self) -> None:
        if self.more():
            raise MathError(f"unexpected {self._text[self._at :].strip()!r} in the search")

    def either(self) -> Match:
        matches = [self._all()]
        while self._accept("OR"):
            matches.append(self._all())
        return matches[0] if len(matches) == 1 else lambda key: any(m(key) for m in matches)

    def _all(self) -> Match:
        matches = [self._one()]
        while self.more() and not self._sees("OR") and not self._sees(")"):
            self._accept("AND")
            matches.append(self._one())
        return matches[0] if len(matches) == 1 else lambda key: all(m(key) for m in matches)

    def _one(self, fields: Callable[[MetricKey], Iterable[str]] | None = None) -> Match:
        if self._accept("NOT"):
            operand = self._one(fields)
            return lambda key: not operand(key)
        if fields is None and (match := _PROPERTY.match(self._text, self._at)):
            self._at = match.end()
            return self._one(_property(_unquoted(match[1])))
        if self._accept("("):
            inner = self._group(fields)
            if not self._accept(")"):
                raise MathError("a parenthesis is not closed in the search")
            return inner
        token = _TOKEN.match(self._text, self._at)
        if token is None or token["paren"]:
            raise MathError(f"a search term is missing in {self._text.strip()!r}")
        self._at = token.end()
        if token["exact"]:
            return _exactly(_unquoted(token["exact"]), fields or _everything)
        return _partly(token["word"] or token["property"], fields or _everything)

    def _group(self, fields: Callable[[MetricKey], Iterable[str]] | None) -> Match:
        if fields is None:
            return self.either()
        matches = [self._one(fields)]
        while self._accept("OR"):
            matches.append(self._one(fields))
        return lambda key: any(m(key) for m in matches)

    def _sees(self, word: str) -> bool:
        token = _TOKEN.match(self._text, self._at)
        return token is not None and word in (token["paren"], token["word"])

    def _accept(self, word: str) -> bool:
        token = _TOKEN.match(self._text, self._at)
        if token is not None and word in (token["paren"], token["word"]):
            self._at = token.end()
            return True
        return False


def _everything(key: MetricKey) -> Iterable[str]:
    yield key.name
    yield key.namespace
    for name, value in key.dimensions:
        yield name
        yield value


def _property(name: str) -> Callable[[MetricKey], Iterable[str]]:
    if name == "MetricName":
        return lambda key: (key.name,)
    if name == "Namespace":
        return lambda key: (key.namespace,)
    return lambda key: (value for dimension, value in key.dimensions if dimension == name)


def _exactly(text: str, fields: Callable[[MetricKey], Iterable[str]]) -> Match:
    return lambda key: text in fields(key)


def _partly(word: str, fields: Callable[[MetricKey], Iterable[str]]) -> Match:
    phrase = tokens(word)
    if not phrase:
        raise MathError(f"the search term {word!r} has no letter or digit")
    return lambda key: any(_has(text, phrase) for text in fields(key))


def _has(text: str, phrase: tuple[str, ...]) -> bool:
    own = tokens(text)
    if len(phrase) == 1:
        word = phrase[0].lower()
        return word == "".join(own).lower() or any(word == token.lower() for token in own)
    # A composite: consecutive tokens, in their own case.
    size = len(phrase)
    return any(own[i : i + size] == phrase for i in range(len(own) - size + 1))


def _unquoted(text: str) -> str:
    text = text.strip()
    if text.startswith('"'):
        text = text[1:-1]
    return re.sub(r"\\(.)", r"\1", text)
