"""Rules of composite alarms: ``(ALARM(a) OR ALARM("b c")) AND NOT OK(arn:…)``."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

MAX_ELEMENTS = 500
MAX_CHILDREN = 100

# State of an alarm by its name, or None where there is no such alarm.
States = Callable[[str], str | None]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"(?P<quoted>[^"]*)"|(?P<plain>[^"()]*?))\s*\)
      | (?P<word>AND|OR|NOT|TRUE|FALSE)\b
      | (?P<paren>[()])
    )""",
    re.VERBOSE,
)


class RuleError(ValueError):
    """A rule cannot be read; the text says why."""


@dataclass(frozen=True)
class Rule:
    """A rule that has been read.

    Args:
        text: As it was written.
        children: Names of the alarms that it depends on, in order, each once.
        holds: Whether it is true under given states.
    """

    text: str
    children: tuple[str, ...]
    holds: Callable[[States], bool]


def parse_rule(text: str) -> Rule:
    """Read a rule.

    Raises:
        RuleError: when it cannot be read, or is too large.
    """
    parser = _Parser(text)
    holds = parser.either()
    parser.finish()
    return Rule(text, tuple(dict.fromkeys(parser.children)), holds)


def name_of(reference: str) -> str:
    """An alarm's name, from its name or its ARN."""
    return reference.partition(":alarm:")[2] if reference.startswith("arn:") else reference


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._read(text))
        self._at = 0
        self.children: list[str] = []
        elements = sum(1 for kind, _ in self._tokens if kind not in ("AND", "OR", "NOT"))
        if elements > MAX_ELEMENTS:
            raise RuleError(f"The AlarmRule must not have more than {MAX_ELEMENTS} elements.")

    def either(self) -> Callable[[States], bool]:
        terms = [self._all()]
        while self._accept("OR"):
            terms.append(self._all())
        return lambda states: any(term(states) for term in terms)

    def finish(self) -> None:
        if self._at < len(self._tokens):
            raise RuleError(f"AlarmRule has unexpected {self._tokens[self._at][1]!r}.")
        if len(set(self.children)) > MAX_CHILDREN:
            raise RuleError(f"The AlarmRule must not name more than {MAX_CHILDREN} alarms.")

    def _all(self) -> Callable[[States], bool]:
        terms = [self._one()]
        while self._accept("AND"):
            terms.append(self._one())
        return lambda states: all(term(states) for term in terms)

    def _one(self) -> Callable[[States], bool]:
        if self._at >= len(self._tokens):
            raise RuleError("AlarmRule ends where an alarm, TRUE or FALSE is expected.")
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
                raise RuleError("AlarmRule has a parenthesis that is not closed.")
            return inner
        if kind in ("ALARM", "OK", "INSUFFICIENT_DATA"):
            self.children.append(value)
            return lambda states: states(value) == kind
        raise RuleError(f"AlarmRule has unexpected {value!r}.")

    def _accept(self, kind: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at][0] == kind:
            self._at += 1
            return True
        return False

    @staticmethod
    def _read(text: str) -> list[tuple[str, str]]:
        tokens: list[tuple[str, str]] = []
        at = 0
        text = text.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise RuleError(f"AlarmRule cannot be read at {text[at : at + 20].strip()!r}.")
            if match["state"]:
                name = name_of(match["quoted"] or match["plain"] or "")
                if not name:
                    raise RuleError(f"AlarmRule names no alarm in {match[0].strip()!r}.")
                tokens.append((match["state"], name))
            else:
                word = match["word"] or match["paren"]
                tokens.append((word, word))
            at = match.end()
        return tokens
