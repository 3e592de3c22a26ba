"""Fit the grid of a data set: once, at the baseline; from then on it is frozen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tasks.drift.profiles.columns import fit_column
from tasks.drift.profiles.describe import is_prose, parts_of
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
        ConfigurationError: no column is named, or two would be counted under one name.
    """
    if not columns:
        raise ConfigurationError(
            "No column is named for drift.", "Name at least one column and its kind."
        )
    kinds = {name: kind_of(name, kind, sample, columns) for name, kind in columns.items()}
    _apart(kinds)
    numeric: dict[str, NumericGrid] = {}
    words: dict[str, Vocabularies] = {}
    for name, kind in kinds.items():
        present = name in sample.schema.names
        fit_column(name, kind, sample.column(name) if present else None, numeric, words)
    return Grid(kinds=kinds, numeric=numeric, words=words)


def kind_of(
    name: str, kind: ColumnKind, sample: Any, columns: Mapping[str, ColumnKind]
) -> ColumnKind:
    """What a column is counted as: categories that are prose are counted as text.

    Free text repeats no value, so counts of its values say nothing; its words do. It stays what it
    was called where the names of a text's parts are taken.
    """
    if kind != "categorical" or name not in sample.schema.names:
        return kind
    taken = set(columns) & set(parts_of("text", name))
    return "text" if not taken and is_prose(sample.column(name)) else kind


def fits(grid: Grid, columns: Mapping[str, ColumnKind]) -> bool:
    """Whether a grid was fitted for these columns; prose may be asked for as categories."""
    return grid.kinds.keys() == columns.keys() and all(
        grid.kinds[name] == kind or (kind, grid.kinds[name]) == ("categorical", "text")
        for name, kind in columns.items()
    )


def _apart(kinds: Mapping[str, ColumnKind]) -> None:
    """Refuse columns whose parts bear each other's names: one would hide the other."""
    owner: dict[str, str] = {}
    for name, kind in kinds.items():
        for part in parts_of(kind, name):
            if part in owner:
                raise ConfigurationError(
                    f"Drift would count {owner[part]!r} and {name!r} under one name, {part!r}.",
                    "Rename one of them, or set `profile: none` for one in the contract.",
                )
            owner[part] = name
