"""Markdown that Prefect's UI shows whole: tables that fit their page, text that stays text. Pure.

The UI never breaks a line inside a table cell, and hides what does not fit behind a scroll bar that
nobody sees. So a table breaks its own lines.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence

from tasks.reports.links import label

PAGE, PADDING, SIGN = 820.0, 26.0, 7.3
"""Pixels: of a table at 1400 × 900, around a cell's text, and of one sign on average."""
BREAK = "\u200b"
"""Where a browser may break a line; it is not seen."""
NARROWEST = 7
"""Signs that a column keeps however many there are."""
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
    widths = _widths(rows)
    lines = [
        "| "
        + " | ".join("<br>".join(broken(c, w)) for c, w in zip(row, widths, strict=True))
        + " |"
        for row in rows
    ]
    return [lines[0], "|" + "|".join(rule) + "|", *lines[1:]]


def plain(text: str) -> str:
    """Data as text: nothing in it becomes markup, and signs that hide others are shown."""
    signs = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text.strip())
    quoted = "".join(f"\\{sign}" if sign in _MARKUP else sign for sign in " ".join(signs.split()))
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        quoted = quoted.replace(sign, entity)
    return quoted or "–"


def flowing(text: str, longest: int = 60) -> str:
    """Words that no line could hold, cut into parts that one can; paragraphs and lists need it."""
    return " ".join(
        word if word.startswith("`") else BREAK.join(broken(word, longest))
        for word in text.split(" ")
    )


def broken(text: str, width: int) -> list[str]:
    """Lines of at most so many signs, broken between words, and inside a word only if it must be.

    A link stays whole; so does an address in S3, which becomes one.
    """
    lines: list[list[str]] = [[]]
    used = 0
    for word in _words(text, width):
        if word == ["<br>"]:
            lines.append([])
            used = 0
            continue
        needed = sum(map(_wide, word))
        if used and used + 1 + needed > width:
            lines.append([])
            used = 0
        lines[-1].append("".join(word))
        used += needed + (1 if used else 0)
    return [" ".join(line) for line in lines]


def _words(text: str, width: int) -> Iterator[list[str]]:
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


def _fitting(word: Sequence[str], width: int) -> int:
    """How many atoms of a word one line takes: the last joint near its end, or what fits."""
    used, count = 0, 0
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


def _parts(atom: str, width: int) -> list[str]:
    """A code span that no line holds, as several; what is a link, or becomes one, stays whole."""
    if not atom.startswith("`") or _wide(atom) <= width or atom.startswith("`s3://"):
        return [atom]
    inside, size = atom[1:-1], max(1, width - 1)
    return [f"`{inside[start : start + size]}`" for start in range(0, len(inside), size)]


def _wide(atom: str) -> int:
    """Signs that an atom takes on the page."""
    if atom.startswith("`") and len(atom) > 1:
        inside = atom[1:-1]
        return len(label(inside)) if inside.startswith("s3://") else len(inside) + 1
    if len(atom) > 1 and atom[0] in "![" and "](" in atom:
        return len(atom[: atom.index("](")].lstrip("![").replace("\\", ""))
    if len(atom) > 1:
        return 1
    if unicodedata.combining(atom):
        return 0
    return 2 if unicodedata.east_asian_width(atom) in "WF" else 1


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """Signs of each column: what it needs, or its fair part of what there is."""
    columns = list(zip(*rows, strict=True))
    needs = [max(map(_longest, column)) for column in columns]
    links = [max(map(_whole, column)) for column in columns]
    room = (PAGE - PADDING * len(needs)) / SIGN
    widths = list(links)
    rest = room - sum(widths)
    others = sorted((i for i, width in enumerate(widths) if not width), key=needs.__getitem__)
    for done, index in enumerate(others):
        fair = int(rest // (len(others) - done))
        widths[index] = min(max(needs[index], 1), max(fair, NARROWEST))
        rest -= widths[index]
    return widths


def _whole(cell: str) -> int:
    """Signs of the longest part that cannot be broken."""
    atoms = _ATOM.findall(cell)
    return max((_wide(a) for a in atoms if a.startswith("`s3://") or "](" in a), default=0)


def _longest(cell: str) -> int:
    return max(
        sum(_wide(atom) if atom.strip(" ") else 1 for atom in _ATOM.findall(line))
        for line in cell.split("<br>")
    )


def _cell(value: object) -> str:
    text = " ".join(str(value).split("\n")).replace("\\|", "|").replace("|", "\\|")
    text = text.replace(">=", "≥").replace("<=", "≤")
    return re.sub(r"<(?!br>)", "&lt;", text)
