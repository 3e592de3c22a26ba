"""A channel of held-out rows, each as it is and changed, so that one call answers them all."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from models.runtime.answers import distinct
from models.runtime.images.index import INDEX, listed
from models.runtime.split import COLUMNS, columns_of
from models.runtime.tables.columns import CLIENT_TYPES, row_ids
from models.runtime.task import Task
from tasks.gates.behaviour import cells
from tasks.specs.behaviour import BehaviourSpec


@dataclass(frozen=True)
class ChangedRows:
    """Rows that a rule could change.

    Args:
        rule: What was done to them.
        rows: What the held-out channel calls them [n].
        before: What the answers call them as they were [n].
        after: What the answers call them as they are now [n].
    """

    rule: BehaviourSpec
    rows: Sequence[str]
    before: Sequence[str]
    after: Sequence[str]


def write_tables(
    channel: Path, out: Path, label: str, task: type[Task], rules: Sequence[BehaviourSpec]
) -> tuple[ChangedRows, ...]:
    """Pairs of rows of a table's channel.

    Args:
        channel: Local copy of the held-out channel.
        out: Gets the pairs: a file of rows as they were and one as they are now for each rule.
        label: Column that is predicted; rows without it are not answered.
        task: What is predicted.
        rules: Changes of columns.

    Raises:
        NoData: the channel says of no column what it is.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = columns_of(channel)
    shutil.copyfile(channel / COLUMNS, out / COLUMNS)
    files = [pq.ParquetFile(path).read() for path in sorted(channel.rglob("*.parquet"))]
    table = pa.concat_tables(files, promote_options="permissive")
    for name in {rule.column for rule in rules} - set(table.column_names):
        table = table.append_column(name, pa.nulls(table.num_rows))  # empty, and so left out
    key = [column.name for column in columns if column.key and column.type in CLIENT_TYPES]
    names = row_ids(table, key).tolist()
    labelled = task.labelled(task.labels(table[label].to_pylist()))
    order = drawn(names, np.flatnonzero(labelled).tolist())
    chosen: list[list[str]] = []
    written: list[pa.Table] = []
    for number, rule in enumerate(rules):
        rows, values = _changed(rule, table[rule.column].to_pylist(), names, order)
        chosen.append([names[row] for row in rows])
        place = table.column_names.index(rule.column)
        kind = _roomy(table.schema.field(place).type)
        moments = pa.types.is_temporal(kind)
        made = [_moment(value) for value in values] if moments else values
        as_they_were = table.take(pa.array(rows, pa.int64()))
        for side, column in enumerate(
            (as_they_were[rule.column].cast(kind), pa.array(made).cast(kind))
        ):
            part = as_they_were.set_column(place, rule.column, column)
            pq.write_table(part, out / f"{number:03d}-{side}.parquet")
            written.append(part)
    # A row comes several times; whoever answers tells its times apart in the order of the files.
    total = sum(part.num_rows for part in written)
    ids = np.concatenate([row_ids(part, key) for part in written]) if key else np.arange(total)
    said = iter(distinct(ids.astype(np.str_)).tolist())
    return tuple(
        ChangedRows(rule, rows, list(islice(said, len(rows))), list(islice(said, len(rows))))
        for rule, rows in zip(rules, chosen, strict=True)
    )


def write_photos(
    channel: Path,
    out: Path,
    label: str,
    task: type[Task],
    rules: Sequence[BehaviourSpec],
    photo: Callable[[str], bytes],
) -> tuple[ChangedRows, ...]:
    """Pairs of photos.

    Args:
        channel: Local copy of the held-out channel's index, without its photos.
        out: Gets the pairs.
        label: Key of the index that is predicted.
        task: What is predicted.
        rules: Changes of photos.
        photo: A photo's bytes, by its path in the channel.
    """
    from tasks.gates.behaviour import photos  # Pillow: most runs change no photo

    entries = list(listed(channel))
    labelled = task.labelled(task.labels([entry.get(label) for _, _, entry in entries]))
    names = [name for name, _, _ in entries]
    order = drawn(names, np.flatnonzero(labelled).tolist())
    made = []
    with (out / INDEX).open("w", encoding="utf-8") as index:
        for number, rule in enumerate(rules):
            rows: list[str] = []
            before, after = f"{number:03d}-0", f"{number:03d}-1"
            for name, path, entry in (entries[row] for row in order[: rule.rows]):
                original = photo(path.relative_to(channel).as_posix())
                place = f"{len(rows):05d}"
                for side, content in ((before, original), (after, photos.changed(rule, original))):
                    target = out / side / place
                    target.parent.mkdir(exist_ok=True)
                    target.write_bytes(content)
                    line = {label: entry.get(label), "file": f"{side}/{place}"}
                    index.write(json.dumps(line) + "\n")
                rows.append(name)
            told = [f"{row:05d}" for row in range(len(rows))]
            made.append(
                ChangedRows(
                    rule, rows, [f"{before}/{t}" for t in told], [f"{after}/{t}" for t in told]
                )
            )
    return tuple(made)


def _roomy(before: Any) -> Any:
    """A type that has room for what a column's values may become."""
    import pyarrow as pa

    if pa.types.is_integer(before):
        return pa.int64()
    exact = pa.types.is_decimal(before) or pa.types.is_floating(before)
    return pa.float64() if exact else before


def _moment(value: Any) -> Any:
    """A moment as model.yaml writes it, in UTC where it names no zone; others as they are."""
    if not isinstance(value, str):
        return value
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def drawn(names: Sequence[str], rows: Sequence[int]) -> list[int]:
    """Numbers of rows in an order that chance made, the same for the same rows in any order."""
    return sorted(rows, key=lambda row: hashlib.sha256(names[row].encode()).digest())


def _changed(
    rule: BehaviourSpec, values: Sequence[Any], names: Sequence[str], order: Sequence[int]
) -> tuple[list[int], list[Any]]:
    """The first rows in the order that the rule changes, and what becomes of their values."""
    rows, made = [], []
    for row, value in _those_that_change(rule, values, names, order):
        rows.append(row)
        made.append(value)
        if len(rows) == rule.rows:
            break
    return rows, made


def _those_that_change(
    rule: BehaviourSpec, values: Sequence[Any], names: Sequence[str], order: Sequence[int]
) -> Iterator[tuple[int, Any]]:
    for row in order:
        seed = int.from_bytes(hashlib.sha256(names[row].encode()).digest()[:4], "big")
        value = cells.changed(rule, values[row], seed)
        if value != values[row]:
            yield row, value
