r"""Regular expressions of filter patterns: few characters and operators, no groups. Pure.

Letters and digits of ASCII, blanks, the symbols ``: _ # = @ / ; , -``, the operators
``^ $ ? [ ] { } | \ * + .`` and the escapes ``\d \D \s \S \w \W \t \n \xhh``.
"""

from __future__ import annotations

import re

_SYMBOLS = frozenset(":_#=@/;,- ")
_OPERATORS = frozenset("^$?[]{}|\\*+.")
_CLASSES = frozenset("dDsSwWtn")
_HEX = re.compile(r"x[0-9A-Fa-f]{2}")
# Of a class, one character or range follows the other: these pairs mean something else in Python.
_PAIRS = ("--", "||")


class RegexError(ValueError):
    """It is none of a filter pattern; the text says why."""


def translated(text: str) -> re.Pattern[str]:
    """The expression as Python has it, to be searched for.

    Raises:
        RegexError: when it is not of the documented syntax.
    """
    if not text:
        raise RegexError("it is empty")
    parts: list[str] = []
    in_class, at = False, 0
    while at < len(text):
        part = _part(text, at, in_class=in_class)
        char = text[at]
        at += len(part)
        if char == "[" and not in_class:
            in_class = True
            # A bracket that comes first in a class is one of its characters.
            for first in ("^", "]"):
                if text.startswith(first, at):
                    part += "\\]" if first == "]" else first
                    at += 1
        elif char == "[":
            part = "\\["
        elif char == "]":
            in_class = False
        elif char == "$" and not in_class:
            part = r"\Z"  # Python's own also matches before a line break at the end
        parts.append(part)
    try:
        return re.compile("".join(parts), re.ASCII)
    except (re.error, OverflowError) as error:
        raise RegexError(str(error)) from None


def _part(text: str, at: int, *, in_class: bool) -> str:
    char = text[at]
    if in_class and text.startswith(_PAIRS, at):
        raise RegexError(f"{text[at : at + 2]!r} is not supported between brackets")
    if char != "\\":
        if char in _SYMBOLS or char in _OPERATORS or (char.isascii() and char.isalnum()):
            return char
        raise RegexError(f"{char!r} is not supported")
    escaped = text[at + 1 : at + 2]
    if escaped and (escaped in _CLASSES or escaped in _SYMBOLS or escaped in _OPERATORS):
        return text[at : at + 2]
    if _HEX.match(text, at + 1):
        return text[at : at + 4]
    raise RegexError(f"{text[at : at + 2]!r} is not supported")
