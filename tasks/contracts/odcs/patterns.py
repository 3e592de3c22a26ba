r"""Regular expressions as ODCS writes them (ECMA-262), for Python.

A pattern is searched for, as JSON Schema does: only ``^`` and ``$`` tie it to the ends. Python's
``$`` also matches before a last line break; its ``\d``, ``\w``, ``\b`` know signs of every script,
and its ``\s`` another set of blanks; a reference to a group that took no part fails in Python and
is empty in ECMA-262. What only one of the two understands, or each in its own way, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_WORD = "A-Za-z0-9_"
_SETS = {
    "d": "0-9",
    "D": r"\x00-/:-\U0010ffff",
    "w": _WORD,
    "W": r"\x00-/:-@\[-\^`{-\U0010ffff",
    "s": r"\t\n\v\f\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff",
    "S": r"\x00-\x08\x0e-\x1f!-\x9f\xa1-\u167f\u1681-\u1fff\u200b-\u2027\u202a-\u202e\u2030-\u205e"
    r"\u2060-\u2fff\u3001-\ufefe\uff00-\U0010ffff",
}
_EDGES = {
    "b": f"(?:(?<![{_WORD}])(?=[{_WORD}])|(?<=[{_WORD}])(?![{_WORD}]))",
    "B": f"(?:(?<![{_WORD}])(?![{_WORD}])|(?<=[{_WORD}])(?=[{_WORD}]))",
}
_PYTHONS = {
    "A": "write ^",
    "Z": "write $",
    "a": r"write \x07",
    "N": "write the sign itself",
    "U": "write the sign itself",
}
"""Escapes that mean something in Python alone."""
_ECMAS = {
    "p": "write ranges of signs ([A-Za-zÀ-ÿ])",
    "P": "write ranges of signs ([^A-Za-zÀ-ÿ])",
    "c": r"write \x01 to \x1a",
}
"""Escapes that mean something in ECMA-262 alone."""
_BRACED = (
    r"\u is four digits without braces in what ECMA-262 and Python share; write the sign itself"
)
_POSIX = re.compile(r"\[[:.=][a-z]+[:.=]$")
_GROUPS = re.compile(r"\((?:\?(?::|=|!|<=|<!|<(?P<name>[A-Za-z_]\w*)>))?", re.ASCII)
_COUNT = re.compile(r"\{(\d+)(?:(,)(\d*))?\}", re.ASCII)
_UP_TO = re.compile(r"\{,\d*\}", re.ASCII)
_ESCAPE = re.compile(
    r"\\(?:k<(?P<name>[A-Za-z_]\w*)>|(?P<number>[1-9]\d*)|.)", re.ASCII | re.DOTALL
)
_IN_SET = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)|.", re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


@dataclass
class _Group:
    """A group, and what it depends on whether it takes part.

    Attributes:
        around: The group that it stands in; None of the whole pattern.
        number: Of what it captures; 0 of a group that captures nothing.
        skipped: Whether what is around it can do without it: alternatives and repeats.
        repeated: Whether it may stand more than once.
        branches: Whether it holds alternatives.
        behind: Whether it looks behind, where ECMA goes backwards.
    """

    around: _Group | None = None
    number: int = 0
    name: str = ""
    skipped: bool = False
    repeated: bool = False
    branches: bool = False
    behind: bool = False

    def ancestry(self) -> Iterator[_Group]:
        here: _Group | None = self
        while here is not None:
            yield here
            here = here.around

    @property
    def may_be_absent(self) -> bool:
        """Whether a match can do without it."""
        return any(
            group.skipped or (group.around is not None and group.around.branches)
            for group in self.ancestry()
        )

    @property
    def forgotten(self) -> bool:
        """Whether a later repeat may do without it, of which ECMA forgets the earlier one."""
        skipped = False
        for group in self.ancestry():
            if group is not self and group.repeated and skipped:
                return True
            skipped |= group.skipped or (group.around is not None and group.around.branches)
        return False


def python_pattern(ecma: str) -> str:
    """The same pattern for Python's ``re``.

    Raises:
        re.error: it is no pattern, or says something that the two understand in two ways.
    """
    pattern = _Translation(ecma).whole()
    re.compile(pattern)
    return pattern


class _Translation:
    """One pattern on its way."""

    def __init__(self, ecma: str) -> None:
        self._rest = ecma
        self._made: list[str | tuple[str, _Escape]] = []
        self._open = _Group()
        self._closed: list[_Group] = []
        self._captured = 0

    def whole(self) -> str:
        """The translated pattern; references last, once all is known of their groups."""
        while self._rest:
            self._step()
        return "".join(
            part if isinstance(part, str) else self._reference(*part) for part in self._made
        )

    def _take(self, length: int) -> str:
        taken, self._rest = self._rest[:length], self._rest[length:]
        return taken

    def _step(self) -> None:
        sign = self._rest[0]
        if sign == "\\":
            self._escape()
        elif sign == "[":
            self._made.append(_set_of(self._take(_end_of_set(self._rest))))
            self._quantifier()
        elif sign == "(":
            self._opened()
        elif sign == ")":
            self._take(1)
            self._made.append(sign)
            if self._open.around is None:
                raise re.error("unbalanced parenthesis")
            closed, self._open = self._open, self._open.around
            self._closed.append(closed)
            self._quantifier(closed)
        else:
            self._open.branches |= sign == "|"
            self._take(1)
            self._made.append({"$": r"\Z", ".": r"[^\n\r\u2028\u2029]"}.get(sign, sign))
            if sign not in "|^":
                self._quantifier()

    def _opened(self) -> None:
        found = _GROUPS.match(self._rest)
        assert found is not None  # noqa: S101 - it begins with a parenthesis
        written = self._take(found.end())
        if written == "(" and self._rest.startswith("?"):
            raise re.error(
                f"({self._rest[:3]} begins no group that ECMA-262 and Python share: (…), (?:…), "
                "(?=…), (?!…), (?<=…), (?<!…) and (?<name>…) do; for either case write [Aa]"
            )
        behind = self._open.behind or written in {"(?<=", "(?<!"}
        group = _Group(around=self._open, skipped=written.endswith("!"), behind=behind)
        if written == "(" or found["name"]:
            self._captured += 1
            group.number, group.name = self._captured, found["name"] or ""
        self._open = group
        self._made.append(f"(?P<{group.name}>" if group.name else written)

    def _escape(self) -> None:
        if surrogate := _SURROGATE.match(self._rest):
            raise re.error(f"{surrogate.group()} is half a sign; write the sign itself")
        found = _ESCAPE.match(self._rest)
        if found is None:
            raise re.error("bad escape (end of pattern)")
        written = self._take(found.end())
        letter = written[1]
        if letter == "u" and self._rest.startswith("{"):
            raise re.error(_BRACED)
        _refuse_pythons(letter)
        if found["name"] or found["number"]:
            if self._open.behind:
                raise re.error(
                    f"{written} looks behind, where ECMA-262 goes backwards; leave it out"
                )
            self._made.append((written, found["name"] or int(found["number"])))
        elif letter in _SETS:
            self._made.append(f"[{_SETS[letter]}]")
        elif letter in _EDGES:
            self._made.append(_EDGES[letter])
            if self._rest[:1] in {"*", "+", "?"} or _COUNT.match(self._rest):
                raise re.error(f"\\{letter} cannot be repeated")
        else:
            self._made.append(written)
        self._quantifier()

    def _quantifier(self, group: _Group | None = None) -> None:
        """What follows a part and says how often it stands."""
        if _UP_TO.match(self._rest):
            raise re.error("{,n} repeats nothing in ECMA-262; write {0,n}")
        count = _COUNT.match(self._rest)
        if count is None and self._rest[:1] not in {"*", "+", "?"}:
            return
        taken = self._take(count.end() if count else 1)
        if self._rest.startswith("+"):
            raise re.error(f"{taken}+ gives nothing back, in Python alone; leave the + out")
        self._made.append(taken + (self._take(1) if self._rest.startswith("?") else ""))
        if group is not None:
            group.skipped |= taken in {"*", "?"} or bool(count and int(count[1]) == 0)
            most = int(count[3] or count[1]) if count and (count[3] or not count[2]) else 2
            group.repeated = taken != "?" and most > 1

    def _reference(self, written: str, to: _Escape) -> str:
        group = next((one for one in self._closed if to in {one.number, one.name}), None)
        same = f"(?P={to})" if isinstance(to, str) else written
        if group is None:
            return same  # Python says what is wrong with it
        if group.forgotten:
            raise re.error(
                f"{written} refers to a group that a repeat may leave out, which each engine takes "
                "in its own way; write it without the reference"
            )
        return f"(?({to}){same}|)" if group.may_be_absent else same


_Escape = str | int
"""What a reference refers to: a name or a number."""


def _refuse_pythons(letter: str) -> None:
    if letter in _PYTHONS:
        raise re.error(f"\\{letter} is none of ECMA-262's escapes; {_PYTHONS[letter]}")
    if letter in _ECMAS:
        raise re.error(f"\\{letter} is none that ECMA-262 and Python share; {_ECMAS[letter]}")


def _end_of_set(rest: str) -> int:
    """Where the set ends that a pattern begins with."""
    at = 2 if rest.startswith("[^") else 1
    if rest[at : at + 1] == "]":
        raise re.error("an empty set")
    while at < len(rest) and rest[at] != "]":
        at += 2 if rest[at] == "\\" else 1
    if at >= len(rest):
        raise re.error("unterminated character set")
    return at + 1


def _set_of(written: str) -> str:
    """A set ``[…]``: no class ends a range, and what Python keeps for sets of sets is text."""
    head = "[^" if written.startswith("[^") else "["
    if posix := _POSIX.search(written[:-1]):
        raise re.error(f"{posix.group()}] is no class in ECMA-262; write its signs (A-Za-z)")
    parts = [_in_set(part) for part in _IN_SET.findall(written[len(head) : -1])]
    made = head
    while parts:
        first, *others = parts[:3]
        if len(others) < len(("-", "last")) or others[0] != "-":
            made += _plain(first)
            parts = parts[1:]
            continue
        classes = {first, others[1]} & set(_SETS.values())
        made += _plain(first) + (r"\-" if classes else "-") + _plain(others[1])
        parts = parts[3:]
    return f"{made}]"


def _in_set(part: str) -> str:
    if surrogate := _SURROGATE.match(part):
        raise re.error(f"{surrogate.group()} is half a sign; write the sign itself")
    if part == r"\u":
        raise re.error(_BRACED)
    if part[0] != "\\":
        return part
    _refuse_pythons(part[1])
    return _SETS.get(part[1], part)


def _plain(part: str) -> str:
    return f"\\{part}" if part in "-[&|~^" else part
