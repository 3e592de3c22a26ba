"""Rules of composite alarms: ``(ALARM(a) OR ALARM("b c")) AND NOT OK(arn:…)``.

``AT_LEAST(2, ALARM, (a, b, c))`` and ``AT_LEAST(50%, NOT OK, (a, b))`` count alarms in a state.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

MAX_ELEMENTS = 500
MAX_CHILDREN = 100

# State of an alarm by its name, or None where there is no such alarm.
States = Callable[[str], str | None]

_TOKEN = re.compile(
    r"""\s*(?:
        AT_LEAST\s*\(\s*(?P<least>\d+%?)\s*,\s*(?P<not>NOT\s+)?
            (?P<counted>ALARM|OK|INSUFFICIENT_DATA)\s*,\s*
            \((?P<names>(?:"[^"]*"|[^"()])*)\)\s*\)
      | (?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*
            \(\s*(?:"(?P<quoted>[^"]*)"|(?P<plain>[^"()]*?))\s*\)
      | (?P<word>AND|OR|NOT|TRUE|FALSE)\b
      | (?P<paren>[()])
    )""",
    re.VERBOSE,
)

_NAME = re.compile(r'"([^"]*)"|([^",]+)')
# As AWS lists what an operand may begin with.
_OPERANDS = "'(', 'NOT', AT_LEAST, TRUE or FALSE, ALARM, OK, or INSUFFICIENT_DATA"


class RuleError(ValueError):
    """A rule cannot be read; the text says why."""


@dataclass(frozen=True)
class Rule:
    """A rule that has been read.

    Args:
        text: As it was written.
        children: Names of the alarms that it depends on, in order, each once.
        holds: Whether it is true under given states.
        written: How each child is referred to, by its name.
    """

    text: str
    children: tuple[str, ...]
    holds: Callable[[States], bool]
    written: Mapping[str, str] = field(default_factory=dict)


def parse_rule(text: str) -> Rule:
    """Read a rule.

    Raises:
        RuleError: when it cannot be read, or is too large.
    """
    if text != text.strip():
        raise RuleError("AlarmRule must not contain leading or trailing whitespace or be null")
    parser = _Parser(text)
    holds = parser.either()
    parser.finish()
    written = {name_of(reference): reference for reference in reversed(parser.references)}
    return Rule(text, tuple(dict.fromkeys(parser.children)), holds, written)


def name_of(reference: str) -> str:
    """An alarm's name, from its name or its ARN."""
    return reference.partition(":alarm:")[2] if reference.startswith("arn:") else reference


def _error(message: str) -> RuleError:
    return RuleError(f"Error in AlarmRule [{message}]")


def _references(names: str) -> list[str]:
    """The alarms of a list: ``a, "b, c"``."""
    found = [quoted or plain.strip() for quoted, plain in _NAME.findall(names)]
    return [reference for reference in found if reference]


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._read(text))
        self._at = 0
        self.children: list[str] = []
        self.references: list[str] = []
        elements = sum(1 for kind, _ in self._tokens if kind not in ("AND", "OR", "NOT"))
        if elements > MAX_ELEMENTS:
            raise _error(f"The rule must not have more than {MAX_ELEMENTS} elements")

    def either(self) -> Callable[[States], bool]:
        terms = [self._all()]
        while self._accept("OR"):
            terms.append(self._all())
        return lambda states: any(term(states) for term in terms)

    def finish(self) -> None:
        if self._at < len(self._tokens):
            raise _error(f"Unexpected {self._tokens[self._at][1]!r}, must be: AND or OR")
        if len(set(self.children)) > MAX_CHILDREN:
            raise _error(f"The rule must not name more than {MAX_CHILDREN} alarms")

    def _all(self) -> Callable[[States], bool]:
        terms = [self._one()]
        while self._accept("AND"):
            terms.append(self._one())
        return lambda states: all(term(states) for term in terms)

    def _one(self) -> Callable[[States], bool]:
        if self._at >= len(self._tokens):
            raise _error(f"The rule ends where there must be: {_OPERANDS}")
        kind, value = self._tokens[self._at]
        self._at += 1
        if kind == "NOT":
            term = self._one()
            return lambda states: not term(states)
        if kind in ("TRUE", "FALSE"):
            return lambda _: kind == "TRUE"
        if kind == "(":
            inner = self.either()
            if not self._accept(")"):
                raise _error("A parenthesis is not closed")
            return inner
        if kind in ("ALARM", "OK", "INSUFFICIENT_DATA"):
            name = self._child(value)
            return lambda states: states(name) == kind
        if kind.startswith("AT_LEAST"):
            return self._at_least(kind, value)
        raise _error(f"Unexpected {value!r}, must be: {_OPERANDS}")

    def _at_least(self, kind: str, value: str) -> Callable[[States], bool]:
        _, least, condition, state = kind.split(" ")
        names = [self._child(reference) for reference in _references(value)]
        share = least.endswith("%")
        needed = int(least.rstrip("%"))
        if not names or not 1 <= needed <= (100 if share else len(names)):
            raise _error(f"AT_LEAST cannot ask for {least} of {len(names)} alarms")
        if share:
            needed = -(-needed * len(names) // 100)
        wanted = condition == "in"
        return lambda states: sum((states(n) == state) == wanted for n in names) >= needed

    def _child(self, reference: str) -> str:
        name = name_of(reference)
        self.children.append(name)
        self.references.append(reference)
        return name

    def _accept(self, kind: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at][0] == kind:
            self._at += 1
            return True
        return False

    @staticmethod
    def _read(text: str) -> list[tuple[str, str]]:
        tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                at += len(text[at:]) - len(text[at:].lstrip())
                token = re.match(r"\w+|.", text[at:], re.DOTALL)
                raise _error(
                    f"Unsupported token '{token[0] if token else ''}' at char {at}, must be: "
                    f"{_OPERANDS}"
                )
            if match["state"]:
                reference = match["quoted"] or match["plain"] or ""
                if not name_of(reference):
                    raise _error(f"No alarm is named in {match[0].strip()!r}")
                tokens.append((match["state"], reference))
            elif match["least"]:
                condition = "out" if match["not"] else "in"
                kind = f"AT_LEAST {match['least']} {condition} {match['counted']}"
                tokens.append((kind, match["names"]))
            else:
                word = match["word"] or match["paren"]
                tokens.append((word, word))
            at = match.end()
        return tokens
