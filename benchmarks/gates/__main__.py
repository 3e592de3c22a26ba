"""``python -m benchmarks.gates``: what data gates cost, and how near they come to wrong labels.

The rows have 20 columns: 14 numbers, 5 categories and a text. The exit status is 1 when a task
takes longer than ``--at-most``, or an estimate of 2,000 rows is further off than three points.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.gates.rows.chances import of_pixels, of_table, of_texts
from tasks.gates.rows.judge import findings
from tasks.gates.rows.label_noise import estimated
from tasks.gates.rows.sides import ChannelRows, RowFeature
from tasks.model_spec import ModelSpec

GOAL, FURTHEST = 10.0, 0.03
TASKS: Mapping[str, tuple[str, str, int]] = {
    "probability": ("probability", "brier, at_most: 1", 2),
    "regression": ("regression", "mae, at_most: 1", 0),
    "classification, 2 classes": ("classification", "accuracy, at_least: 0", 2),
    "classification, 12 classes": ("classification", "accuracy, at_least: 0", 12),
}
WORDS = tuple(f"word{number}" for number in range(500))
FEATURES = (
    *(RowFeature(f"number{n}", "number") for n in range(14)),
    *(RowFeature(f"category{n}", "category") for n in range(5)),
    RowFeature("text", "text"),
)


def rows(count: int, classes: int, seed: int) -> ChannelRows:
    """Rows whose numbers tell something of their class; 0 classes make a number."""
    rng = np.random.default_rng(seed)
    kinds = rng.integers(0, max(classes, 2), count)
    columns: dict[str, NDArray[Any]] = {
        f"number{n}": rng.normal(0, 1, count) + 0.8 * (kinds == n) for n in range(14)
    }
    for n in range(5):
        columns[f"category{n}"] = rng.choice([*"abcdefgh"], count).astype(object)
    texts = [" ".join(rng.choice(WORDS, 12)) for _ in range(count)]
    columns["text"] = np.array(texts, dtype=object)
    labels: NDArray[Any] = kinds.astype(np.str_)
    if classes == 0:
        labels = np.exp(rng.normal(13, 0.5, count))
    return ChannelRows(
        names=np.asarray([f"{seed}-{number}" for number in range(count)]),
        labels=labels,
        columns=columns,
        days=np.full(count, np.datetime64("2026-01-05")),
        key=("id",),
    )


def seconds(task: str, count: int) -> float:
    """CPU seconds of all checks, of this many rows of both sides together."""
    name, gate, classes = TASKS[task]
    metric, _, bound = gate.partition(", ")
    key, _, value = bound.partition(": ")
    spec = ModelSpec.model_validate(
        {
            "name": "costs",
            "family": {"task": name, "input": "tabular", "backend": "sklearn"},
            "owner": "o",
            "description": "d",
            "data": {"dataset": "made", "label": "label"},
            "gates": [{"metric": metric, key: float(value)}],
        }
    )
    training, holdout = rows(count * 4 // 5, classes, 0), rows(count // 5, classes, 1)
    if name == "probability":
        training, holdout = (
            replace(one, labels=(one.labels == "1").astype(float)) for one in (training, holdout)
        )
    began = time.process_time()
    findings(spec, training, holdout, FEATURES)
    return time.process_time() - began


def table(truth: NDArray[Any], rng: np.random.Generator) -> NDArray[np.float64]:
    """Chances of two classes 3σ apart."""
    labels, seen = truth
    return of_table({f"n{n}": rng.normal(0, 1, len(seen)) + 1.5 * seen for n in range(4)}, labels)


def texts(truth: NDArray[Any], rng: np.random.Generator) -> NDArray[np.float64]:
    """Chances of texts of which three words of eleven are their class's."""
    labels, seen = truth
    said = [
        " ".join([*rng.choice(WORDS, 8), *(f"own{one}{n}" for n in rng.integers(0, 30, 3))])
        for one in seen
    ]
    return of_texts(said, labels)


def pixels(truth: NDArray[Any], rng: np.random.Generator) -> NDArray[np.float64]:
    """Chances of two patterns under noise."""
    labels, seen = truth
    patterns = rng.random((2, 16, 16, 3))
    return of_pixels(0.25 * patterns[seen] + rng.normal(0.4, 0.2, (len(seen), 16, 16, 3)), labels)


KINDS: Mapping[str, Callable[[NDArray[Any], np.random.Generator], NDArray[np.float64]]] = {
    "table": table,
    "texts": texts,
    "pixels": pixels,
}


def flipped(
    share: float, seed: int, count: int = 2_000
) -> tuple[NDArray[Any], np.random.Generator]:
    """Labels of which a share is wrong, then the true ones [2, n]."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, count)
    wrong = rng.choice(count, int(share * count), replace=False)
    labels = truth.copy()
    labels[wrong] = 1 - labels[wrong]
    return np.stack([labels, truth]), rng


def main() -> int:
    """Exit status: 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gates", description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--at-most", type=float, default=GOAL, help="CPU seconds")
    parser.add_argument("--seeds", type=int, default=3, help="of each estimate")
    chosen = parser.parse_args()
    import sklearn.ensemble  # noqa: F401  its import is no part of what is measured

    print(
        f"{os.cpu_count()} cores ({platform.machine()}, Python {platform.python_version()}), "
        f"{datetime.now(UTC):%Y-%m-%d}.\n\n| {chosen.rows:,} rows, 20 columns | CPU seconds |"
    )
    print("|---|---:|")
    taken = {task: seconds(task, chosen.rows) for task in TASKS}
    for task, cost in taken.items():
        print(f"| {task} | {cost:.1f} |", flush=True)
    print("\n| flipped labels of 2,000 | estimated, mean | furthest off |\n|---|---:|---:|")
    worst = 0.0
    for kind, chances in KINDS.items():
        for share in (0.0, 0.05, 0.1, 0.2):
            told = []
            for seed in range(chosen.seeds):
                truth, rng = flipped(share, seed)
                told.append(estimated(chances(truth, rng), truth[0]).share)
            off = float(np.abs(np.asarray(told) - share).max())
            worst = max(worst, off)
            print(f"| {kind}, {share:.0%} | {np.mean(told):.1%} | {off:.1%} |", flush=True)
    met = max(taken.values()) <= chosen.at_most and worst <= FURTHEST
    print(f"\nGoals: {chosen.at_most:g} CPU s, three points: {'met' if met else 'MISSED'}.")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
