"""The grid: fitted once at the baseline, then frozen, versioned and carried by every profile."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tasks.values import Frozen, fingerprint

GRID_VERSION = 2
"""Raised when a number may fall into another cell than before; profiles then do not mix.

Grids of version 1 are still counted on, as they were then, so that a champion's baseline stays
comparable until it is retrained. Version 2 tells apart whatever float64 (or the integers of the
column) tells apart: spreads that are tiny beside the values, integers beyond 2⁵³, and the rows that
hold the centre itself.
"""
KNOWN_GRIDS = frozenset({1, GRID_VERSION})

ColumnKind = Literal["numeric", "categorical", "text", "image", "vector"]
"""What a column is to drift: numbers; names or codes; free text; encoded images; embeddings."""

VOCABULARY = 2_000
"""Words kept of a text column, most frequent first."""
FIT_ROWS = 16_384
"""Rows of the sample, evenly spaced, that quantiles are taken from."""


Vocabularies = tuple[tuple[str, ...], tuple[str, ...]]


class NumericGrid(Frozen):
    """Where a numeric column's cells lie: ``centre`` and ``scale`` in the column's own unit.

    An integer beyond 2⁵³ is no float: the centre is then ``centre + rest``, exactly.
    """

    centre: float = 0.0
    scale: float = 1.0
    rest: int = 0

    @property
    def origin(self) -> int | None:
        """The centre as an exact integer; None when it is none."""
        return int(self.centre) + self.rest if self.centre.is_integer() else None

    def text(self, units: float) -> str:
        """A value ``units`` scales from the centre, with as many digits as tell it from others."""
        if units == 0 and self.rest:
            return f"{self.origin:,}"
        value = self.centre + self.scale * units
        size = max(abs(value), abs(self.centre))
        digits = 4 + math.log10(size / self.scale) if size > self.scale else 0
        return f"{value:,.{min(max(math.ceil(digits), 6), 17)}g}"


class Grid(Frozen):
    """The frozen grid of a data set.

    ``numeric`` holds every counted number column, those derived from text, images and embeddings
    included; ``words`` two vocabularies of each text column, most frequent first: each was
    fitted on one half of the sample's texts and is used on the other half, as their hashes divide
    them, so that no text is ever compared with words that it brought itself.
    """

    version: int = GRID_VERSION
    kinds: Mapping[str, ColumnKind]
    numeric: Mapping[str, NumericGrid] = {}
    words: Mapping[str, Vocabularies] = {}

    @property
    def fingerprint(self) -> str:
        """Of everything that decides which cell a value falls into."""
        return fingerprint(self.model_dump(mode="json"))


def fit_numeric(values: NDArray[Any]) -> NumericGrid:
    """Median and interquartile range of a sample, shape (n,); non-finite values are left out.

    A column without spread in the middle takes a wider range, one without any spread the size of
    its value; rows that hold the centre itself are counted apart. Any spread that the numbers have
    is one, however small beside the numbers themselves.
    """
    numbers = np.asarray(values)
    if numbers.dtype.kind not in "iu":
        numbers = np.asarray(numbers, dtype=np.float64)
    numbers = numbers[:: max(len(numbers) // FIT_ROWS, 1)]
    numbers = np.sort(numbers[np.isfinite(numbers)])
    if not len(numbers):
        return NumericGrid()
    shares = np.asarray([0.25, 0.5, 0.75, 0.05, 0.95, 0.0, 1.0])
    places = np.rint(shares * (len(numbers) - 1)).astype(np.int64)
    low, middle, high, *outer = numbers[places].tolist()  # Python's own: integers stay exact
    centre = float(middle)
    rest = middle - int(centre) if isinstance(middle, int) else 0
    for bottom, top, share in ((low, high, 1.0), (outer[0], outer[1], 2.4), (*outer[2:], 4.0)):
        spread = float(top - bottom) / share
        if np.isfinite(spread) and spread > 0:
            return NumericGrid(centre=centre, scale=spread, rest=rest)
    return NumericGrid(centre=centre, scale=max(abs(centre), 1.0), rest=rest)
