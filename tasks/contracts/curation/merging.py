"""Records whose versions say only what is new: every version is kept, and put together. Pure.

What is kept is a set of versions, so that it does not matter in which order they arrive or how
often. A record is a function of its versions: each field has the newest value that is not null.

A version was written when its event time says; one that has none, at the end of the day of the
folder it lies in. Among versions of one moment the later ``then_by`` counts, then the file whose
name sorts last (``interactions_<date>_<time>.json``), then the later line, then the content. The
object's own date is no part of it: a lake that was copied must give the same records.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.contracts.curation.curate import (
    Folded,
    Partition,
    as_sorted,
    by_partition,
    content_of,
    curated_schema,
    parquet_bytes,
    record_key,
    stored_changes,
)
from tasks.contracts.model import WRITTEN, Contract
from tasks.contracts.validation.casting import arrow_type
from tasks.good_rows import DAY

VERSIONS = "_versions/"
"""Partitions whose name begins so hold versions; the others hold records."""
MICROS_A_DAY = 86_400_000_000
SEPARATOR = " "


def versions_schema(contract: Contract) -> Any:
    """Arrow schema of kept versions: a curated row, and what orders it within its moment."""
    return curated_schema(contract).append(pa.field(WRITTEN, pa.string()))


def as_versions(rows: Any, contract: Contract) -> Any:
    """Good rows as versions; what decides within a moment becomes one text."""
    places = pc.fill_null(rows[WRITTEN], "")
    if contract.then_by:
        order = as_sorted(rows[contract.then_by])
        texts = [f"{int(t) + 2**62:020d}" for t in order] if order.dtype.kind == "i" else order
        moments = pa.chunked_array([pa.array(texts, pa.string())])
        places = pc.binary_join_element_wise(moments, places, SEPARATOR)
    at = rows.schema.get_field_index(WRITTEN)
    return rows.set_column(at, WRITTEN, places).cast(versions_schema(contract))


def distinct(tables: Sequence[Any], contract: Contract) -> Any:
    """All versions, each once, sorted by record and by when it was written."""
    schema = versions_schema(contract)
    whole = pa.concat_tables([table.select(schema.names).cast(schema) for table in tables])
    key = list(record_key(contract))
    frame = pd.DataFrame(index=pd.RangeIndex(whole.num_rows))
    for position, name in enumerate(key):
        frame[f"key{position}"] = as_sorted(whole[name])
    frame["time"] = _moments(whole, contract)
    frame["written"] = as_sorted(whole[WRITTEN])
    frame["content"] = content_of(whole, [name for name in schema.names if name != DAY])
    frame["day"] = whole[DAY].cast(pa.int32()).to_numpy()
    ordered = frame.sort_values(list(frame.columns), kind="stable").drop_duplicates()
    return whole.take(pa.array(ordered.index.to_numpy()))


def _moments(versions: Any, contract: Contract) -> np.ndarray:
    days = versions[DAY].cast(pa.int32()).cast(pa.int64()).to_numpy()
    ends = (days + 1) * MICROS_A_DAY - 1
    if not contract.event_time:
        return np.asarray(ends)
    times = versions[contract.event_time]
    return np.where(times.is_valid().to_numpy(), as_sorted(times), ends)


def records(versions: Any, contract: Contract) -> Any:
    """One row a record, complete or not, from versions in the order of :func:`distinct`."""
    schema = curated_schema(contract)
    if not versions.num_rows:
        return versions.select(schema.names)
    starts = _starts(versions, contract)
    positions = np.arange(versions.num_rows)
    columns = []
    for name in schema.names[:-1]:
        there = np.where(versions[name].is_valid().to_numpy(), positions, -1)
        newest = np.maximum.reduceat(there, starts)
        columns.append(versions[name].take(pa.array(newest, mask=newest < 0)))
    first = np.minimum.reduceat(versions[DAY].cast(pa.int32()).to_numpy(), starts)
    columns.append(pa.chunked_array([pa.array(first, pa.int32()).cast(pa.date32())]))
    return pa.table(columns, schema=schema)


def _starts(versions: Any, contract: Contract) -> np.ndarray:
    """Where each record begins among sorted versions, of which there is one at least."""
    changes = np.zeros(versions.num_rows, dtype=bool)
    changes[0] = True
    for name in record_key(contract):
        values = as_sorted(versions[name])
        changes[1:] |= values[1:] != values[:-1]
    return np.flatnonzero(changes)


def several(versions: Any, contract: Contract) -> np.ndarray:
    """Of each record, whether its versions are those of several: a key that was used again.

    Put together, one's fields would fill the gaps of the other.

    Args:
        versions: In the order of :func:`distinct`.
        contract: Says in which columns all versions of a record are the same.
    """
    if not (versions.num_rows and contract.record_same):
        return np.zeros(len(_starts(versions, contract)) if versions.num_rows else 0, dtype=bool)
    starts = _starts(versions, contract)
    differ = np.zeros(len(starts), dtype=bool)
    for name in contract.record_same:
        codes = _codes(versions[name])
        least = np.where(codes < 0, versions.num_rows, codes)  # nothing said differs from nothing
        differ |= np.maximum.reduceat(codes, starts) > np.minimum.reduceat(least, starts)
    return differ


def _codes(column: Any) -> np.ndarray:
    """One number a value, -1 where there is none; exactly, also of integers beyond 2⁵³."""
    if pa.types.is_floating(column.type):
        column = pc.add(column, 0.0)  # -0.0 is 0.0
    indices = pc.dictionary_encode(column).combine_chunks().indices
    codes: np.ndarray = pc.fill_null(indices, -1).to_numpy(zero_copy_only=False)
    return codes


def together(versions: Any, contract: Contract) -> tuple[Any, int, int]:
    """Complete records; how many are not complete yet; and how many keys bear several."""
    rows, differ = records(versions, contract), several(versions, contract)
    one = rows.filter(pa.array(~differ))
    whole = complete(one, contract)
    return whole, one.num_rows - whole.num_rows, int(differ.sum())


def complete(rows: Any, contract: Contract) -> Any:
    """Records that have all that a record must have."""
    for name in contract.record_requires:
        rows = rows.filter(rows[name].is_valid())
    return rows


def gathered(good: Path, out: Path, contract: Contract) -> tuple[int, int, int]:
    """One row a record, out of good rows that are versions: what is learned from a snapshot.

    The day of a record is that of its first version, so that what came of it later makes it no
    younger. All versions are held in memory, as a job holds all its rows.

    Args:
        good: Folder of the good rows.
        out: Folder that gets the records, in files of their own.
        contract: Whose records these are.

    Returns:
        How many versions there were, how many complete records came of them, and how many keys
        bear several records, of which none is given.
    """
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    count = found = reused = 0
    buckets: dict[str, list[Any]] = {}
    for file in sorted(good.glob("*.parquet")):
        rows = as_versions(pq.read_table(file), contract)
        count += rows.num_rows
        for bucket, part in by_partition(rows, contract).items():
            buckets.setdefault(bucket, []).append(part)
    for bucket, parts in sorted(buckets.items()):
        table, _, mixed = together(distinct(parts, contract), contract)
        reused += mixed
        found += table.num_rows
        if table.num_rows:
            name = bucket.replace("/", "-")
            (out / f"{name}.parquet").write_bytes(parquet_bytes(table))
    return count, found, reused


def embedded(versions: Any, host: Contract, contract: Contract) -> Any:
    """Versions of the records that lie inside the versions of another data set.

    Args:
        versions: The host's, in the schema of :func:`versions_schema`.
        host: Their contract.
        contract: Of the embedded records; its columns are ``<field>.<column>`` of the host's, its
            key bears the host's name, and its event time is the host's.

    Returns:
        Versions of ``contract``; those that say nothing are left out.
    """
    inside = contract.embedded_in
    field = inside.field if inside else ""
    key, names = record_key(contract), set(host.column_names)
    columns, mask = [], np.zeros(versions.num_rows, dtype=bool)
    for column in contract.columns:
        source = column.name if column.name in key else f"{field}.{column.name}"
        if source not in names and column.name == contract.event_time:
            source = host.event_time
        elif source in names and column.name not in key:
            mask |= versions[source].is_valid().to_numpy()
        kind = arrow_type(column)
        columns.append(
            versions[source].cast(kind) if source in names else pa.nulls(len(mask), kind)
        )
    columns += [versions[DAY], versions[WRITTEN]]
    return pa.table(columns, schema=versions_schema(contract)).filter(pa.array(mask))


def fold_versions(
    contract: Contract,
    tables: Iterable[Any],
    read: Callable[[str], Any],
    write: Callable[[str, bytes], None],
) -> Folded:
    """Fold good rows into the kept versions; as :func:`tasks.contracts.curation.curate.fold`.

    Raises:
        ValueError: no ``tables``.
    """
    rows = pa.concat_tables([as_versions(table, contract) for table in tables])
    new = changed = 0
    partitions: dict[str, Partition] = {}
    for bucket, fresh in by_partition(rows, contract).items():
        name = f"{VERSIONS}{bucket}"
        stored = read(name)
        merged = distinct([fresh] if stored is None else [stored, fresh], contract)
        after = records(merged, contract)
        if stored is not None:
            before = records(stored, contract)
            changed += stored_changes(before, after)
            new -= before.num_rows
        new += after.num_rows
        body = parquet_bytes(merged)
        if stored is None or not merged.equals(stored):
            write(name, body)
        sha256 = hashlib.sha256(body).hexdigest()
        partitions[name] = Partition(rows=merged.num_rows, sha256=sha256)
    return Folded(
        rows_in=rows.num_rows,
        rows_new=new,
        rows_superseding=changed,
        rows_superseded=rows.num_rows - new - changed,
        partitions=partitions,
    )
