"""Columns of a held-out channel that no model answers with: what groups rows, and slices them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models.runtime.answers import distinct
from models.runtime.images.index import listed
from models.runtime.split import columns_of
from models.runtime.tables.columns import CLIENT_TYPES, read_table, row_ids
from models.runtime.task import Task
from tasks.gates.evidence import HeldOut
from tasks.good_rows import LABELS

READ = (".parquet", ".json", LABELS)
"""How the names of files end that are read here; pictures are not."""
CATEGORICAL = "categorical"


def held_out(folder: Path, label: str, task: type[Task], names: Sequence[str]) -> HeldOut:
    """Columns of the labelled rows, under the names that rows bear in files of answers.

    Args:
        folder: Local copy of the channel.
        label: Column that is predicted; rows without it are in no file of answers.
        task: What is predicted.
        names: Columns. One that is in no file is missing in all rows.

    Raises:
        NoData: the channel holds no row, or no ``_columns.json``.
    """
    columns = columns_of(folder)
    key = [column.name for column in columns if column.key and column.type in CLIENT_TYPES]
    pictures = list(listed(folder))
    if pictures:
        ids = [name for name, _, _ in pictures]
        entries = [entry for _, _, entry in pictures]
        values = {name: [entry.get(name) for entry in entries] for name in {*names, label}}
    else:
        table = read_table(folder, [*key, label], [name for name in names if name not in key])
        ids = row_ids(table, key).tolist()
        values = {name: table[name].to_pylist() for name in {*names, label}}
    there = np.flatnonzero(task.labelled(task.labels(values[label])))
    told = {column.name for column in columns if column.kind == CATEGORICAL}
    return HeldOut(
        distinct(np.asarray(ids, dtype=np.str_)[there]).tolist(),
        {
            name: [_cell(values[name][row], words=name in told) for row in there]
            for name in dict.fromkeys(names)
        },
    )


def _cell(value: Any, *, words: bool) -> Any:
    """A number of a column that the contract calls categorical is a name."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    return str(value) if words else value
