"""Patterns of terms: ``ERROR -"time out"``, ``?ERROR ?WARN``, and ``%regex%`` on its own."""

from __future__ import annotations

import re

from embedded_aws.logs.patterns.scanner import PatternError, Scanner
from embedded_aws.logs.patterns.values import FilterPattern, Found

_WORD = re.compile(r"\w+")
_SPACE = re.compile(r"\s|\Z")


def term_pattern(text: str) -> FilterPattern:
    """Read terms. A message matches that holds each plain one and none of the excluded ones.

    Of optional terms one is enough; beside others they count for nothing, as the guide says.

    Raises:
        PatternError: a term needs quotation marks, or a regular expression does not stand alone.
    """
    scanner = Scanner(text, most_regexes=1)
    if scanner.sees("%"):
        return _regex_pattern(scanner)
    terms: dict[str, list[str]] = {"": [], "-": [], "?": []}
    while not scanner.ended():
        sign = next((sign for sign in ("-", "?") if scanner.accept(sign)), "")
        terms[sign].append(_term(scanner))
    plain, excluded, optional = terms[""], terms["-"], terms["?"]

    def find(message: str) -> Found | None:
        if plain or excluded or not optional:
            held = all(map(message.__contains__, plain))
            held = held and not any(map(message.__contains__, excluded))
        else:
            held = any(map(message.__contains__, optional))
        return Found() if held else None

    return FilterPattern("terms", find)


def _regex_pattern(scanner: Scanner) -> FilterPattern:
    expression = scanner.regex()
    if not scanner.ended():
        raise PatternError(
            "Invalid filter pattern: a regular expression stands alone, or in a JSON or "
            "space-delimited pattern."
        )
    return FilterPattern(
        "terms", lambda message: Found() if expression.search(message) else None, regexes=1
    )


def _term(scanner: Scanner) -> str:
    if scanner.text.startswith('"', scanner.at):
        phrase = scanner.string()
        term = "" if phrase.isspace() else phrase  # `" "` matches everything, the guide says
    elif scanner.text.startswith("%", scanner.at):
        raise PatternError("Invalid filter pattern: a regular expression has no sign before it.")
    else:
        term = scanner.read(_WORD) or ""
    if not _SPACE.match(scanner.text, scanner.at):
        raise PatternError(
            f"Invalid character(s) in term '{scanner.text[scanner.at]}': put what is not of "
            "letters, digits and underscores in double quotation marks."
        )
    if not term and scanner.text[scanner.at - 1] != '"':
        raise scanner.error("a term is expected")
    return term
