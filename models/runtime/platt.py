"""Platt's line through log-odds: chances that are meant, in the order that they had."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
EDGE = 1e-12
"""Chances nearer to 0 or 1 are taken for this: a float32 sigmoid says 0 and 1 of what is not."""
FEWEST = 20
"""Rows of the rarer side below which a line would say more of them than of the model."""
STEPS = 100
CLOSE = 1e-10


def log_odds(chances: NDArray[Any]) -> Floats:
    """log(p / (1 - p)), of chances cut to [EDGE, 1 - EDGE]."""
    cut = np.clip(np.asarray(chances, dtype=np.float64), EDGE, 1 - EDGE)
    return np.asarray(np.log(cut) - np.log1p(-cut), dtype=np.float64)


def on_line(chances: NDArray[Any], slope: float, intercept: float) -> Floats:
    """Chances whose log-odds are moved onto a line [n]."""
    return _chances(slope * log_odds(chances) + intercept)


def fitted_line(chances: NDArray[Any], labels: NDArray[Any]) -> tuple[float, float] | None:
    """Slope and intercept of the likeliest line, by Newton's method with halved steps.

    After Platt 1999, "Probabilistic outputs for support vector machines", in the form of Lin, Lin
    & Weng 2007: labels are (n₊ + 1)/(n₊ + 2) and 1/(n₋ + 2) in place of 1 and 0, so that rows
    without any overlap still have a finite line.

    Args:
        chances: What a model said of rows that it did not learn from [n].
        labels: 0 or 1 [n].

    Returns:
        None where either side has fewer than ``FEWEST`` rows, or the line would not rise.
    """
    happened = np.asarray(labels, dtype=np.float64) == 1
    yes, no = int(happened.sum()), int((~happened).sum())
    if min(yes, no) < FEWEST:
        return None
    target = np.where(happened, (yes + 1) / (yes + 2), 1 / (no + 2))
    odds = log_odds(chances)
    design = np.stack([odds, np.ones_like(odds)], axis=1)
    line = np.asarray([1.0, 0.0])
    loss = _loss(design @ line, target)
    for _ in range(STEPS):
        said = _chances(design @ line)
        gradient = design.T @ (said - target)
        curvature = (design * (said * (1 - said))[:, None]).T @ design + CLOSE * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        size = 1.0
        while size > CLOSE:
            tried = line - size * step
            now = _loss(design @ tried, target)
            if now < loss:
                break
            size /= 2
        else:
            break
        gained, line, loss = loss - now, tried, now
        if gained < CLOSE * max(1.0, loss):
            break
    slope, intercept = float(line[0]), float(line[1])
    return (slope, intercept) if slope > 0 and np.isfinite(line).all() else None


def _chances(odds: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * odds)), dtype=np.float64)


def _loss(odds: Floats, target: Floats) -> float:
    """Cross-entropy of all rows, from log-odds: no logarithm of a chance that became 0."""
    return float((np.logaddexp(0, odds) - target * odds).sum())
