"""The closed set of operations that make features of columns: what preprocess.json lists.

Each is small and language-neutral, with all numbers inside, so that a phone or a browser applies
the same steps without this code. Normalisation stays outside the graph because an int8 graph needs
inputs of one scale.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.runtime.signature import Arrays

Floats = NDArray[np.float64]
Feature = Mapping[str, Any]
Operation = Callable[[Arrays], Floats]

FARTHEST = 1e6
"""How far from the centre a place still moves: beyond, sines of it are noise."""
DAY = np.timedelta64(1, "D")
WORD = re.compile(r"\w+")
_FNV_OFFSET, _FNV_PRIME = 0x811C9DC5, 0x01000193


class UnknownOperation(LookupError):
    """A feature asks for an operation that there is none of."""


def operations(features: Sequence[Feature]) -> list[Operation]:
    """What makes the features, in order.

    Raises:
        UnknownOperation: an operation is none of this set.
    """
    steps: list[Operation] = []
    for op, run in groupby(features, key=lambda feature: feature["op"]):
        if op not in NAMES:
            raise UnknownOperation(f"op {op!r} is none of {', '.join(NAMES)}")
        if op in _TOGETHER:
            steps.append(_TOGETHER[op](list(run)))
        else:
            steps += [partial(_OPERATIONS[op], feature) for feature in run]
    return steps


def columns_of(features: Sequence[Feature]) -> frozenset[str]:
    """Columns that features are made of."""
    return frozenset(
        name
        for feature in features
        for name in (feature["columns"] if "columns" in feature else [feature["column"]])
    )


def raw(columns: Arrays, feature: Feature) -> Floats:
    """One column, the greatest of several, or the ratio of two."""
    values = np.asarray(columns[feature["columns"][0]], dtype=np.float64)
    for name in feature["columns"][1:]:
        other = np.asarray(columns[name], dtype=np.float64)
        values = np.fmax(values, other) if feature["of"] == "greatest" else values / other
    return values


def fnv1a(text: str) -> int:
    """32-bit FNV-1a of a text's UTF-8 (Fowler, Noll & Vo 1991): the same on every machine.

    >>> fnv1a("a"), fnv1a("foobar")
    (3826002220, 3214735720)
    """
    value = _FNV_OFFSET
    for byte in text.encode():
        value = (value ^ byte) * _FNV_PRIME & 0xFFFFFFFF
    return value


def _numbers(features: list[Feature]) -> Operation:
    """Neighbouring ``number`` features as one operation."""
    logged = np.asarray([feature["log"] for feature in features], dtype=bool)
    add, mean, std, clip = (
        np.asarray([feature[key] for feature in features], dtype=np.float64)
        for key in ("add", "mean", "std", "clip")
    )

    def operation(columns: Arrays) -> Floats:
        with np.errstate(all="ignore"):
            values = np.stack([raw(columns, feature) for feature in features], axis=1)
            values = np.where(logged, np.log(values + add), values)
            scaled = (values - mean) / std
        clipped = np.minimum(np.maximum(scaled, -clip), clip)
        return np.where(np.isnan(clipped), 0.0, clipped)

    return operation


def _pieces(features: list[Feature]) -> Operation:
    """Neighbouring ``pieces`` features as one operation: how far a value has come in each piece.

    Piecewise linear encoding (Gorishniy, Rubachev & Babenko 2022): 1 in all pieces below the
    value's, its place between 0 and 1 in its own, 0 in those above; 0 in all where it is missing.
    """
    names = [feature["column"] for feature in features for _ in feature["edges"][1:]]
    below = np.concatenate([feature["edges"][:-1] for feature in features]).astype(np.float64)
    above = np.concatenate([feature["edges"][1:] for feature in features]).astype(np.float64)

    def operation(columns: Arrays) -> Floats:
        known = {name: np.asarray(columns[name], dtype=np.float64) for name in dict.fromkeys(names)}
        values = np.stack([known[name] for name in names], axis=1)
        with np.errstate(all="ignore"):
            come = np.minimum(np.maximum((values - below) / (above - below), 0.0), 1.0)
        return np.where(np.isnan(come), 0.0, come)

    return operation


def _flag(feature: Feature, columns: Arrays) -> Floats:
    values = np.asarray(columns[feature["column"]], dtype=np.float64)
    return np.asarray(values > feature["above"], dtype=np.float64)[:, None]


def _missing(feature: Feature, columns: Arrays) -> Floats:
    return is_missing(columns[feature["column"]]).astype(np.float64)[:, None]


def _one_hot(feature: Feature, columns: Arrays) -> Floats:
    values = columns[feature["column"]]
    categories = feature["values"]
    cells = np.asarray(values, dtype=object if values.dtype.kind == "O" else np.float64)
    hot = np.zeros((len(values), len(categories)))
    for column, value in enumerate(categories):
        hot[:, column] = cells == value
    if feature.get("other", False):
        unknown = (hot.sum(axis=1) == 0) & ~is_missing(values)
        hot = np.concatenate([hot, unknown[:, None].astype(np.float64)], axis=1)
    return hot


def _hashed_words(feature: Feature, columns: Arrays) -> Floats:
    """The hashing trick (Weinberger et al. 2009) on words: log(1 + count), of length one."""
    buckets = int(feature["buckets"])
    counts = np.zeros((len(columns[feature["column"]]), buckets))
    for row, text in enumerate(columns[feature["column"]]):
        for word in WORD.findall(str(text).lower()):
            counts[row, _bucket(word, buckets)] += 1
    weights = np.log1p(counts)
    length = np.sqrt((weights**2).sum(axis=1, keepdims=True))
    return np.asarray(weights / np.maximum(length, 1e-12))


@lru_cache(maxsize=100_000)
def _bucket(word: str, buckets: int) -> int:
    return fnv1a(word) % buckets


def _fourier(feature: Feature, columns: Arrays) -> Floats:
    """Fourier features of a place (Tancik et al. 2020): sines along several directions."""
    place = np.stack([np.asarray(columns[name], np.float64) for name in feature["columns"]], axis=1)
    with np.errstate(over="ignore"):
        place = (place - feature["center"]) / feature["scale"]
    place = np.clip(np.where(np.isnan(place), 0.0, place), -FARTHEST, FARTHEST)
    angles = np.asarray(feature["angles"])
    along = place[:, :1] * np.cos(angles) + place[:, 1:] * np.sin(angles)
    phase = (along[:, :, None] * np.asarray(feature["frequencies"])).reshape(len(place), -1)
    return np.concatenate([np.sin(phase), np.cos(phase)], axis=1)


def _days(feature: Feature, columns: Arrays) -> Floats:
    """Time since the first training day; no date means the newest one known."""
    days = np.asarray(columns[feature["column"]]).astype("datetime64[D]")
    since = (days - np.datetime64(feature["origin"], "D")) / DAY
    since = np.where(np.isnan(since), feature["newest"], since)
    age = np.clip(since, 0, feature["newest"] + feature["beyond"])
    return np.asarray(age / feature["unit"], dtype=np.float64)[:, None]


def is_missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Which values of a column are not there."""
    if values.dtype.kind == "O":
        return np.asarray(values == "", dtype=bool)
    return np.asarray(np.isnat(values) if values.dtype.kind == "M" else np.isnan(values))


_TOGETHER: dict[str, Callable[[list[Feature]], Operation]] = {"number": _numbers, "pieces": _pieces}
"""Operations of which neighbours are one: a request has one row, and each call has its price."""
_OPERATIONS: dict[str, Callable[[Feature, Arrays], Floats]] = {
    "flag": _flag,
    "missing": _missing,
    "one_hot": _one_hot,
    "hashed_words": _hashed_words,
    "fourier": _fourier,
    "days": _days,
}
NAMES = tuple(sorted({*_TOGETHER, *_OPERATIONS}))
