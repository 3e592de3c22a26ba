"""Columns of a channel's Parquet files, as NumPy arrays of four types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from models.runtime.split import NoData

ClientType = Literal["number", "boolean", "date", "text"]
CLIENT_TYPES: Mapping[str, ClientType] = {
    "number": "number",
    "integer": "number",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "date",
    "string": "text",
    "time": "text",
}
"""What a client sends of a contract's logical type; nested ones are sent by nobody."""


def read_table(channel: Path, names: Sequence[str], optional: Sequence[str] = ()) -> Any:
    """The named columns of all ``*.parquet`` files of a channel, as one Arrow table.

    Args:
        channel: Folder.
        names: Columns that must be there.
        optional: Columns that may be in no file; their values are then missing.

    Raises:
        NoData: no file, no row, or a column that is in no file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = sorted(channel.rglob("*.parquet"))
    tables = []
    for file in files:
        parquet = pq.ParquetFile(file)
        schema = set(parquet.schema_arrow.names)
        # A column that is empty in one day's file may have been left out of it.
        tables.append(parquet.read(columns=[n for n in (*names, *optional) if n in schema]))
    if not sum(table.num_rows for table in tables):
        raise NoData(f"{channel} holds {len(files)} Parquet files and no row.")
    table = pa.concat_tables(tables, promote_options="permissive")
    missing = sorted(set(names) - set(table.column_names))
    if missing:
        raise NoData(f"{channel} lacks the columns {missing}; it has {table.column_names}.")
    for name in set(optional) - set(table.column_names):
        table = table.append_column(name, pa.nulls(table.num_rows))
    return table


def row_ids(table: Any, key: Sequence[str]) -> NDArray[np.str_]:
    """What each row is called: the values of its key, or its number where there is no key.

    Args:
        table: A table that holds the columns of the key.
        key: Names of those columns.
    """
    if not key:
        return np.arange(table.num_rows).astype(np.str_)
    columns = [[str(value) for value in table[name].to_pylist()] for name in key]
    return np.asarray(["|".join(values) for values in zip(*columns, strict=True)], dtype=np.str_)


def array(column: Any, kind: ClientType) -> NDArray[Any]:
    """An Arrow column → float64 (NaN), ``datetime64[D]`` (NaT), or text ("") where it is missing.

    Raises:
        NoData: its values are no such thing.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        if pa.types.is_null(column.type) and kind != "text":
            column = column.cast(pa.date32() if kind == "date" else pa.float64())
        if kind == "text":
            values = ["" if value is None else str(value) for value in column.to_pylist()]
            return np.asarray(values, dtype=object)
        if kind == "date":
            if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
                column = pc.utf8_slice_codeunits(column, 0, 10)
            days: NDArray[Any] = column.cast(pa.date32()).to_numpy()
            return days.astype("datetime64[D]")
        if pa.types.is_boolean(column.type):
            column = column.cast(pa.uint8())
        return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise NoData(f"a column of type {column.type} cannot be read as {kind}: {error}") from error
