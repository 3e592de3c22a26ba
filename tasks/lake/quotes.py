"""The quotes of CSV, followed over the whole text, before Arrow parts it into fields.

Arrow takes the end of a file for the end of a quoted field, however much stands in it, and puts
text that follows a closing quote behind the field's value. RFC 4180 knows neither. What is right is
handed on as it stands; a row with such text is marked, so that Arrow gives it back as a broken one.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tasks.lake.bounds import unreadable

BLOCK = 1 << 20
LAST = 1 << 14
MARK = "\0"
"""Stands in a row that was marked, behind the row's own text; text itself holds no NUL."""
BEHIND = 'text stands behind a closing quote; a quote inside quotes is written twice ("")'
BACKSLASH = (
    r"a backslash before a quote (\") is read as text: have quotes inside quotes written twice "
    r"""("" instead of \"; Spark: option("escape", "\""), MySQL: ESCAPED BY '"')"""
)
_QUOTE = ord('"')
_LINE_ENDS = (ord("\n"), ord("\r"))


@dataclass(frozen=True)
class Quoting:
    """Which parts of a text stand inside quotes; the text begins with a row.

    Attributes:
        starts: Positions of quotes, or of runs of them side by side.
        inside: Whether the text behind each of these stands inside quotes.
        behind: Position of each quote that closes a field and has text behind it.
    """

    starts: np.ndarray
    inside: np.ndarray
    behind: np.ndarray

    def ends(self, text: bytes, start: int = 0) -> np.ndarray:
        """Positions, from ``start`` on, of the signs that end a line outside quotes."""
        signs = np.frombuffer(text, np.uint8)[start:]
        ends = start + np.flatnonzero((signs == _LINE_ENDS[0]) | (signs == _LINE_ENDS[1]))
        at = np.searchsorted(self.starts, ends) - 1
        return np.asarray(ends[(at < 0) | ~self.inside[at]])

    def whole(self, text: bytes) -> int:
        """Length of the text up to the end of its last whole row."""
        for start in (max(len(text) - LAST, 0), 0):  # as a rule the last lines are enough
            ends = self.ends(text, start)
            if len(ends):
                return int(ends[-1]) + 1
        return 0

    def opened(self) -> int:
        """Position of the quote that is still open at the end, or -1."""
        at = len(self.starts) - 1
        if not self.inside[at]:
            return -1
        while at and (self.inside[at - 1] or self.starts[at - 1] == self.starts[at] - 1):
            at -= 1
        return int(self.starts[at])


def quoting(text: bytes, delimiter: str) -> Quoting:
    """Follow the quotes of a text that holds some.

    A quote opens a field where the field begins; any other one outside quotes is a sign like any
    (``5" pipe``). Inside, two of them are one sign, and one closes.

    Args:
        text: UTF-8 that begins where a row does.
        delimiter: What stands between fields, one ASCII sign.
    """
    signs = np.frombuffer(text, np.uint8)
    quotes = np.flatnonzero(signs == _QUOTE)
    ends = (signs == _LINE_ENDS[0]) | (signs == _LINE_ENDS[1])
    edges = np.ones(len(signs) + 2, dtype=bool)  # of fields; both ends of the text are some
    edges[1:-1] = ends | (signs == ord(delimiter))
    return _plain(signs, quotes, edges) or _any(quotes, edges)


def _plain(signs: np.ndarray, quotes: np.ndarray, edges: np.ndarray) -> Quoting | None:
    """The same for quotes as writers set them, which is quick; None where some are not.

    Every other quote, from the first on, has a field's edge before it and opens, the others have
    one behind them and close. Two that are one sign close and open again, which comes to the same.
    """
    known = edges.copy()
    known[1:-1] |= signs == _QUOTE
    if not (known[quotes[::2]].all() and known[quotes[1::2] + 2].all()):
        return None
    inside = np.zeros(len(quotes), dtype=bool)
    inside[::2] = True
    return Quoting(quotes, inside, quotes[:0])


def _any(quotes: np.ndarray, edges: np.ndarray) -> Quoting:
    # Quotes side by side act together: an even number changes nothing but at a field's beginning.
    first = np.flatnonzero(np.diff(quotes, prepend=-2) != 1)
    starts, lengths = quotes[first], np.diff(first, append=len(quotes))
    stops = starts + lengths
    odd = (lengths & 1) == 1
    opening = edges[starts]
    # An odd run at a field's beginning opens or closes; any other one closes, or is text outside.
    turns = np.cumsum(odd & opening)
    since = np.maximum.accumulate(np.where(odd & ~opening, turns, 0))
    inside = ((turns - since) & 1) == 1
    before = np.concatenate(([False], inside[:-1]))
    closing = np.where(before, odd, opening & ~odd)
    return Quoting(starts, inside, stops[closing & ~edges[stops + 1]] - 1)


