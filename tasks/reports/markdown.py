"""Markdown that Prefect's UI shows whole: tables that fit their page, text that stays text. Pure.

The UI never breaks a line inside a table cell, and hides what does not fit behind a scroll bar that
nobody sees. So a table breaks its own lines.
"""

from __future__ import annotations

import html
import math
import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from operator import mul

from tasks.reports.links import label

PAGE, PADDING, SIGN = 820.0, 26.0, 7.3
"""Pixels: of a table at 1400 × 900, around a cell's text, and of a letter on average."""
CODE, CODE_PADDING = 7.0, 8.0
"""Pixels of a sign in a code span, and around the span."""
_PIXELS = {
    sign: pixels
    for pixels, signs in (
        (0.0, "\u200b\u200c\u200d\u2060\ufeff"),
        (3.5, "ijl"),
        (4.0, " I"),
        (4.5, "!',.:;\\·"),
        (5.0, "`ft|"),
        (5.5, "()/[]r"),
        (6.0, "1{}"),
        (6.5, "-_"),
        (7.0, '"^\u2013'),
        (7.5, "*?s"),
        (8.0, "JLackvxyz"),
        (8.5, "57EFehnou"),
        (9.0, "023689#$PSZbdgpq"),
        (9.5, "4&+<=>BKRTY~×€"),
        (10.0, "AVX"),
        (10.5, "CDGHU"),
        (11.0, "NOQ"),
        (11.5, "w"),
        (12.0, "≥≤→↩✔✘❄"),
        (12.5, "m…"),
        (13.0, "M⚠"),
        (14.0, "%@—"),
        (14.5, "W"),
    )
    for sign in signs
}
"""Of each sign in the UI's text (Inter, 14 px); in halves, so that sums are exact and what fitted
once fits again."""
_WIDE, _WIDEST = 15.0, 16.5
"""Pixels of a sign that East Asian typography calls wide, and of any other that stands nowhere."""
_BOLD = 1.125
"""How many times as wide a sign is in a header or in bold, at most."""
BREAK = "\u200b"
"""Where a browser may break a line; it is not seen."""
NARROWEST = 51.0
"""Pixels that a column keeps however many there are."""
_ATOM = re.compile(
    r"`[^`]+`|!?\[(?:\\.|[^\]\\])*\]\((?:\\.|[^)\\])*\)|&#?\w+;|\\.|<br>| +|.", re.DOTALL
)
_TABLE = re.compile(r"^\|.*\|\n\|(?: *:?-+:? *\|)+(?:\n\|.*\|)*$", re.MULTILINE)
_BAR = re.compile(r"(?<!\\)\|")
_JOINTS = frozenset("/._-,:;)]}|&=")
_MARKUP = "\\`*_[]|#~!"


def table(
    header: Sequence[str], rows: Sequence[Sequence[object]], numeric: Collection[int] = ()
) -> str:
    """A Markdown table no wider than the page; cells are escaped so that a value cannot break it.

    Args:
        header: Names of the columns.
        rows: Cells, which may hold Markdown (bold, code, links); see :func:`plain` for data.
        numeric: Columns whose cells stand at the right.
    """
    rule = ["--:" if n in numeric else "---" for n in range(len(header))]
    return "\n".join(_fitted([[_cell(value) for value in row] for row in (header, *rows)], rule))


def fitted(markdown: str) -> str:
    """A page whose tables break their lines, whoever wrote them."""
    return _TABLE.sub(_refitted, markdown)


def _refitted(match: re.Match[str]) -> str:
    lines = match[0].splitlines()
    rows = [[cell.strip() for cell in _BAR.split(line.strip()[1:-1])] for line in lines]
    if len({len(row) for row in rows}) > 1:  # not a table of ours; it stays as it is
        return match[0]
    return "\n".join(_fitted([rows[0], *rows[2:]], rows[1]))


def _fitted(rows: Sequence[Sequence[str]], rule: Sequence[str]) -> list[str]:
    thick = [[_BOLD if not n or "**" in cell else 1.0 for cell in r] for n, r in enumerate(rows)]
    widths = _widths(rows, thick)
    lines = [
        f"| {' | '.join(map(_within, row, bold, widths))} |"
        for row, bold in zip(rows, thick, strict=True)
    ]
    return [lines[0], "|" + "|".join(rule) + "|", *lines[1:]]


def _within(cell: str, bold: float, width: float) -> str:
    return "<br>".join(broken(cell, width / bold))


def plain(text: str) -> str:
    """Data as text: nothing in it becomes markup, and signs that hide others are shown."""
    signs = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text.strip())
    quoted = "".join(f"\\{sign}" if sign in _MARKUP else sign for sign in " ".join(signs.split()))
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        quoted = quoted.replace(sign, entity)
    return quoted or "–"


def flowing(text: str, longest: float = 60 * SIGN) -> str:
    """Words that no line could hold, cut into parts that one can; paragraphs and lists need it."""
    return " ".join(
        word if word.startswith("`") else BREAK.join(broken(word, longest))
        for word in text.split(" ")
    )


