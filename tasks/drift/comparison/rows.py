"""Rows for comparing columns together: a sample of the champion's, kept in the lake.

They are kept beside the profiles and nowhere else: rows are data of the lake and under its
protection.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from tasks import objects
from tasks.drift.comparison.together import Multivariate
from tasks.drift.profiles.grid import ColumnKind, Grid
from tasks.good_rows import DAY

BATCH = 65_536
TAKES_PART = frozenset({"numeric", "categorical"})


def keep_rows(
    bucket: str, dataset: str, snapshot: str, columns: Mapping[str, ColumnKind], good: Path
) -> int:
    """Keep a sample of a snapshot's good rows; how many.

    Args:
        bucket: Lake bucket.
        dataset: Which data set.
        snapshot: The snapshot's fingerprint, by which the champion finds its rows again.
        columns: What each column is; numbers and categories take part.
        good: Folder of good rows, with ``_day``.
    """
    import pyarrow.parquet as pq

    table = _sampled(good, columns, snapshot)
    if table.num_rows:
        body = io.BytesIO()
        pq.write_table(table, body)
        objects.create(bucket, _key(dataset, snapshot), body.getvalue())
    return int(table.num_rows)


def compare_rows(
    bucket: str,
    dataset: str,
    snapshot: str,
    columns: Mapping[str, ColumnKind],
    good: Path,
    after: date,
    *,
    grid: Grid,
    alpha: float,
) -> Multivariate | None:
    """Rows that came after a day against the champion's; None when its rows were not kept.

    Args:
        bucket: Lake bucket.
        dataset: Which data set.
        snapshot: Fingerprint of the champion's snapshot.
        columns: What each column is.
        good: Folder of good rows, with ``_day``.
        after: The champion's last day.
        grid: The baseline's grid.
        alpha: Probability of a false alarm.
    """
    import pyarrow.parquet as pq

    from tasks.drift.comparison.multivariate import told_apart

    kept = objects.read(bucket, _key(dataset, snapshot))
    if kept is None:
        return None
    reference = pq.read_table(io.BytesIO(kept.body))
    current = _sampled(good, columns, f"{snapshot}-after-{after}", after)
    both = set(reference.column_names) & set(current.column_names)
    if not any(grid.kinds.get(name) in TAKES_PART for name in both):
        return None
    return told_apart(reference, current, grid, alpha=alpha)


def _sampled(
    good: Path, columns: Mapping[str, ColumnKind], name: str, after: date | None = None
) -> Any:
    from tasks.drift.profiles.sample import sample_rows

    wanted = [column for column, kind in columns.items() if kind in TAKES_PART]
    return sample_rows(_batches(good, wanted, after), name).table


def _batches(good: Path, wanted: list[str], after: date | None) -> Iterator[Any]:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    for path in sorted(good.glob("*.parquet")):
        with pq.ParquetFile(path) as file:
            there = [name for name in wanted if name in file.schema_arrow.names]
            for batch in file.iter_batches(BATCH, columns=[*there, DAY]):
                chosen = batch if after is None else batch.filter(pc.greater(batch[DAY], after))
                yield chosen.select(there)


def _key(dataset: str, snapshot: str) -> str:
    return f"profiles/{dataset}/rows/{snapshot[:32]}.parquet"
