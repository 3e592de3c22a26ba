"""Ways in which systems write one and the same name differently."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import quote

_TRUTH = ({"true": "1", "false": "0"}, {"yes": "1", "no": "0"}, {"y": "1", "n": "0"},
          {"t": "1", "f": "0"}, {"true": "yes", "false": "no"}, {"true": "y", "false": "n"},
          {"true": "t", "false": "f"}, {"yes": "y", "no": "n"})  # fmt: skip


def _misread(written: str, read: str) -> Callable[[str], str]:
    return lambda name: name.encode(written, "replace").decode(read, "replace")


def _bare(name: str) -> str:
    parts = unicodedata.normalize("NFKD", name)
    return "".join(sign for sign in parts if not unicodedata.combining(sign))


def _as_fraction(name: str) -> str:
    return f"{name}.0" if name.lstrip("-").isdigit() else name


def _padded(width: int) -> Callable[[str], str]:
    return lambda name: name.zfill(width) if name.isdigit() else name


WAYS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("in capitals", str.upper),
    ("in small letters", str.lower),
    ("with capital initials", str.title),
    ("with one capital initial", str.capitalize),
    ("without blanks around them", str.strip),
    ("with a blank behind them", lambda name: f"{name} "),
    ("with a blank before them", lambda name: f" {name}"),
    ("as UTF-8 that was read as Latin-1", _misread("utf-8", "latin-1")),
    ("as UTF-8 that was read as Windows-1252", _misread("utf-8", "cp1252")),
    ("as UTF-8 that was read as Mac Roman", _misread("utf-8", "mac_roman")),
    ("as Latin-1 that was read as UTF-8", _misread("latin-1", "utf-8")),
    ("as Windows-1252 that was read as UTF-8", _misread("cp1252", "utf-8")),
    ("in ASCII with question marks", _misread("ascii", "ascii")),
    ("without accents", _bare),
    ("with composed accents", lambda name: unicodedata.normalize("NFC", name)),
    ("with decomposed accents", lambda name: unicodedata.normalize("NFD", name)),
    ("with characters left out", lambda name: name.encode("ascii", "ignore").decode()),
    ("as parts of addresses (%20)", quote),
    ("with HTML's entities", html.escape),
    ("as bytes (b'…')", lambda name: repr(name.encode())),
    ("in quotation marks", lambda name: f'"{name}"'),
    ("in single quotation marks", lambda name: f"'{name}'"),
    ("with underscores for blanks", lambda name: name.replace(" ", "_")),
    ("with hyphens for blanks", lambda name: name.replace(" ", "-")),
    ("with blanks for underscores", lambda name: name.replace("_", " ")),
    ("with hyphens for underscores", lambda name: name.replace("_", "-")),
    ("without blanks", lambda name: name.replace(" ", "")),
    ("as fractions (1.0)", _as_fraction),
    ("as whole numbers", lambda name: name.removesuffix(".0")),
    *((f"filled up to {width} digits", _padded(width)) for width in range(2, 9)),
    ("without leading zeros", lambda name: name.lstrip("0") or "0"),
)


def renamings(names: list[str]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Each way with the names that it changes, old to new; ways that change none are left out."""
    for told, way in WAYS:
        changed = {name: way(name) for name in names}
        changed = {old: new for old, new in changed.items() if old != new}
        if changed:
            yield told, changed
    for told, words in (("in other words for yes and no", item) for item in _both_ways()):
        changed = {name: words[name.lower()] for name in names if name.lower() in words}
        if len(changed) == len(names):
            yield told, changed


def _both_ways() -> Iterator[Mapping[str, str]]:
    for words in _TRUTH:
        yield words
        yield {new: old for old, new in words.items()}
        yield {old: new.capitalize() for old, new in words.items()}
        yield {new: old.capitalize() for old, new in words.items()}
