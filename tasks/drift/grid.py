"""The grid: fitted once at the baseline, then frozen, versioned and carried by every profile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from tasks.errors import ConfigurationError
from tasks.values import Frozen, fingerprint

if TYPE_CHECKING:
    import pyarrow as pa

GRID_VERSION = 1
"""Raised when a number may fall into another cell than before; profiles then do not mix."""

ColumnKind = Literal["numeric", "categorical", "text", "image", "vector"]
"""What a column is to drift: numbers; names or codes; free text; encoded images; embeddings."""

VOCABULARY = 2_000
"""Words kept of a text column, most frequent first."""
FIT_ROWS = 16_384
"""Rows of the sample, evenly spaced, that quantiles are taken from."""


Vocabularies = tuple[tuple[str, ...], tuple[str, ...]]


class NumericGrid(Frozen):
    """Where a numeric column's cells lie: ``centre`` and ``scale`` in the column's own unit."""

    centre: float = 0.0
    scale: float = 1.0


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
    its value, so that the grid always resolves the values it was fitted on from their neighbours.
    """
    numbers = np.asarray(values, dtype=np.float64)
    numbers = numbers[:: max(len(numbers) // FIT_ROWS, 1)]
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers):
        return NumericGrid()
    quantiles = np.quantile(numbers, [0.25, 0.5, 0.75, 0.05, 0.95, 0.0, 1.0], method="nearest")
    low, centre, high, *outer = (float(value) for value in quantiles)
    for bottom, top, share in ((low, high, 1.0), (outer[0], outer[1], 2.4), (*outer[2:], 4.0)):
        spread = (top - bottom) / share
        if np.isfinite(spread) and spread > 1e-9 * abs(centre) and spread > 1e-300:
            return NumericGrid(centre=centre, scale=spread)
    return NumericGrid(centre=centre, scale=max(abs(centre), 1.0))


def fit_grid(sample: pa.Table | pa.RecordBatch, columns: Mapping[str, ColumnKind]) -> Grid:
    """Fit the grid on some tens of thousands of baseline rows.

    Args:
        sample: Arrow rows of the baseline.
        columns: What each column is; a column that the sample lacks gets a neutral grid.

    Raises:
        ConfigurationError: no column is named.
    """
    from tasks.drift.columns import fit_column

    if not columns:
        raise ConfigurationError(
            "No column is named for drift.", "Name at least one column and its kind."
        )
    numeric: dict[str, NumericGrid] = {}
    words: dict[str, Vocabularies] = {}
    for name, kind in columns.items():
        present = name in sample.schema.names
        fit_column(name, kind, sample.column(name) if present else None, numeric, words)
    return Grid(kinds=dict(columns), numeric=numeric, words=words)
