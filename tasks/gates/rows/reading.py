"""Read the rows of both sides of a split from local copies of their channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.runtime.images.index import listed
from models.runtime.script_mode import Hyperparameters
from models.runtime.split import ChannelColumn, NoData, columns_of
from models.runtime.tables.columns import CLIENT_TYPES, array, read_table, row_ids
from models.runtime.task import Task
from tasks.errors import NoDataInWindow
from tasks.gates.rows.sides import PICTURE, ChannelRows, FeatureKind, RowFeature
from tasks.good_rows import DAY, LABEL_DAY, day_of
from tasks.metrics import task_class
from tasks.model_spec import ModelSpec

FREE_TEXT, CATEGORY, CATEGORICAL = "text", "category", "categorical"
TRAINING, HOLDOUT = "training", "holdout"
FILE = "file"
"""Key of a photo's entry that tells it from others."""


def both_sides(
    spec: ModelSpec, folders: Mapping[str, Path]
) -> tuple[ChannelRows, ChannelRows, tuple[RowFeature, ...]]:
    """The labelled rows to learn from, those held out, and the columns that a model learns from.

    Args:
        spec: The model.
        folders: Local copies of the channels ``training`` and ``holdout``.

    Raises:
        NoDataInWindow: a side has no labelled row.
    """
    family, label = spec.composition, spec.data.label
    try:
        columns = columns_of(folders[TRAINING])
        hyperparameters = Hyperparameters(spec.training.hyperparameters)
        schema = family.input_class.schema(columns, label, spec.data.features, hyperparameters)
        gathers = family.input_class.gathers
        # A row is gathered of several of the channel's: no column of one tells of it.
        features = () if gathers else features_of(schema, columns)
        task = None if gathers else task_class(family.task)
        sides = {name: read_side(folders[name], label, task, features) for name in folders}
    except NoData as error:
        raise NoDataInWindow(
            f"{spec.data.dataset}: {error}",
            "Look at the page of the contract: which rows are good?",
        ) from error
    empty = [name for name, rows in sides.items() if not len(rows)]
    if empty:
        raise NoDataInWindow(
            f"{spec.data.dataset}: no row of {' and '.join(empty)} has a {label}.",
            "Widen the window, or set data.label_delay_days to the days that a label takes.",
        )
    return sides[TRAINING], sides[HOLDOUT], features


def features_of(
    schema: Mapping[str, Any], columns: Sequence[ChannelColumn]
) -> tuple[RowFeature, ...]:
    """The features of a table or a text, from what its input says of reading it."""
    keys = {column.name for column in columns if column.key}
    return tuple(
        RowFeature(entry["name"], _kind(entry), entry["name"] in keys)
        for entry in schema.get("columns", ())
        if "type" in entry  # an input of somebody's own may list other things
    )


def _kind(entry: Mapping[str, Any]) -> FeatureKind:
    if entry["type"] == "date":
        return "date"
    look, treatment = entry.get("look"), entry.get("treatment")
    if entry["type"] == "text":
        # An input of one text says nothing of how it is looked at.
        return "text" if look is None or FREE_TEXT in {look, treatment} else "category"
    return "category" if treatment == CATEGORY or look == CATEGORICAL else "number"


def read_side(
    folder: Path, label: str, task: type[Task] | None, features: Sequence[RowFeature]
) -> ChannelRows:
    """The labelled rows of a channel.

    Args:
        folder: Local copy of it, with its ``_columns.json``.
        label: Column that is predicted.
        task: That reads labels; None reads them as text.
        features: Columns to read; of photos none.

    Raises:
        NoData: the channel holds no row, lacks the label, or has no ``_columns.json``.
    """
    described = columns_of(folder)
    pictures = list(listed(folder))
    if pictures:
        digests = [sha256(path.read_bytes()).hexdigest() for _, path, _ in pictures]
        return _labelled(
            np.asarray([name for name, _, _ in pictures], dtype=np.str_),
            [entry.get(label) for _, _, entry in pictures],
            {PICTURE: np.asarray(digests, dtype=object)},
            [entry.get(LABEL_DAY) for _, _, entry in pictures],
            (FILE,),
            task,
            [path for _, path, _ in pictures],
        )
    types = {one.name: CLIENT_TYPES[one.type] for one in described if one.type in CLIENT_TYPES}
    key = tuple(one.name for one in described if one.key and one.type in CLIENT_TYPES)
    names = [feature.name for feature in features]
    needed = list(dict.fromkeys([*key, label]))
    optional = [name for name in dict.fromkeys([*names, DAY]) if name not in needed]
    table = read_table(folder, needed, optional)
    return _labelled(
        row_ids(table, key) if key else _numbered(folder.name, table.num_rows),
        table[label].to_pylist(),
        {name: array(table[name], types[name]) for name in names},
        table[DAY].to_pylist(),
        key,
        task,
    )


def _labelled(
    names: NDArray[np.str_],
    labels: Sequence[Any],
    columns: Mapping[str, NDArray[Any]],
    days: Sequence[Any],
    key: tuple[str, ...],
    task: type[Task] | None,
    files: Sequence[Path] = (),
) -> ChannelRows:
    if task is None:
        told = np.asarray(["" if one is None else str(one) for one in labels], dtype=np.str_)
        there = told != ""
    else:
        told = task.labels(labels)
        there = task.labelled(told)
    return ChannelRows(names, told, columns, _days(days), key, files).take(there)


def _numbered(side: str, rows: int) -> NDArray[np.str_]:
    """Names of rows that have no key: by their place in the channel's files."""
    return np.asarray([f"{side} row {number:,}" for number in range(1, rows + 1)], dtype=np.str_)


def _days(values: Sequence[Any]) -> NDArray[Any]:
    return np.asarray(
        [np.datetime64("NaT") if value is None else day_of(value) for value in values],
        dtype="datetime64[D]",
    )
