"""Metrics of a held-out split, in NumPy: the same numbers for candidate, baseline and champion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 10


def regression(labels: NDArray[Any], predicted: NDArray[Any]) -> dict[str, float]:
    """Errors in the label's unit (``mae``, ``rmse``, ``median_ae``) and as shares.

    Args:
        labels: True values [n].
        predicted: Predicted values [n].
    """
    truth = np.asarray(labels, dtype=np.float64)
    error = np.asarray(predicted, dtype=np.float64) - truth
    spread = float(((truth - truth.mean()) ** 2).sum())
    bias = float(error.sum() / truth.sum())
    return {
        "mae": float(np.abs(error).mean()),
        "rmse": float(np.sqrt((error**2).mean())),
        "median_ae": float(np.median(np.abs(error))),
        "mape": float((np.abs(error) / np.abs(truth)).mean()),
        "bias": bias,
        "abs_bias": abs(bias),
        "r2": 1 - float((error**2).sum()) / spread if spread > 0 else 0.0,
    }


def classification(
    labels: NDArray[Any], probabilities: NDArray[Any], threshold: float
) -> dict[str, float]:
    """Accuracy and its companions.

    Args:
        labels: Class indices [n].
        probabilities: Rows that sum to one [n, classes].
        threshold: Confidence from which an answer counts as sure.
    """
    truth = np.asarray(labels, dtype=np.int64)
    rows = np.asarray(probabilities, dtype=np.float64)
    best = rows.argmax(axis=1)
    right = best == truth
    sure = rows.max(axis=1) >= threshold
    likelihoods = np.clip(rows[np.arange(len(truth)), truth], 1e-7, 1.0)
    scores, recalls = [], []
    for index in np.unique(truth):
        hits = float((right & (truth == index)).sum())
        scores.append(2 * hits / float((truth == index).sum() + (best == index).sum()))
        recalls.append(hits / float((truth == index).sum()))
    return {
        "accuracy": float(right.mean()),
        "macro_f1": float(np.mean(scores)),
        "lowest_recall": float(np.min(recalls)),
        "log_loss": float(-np.log(likelihoods).mean()),
        "confident_share": float(sure.mean()),
        "confident_accuracy": float(right[sure].mean()) if sure.any() else 0.0,
    }


def reference(scores: NDArray[np.float64], bins: int = BINS) -> dict[str, Any]:
    """How predictions are distributed: edges of equally filled bins, and their counts.

    A score s falls into bin ``i`` when ``edges[i-1] <= s < edges[i]``; there is one more bin than
    edges. Repeated edges (few distinct scores) are merged.
    """
    points = np.linspace(0, 1, bins + 1)[1:-1]
    edges = np.unique(np.quantile(scores, points))
    counts = np.bincount(bin_indices(scores, edges.tolist()), minlength=len(edges) + 1)
    return {
        "edges": edges.tolist(),
        "counts": counts.tolist(),
        "rows": len(scores),
        "mean": float(scores.mean()),
        "quantiles": {
            f"{share:g}": float(np.quantile(scores, share))
            for share in (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
        },
    }


def bin_indices(scores: NDArray[np.float64], edges: Sequence[float]) -> NDArray[np.int64]:
    """Bin of each score: 0 … len(edges)."""
    return np.searchsorted(np.asarray(edges), scores, side="right").astype(np.int64)
