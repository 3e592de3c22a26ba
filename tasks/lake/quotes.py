"""The quotes of CSV, followed over the whole text, before Arrow parts it into fields.

Arrow takes the end of a file for the end of a quoted field, however much stands in it, and puts
text that follows a closing quote behind the field's value. RFC 4180 knows neither. What is right is
handed on as it stands; a row with such text is marked, so that Arrow gives it back as a broken one.
"""

from __future__ import annotations

import io
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
        starts: Position of each run of quotes side by side.
        inside: Whether the text behind each run stands inside quotes.
        behind: Position of each quote that closes a field and has text behind it.
        opened: Position of the quote that is still open at the end, or -1.
    """

    starts: np.ndarray
    inside: np.ndarray
    behind: np.ndarray
    opened: int

    def ends(self, text: bytes, start: int = 0) -> np.ndarray:
        """Positions, from ``start`` on, of the signs that end a line outside quotes."""
        signs = np.frombuffer(text, np.uint8)[start:]
        ends = start + np.flatnonzero((signs == _LINE_ENDS[0]) | (signs == _LINE_ENDS[1]))
        run = np.searchsorted(self.starts, ends) - 1
        return np.asarray(ends[(run < 0) | ~self.inside[run]])

    def whole(self, text: bytes) -> int:
        """Length of the text up to the end of its last whole row."""
        for start in (max(len(text) - LAST, 0), 0):  # as a rule the last lines are enough
            ends = self.ends(text, start)
            if len(ends):
                return int(ends[-1]) + 1
        return 0


def quoting(text: bytes, delimiter: str) -> Quoting:
    """Follow the quotes of a text that holds some.

    A quote opens a field where the field begins; any other one outside quotes is a sign like any
    (``5" pipe``). Inside, two of them are one sign, and one closes.

    Args:
        text: UTF-8 that begins where a row does.
        delimiter: What stands between fields, one ASCII sign.
    """
    signs = np.frombuffer(text, np.uint8)
    parts = np.zeros(256, dtype=bool)
    parts[[ord(delimiter), *_LINE_ENDS]] = True
    quotes = np.flatnonzero(signs == _QUOTE)
    # Quotes side by side act together: an even number changes nothing but at a field's beginning.
    first = np.flatnonzero(np.diff(quotes, prepend=-2) != 1)
    starts, lengths = quotes[first], np.diff(first, append=len(quotes))
    stops = starts + lengths
    odd = lengths % 2 == 1
    opening = parts[signs[starts - 1]]
    opening[0] |= not starts[0]
    # An odd run at a field's beginning opens or closes; any other one closes, or is text outside.
    turns = np.cumsum(odd & opening)
    since = np.maximum.accumulate(np.where(odd & ~opening, turns, 0))
    inside = (turns - since) % 2 == 1
    before = np.concatenate(([False], inside[:-1]))
    closing = np.where(before, odd, opening & ~odd)
    followed = ~parts[signs[np.minimum(stops, len(signs) - 1)]]
    followed[-1] &= stops[-1] < len(signs)
    opened = int(starts[np.flatnonzero(inside & ~before)[-1]]) if inside[-1] else -1
    return Quoting(starts, inside, stops[closing & followed] - 1, opened)


class QuotedRows(io.RawIOBase):
    """Rows of CSV as a stream, whole ones at a time.

    Raises (from reads):
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
        super().__init__()
        self._source = source
        self._key = key
        self._delimiter = delimiter
        self._mark = (MARK + delimiter * columns).encode()  # more fields than any row has
        self._line = line
        self._longest = longest
        self._ready = memoryview(b"")
        self._rest = b""
        self._ended = False

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill a buffer with rows that were looked at."""
        view = memoryview(buffer).cast("B")
        while not self._ready and not self._ended:
            self._ready = memoryview(self._next())
        count = min(len(view), len(self._ready))
        view[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

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
        if found.opened >= 0 and (self._ended or len(text) - cut > self._longest):
            raise self._unclosed(text, found.opened, text[cut:])
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
