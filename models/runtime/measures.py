"""Metrics of a held-out split, in NumPy: the same numbers for candidate, baseline and champion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 10
SMALLEST = 1e-7
"""A chance below counts as this in a logarithm."""


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
    likelihoods = np.clip(rows[np.arange(len(truth)), truth], SMALLEST, 1.0)
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


def chances(labels: NDArray[Any], predicted: NDArray[Any]) -> dict[str, float]:
    """How far chances can be believed, and how well they put the yeses first.

    Without a yes ``average_precision`` is 0 and ``bias`` is in shares of one yes; with yeses alone,
    or without any, ``auc`` is 0.5.

    Args:
        labels: 0 or 1 [n].
        predicted: Chances of a 1 [n].
    """
    truth = np.asarray(labels, dtype=np.float64)
    said = np.asarray(predicted, dtype=np.float64)
    right = np.clip(np.where(truth == 1, said, 1 - said), SMALLEST, 1.0)
    return {
        "ece": calibration_error(truth, said),
        "brier": float(((said - truth) ** 2).mean()),
        "log_loss": float(-np.log(right).mean()),
        "average_precision": average_precision(truth, said),
        "auc": auc(truth, said),
        "bias": float((said - truth).sum() / max(truth.sum(), 1.0)),
    }


def calibration_error(truth: NDArray[Any], said: NDArray[Any], bins: int = BINS) -> float:
    """Expected calibration error: |mean chance - share of yeses| of each bin, by its rows.

    Bins hold equally many rows (Nixon et al. 2019, "Measuring Calibration in Deep Learning"): with
    rare yeses, bins of equal width would leave all rows in one. Equal chances lie in one bin, so
    that the order of rows does not matter.
    """
    edges = np.unique(np.quantile(said, np.linspace(0, 1, bins + 1)[1:-1]))
    bin_of = bin_indices(said, edges.tolist())
    return float(np.abs(np.bincount(bin_of, weights=said - truth)).sum() / len(said))


def average_precision(truth: NDArray[Any], said: NDArray[Any]) -> float:
    """Precision at each chance, weighted by the yeses there; equal chances are taken together."""
    values, at = np.unique(-said, return_inverse=True)
    yes = np.bincount(at, weights=truth, minlength=len(values))
    taken = np.bincount(at, minlength=len(values)).cumsum()
    return float((yes * yes.cumsum() / taken).sum() / max(yes.sum(), 1.0))


def auc(truth: NDArray[Any], said: NDArray[Any]) -> float:
    """Chance that a yes is put above a no, a tie counting half (Mann & Whitney 1947)."""
    values, at = np.unique(said, return_inverse=True)
    yes = np.bincount(at, weights=truth, minlength=len(values))
    no = np.bincount(at, weights=1 - truth, minlength=len(values))
    pairs = float(yes.sum() * no.sum())
    return float((yes * (no.cumsum() - no / 2)).sum() / pairs) if pairs else 0.5


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
