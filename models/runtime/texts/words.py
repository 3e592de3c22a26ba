"""A text as ids of its words and of words side by side: the same on a server, phone and browser.

Everything that decides is in one JSON, the ``text`` of preprocess.json; docs/models.md says what
each key means, ``clients/javascript/words.js`` does the same in a browser, and
``clients/vectors/words.json`` holds what both must answer.

Libraries of two languages never know the same version of Unicode. So nothing here asks a library
what a letter is: code points are told apart by the ranges below, and only those of scripts whose
rules are long settled are composed (NFC) and folded.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.runtime.signature import Tensor
from models.runtime.tables.operations import fnv1a

Ranges = Sequence[Sequence[int]]
"""Code points, from the first to the last of each pair."""
SETTLED: Ranges = (
    (0x41, 0x52F), (0x531, 0x5F4), (0x600, 0x6FF), (0x900, 0x97F), (0x10A0, 0x11FF),
    (0x1C90, 0x1CBF), (0x1E00, 0x1FFF), (0x2126, 0x212B), (0x3040, 0x30FF), (0xAC00, 0xD7A3),
    (0xF900, 0xFAFF), (0xFB00, 0xFB4F), (0xFF21, 0xFF5A),
)  # fmt: skip
"""Latin, Greek, Cyrillic, Armenian, Hebrew, Arabic, Devanagari, Georgian, kana, Hangul and their
compatibility forms: what their code points compose and fold to no later Unicode changes."""
REMOVED: Ranges = (
    (0x27, 0x27), (0xAD, 0xAD), (0x2BC, 0x2BC), (0x200C, 0x200D), (0x2018, 0x2019),
    (0x2060, 0x2060), (0xFE00, 0xFE0F), (0xFF07, 0xFF07), (0xE0100, 0xE01EF),
)  # fmt: skip
"""Apostrophes, soft hyphens, joiners, variants: ``don't`` is written in many ways."""
ALONE: Ranges = (
    (0xE00, 0xEFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x2190, 0x2BFF), (0x3041, 0x30FF),
    (0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x1F000, 0x1FAFF), (0x20000, 0x3FFFF),
)  # fmt: skip
"""Scripts that put no space between words, arrows, symbols and emoji: each is a word."""
BETWEEN: Ranges = (
    (0x0, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0xA9), (0xAB, 0xB4), (0xB6, 0xB9),
    (0xBB, 0xBF), (0xD7, 0xD7), (0xF7, 0xF7), (0x37E, 0x37E), (0x387, 0x387), (0x55A, 0x55F),
    (0x589, 0x58A), (0x5BE, 0x5BE), (0x5F3, 0x5F4), (0x60C, 0x60C), (0x61B, 0x61F),
    (0x66A, 0x66D), (0x6D4, 0x6D4), (0x964, 0x965), (0x1680, 0x1680), (0x180E, 0x180E),
    (0x2000, 0x206F), (0x20A0, 0x20CF), (0x2E00, 0x2E7F), (0x3000, 0x303F), (0xE000, 0xF8FF),
    (0xFD3E, 0xFD3F), (0xFE10, 0xFE1F), (0xFE30, 0xFE6F), (0xFEFF, 0xFF0F), (0xFF1A, 0xFF20),
    (0xFF3B, 0xFF40), (0xFF5B, 0xFF65), (0xFFE0, 0xFFFF),
)  # fmt: skip
"""Blanks, punctuation, what is nobody's character. What is in no range is part of a word."""
PADDING = 0
TENSORS: Mapping[int, str] = {1: "words", 2: "pairs", 3: "triples"}
"""Name of the tensor of ids of so many words side by side."""


