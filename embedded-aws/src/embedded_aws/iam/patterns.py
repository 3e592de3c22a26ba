"""Wildcards and variables of policies. Pure.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

Context = Mapping[str, Sequence[str]]
"""Values by key of a request; keys in lower case."""

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_LITERALS = frozenset("*?$")
_PARTS = 6


def matches(pattern: str, value: str, context: Context | None = None) -> bool:
    """Whether ``*`` and ``?`` of a pattern stand for what a value has there.

    A variable that the request has no single value for matches nothing.

    >>> matches("s3:Get*", "s3:GetObject"), matches("s3:Get?", "s3:GetObject")
    (True, False)
    """
    expression = _expression(pattern, context or {})
    return expression is not None and re.fullmatch(expression, value, re.DOTALL) is not None


def equals(text: str, value: str, context: Context) -> bool:
    """Whether a value is this text, its variables filled in."""
    filled = _filled(text, context)
    return filled is not None and filled == value


def arn_matches(pattern: str, arn: str, context: Context | None = None) -> bool:
    """Whether each of an ARN's six parts matches the pattern's; the last may hold colons.

    >>> arn_matches("arn:aws:s3:::lake/*", "arn:aws:s3:::lake/a/b")
    True
    >>> arn_matches("arn:*", "arn:aws:s3:::lake")
    False
    """
    if pattern == "*":
        return True
    wanted, parts = _parts(pattern), _parts(arn)
    return len(wanted) == len(parts) == _PARTS and all(
        matches(part, value, context) for part, value in zip(wanted, parts, strict=True)
    )


def variables(text: str) -> frozenset[str]:
    """Keys that a text's variables ask the request for, in lower case."""
    named = (found.partition(",")[0].strip().lower() for found in _VARIABLE.findall(text))
    return frozenset(name for name in named if name not in _LITERALS)


def _parts(arn: str) -> list[str]:
    """An ARN's parts; colons of variables are none of its own."""
    held = _VARIABLE.sub(lambda found: found[0].replace(":", "\0"), arn)
    return [part.replace("\0", ":") for part in held.split(":", _PARTS - 1)]


@lru_cache(maxsize=4096)
def _without_variables(pattern: str) -> str:
    return "".join(
        ".*" if character == "*" else "." if character == "?" else re.escape(character)
        for character in pattern
    )


def _expression(pattern: str, context: Context) -> str | None:
    return _substituted(pattern, context, _without_variables, re.escape)


def _filled(text: str, context: Context) -> str | None:
    return _substituted(text, context, str, str)


def _substituted(
    text: str, context: Context, plain: Callable[[str], str], value_as: Callable[[str], str]
) -> str | None:
    """A text with its variables filled in; None where the request has no single value of one."""
    written, end = "", 0
    for found in _VARIABLE.finditer(text):
        name = found[1].strip()
        value = name if name in _LITERALS else _value(name, context)
        if value is None:
            return None
        written += plain(text[end : found.start()]) + value_as(value)
        end = found.end()
    return written + plain(text[end:])


def _value(variable: str, context: Context) -> str | None:
    """The request's single value of a key, or the default that stands after a comma."""
    key, _, default = variable.partition(",")
    values = context.get(key.strip().lower(), ())
    return values[0] if len(values) == 1 else default.strip().strip("'") or None
