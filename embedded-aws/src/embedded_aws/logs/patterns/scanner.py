"""Reads a filter pattern from left to right."""

from __future__ import annotations

import re

from embedded_aws.logs.patterns.regexes import RegexError, translated

_STRING = re.compile(r'"((?:\\.|[^"\\])*)"', re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\])')
_BLANK = re.compile(r"\s*")
_REGEX = re.compile(r"%([^%]*)%")


class PatternError(ValueError):
    """A filter pattern cannot be read; the text says why."""


class Scanner:
    """A place in a pattern, and how many regular expressions were read on the way.

    Args:
        text: The pattern.
        most_regexes: How many it may hold.
    """

    def __init__(self, text: str, most_regexes: int) -> None:
        self.text = text
        self.at = 0
        self.regexes = 0
        self._most = most_regexes

    def skip(self) -> None:
        """Go over blanks."""
        self.read(_BLANK)

    def ended(self) -> bool:
        """Whether only blanks are left."""
        self.skip()
        return self.at >= len(self.text)

    def sees(self, what: str) -> bool:
        """Whether this comes next, after blanks."""
        self.skip()
        return self.text.startswith(what, self.at)

    def accept(self, what: str) -> bool:
        """Go over this, where it comes next."""
        if not self.sees(what):
            return False
        self.at += len(what)
        return True

    def expect(self, what: str) -> None:
        """Go over this.

        Raises:
            PatternError: something else comes next.
        """
        if not self.accept(what):
            raise self.error(f"{what} is expected")

    def finish(self) -> None:
        """Be at the end.

        Raises:
            PatternError: there is more.
        """
        if not self.ended():
            raise self.error("the pattern should end")

    def read(self, what: re.Pattern[str]) -> str | None:
        """Go over what matches here; None where nothing does."""
        match = what.match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        return match[0]

    def string(self) -> str:
        """A quoted string, without its quotes and their escapes.

        Raises:
            PatternError: it is not closed.
        """
        match = _STRING.match(self.text, self.at)
        if match is None:
            raise self.error("a double quotation mark is not closed")
        self.at = match.end()
        return _ESCAPED.sub(r"\1", match[1])

    def regex(self) -> re.Pattern[str]:
        """A regular expression between percent signs.

        Raises:
            PatternError: it is not closed, is not of the guide's syntax, or is one too many.
        """
        match = _REGEX.match(self.text, self.at)
        if match is None:
            raise self.error("a percent sign is not closed")
        self.regexes += 1
        if self.regexes > self._most:
            raise PatternError(
                f"A filter pattern of this kind holds at most {self._most} regular expressions."
            )
        try:
            expression = translated(match[1])
        except RegexError as error:
            raise PatternError(f"Invalid regular expression %{match[1]}%: {error}.") from None
        self.at = match.end()
        return expression

    def error(self, why: str) -> PatternError:
        """What is wrong at this place."""
        rest = self.text[self.at : self.at + 20].strip()
        where = f"at {rest!r}" if rest else "at its end"
        return PatternError(f"Invalid filter pattern: {why} {where}.")
