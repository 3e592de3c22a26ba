"""Which predicted boxes are right: each object is found once, by the surest box that covers it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.runtime.detections.objects import Floats

OVERLAP = 0.5
"""Intersection over union from which a box counts as found (PASCAL VOC)."""


def overlaps(some: NDArray[Any], others: NDArray[Any]) -> Floats:
    """Intersection over union of boxes.

    Args:
        some: Corners [..., k, 4].
        others: Corners [..., m, 4].

    Returns:
        0 … 1 [..., k, m]; 0 where neither box has an area.
    """
    a, b = some[..., :, None, :], others[..., None, :, :]
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    shared = np.clip(sides, 0, None).prod(axis=-1)
    areas = [(box[..., 2:] - box[..., :2]).prod(axis=-1) for box in (a, b)]
    union = areas[0] + areas[1] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))


def hits(predicted: Floats, truth: Floats, least: float = OVERLAP) -> NDArray[np.bool_]:
    """Which boxes are right, as COCO counts them (Lin et al. 2014).

    In each photo the surest box chooses first. It takes, of the objects of its class that nobody
    took, the one that it overlaps most, if by at least ``least``; else it is wrong, and so is a
    second box around one object. The order in which boxes are given says nothing.

    Args:
        predicted: [n, k, 6]: class from 1 (0: none), confidence, corners.
        truth: [n, m, 5]: class from 1 (0: none), corners.
        least: Smallest intersection over union.

    Returns:
        [n, k].
    """
    n, k, _ = predicted.shape
    right = np.zeros((n, k), dtype=bool)
    if not truth.shape[1] or not k or not n:
        return right
    # All columns decide, the confidence first: so equal confidences have one order, too.
    order = np.lexsort(np.moveaxis(predicted[..., [5, 4, 3, 2, 0, 1]], -1, 0), axis=-1)[:, ::-1]
    placed = np.take_along_axis(predicted, order[..., None], axis=1)
    same = placed[:, :, None, 0] == truth[:, None, :, 0]
    there = (placed[:, :, None, 0] > 0) & (truth[:, None, :, 0] > 0)
    covered = np.where(same & there, overlaps(placed[..., 2:], truth[..., 1:]), 0.0)
    free = np.ones(truth.shape[:2], dtype=bool)
    rows = np.arange(n)
    for place in range(k):
        offered = np.where(free, covered[:, place], 0.0)
        best = offered.argmax(axis=1)
        found = offered[rows, best] >= least
        free[rows[found], best[found]] = False
        right[rows, order[:, place]] = found
    return right


def counted(predicted: Floats, sure: NDArray[np.bool_], truth: Floats) -> tuple[Floats, ...]:
    """Of each photo: sure boxes that are right, objects that there are, and sure boxes [n].

    Args:
        predicted: [n, k, 6].
        sure: Which of them count [n, k]; all of them choose.
        truth: [n, m, 5]; a class of -1 is there, and no box can find it.
    """
    right = hits(predicted, truth) & sure
    each = (right, truth[..., 0] != 0, sure)
    found, there, said = (np.asarray(one.sum(axis=1), dtype=np.float64) for one in each)
    return found, there, said


def same(first: Floats, second: Floats) -> NDArray[np.bool_]:
    """Which photos show the same objects: as many, each with its like in class and place [n].

    Args:
        first: [n, k, 6]; zeros where nothing counts.
        second: The same of other answers.
    """
    found = hits(second, np.delete(first, 1, axis=-1)).sum(axis=1)
    counts = [(boxes[..., 0] > 0).sum(axis=1) for boxes in (first, second)]
    return np.asarray((found == counts[0]) & (found == counts[1]))
