"""Metrics that follow from sums over rows, for many weightings of the rows at once.

A bootstrap measures the same rows thousands of times, each time with other weights. A metric that
is a function of sums is then one product of matrices instead of thousands of measurements. Each
function here gives what its neighbour of the same name in ``measures.py`` gives, or a part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.runtime.measures import SMALLEST

Floats = NDArray[np.float64]
MOST_CLASSES = 64
"""Classes up to which each has columns of its own; three numbers a row and class are kept."""


@dataclass(frozen=True)
class RowSums:
    """Metrics as functions of sums over rows.

    Args:
        rows: What is summed: [n, k].
        metrics: RowSums [b, k] → values [b] by metric, as the task's ``measure`` gives them.
        shares: Metrics that are the mean of a column of zeros and ones, with its index.
    """

    rows: Floats
    metrics: Callable[[Floats], Mapping[str, Floats]]
    shares: Mapping[str, int] = field(default_factory=dict)


def regression(labels: NDArray[Any], predicted: NDArray[Any]) -> RowSums:
    """All but ``median_ae``, which is no function of sums."""
    truth = np.asarray(labels, dtype=np.float64)
    error = np.asarray(predicted, dtype=np.float64) - truth
    size = np.abs(error)
    centred = truth - truth.mean()
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = size / np.abs(truth)
    columns = (np.ones(len(truth)), size, error**2, relative, error, truth, centred, centred**2)

    def metrics(sums: Floats) -> dict[str, Floats]:
        rows, absolute, square, share, signed, total, shift, spread = sums.T
        around_mean = spread - shift**2 / rows
        varied = around_mean > 0
        bias = signed / total
        return {
            "mae": absolute / rows,
            "rmse": np.sqrt(square / rows),
            "mape": share / rows,
            "bias": bias,
            "abs_bias": np.abs(bias),
            "r2": np.where(varied, 1 - square / np.where(varied, around_mean, 1.0), 0.0),
        }

    return RowSums(np.stack(columns, axis=1), metrics)


def classification(labels: NDArray[Any], probabilities: NDArray[Any], threshold: float) -> RowSums:
    """Everything, where there are at most ``MOST_CLASSES``; else what needs no class by itself."""
    truth = np.asarray(labels, dtype=np.int64)
    chances = np.asarray(probabilities, dtype=np.float64)
    best = chances.argmax(axis=1)
    right = best == truth
    sure = chances.max(axis=1) >= threshold
    loss = -np.log(np.clip(chances[np.arange(len(truth)), truth], SMALLEST, 1.0))
    columns = np.stack([np.ones(len(truth)), right, loss, sure, right & sure], axis=1)
    few = chances.shape[1] <= MOST_CLASSES
    if few:
        index = np.arange(chances.shape[1])
        of, told = truth[:, None] == index, best[:, None] == index
        columns = np.concatenate([columns, of, told, of & told], axis=1, dtype=np.float64)

    def metrics(sums: Floats) -> dict[str, Floats]:
        rows, hits, losses, confident, both = sums[:, :5].T
        found = {
            "accuracy": hits / rows,
            "log_loss": losses / rows,
            "confident_share": confident / rows,
            "confident_accuracy": both / np.maximum(confident, 1),
        }
        return found | by_class(*np.split(sums[:, 5:], 3, axis=1)) if few else found

    return RowSums(columns, metrics, {"accuracy": 1, "confident_share": 3})


def chances(labels: NDArray[Any], predicted: NDArray[Any]) -> RowSums:
    """``brier``, ``log_loss`` and ``bias``; the others ask for an order."""
    truth = np.asarray(labels, dtype=np.float64)
    said = np.asarray(predicted, dtype=np.float64)
    right = np.clip(np.where(truth == 1, said, 1 - said), SMALLEST, 1.0)
    columns = (np.ones(len(truth)), (said - truth) ** 2, -np.log(right), said - truth, truth)

    def metrics(sums: Floats) -> dict[str, Floats]:
        rows, square, loss, signed, yes = sums.T
        return {
            "brier": square / rows,
            "log_loss": loss / rows,
            "bias": signed / np.maximum(yes, 1.0),
        }

    return RowSums(np.stack(columns, axis=1), metrics)


def several(truth: NDArray[np.bool_], told: NDArray[np.bool_]) -> RowSums:
    """Metrics of multi-label answers: which labels hold and which were told, [n, labels] each."""
    hits, wrong = truth & told, truth != told
    exact = ~wrong.any(axis=1)
    counts = (hits.sum(axis=1), truth.sum(axis=1), told.sum(axis=1), wrong.sum(axis=1))
    columns = np.stack([np.ones(len(truth)), exact, *counts], axis=1).astype(np.float64)
    few = truth.shape[1] <= MOST_CLASSES
    if few:
        columns = np.concatenate([columns, truth, told, hits], axis=1, dtype=np.float64)

    def metrics(sums: Floats) -> dict[str, Floats]:
        rows, exactly, hit, true, positive, misses = sums[:, :6].T
        found = {
            "micro_f1": 2 * hit / np.maximum(true + positive, 1),
            "hamming_loss": misses / (rows * truth.shape[1]),
            "subset_accuracy": exactly / rows,
        }
        return found | by_class(*np.split(sums[:, 6:], 3, axis=1)) if few else found

    return RowSums(columns, metrics, {"subset_accuracy": 1})


def by_class(true: Floats, told: Floats, hits: Floats) -> dict[str, Floats]:
    """``macro_f1`` and ``lowest_recall`` over the classes that are there, from counts [b, k]."""
    there = true > 0
    f1 = np.where(there, 2 * hits / np.maximum(true + told, 1), 0.0)
    recall = np.where(there, hits / np.maximum(true, 1), np.inf)
    lowest = recall.min(axis=1)
    return {
        "macro_f1": f1.sum(axis=1) / np.maximum(there.sum(axis=1), 1),
        "lowest_recall": np.where(np.isfinite(lowest), lowest, 0.0),
    }
