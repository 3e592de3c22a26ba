r"""Regular expressions as ODCS writes them (ECMA-262), for Python.

A pattern is searched for, as JSON Schema does: only ``^`` and ``$`` tie it to the ends. Python's
``$`` also matches before a last line break, its ``\d`` and ``\w`` match signs of every script;
ECMA's do not.
"""

from __future__ import annotations

import re

_SETS = {
    "d": "0-9",
    "D": r"\x00-/:-\U0010ffff",
    "w": "A-Za-z0-9_",
    "W": r"\x00-/:-@\[-\^`{-\U0010ffff",
}


def python_pattern(ecma: str) -> str:
    """The same pattern for Python's ``re``.

    Raises:
        re.error: it is no pattern, or says something that Python has no words for.
    """
    pattern, rest, inside = "", ecma, False
    while rest:
        sign, after = rest[0], rest[1:2]
        if sign == "\\":
            named = re.match(r"\\k<([A-Za-z_]\w*)>", rest)
            pattern += f"(?P={named.group(1)})" if named else _escaped(after, inside=inside)
            rest = rest[named.end() if named else 2 :]
            continue
        if sign == "[" and not inside:
            opened = re.match(r"\[\^?", rest)
            pattern += opened.group() if opened else sign
            rest, inside = rest[len(opened.group()) if opened else 1 :], True
            if rest.startswith("]"):
                raise re.error(f"an empty set in {ecma!r}")
            continue
        if sign == "]" and inside:
            inside = False
        elif inside and sign in "[&|~-" and rest[:2] in {"[[", "&&", "||", "~~", "--"}:
            sign = f"\\{sign}"  # Python keeps these for sets of sets
        elif inside and sign == "[":
            sign = "\\["
        elif sign == "$" and not inside:
            sign = r"\Z"
        elif rest.startswith("(?<") and rest[3:4] not in {"=", "!"}:
            pattern, rest = f"{pattern}(?P<", rest[3:]
            continue
        elif sign == "." and not inside:
            sign = r"[^\n\r\u2028\u2029]"
        pattern += sign
        rest = rest[1:]
    re.compile(pattern)
    return pattern


def _escaped(letter: str, *, inside: bool) -> str:
    if letter not in _SETS:
        return "\\" + letter
    return _SETS[letter] if inside else f"[{_SETS[letter]}]"
