"""Average precision of boxes: the area under precision over recall, the surest box first."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.runtime.detections.objects import Floats


def average_precision(confidence: NDArray[Any], right: NDArray[Any], objects: int) -> float:
    """Area under the falling envelope of precision, at every recall that is reached.

    All-point interpolation, as PASCAL VOC measures since 2010 (Everingham et al. 2010,
    https://doi.org/10.1007/s11263-009-0275-4, and its development kit); the eleven recalls of VOC
    2007 and the 101 of COCO approximate it. Boxes of equal confidence are taken together, so that
    their order says nothing.

    Args:
        confidence: Of each box of the class, in all photos [k].
        right: Which of them are right [k].
        objects: Objects of the class that there are; at least one.

    Returns:
        0 … 1.
    """
    if not len(confidence):
        return 0.0
    values, at = np.unique(-np.asarray(confidence, dtype=np.float64), return_inverse=True)
    found = np.bincount(at, weights=right, minlength=len(values)).cumsum()
    told = np.bincount(at, minlength=len(values)).cumsum()
    envelope = np.maximum.accumulate((found / told)[::-1])[::-1]
    return float((np.diff(found, prepend=0.0) * envelope).sum() / objects)


def by_class(
    predicted: Floats, right: NDArray[np.bool_], truth: Floats, classes: int
) -> NDArray[np.float64]:
    """Average precision of each class that any photo shows, in their order.

    Args:
        predicted: [n, k, 6]: class from 1 (0: none), confidence, corners.
        right: Which boxes are right [n, k].
        truth: [n, m, 5]: class from 1 (0: none), corners.
        classes: How many there are.
    """
    number, confidence = predicted[..., 0].ravel(), predicted[..., 1].ravel()
    found, shown = right.ravel(), truth[..., 0].ravel()
    values = []
    for index in range(1, classes + 1):
        objects = int((shown == index).sum())
        if objects:
            of = number == index
            values.append(average_precision(confidence[of], found[of], objects))
    return np.asarray(values, dtype=np.float64)