class QuotedRows:
    """The text of CSV in blocks of whole rows, each at least one row.

    Raises (from its iterator):
        UnreadableData: a quote is never closed; text stands behind a closing quote and nobody can
            say which rows that costs; a row is longer than ``longest``.
    """

    def __init__(
        self,
        source: io.BufferedReader,
        key: str,
        delimiter: str,
        *,
        columns: int,
        line: int,
        longest: int,
    ) -> None:
        """Begin behind the header.

        Args:
            source: UTF-8 without NUL.
            key: Named in errors.
            delimiter: What stands between fields.
            columns: How many the header names.
            line: Number of the line that comes next.
            longest: Bytes of the longest row.
        """
        self._source = source
        self._key = key
        self._delimiter = delimiter
        self._mark = (MARK + delimiter * columns).encode()  # more fields than any row has
        self._line = line
        self._longest = longest
        self._rest = b""
        self._ended = False

    def __iter__(self) -> Iterator[bytes]:
        """Once."""
        while not self._ended:
            if rows := self._next():
                yield rows

    def _next(self) -> bytes:
        """The next whole rows; what follows the last of them is kept for later."""
        data = self._source.read(BLOCK)
        if data.endswith(b"\r"):
            data += self._source.read(1)  # a line may end with both signs
        self._ended = not data
        text = self._rest + data
        if b'"' not in text:
            return self._handed_on(text, max(text.rfind(b"\n"), text.rfind(b"\r")) + 1)
        found = quoting(text, self._delimiter)
        cut = found.whole(text)
        if self._ended or len(text) - cut > self._longest:
            opened = found.opened()
            if opened >= 0:
                raise self._unclosed(text, opened, text[cut:])
        whole = len(text) if self._ended else cut
        return self._handed_on(text, cut, self._broken(text, found, whole))

    def _handed_on(self, text: bytes, cut: int, broken: list[int] | None = None) -> bytes:
        cut = len(text) if self._ended else cut
        self._rest = text[cut:]
        if len(self._rest) > self._longest:
            line = self._line + _lines(text[:cut])
            raise unreadable(self._key, f"line {line} is longer than {self._longest:,} bytes")
        text = text[:cut]
        self._line += _lines(text)
        if not broken:
            return text
        edges = pairwise([0, *broken, len(text)])
        return self._mark.join(text[start:stop] for start, stop in edges)

    def _broken(self, text: bytes, found: Quoting, whole: int) -> list[int]:
        """Where the rows end that have text behind a closing quote.

        Such a row costs only itself where it stands on one line. Over several lines, or where a
        backslash shows that another rule was meant, other rows may be part of it.
        """
        behind = found.behind[found.behind < whole]
        if not len(behind):
            return []
        ends = found.ends(text)
        after = np.searchsorted(ends, behind)
        stops: list[int] = []
        for row in dict.fromkeys(after.tolist()):
            start = int(ends[row - 1]) + 1 if row else 0
            stop = int(ends[row]) if row < len(ends) else len(text)
            written = text[start:stop]
            where = int(behind[np.searchsorted(after, row)])
            line = self._line + _lines(text[:where])
            if b'\\"' in written:
                why = f"line {line} has text behind a closing quote: {BACKSLASH}"
                raise unreadable(self._key, why)
            if _lines(written):
                first = self._line + _lines(text[:start])
                raise unreadable(
                    self._key,
                    f"a quoted field of the row that begins in line {first} closes in line {line}, "
                    f"and text stands behind it: a quote is not closed, or not written twice",
                )
            stops.append(stop)
        return stops

    def _unclosed(self, text: bytes, opened: int, row: bytes) -> Exception:
        line = self._line + _lines(text[:opened])
        bound = f"is not closed within {self._longest:,} bytes"
        never = "is never closed" if self._ended else bound
        hint = f"; {BACKSLASH}" if b'\\"' in row else ""
        return unreadable(self._key, f"a quote opened in line {line} {never}{hint}")


def _lines(text: bytes) -> int:
    """How many lines end in a text: with LF, CR, or both."""
    count = text.count(b"\n")
    return count + text.count(b"\r") - text.count(b"\r\n") if b"\r" in text else count
