"""Reading a channel: every Parquet file or every labelled image below a folder, in sorted order."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.programs.preprocess import Columns, Images


class NoData(Exception):
    """A channel holds nothing to learn from."""


@dataclass(frozen=True)
class Split:
    """Rows of one channel: ``inputs`` as the preprocessor takes them, labels and row ids [n]."""

    ids: NDArray[np.str_]
    inputs: Any
    labels: NDArray[Any]

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.labels)

    def take(self, chosen: NDArray[Any]) -> Split:
        """The chosen rows (indices or a mask)."""
        inputs = (
            {name: values[chosen] for name, values in self.inputs.items()}
            if isinstance(self.inputs, Mapping)
            else self.inputs[chosen]
        )
        return Split(self.ids[chosen], inputs, self.labels[chosen])


def read_columns(channel: Path, names: Sequence[str], dates: Sequence[str] = ()) -> Columns:
    """Columns of all ``*.parquet`` files of a channel.

    Args:
        channel: Folder.
        names: Columns to read.
        dates: Which of them are dates (text, date or timestamp in the file).

    Returns:
        NumPy arrays: ``datetime64[D]`` for dates, else float64 for numbers, str for text.

    Raises:
        NoData: no file, or no row.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = sorted(channel.rglob("*.parquet"))
    tables = [pq.ParquetFile(file).read(columns=list(names)) for file in files]
    if not sum(table.num_rows for table in tables):
        raise NoData(f"{channel} holds {len(files)} Parquet files and no row.")
    table = pa.concat_tables(tables, promote_options="permissive")
    missing = sorted(set(names) - set(table.column_names))
    if missing:
        raise NoData(f"{channel} lacks the columns {missing}; it has {table.column_names}.")
    return {name: _array(table[name], is_date=name in dates) for name in names}


def read_images(channel: Path, label: str, images: Images) -> Split:
    """All images that ``labels.jsonl`` files of a channel name.

    A line is ``{"file": "<path beside labels.jsonl>", "<label>": "<class>"}``, optionally with an
    ``id``. Only pixels are kept: place and device from EXIF never reach the model.

    Raises:
        NoData: no labelled image.
    """
    ids, pixels, labels = [], [], []
    for index in sorted(channel.rglob("labels.jsonl")):
        for line in index.read_text(encoding="utf-8").splitlines():
            if not line.strip():
                continue
            entry = json.loads(line)
            path = index.parent / entry["file"]
            ids.append(str(entry.get("id", path.relative_to(channel).as_posix())))
            labels.append(str(entry[label]))
            pixels.append(images.decode_files([path.read_bytes()])[0])
    if not ids:
        raise NoData(f"{channel} holds no labels.jsonl with a line in it.")
    return Split(np.asarray(ids), np.stack(pixels), np.asarray(labels))


def _array(column: Any, *, is_date: bool) -> NDArray[Any]:
    import pyarrow as pa

    if is_date and (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return np.asarray([str(value)[:10] for value in column.to_pylist()], dtype="datetime64[D]")
    values: NDArray[Any] = column.to_numpy()
    if is_date:
        return values.astype("datetime64[D]")
    return values.astype(np.float64 if values.dtype.kind in "iufb" else np.str_)
