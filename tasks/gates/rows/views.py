"""The ways to read one column that may give a label away. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from models.runtime.tables.operations import is_missing
from tasks.gates.rows.sides import FeatureKind
from tasks.gates.rows.strength import View

EDGES = (1, 2, 3)
"""Characters of a text's beginning and end that are looked at."""
MOST_WORDS = 100
"""Words that are looked at: those that most rows have."""
MOST_TIMES = 0.2
"""Distinct numbers for each row up to which they may be codes."""
WORD = r"\w+"
_NUMBER = re.compile(r"-?\d[\d,']*\.?\d*")


def views(kind: FeatureKind, values: NDArray[np.generic]) -> Iterator[View]:
    """The ways to read a column.

    Args:
        kind: What its values are.
        values: float64, ``datetime64[D]`` or text, as `ChannelRows` has them.
    """
    if kind in {"number", "date", "category"} and values.dtype.kind != "O":
        numbers = _numbers(values)
        yield View("", "number", _ranked(numbers))
        # Codes that alternate between classes need more cuts than a tree has.
        codes = _coded(numbers)
        if codes.max(initial=0) <= MOST_TIMES * len(codes):
            yield View("", "category", codes)
        return
    texts = [str(value).strip() for value in values]
    yield View("", "category", _coded(np.asarray(texts, dtype=object)))
    inside = np.asarray([_inside(text) for text in texts])
    yield View("the number in it", "number", _ranked(inside))
    words = [text.split() for text in texts]
    for said, parts in (
        ("its first word", [row[0] if row else "" for row in words]),
        ("its last word", [row[-1] if row else "" for row in words]),
        *((f"its first {_characters(size)}", [text[:size] for text in texts]) for size in EDGES),
        *((f"its last {_characters(size)}", [text[-size:] for text in texts]) for size in EDGES),
    ):
        yield View(said, "category", _coded(np.asarray(parts, dtype=object)))
    flags = _flags(texts)
    if flags is not None:
        yield View("words in it", "flags", flags)


def _numbers(values: NDArray[np.generic]) -> NDArray[np.float64]:
    if values.dtype.kind != "M":
        return values.astype(np.float64)
    days = values.astype("datetime64[D]").astype(np.int64).astype(np.float64)
    days[is_missing(values)] = np.nan
    return days


def _ranked(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places of numbers in their order, which is all that a tree asks; NaN stays.

    A tree holds 32 bits: ids and seconds since 1970 would become equal, and large ones infinite.
    """
    ranks = np.full(len(numbers), np.nan)
    there = ~np.isnan(numbers)
    ranks[there] = np.unique(numbers[there], return_inverse=True)[1]
    return ranks


def _coded(values: NDArray[np.generic]) -> NDArray[np.int64]:
    from pandas import factorize

    codes, _ = factorize(values, use_na_sentinel=False)
    return np.asarray(codes, dtype=np.int64)


def _inside(text: str) -> float:
    found = _NUMBER.search(text)
    return float(found[0].replace(",", "").replace("'", "")) if found else float("nan")


def _flags(texts: Sequence[str]) -> NDArray[np.bool_] | None:
    """Which of the most frequent words each text holds [n, k]; None where there are none."""
    from sklearn.feature_extraction.text import CountVectorizer

    counted = CountVectorizer(binary=True, max_features=MOST_WORDS, token_pattern=WORD)
    try:
        return np.asarray(counted.fit_transform(texts).toarray(), dtype=bool)
    except ValueError:  # no text holds a word
        return None


def _characters(count: int) -> str:
    return "character" if count == 1 else f"{count} characters"
