"""raw → processed: one row a record, its newest version, however late that arrives. Pure.

Of all versions of a record the greatest counts, by event time and, among equals, by content. A
maximum does not care about order or repetition: folding new rows into what is there, in any order
and any number of times, gives what one pass over everything would give.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.contracts.model import Contract
from tasks.contracts.validation.casting import arrow_type
from tasks.good_rows import DAY
from tasks.values import Frozen, Snapshot

BUCKETS = 16


class Partition(Frozen):
    """One curated partition: how many records, and the SHA-256 of its file."""

    rows: int
    sha256: str


class CurationState(Frozen):
    """What has been folded in so far: ETag by raw key, and the partitions that came of it.

    ``begun`` is what a run was about to fold in when it wrote this; a run that finished has none.
    Where versions are merged, ``made_of`` says from which kept versions each partition of records
    was put together, ``waiting`` how many records of it are not complete yet, and ``reused`` how
    many keys of it bear several records.
    """

    schema_version: Literal[1] = 1
    dataset: str
    contract_version: str
    folded: Mapping[str, str] = {}
    begun: Mapping[str, str] = {}
    partitions: Mapping[str, Partition] = {}
    made_of: Mapping[str, str] = {}
    waiting: Mapping[str, int] = {}
    reused: Mapping[str, int] = {}

    @property
    def versions(self) -> Mapping[str, Partition]:
        """Partitions of kept versions, where a contract merges them."""
        return {name: item for name, item in self.partitions.items() if name.startswith("_")}

    @property
    def records(self) -> Mapping[str, Partition]:
        """Partitions of records."""
        return {name: item for name, item in self.partitions.items() if not name.startswith("_")}


class CurationPlan(Frozen):
    """What is to be done: raw keys to fold in. ``rebuild`` forgets all partitions first.

    (No field may be called ``keys``: Prefect takes a value that has it for a mapping.)
    """

    sources: tuple[str, ...]
    rebuild: bool = False
    reason: str


class Folded(Frozen):
    """What came of one fold. ``rows_in == rows_new + rows_superseding + rows_superseded``.

    A row supersedes when it replaces the stored version of its record; it is superseded when the
    stored version, or another row of the same fold, is newer or the same.
    """

    rows_in: int
    rows_new: int
    rows_superseding: int
    rows_superseded: int
    partitions: Mapping[str, Partition]

    def __add__(self, later: Folded) -> Folded:
        """Two folds, one after the other."""
        return Folded(
            rows_in=self.rows_in + later.rows_in,
            rows_new=self.rows_new + later.rows_new,
            rows_superseding=self.rows_superseding + later.rows_superseding,
            rows_superseded=self.rows_superseded + later.rows_superseded,
            partitions={**self.partitions, **later.partitions},
        )


NOTHING_FOLDED = Folded(rows_in=0, rows_new=0, rows_superseding=0, rows_superseded=0, partitions={})


def plan(state: CurationState | None, snapshot: Snapshot, contract: Contract) -> CurationPlan:
    """Which raw objects must be folded in, and whether everything must be made anew.

    A replaced or vanished raw object, or another contract version, cannot be taken back out of
    what was folded (or of what a dead run may have folded): then everything is rebuilt from the
    snapshot.
    """
    there = {item.key: item.etag for item in snapshot.objects}
    everything = tuple(sorted(there))
    if state is None:
        return CurationPlan(sources=everything, reason="nothing is curated yet")
    if state.contract_version != contract.version:
        return CurationPlan(
            sources=everything,
            rebuild=True,
            reason=f"contract {state.contract_version} became {contract.version}",
        )
    touched = {**state.begun, **state.folded}
    gone = [key for key, etag in touched.items() if there.get(key) != etag]
    if gone:
        return CurationPlan(
            sources=everything,
            rebuild=True,
            reason=f"{len(gone)} raw objects were replaced or removed, the first: {gone[0]}",
        )
    fresh = tuple(key for key in everything if key not in state.folded)
    reason = f"{len(fresh)} new raw objects" if fresh else "nothing is new"
    return CurationPlan(sources=fresh, reason=reason)


def record_key(contract: Contract) -> tuple[str, ...]:
    """Columns that make two rows versions of one record; all columns when nothing is said."""
    unique = next(((column.name,) for column in contract.columns if column.unique), ())
    return contract.key or contract.primary_key or unique or contract.column_names


def curated_schema(contract: Contract) -> Any:
    """Arrow schema of curated partitions: the contract's columns and the first raw day."""
    fields = [pa.field(column.name, arrow_type(column)) for column in contract.columns]
    return pa.schema([*fields, pa.field(DAY, pa.date32())])


