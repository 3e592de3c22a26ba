"""Latency counted finely, and compared in wider steps.

Gates ask what lies beyond the stable version's own p50, p90 and p99, so the bins that are counted
must be narrow there. Evidence of slowness multiplies one test per bin, and what a test between two
neighbours five per cent apart adds is not worth its price: neighbours are compared together.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tasks.judge.hypergeometric import Array

COMPARED_RATIO = 1.25
"""Least ratio of the upper to the lower edge of a bin that is compared."""
SLACK = 1e-4  # edges are told in six digits


def compared_edges(edges: Sequence[float]) -> tuple[float, ...]:
    """Those of the edges that bound the bins that are compared, from the first edge up."""
    chosen: list[float] = []
    for edge in edges:
        if not chosen or edge >= chosen[-1] * COMPARED_RATIO * (1.0 - SLACK):
            chosen.append(edge)
    return tuple(chosen)


def together(counts: Array, edges: tuple[float, ...]) -> Array:
    """Counts by compared bin, from counts by bin along the last axis."""
    if counts.shape[-1] == 0:
        return counts
    return np.asarray(np.add.reduceat(counts, _first_bins(edges), axis=-1))


@lru_cache(maxsize=64)
def _first_bins(edges: tuple[float, ...]) -> NDArray[np.int64]:
    """The first bin of every compared one."""
    inner = np.searchsorted(np.asarray(edges), compared_edges(edges)) + 1
    return np.concatenate([[0], inner])


@lru_cache(maxsize=64)
def quickened(edges: tuple[float, ...], factor: float) -> Array:
    """Where each bin's requests would lie if they had taken ``1 / factor`` of their time.

    A bin moves to the one in which its lower end then lies, so none is moved too little: a version
    that is slower by just the factor is no slower than the stable one after it.

    Args:
        edges: Inner edges of the bins.
        factor: At least 1.

    Returns:
        0 and 1, from bin (rows) to bin (columns).
    """
    lower = np.asarray(edges) / factor * (1.0 + SLACK)
    to = np.concatenate([[0], np.searchsorted(np.asarray(edges), lower, side="right")])
    moved = np.zeros((len(to), len(to)))
    moved[np.arange(len(to)), to] = 1.0
    return moved
