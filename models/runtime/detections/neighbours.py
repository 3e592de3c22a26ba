"""A plain detector: what the most alike photos of the training show, where they show it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.runtime.detections.centres import PLACE
from models.runtime.detections.objects import Floats

NEAREST = 7


def averaged(rows: Floats, targets: NDArray[Any], holdout: Floats) -> Floats:
    """The maps of the nearest training photos, averaged, as a graph would answer.

    Labels are transferred from photos that look alike (Liu, Yuen & Torralba 2011, "Nonparametric
    Scene Parsing via Label Transfer"): a chance is how much of the neighbours' bumps lies on a
    cell; an object's place and size are the mean of those that they have there, and of all the
    training's where they have none.

    Args:
        rows: Training photos as rows of numbers [n, k].
        targets: Their maps [n, grid, grid, classes + 5].
        holdout: Photos to answer [m, k].

    Returns:
        [m, grid, grid, classes + 4].
    """
    from sklearn.neighbors import NearestNeighbors

    near = NearestNeighbors(n_neighbors=min(NEAREST, len(rows))).fit(rows)
    chosen = near.kneighbors(holdout, return_distance=False)
    classes = targets.shape[-1] - PLACE - 1
    made = np.zeros((len(holdout), *targets.shape[1:-1], classes + PLACE))
    centre = targets[..., -1:] == 1
    usual = (targets[..., classes:-1] * centre).sum(axis=(0, 1, 2)) / max(centre.sum(), 1)
    for row, indices in enumerate(chosen):
        maps = targets[indices].astype(np.float64)
        there = maps[..., -1:]
        made[row, ..., :classes] = maps[..., :classes].mean(axis=0)
        count = there.sum(axis=0)
        places = (maps[..., classes:-1] * there).sum(axis=0) / np.maximum(count, 1)
        made[row, ..., classes:] = np.where(count > 0, places, usual)
    return made