def described(words: int, grams: Sequence[int], buckets: int) -> dict[str, Any]:
    """The ``text`` of preprocess.json.

    Args:
        words: Words of a text that are read, from its beginning.
        grams: How many words side by side get an id: ``(1, 2)`` is each word and each two.
        buckets: Ids that those of one size share. Each size has its own: many rare pairs would
            else speak for the words that they meet there.

    Raises:
        ValueError: one of them is none.
    """
    most = min(words, max(TENSORS))
    if not grams or min(grams) < 1 or max(grams) > most or len(set(grams)) < len(grams):
        raise ValueError(f"grams {list(grams)} are no different numbers from 1 to {most}")
    if buckets < 1:
        raise ValueError(f"buckets is {buckets}; at least one is needed")
    return {
        "settled": [list(pair) for pair in SETTLED],
        "removed": [list(pair) for pair in REMOVED],
        "alone": [list(pair) for pair in ALONE],
        "between": [list(pair) for pair in BETWEEN],
        "words": words,
        "grams": [
            {"tensor": TENSORS[size], "size": size, "length": words - size + 1} for size in grams
        ],
        "hash": "fnv1a-32",
        "buckets": buckets,
        "padding": PADDING,
    }


class Words:
    """Texts → words → ids.

    Args:
        spec: What :func:`described` made.
    """

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self._most = int(spec["words"])
        self._grams: Sequence[Mapping[str, Any]] = spec["grams"]
        self._buckets = int(spec["buckets"])
        self._removed = re.compile(f"[{_class(spec['removed'])}]+")
        self._settled = re.compile(f"[{_class(spec['settled'])}]+")
        alone, between = _class(spec["alone"]), _class(spec["between"])
        self._word = re.compile(f"[{alone}]|[^{alone}{between}]+")

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """Ids of one text, a tensor for each size."""
        ids = self._buckets + 1
        return tuple(
            Tensor(gram["tensor"], (1, gram["length"]), "int32", ids) for gram in self._grams
        )

    def normalised(self, text: str) -> str:
        """A text without what is removed, its settled scripts composed and folded.

        >>> Words(described(8, (1,), 9)).normalised("Don’t STRAẞE")
        'dont strasse'
        """
        # Half a character, which JSON can carry, stands in no text: it becomes U+FFFD.
        whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return self._settled.sub(lambda found: _folded(found[0]), self._removed.sub("", whole))

    def words(self, text: str) -> list[str]:
        """The first words of a text."""
        return list(islice(self._found(text), self._most))

    def ids(self, texts: Sequence[str]) -> dict[str, NDArray[np.int32]]:
        """Ids [n, length] of texts by tensor; what is left of a row is padding."""
        made = {
            gram["tensor"]: np.full((len(texts), gram["length"]), PADDING, dtype=np.int32)
            for gram in self._grams
        }
        for row, text in enumerate(texts):
            words = self.words(text)
            for gram in self._grams:
                found = self._ids(words, gram["size"])
                made[gram["tensor"]][row, : len(found)] = found
        return made

    def _found(self, text: str) -> Iterator[str]:
        return (found[0] for found in self._word.finditer(self.normalised(text)))

    def _ids(self, words: Sequence[str], size: int) -> list[int]:
        begins = range(len(words) - size + 1)
        grams = [" ".join(words[first : first + size]) for first in begins]
        return [1 + hashed(gram) % self._buckets for gram in grams]


@lru_cache(maxsize=100_000)
def hashed(gram: str) -> int:
    """Hash of words side by side."""
    return fnv1a(gram)


def _folded(run: str) -> str:
    """NFC; each code point to small letters, to capitals and to small ones again; NFC.

    That is case folding by the two mappings that every language has. One by one, because of a
    whole word some languages look at the neighbours.
    """
    if run.isascii():
        return run.lower()
    made = unicodedata.normalize("NFC", run)
    for turned in (str.lower, str.upper, str.lower):
        made = "".join(map(turned, made))
    return unicodedata.normalize("NFC", made)


def _class(ranges: Ranges) -> str:
    """Ranges as the inside of a regular expression's character class."""
    return "".join(f"{re.escape(chr(first))}-{re.escape(chr(last))}" for first, last in ranges)
