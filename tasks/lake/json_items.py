"""Where the items of a JSON text begin and end, told by its brackets and quotes alone. Pure.

So one item that is no JSON (a field twice, NaN, a number of thousands of digits, a text that does
not decode) costs only itself, where the others would be lost with it otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

BETWEEN = " \t\r\n\ufeff"
"""What may stand between and around items; a byte-order mark where files were put together."""
_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
# A quote within a text that lacks its backslash turns all that follows inside out, until another
# such quote turns it back. What then passes for a string has a word behind it.
_BEHIND = rf"(?=[{BETWEEN}]*+(?:[,:\[\]{{}}]|\Z))"
_SIGN = re.compile(_STRING + _BEHIND + r'|[\[\]{},"\\]', re.DOTALL)
_CLOSES = {"[": "]", "{": "}"}


class NotParted(ValueError):
    """Nobody can say where items end: brackets or quotes do not match, or text stands between."""


def parted(text: str) -> Iterator[str]:
    """The items of one array, or else the arrays and objects that follow one another.

    An item of an array may be blank, where two commas follow each other or one stands last.

    Raises (from the iterator):
        NotParted: nobody can say.
    """
    return (text[start:end].strip(BETWEEN) for start, end in spans(text))


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Where each item begins, and where it has ended; as :func:`parted`.

    Raises (from the iterator):
        NotParted: nobody can say.
    """
    array = text.lstrip(BETWEEN).startswith("[")
    closing: list[str] = []
    start = end = 0
    commas = ended = False
    for match in _SIGN.finditer(text):
        sign, at = match.group(), match.start()
        if sign in {'"', "\\"} or (ended and array):
            raise NotParted
        depth = len(closing)
        if sign in _CLOSES:
            closing.append(_CLOSES[sign])
            if not depth:
                _require_blank(text[end:at])
                start = at + 1 if array else at
        elif sign in {"]", "}"}:
            if not closing or closing.pop() != sign:
                raise NotParted
            if depth == 1:
                end = match.end()
                ended = True
                if not array:
                    yield start, end
                elif commas or text[start:at].strip(BETWEEN):
                    yield start, at
        elif array and sign == "," and depth == 1:
            yield start, at
            start, commas = at + 1, True
        elif not depth:
            raise NotParted
    if closing:
        raise NotParted
    _require_blank(text[end:])


def _require_blank(text: str) -> None:
    if text.strip(BETWEEN):
        raise NotParted
