"""Fit the grid of a data set: once, at the baseline; from then on it is frozen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tasks.drift.profiles.columns import fit_column
from tasks.drift.profiles.grid import ColumnKind, Grid, NumericGrid, Vocabularies
from tasks.errors import ConfigurationError

if TYPE_CHECKING:
    import pyarrow as pa


def fit_grid(sample: pa.Table | pa.RecordBatch, columns: Mapping[str, ColumnKind]) -> Grid:
    """Fit the grid on some tens of thousands of baseline rows.

    Args:
        sample: Arrow rows of the baseline.
        columns: What each column is; a column that the sample lacks gets a neutral grid.

    Raises:
        ConfigurationError: no column is named.
    """
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
