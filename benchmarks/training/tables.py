"""``python -m benchmarks.training.tables FILE --label price``: a table with YAML only, and a peer.

FILE is a CSV with a header. Ours are whole training jobs of a model that is described and not
programmed: family, label, and columns by their types, as ``make new-model`` would write them; with
``--model`` a shipped model learns from the same folds too. The peer is gradient boosting on
histograms as scikit-learn brings it (Ke et al. 2017), categories told to it as such. The exit
status is 1 when Keras loses by more than ``--margin``.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.training.job import ROOT, metrics_of, run_job, write_channels
from models.runtime.family import Family, plug_in
from models.runtime.split import columns_document
from tasks.contracts import load_contract
from tasks.metrics import task_class
from tasks.model_check import channel_columns
from tasks.model_spec import load_model_spec

# Boosting's threads would spin for each other on a machine that does something else as well.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
MARGIN = 0.02
WITHOUT_CODE = "described-only"
"""Name of a folder below models/ that there is not: nothing of its own is packed."""
Rows = Any
Learner = Callable[[Rows, Rows], float]
"""Training and held-out rows → the metric."""


def described(rows: Rows, label: str) -> list[dict[str, Any]]:
    """The columns as a contract would describe them, by their types alone."""
    return [_column(rows[name], name, label) for name in rows.columns]


def _column(values: Any, name: str, label: str) -> dict[str, Any]:
    kind = "date" if _dates(values) else "number" if values.dtype.kind in "iuf" else "string"
    look = {"number": "numeric", "string": "categorical", "date": ""}[kind]
    required = bool(values.notna().all())
    return {"name": name, "type": kind, "required": required, "kind": "" if name == label else look}


def _dates(values: Any) -> bool:
    return values.dtype.kind not in "iufb" and all(
        hasattr(value, "isoformat") for value in values.dropna().head(50)
    )


def ours(family: Family, metric: str, epochs: int) -> Learner:
    """A job of a model that has no line of Python."""
    given = dict(plug_in("backends", family.backend).first_hyperparameters)
    if epochs and "epochs" in given:
        given["epochs"] = str(epochs)

    def learn(training: Rows, holdout: Rows) -> float:
        with tempfile.TemporaryDirectory() as scratch:
            columns = columns_document(described(training, family.label))
            write_channels(Path(scratch), columns, training, holdout)
            run_job(WITHOUT_CODE, family, given, Path(scratch))
            return float(metrics_of(Path(scratch))["candidate"][metric])

    return learn


def shipped(name: str, metric: str) -> Learner:
    """A job of a shipped model by its own model.yaml and model.py."""
    spec = load_model_spec(name, ROOT / "models")
    contract = load_contract(spec.data.dataset, ROOT / "data_contracts")
    columns = columns_document([vars(column) for column in channel_columns(contract)])

    def learn(training: Rows, holdout: Rows) -> float:
        with tempfile.TemporaryDirectory() as scratch:
            write_channels(Path(scratch), columns, training, holdout)
            run_job(name, spec.composition, spec.training.hyperparameters, Path(scratch))
            return float(metrics_of(Path(scratch))["candidate"][metric])

    return learn


def peer(label: str, task: str, metric: str) -> Learner:
    """Gradient boosting of scikit-learn as it comes; mean absolute error where that is asked."""

    def learn(training: Rows, holdout: Rows) -> float:
        from sklearn.ensemble import (
            HistGradientBoostingClassifier,
            HistGradientBoostingRegressor,
        )

        rows = [_numbers(part.drop(columns=label), training) for part in (training, holdout)]
        if task == "regression":
            model = HistGradientBoostingRegressor(loss="absolute_error", random_state=0)
            model.fit(rows[0], training[label])
            said = np.asarray(model.predict(rows[1]), dtype=np.float64)
            labels = holdout[label].to_numpy(np.float64)
            return float(np.abs(said - labels).mean())
        classifier = HistGradientBoostingClassifier(random_state=0)
        classifier.fit(rows[0], training[label].astype(str))
        names = classifier.classes_.tolist()
        made = task_class(task)({"kind": "classes", "classes": names, "confidence_threshold": 0.8})
        chances = np.asarray(classifier.predict_proba(rows[1]), dtype=np.float64)
        return made.measure(made.labels(holdout[label].tolist()), chances)[metric]

    return learn


def _numbers(part: Rows, training: Rows) -> Rows:
    made = {}
    for name in part.columns:
        if _dates(training[name]):
            made[name] = pd.to_datetime(part[name]).astype("int64") / 8.64e13
        elif training[name].dtype.kind in "iufb":
            made[name] = part[name]
        else:
            known = sorted(training[name].dropna().astype(str).unique())[:250]
            made[name] = pd.Categorical(part[name].astype(str), categories=known)
    return pd.DataFrame(made)


def compared(
    rows: Rows, folds: int, seed: int, learners: Mapping[str, Learner]
) -> dict[str, float]:
    """Print the table; the mean of each learner."""
    side = np.random.default_rng(seed).permutation(len(rows)) % folds
    found: dict[str, float] = {}
    for name, learn in learners.items():
        began = time.perf_counter()
        each = [learn(rows[side != fold], rows[side == fold]) for fold in range(folds)]
        found[name] = float(np.mean(each))
        told = " ".join(f"{value:,.4g}" for value in each)
        seconds = (time.perf_counter() - began) / folds
        print(f"| {name} | {found[name]:,.5g} | {told} | {seconds:.1f} |", flush=True)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 1 when Keras is worse than the peer by more than the margin."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.training.tables", description=__doc__
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--label", required=True)
    parser.add_argument("--drop", nargs="*", default=(), help="columns that tell rows apart")
    parser.add_argument("--dates", nargs="*", default=(), help="columns that hold days")
    parser.add_argument("--categories", nargs="*", default=(), help="numbers that are names")
    parser.add_argument("--task", choices=("regression", "classification"), default="regression")
    parser.add_argument("--model", help="a shipped model whose contract the columns keep")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0, help="of the folds")
    parser.add_argument(
        "--epochs", type=int, default=0, help="0 takes what a new model begins with"
    )
    parser.add_argument("--margin", type=float, default=MARGIN)
    chosen = parser.parse_args(arguments)
    rows = pd.read_csv(chosen.file)
    for name in chosen.dates:
        rows[name] = pd.to_datetime(rows[name].astype(str).str[:10]).dt.date
    whole = rows
    rows = rows.drop(columns=list(chosen.drop))
    for name in chosen.categories:
        rows[name] = rows[name].astype(str)
    metric = "mae" if chosen.task == "regression" else "log_loss"
    keras = Family(chosen.task, "tabular", "keras", chosen.label)
    trees = replace(keras, backend="sklearn")
    print(
        f"{chosen.file.name}: {len(rows):,} rows, {rows.shape[1] - 1} columns, "
        f"{chosen.folds} random folds; {os.cpu_count()} cores ({platform.machine()}, Python "
        f"{platform.python_version()}), {datetime.now(UTC):%Y-%m-%d}.\n"
    )
    print(f"| model | {metric} | of each fold | seconds a fold |")
    print("|---|---:|---|---:|")
    best, network = "gradient boosting of scikit-learn", "Sluice, YAML only, Keras"
    found = compared(
        rows,
        chosen.folds,
        chosen.seed,
        {
            best: peer(chosen.label, chosen.task, metric),
            "Sluice, YAML only, scikit-learn": ours(trees, metric, 0),
            network: ours(keras, metric, chosen.epochs),
        },
    )
    if chosen.model:
        compared(
            whole,
            chosen.folds,
            chosen.seed,
            {f"Sluice, {chosen.model}": shipped(chosen.model, metric)},
        )
    worse = found[network] / found[best] - 1
    met = worse <= chosen.margin
    print(f"\nKeras against boosting: {worse:+.1%}, at most {chosen.margin:+.0%}: "
          f"{'met' if met else 'MISSED'}.")  # fmt: skip
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