def resolve(tables: Sequence[Any], contract: Contract) -> Any:
    """The newest version of every record, sorted by key.

    Args:
        tables: pyarrow tables of good rows, in any order, with repetitions.
        contract: Its key and event time.
    """
    schema = curated_schema(contract)
    whole = pa.concat_tables([table.select(schema.names).cast(schema) for table in tables])
    key = list(record_key(contract))
    frame = pd.DataFrame(index=pd.RangeIndex(whole.num_rows))
    for position, name in enumerate(key):
        frame[f"key{position}"] = as_sorted(whole[name])
    frame["time"] = as_sorted(whole[contract.event_time]) if contract.event_time else ""
    frame["content"] = content_of(whole, [name for name in schema.names if name != DAY])
    # Of copies of the same version the earliest raw day stays, so that order does not matter.
    frame["day"] = -whole[DAY].cast(pa.int32()).to_numpy()
    keys = [name for name in frame.columns if name.startswith("key")]
    ordered = frame.sort_values([*keys, "time", "content", "day"], kind="stable")
    newest = ordered.drop_duplicates(keys, keep="last").index.to_numpy()
    return whole.take(pa.array(newest))


def as_sorted(column: Any) -> np.ndarray:
    """Values as text that sorts as they do: ISO times, zero-padded integers are not needed."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us")).cast(pa.int64())
        return np.asarray(column.fill_null(-(2**62)).to_numpy())
    filled = pc.fill_null(column.cast(pa.string()), "")
    return np.asarray(filled.to_numpy(zero_copy_only=False), dtype=object)


def content_of(table: Any, names: Sequence[str]) -> np.ndarray:
    """A hash of each row's values in these columns."""
    if not table.num_rows:
        return np.zeros(0, dtype=np.uint64)
    texts = pd.DataFrame({name: _nullable(table[name]) for name in names})
    return np.asarray(pd.util.hash_pandas_object(texts, index=False).to_numpy())


def _nullable(column: Any) -> np.ndarray:
    filled = pc.fill_null(column.cast(pa.string()), "\0")
    return np.asarray(filled.to_numpy(zero_copy_only=False), dtype=object)


def by_partition(table: Any, contract: Contract) -> dict[str, Any]:
    """Rows by curated partition: by a day that a record keeps, else by the hash of its key.

    Without ``record_day`` a late version could land in another day than the record itself, and
    the record would be there twice; a bucket of its key is where it always belongs.
    """
    if contract.record_day or not contract.key:
        days = table[contract.record_day or DAY].cast(pa.date32())
        return {
            f"year={day.year:04d}/month={day.month:02d}/day={day.day:02d}": table.filter(
                pc.equal(days, pa.scalar(day, pa.date32()))
            )
            for day in sorted(pc.unique(days).to_pylist())
        }
    buckets = content_of(table, list(record_key(contract))) % np.uint64(BUCKETS)
    return {
        f"bucket={bucket:02d}": table.filter(pa.array(buckets == bucket))
        for bucket in np.unique(buckets)
    }


def fold(
    contract: Contract,
    tables: Iterable[Any],
    read: Callable[[str], Any],
    write: Callable[[str, bytes], None],
) -> Folded:
    """Fold good rows into curated partitions.

    Args:
        contract: Whose rows these are.
        tables: pyarrow tables of good rows.
        read: A curated partition by name (pyarrow table), or None.
        write: Puts a partition's Parquet bytes in place; called only when they differ.

    Raises:
        ValueError: no ``tables``.
    """
    rows = pa.concat_tables([table.cast(curated_schema(contract)) for table in tables])
    new = superseding = 0
    partitions: dict[str, Partition] = {}
    for name, fresh in by_partition(rows, contract).items():
        stored = read(name)
        merged = resolve([fresh] if stored is None else [stored, fresh], contract)
        added = merged.num_rows - (0 if stored is None else stored.num_rows)
        changed = 0 if stored is None else stored_changes(stored, merged)
        new, superseding = new + added, superseding + changed
        body = parquet_bytes(merged)
        if stored is None or not merged.equals(stored):
            write(name, body)
        partitions[name] = Partition(rows=merged.num_rows, sha256=hashlib.sha256(body).hexdigest())
    return Folded(
        rows_in=rows.num_rows,
        rows_new=new,
        rows_superseding=superseding,
        rows_superseded=rows.num_rows - new - superseding,
        partitions=partitions,
    )


def stored_changes(stored: Any, merged: Any) -> int:
    """How many stored records have another version now."""
    names = [name for name in stored.schema.names if name != DAY]
    before = set(content_of(stored, names).tolist())
    after = set(content_of(merged, names).tolist())
    return len(before - after)


def parquet_bytes(table: Any) -> bytes:
    """A table as Parquet; the same rows give the same bytes."""
    out = io.BytesIO()
    pq.write_table(table.combine_chunks(), out, compression="zstd", store_schema=False)
    return out.getvalue()


def labelled(records: Any, outcomes: Any, key: Sequence[str]) -> tuple[Any, Any]:
    """Split records into those with an outcome, its columns beside theirs, and those without.

    Args:
        records: Curated records (pyarrow table).
        outcomes: Curated outcomes, one row a key.
        key: Columns that both bear.

    Returns:
        (labelled, unlabelled); ``outcome.<column>`` are the outcome's columns.
    """
    names = [name for name in outcomes.schema.names if name not in {*key, DAY}]
    renamed = outcomes.select([*key, *names]).rename_columns(
        [*key, *(f"outcome.{name}" for name in names)]
    )
    order = [(name, "ascending") for name in key]
    with_label = records.join(renamed, keys=list(key), join_type="inner").sort_by(order)
    without = records.join(renamed.select(list(key)), keys=list(key), join_type="left anti")
    return with_label, without.sort_by(order)
