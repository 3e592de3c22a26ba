"""``python -m benchmarks.training <sentences.csv.gz>``: the text model beside its peers.

The file has the columns ``text`` and ``label`` (0 or 1). Ours are whole training jobs of
``models/sentiment`` by its model.yaml alone, with Keras and with scikit-learn; the peers learn from
the same folds in the same run. The exit status is 1 when the Keras model is below ``--at-least``.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.training.job import ROOT, metrics_of, run_job, write_channels
from models.runtime.split import columns_document
from tasks.contracts import load_contract
from tasks.model_check import channel_columns
from tasks.model_spec import load_model_spec

SPEC = load_model_spec("sentiment", ROOT / "models")
CONTRACT = load_contract(SPEC.data.dataset, ROOT / "data_contracts")
GOAL = 0.81
Learner = Callable[[Any, Any], float]
"""Training and held-out rows → accuracy."""


def ours(backend: str) -> Learner:
    """A training job of the shipped model, with this backend."""

    def learn(training: Any, holdout: Any) -> float:
        family = replace(SPEC.composition, backend=backend)
        with tempfile.TemporaryDirectory() as scratch:
            base = Path(scratch)
            listed = columns_document([vars(column) for column in channel_columns(CONTRACT)])
            write_channels(base, listed, training, holdout)
            run_job("sentiment", family, SPEC.training.hyperparameters, base)
            found = metrics_of(base)
        return float(found["candidate"]["accuracy"])

    return learn


def peer(strength: float, **words: Any) -> Learner:
    """TF-IDF and logistic regression of scikit-learn.

    Args:
        strength: ``C``.
        words: What ``TfidfVectorizer`` is told.
    """

    def learn(training: Any, holdout: Any) -> float:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline

        learner = LogisticRegression(C=strength, max_iter=1000)
        model = make_pipeline(TfidfVectorizer(**words), learner)
        model.fit(training["text"], training["label"])
        return float(model.score(holdout["text"], holdout["label"]))

    return learn


KERAS = "Sluice, sentiment with Keras"
LEARNERS: Mapping[str, Learner] = {
    KERAS: ours("keras"),
    "Sluice, sentiment with scikit-learn": ours("sklearn"),
    "TF-IDF + logistic regression, as it comes": peer(1.0),
    "TF-IDF of words and pairs + logistic regression, C = 10": peer(
        10.0, ngram_range=(1, 2), sublinear_tf=True
    ),
}


def table(sentences: Any, folds: int, seed: int) -> float:
    """Print it; the Keras model's accuracy."""
    from sklearn.model_selection import StratifiedKFold

    dealt = list(
        StratifiedKFold(folds, shuffle=True, random_state=seed).split(
            sentences["text"], sentences["label"]
        )
    )
    print("| model | accuracy | of each fold | seconds a fold |")
    print("|---|---:|---|---:|")
    found: dict[str, float] = {}
    for name, learn in LEARNERS.items():
        began = time.perf_counter()
        each = [learn(sentences.iloc[train], sentences.iloc[test]) for train, test in dealt]
        seconds = (time.perf_counter() - began) / folds
        found[name] = float(np.mean(each))
        told = " ".join(f"{value:.3f}" for value in each)
        print(f"| {name} | {found[name]:.3f} | {told} | {seconds:.1f} |", flush=True)
    return found[KERAS]


def main() -> int:
    """Exit status: 1 when the goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__)
    parser.add_argument("sentences", type=Path, help="CSV with the columns text and label")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0, help="of the folds")
    parser.add_argument("--at-least", type=float, default=GOAL, help="accuracy that must be met")
    chosen = parser.parse_args()
    sentences = pd.read_csv(chosen.sentences)
    print(
        f"{len(sentences):,} sentences, {chosen.folds} folds; {os.cpu_count()} cores "
        f"({platform.machine()}, Python {platform.python_version()}), "
        f"{datetime.now(UTC):%Y-%m-%d}.\n"
    )
    reached = table(sentences, chosen.folds, chosen.seed)
    print(f"\nGoal {chosen.at_least}: {'met' if reached >= chosen.at_least else 'MISSED'}.")
    return 0 if reached >= chosen.at_least else 1


if __name__ == "__main__":
    sys.exit(main())
