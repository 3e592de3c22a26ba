"""A uniform sample of rows that merges: the rows with the smallest priorities.

A row's priority is a hash of its partition's name and its number there, so that a sample does not
depend on threads, batches or the order of merging, and a partition's sample never has to be drawn
again. It is kept only where a multivariate check is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Priorities = NDArray[np.uint64]


@dataclass(frozen=True)
class RowSample:
    """``table``: Arrow rows in order of ``priority`` (uint64, shape (rows,)); at most ``size``."""

    table: Any
    priority: Priorities
    size: int

    def merge(self, other: RowSample) -> RowSample:
        """A uniform sample of both partitions' rows."""
        import pyarrow as pa

        table = pa.concat_tables([self.table, other.table], promote_options="permissive")
        priority = np.concatenate((self.priority, other.priority))
        return _smallest(table, priority, min(self.size, other.size))


def sample_rows(batches: Iterable[Any], partition: str, size: int = 5_000) -> RowSample:
    """Sample Arrow record batches of one partition; memory is one batch and the sample."""
    import pyarrow as pa

    kept: RowSample | None = None
    start = 0
    for batch in batches:
        rows = np.arange(start, start + batch.num_rows, dtype=np.uint64)
        start += batch.num_rows
        here = RowSample(pa.Table.from_batches([batch]), _priority(partition, rows), size)
        here = _smallest(here.table, here.priority, size)
        kept = here if kept is None else kept.merge(here)
    return kept or RowSample(pa.table({}), np.zeros(0, np.uint64), size)


def _smallest(table: Any, priority: Priorities, size: int) -> RowSample:
    order = np.argsort(priority, kind="stable")[:size]
    return RowSample(table.take(order), priority[order], size)


def _priority(partition: str, rows: Priorities) -> Priorities:
    import hashlib

    seed = int.from_bytes(hashlib.sha256(partition.encode()).digest()[:8], "little")
    mixed = (rows + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) ^ np.uint64(seed)
    for multiplier in (0xBF58476D1CE4E5B9, 0x94D049BB133111EB):  # SplitMix64's finalizer
        mixed ^= mixed >> np.uint64(30)
        mixed *= np.uint64(multiplier)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), np.uint64)
