"""Arrays larger than memory should hold: they lie in a file, and the system keeps what is used.

The file has no name: nothing is left of it when the process ends, however it does. It lies where
``tempfile`` puts files; a job points that to its own volume.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

LARGE = 256 * 2**20
"""Bytes from which on an array lies in a file."""
AT_ONCE = 16 * 2**20
"""Bytes that are copied at once."""


def empty(shape: tuple[int, ...], dtype: DTypeLike, large: int = LARGE) -> NDArray[Any]:
    """An array to be filled, in memory or, from ``large`` bytes on, in a file.

    Raises:
        OSError: the disk is full.
    """
    kind = np.dtype(dtype)
    if math.prod(shape) * kind.itemsize < large:
        return np.empty(shape, kind)
    with tempfile.TemporaryFile(prefix="sluice-rows-") as file:
        return np.memmap(file, dtype=kind, mode="w+", shape=shape)


def taken(values: NDArray[Any], rows: Any, large: int = LARGE) -> NDArray[Any]:
    """The chosen rows (indices, a mask, or a slice) of an array, which may be as large again."""
    if isinstance(rows, slice) or not isinstance(values, np.memmap):
        same: NDArray[Any] = values[rows]
        return same
    chosen = np.asarray(rows)
    if chosen.dtype == np.bool_:
        chosen = np.flatnonzero(chosen)
    result = empty((len(chosen), *values.shape[1:]), values.dtype, large)
    for part in parts(len(chosen), values[:1].nbytes, AT_ONCE):
        result[part] = values[chosen[part]]
    return result


def parts(rows: int, row_bytes: int, at_once: int) -> Iterator[slice]:
    """Slices of so many rows as fit into ``at_once`` bytes, one at least."""
    step = max(1, at_once // max(1, row_bytes))
    for first in range(0, rows, step):
        yield slice(first, min(first + step, rows))