def broken(text: str, width: float) -> list[str]:
    """Lines of at most so many pixels, broken between words, and inside a word only if it must be.

    A link stays whole; so does an address in S3, which becomes one.
    """
    lines: list[list[str]] = [[]]
    used = 0.0
    for word in _words(text, width):
        if word == ["<br>"]:
            lines.append([])
            used = 0.0
            continue
        needed = sum(map(_wide, word))
        space = _PIXELS[" "] if lines[-1] else 0.0
        if lines[-1] and used + space + needed > width:
            lines.append([])
            used = space = 0.0
        lines[-1].append("".join(word))
        used += space + needed
    return [" ".join(line) for line in lines]


def _words(text: str, width: float) -> Iterator[list[str]]:
    """Words as lists of atoms; those too long for a line come in parts."""
    word: list[str] = []
    for atom in [*_ATOM.findall(text), " "]:
        if atom.strip(" ") and atom != "<br>":
            word += _parts(atom, width)
            continue
        while word:
            count = _fitting(word, width)
            yield word[:count]
            word = word[count:]
        if atom == "<br>":
            yield [atom]


def _fitting(word: Sequence[str], width: float) -> int:
    """How many atoms of a word one line takes: the last joint near its end, or what fits."""
    used, count = 0.0, 0
    for atom in word:
        used += _wide(atom)
        if used > width and count:
            break
        count += 1
    if count < len(word):
        for index in range(count, count // 2, -1):
            if word[index - 1][-1] in _JOINTS:
                return index
    return count


def _parts(atom: str, width: float) -> list[str]:
    """A code span that no line holds, as several; what is a link, or becomes one, stays whole."""
    if not atom.startswith("`") or _wide(atom) <= width or atom.startswith("`s3://"):
        return [atom]
    parts, used = [""], CODE_PADDING
    for sign in atom[1:-1]:
        if parts[-1] and used + _in_code(sign) > width:
            parts.append("")
            used = CODE_PADDING
        parts[-1] += sign
        used += _in_code(sign)
    return [f"`{part}`" for part in parts]


def _wide(atom: str) -> float:
    """Pixels that an atom takes on the page."""
    if atom.startswith("`") and len(atom) > 1:
        inside = atom[1:-1]
        if inside.startswith("s3://"):
            return _text(label(inside))
        return CODE_PADDING + sum(map(_in_code, inside))
    if _is_link(atom):
        return _text(atom[: atom.index("](")].lstrip("![").replace("\\", ""))
    if len(atom) > 1:
        return _text(html.unescape(atom.removeprefix("\\")))
    return _pixels(atom)


def _is_link(atom: str) -> bool:
    return atom[0] in "![" and "](" in atom


def _text(signs: str) -> float:
    return sum(map(_pixels, signs))


def _in_code(sign: str) -> float:
    return CODE if sign.isascii() else _pixels(sign)


def _pixels(sign: str) -> float:
    """Pixels of one sign; of one that is put together from others, theirs."""
    known = _PIXELS.get(sign)
    if known is not None:
        return known
    if unicodedata.combining(sign):
        return 0.0
    if unicodedata.east_asian_width(sign) in "WF":
        return _WIDE
    parts = unicodedata.normalize("NFKD", sign)
    return _WIDEST if parts == sign else _text(parts)


def _widths(rows: Sequence[Sequence[str]], thick: Sequence[Sequence[float]]) -> list[float]:
    """Pixels of each column: what it needs, or its fair part of what there is."""
    columns = list(zip(*rows, strict=True))
    times = list(zip(*thick, strict=True))
    needs = [max(map(mul, map(_longest, c), bold)) for c, bold in zip(columns, times, strict=True)]
    links = [max(map(_whole, column)) for column in columns]
    room = PAGE - PADDING * len(needs)
    widths = list(links)
    rest = room - sum(widths)
    others = sorted((i for i, width in enumerate(widths) if not width), key=needs.__getitem__)
    for done, index in enumerate(others):
        fair = math.floor(rest / (len(others) - done))
        widths[index] = min(needs[index], max(fair, NARROWEST))
        rest -= widths[index]
    return widths


def _whole(cell: str) -> float:
    """Pixels of the longest part that cannot be broken."""
    whole = (a for a in _ATOM.findall(cell) if a.startswith("`s3://") or _is_link(a))
    return max(map(_wide, whole), default=0.0)


def _longest(cell: str) -> float:
    return max(map(breadth, cell.split("<br>")))


def breadth(line: str) -> float:
    """Pixels that a line of Markdown takes on the page; never less than it really does."""
    return sum(_wide(atom) if atom.strip(" ") else _PIXELS[" "] for atom in _ATOM.findall(line))


def _cell(value: object) -> str:
    text = " ".join(str(value).split("\n")).replace("\\|", "|").replace("|", "\\|")
    text = text.replace(">=", "≥").replace("<=", "≤")
    return re.sub(r"<(?!br>)", "&lt;", text)
