"""Keys seen so far, on disk: uniqueness and foreign keys over any number of rows.

A key is its 64-bit hash. Hashes lie in sorted runs in files, merged like an LSM tree, and are
looked up through memory maps: 8 bytes of disk a key, no memory that grows with the data. Two
different keys share a hash once in about 2⁶⁴ / n² cases: 3·10⁻⁴ for a hundred million rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def key_hashes(columns: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Hash of each row's key and whether the key is complete.

    Args:
        columns: pyarrow arrays of the same length.

    Returns:
        uint64 hashes, and a mask that is False where any part is null.
    """
    mixed = np.zeros(len(columns[0]), dtype=np.uint64)
    whole = np.ones(len(columns[0]), dtype=bool)
    for column in columns:
        whole &= pc.is_valid(column).to_numpy(zero_copy_only=False)
        part = pd.util.hash_array(_values(column), categorize=False)
        mixed = mixed * GOLDEN + part
    return mixed, whole


def _values(column: Any) -> np.ndarray:
    """Numbers and times as numbers, anything else as text; nulls as anything."""
    kind = column.type
    if pa.types.is_date(kind):
        column = column.cast(pa.int32())
    if pa.types.is_floating(kind):
        return np.asarray(pc.fill_null(column, 0.0).to_numpy(zero_copy_only=False))
    if pa.types.is_integer(column.type) or pa.types.is_timestamp(kind):
        return np.asarray(pc.fill_null(column.cast(pa.int64()), 0).to_numpy(zero_copy_only=False))
    texts = pc.fill_null(column.cast(pa.string()), "")
    return np.asarray(texts.to_numpy(zero_copy_only=False), dtype=object)


class KeyIndex:
    """A growing set of 64-bit keys in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._runs: list[np.ndarray] = []
        self._names = itertools.count()

    def __contains__(self, key: int) -> bool:
        return bool(self.known(np.asarray([key], dtype=np.uint64))[0])

    def known(self, keys: np.ndarray) -> np.ndarray:
        """Which of these keys are in the set."""
        members = np.zeros(len(keys), dtype=bool)
        for run in self._runs:
            at = np.searchsorted(run, keys)
            at[at == len(run)] = 0
            members |= run[at] == keys
        return members

    def add(self, keys: np.ndarray) -> None:
        """Put keys into the set."""
        run = np.unique(keys)
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            run = np.union1d(run, self._runs.pop())
        if not len(run):
            return
        path = self._folder / f"run-{next(self._names)}.npy"
        np.save(path, run)
        self._runs.append(np.load(path, mmap_mode="r"))

    def repeated(self, keys: np.ndarray) -> np.ndarray:
        """Which of these were seen before, here or earlier in the same call; then remember all."""
        repeats = self.known(keys) | pd.Series(keys).duplicated(keep="first").to_numpy()
        self.add(keys[~repeats])
        return np.asarray(repeats, dtype=bool)
