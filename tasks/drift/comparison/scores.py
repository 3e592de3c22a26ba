"""Scores of cells: what a count in a cell says about location, spread and shape."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from tasks.drift.profiles.cells import Floats, Ints


def normal_scores(counts: Ints) -> Floats:
    """Normal score of each cell's middle rank (van der Waerden), shape as given.

    For normal data the mean score is as efficient as the mean itself; no outlier can move it far.
    """
    total = max(int(counts.sum()), 1)
    middle = np.cumsum(counts) - counts / 2
    return np.asarray(ndtri(np.clip(middle / total, 0.5 / total, 1 - 0.5 / total)), np.float64)


def hermite(scores: Floats) -> Floats:
    """First four normalised Hermite polynomials: location, spread, skewness, peakedness.

    Shape (4, cells). These are Neyman's smooth components in Hermite form.
    """
    x = scores
    return np.stack(
        (
            x,
            (x**2 - 1) / np.sqrt(2),
            (x**3 - 3 * x) / np.sqrt(6),
            (x**4 - 6 * x**2 + 3) / np.sqrt(24),
        )
    )
