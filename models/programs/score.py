"""How far a published model is off, row by row: ``python -m models.programs.score``.

Runs in a process of its own beside whoever asks: the graph that is served, with the preprocessing
that was published beside it, on the CPU and without TensorFlow. Every folder below the given one is
a channel (a period of rows); ``<period>.npz`` is written for each, with three float64 columns:

- ``residual``: the logarithm of label / prediction for a number learned on a logarithm, else label
  less prediction in standard deviations of the label; for a class, confidence less whether the
  answer was right (how overconfident it was);
- ``error``: the residual's size; for a class, 1 for a wrong answer;
- ``score``: the prediction; for a class, its confidence.

Residual and error are NaN where a row has no label (yet).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.programs.artifacts import GRAPH
from models.programs.contract import load_code
from models.programs.heads import head_of
from models.programs.litert import Graph
from models.programs.preprocess import preprocessor
from models.programs.script_mode import Hyperparameters

Floats = NDArray[np.float64]
UNLABELLED = frozenset({"", "None", "nan", "<NA>"})


def main() -> int:
    """Exit status 0 when every period was scored."""
    parser = argparse.ArgumentParser(prog="python -m models.programs.score")
    parser.add_argument("model", type=Path, help="unpacked model.tar.gz")
    parser.add_argument("periods", type=Path, help="folder with a channel for each period")
    parser.add_argument("out", type=Path, help="folder for <period>.npz")
    parser.add_argument("--rows", type=int, default=5_000, help="most rows of a period")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    spec = json.loads((asked.model / "preprocess.json").read_text("utf-8"))
    card = json.loads((asked.model / "model_card.json").read_text("utf-8"))
    code = load_code(asked.model / "code" / "model.py")
    graph, prepare = Graph(asked.model / GRAPH), preprocessor(spec)
    for period in sorted(path for path in asked.periods.iterdir() if path.is_dir()):
        split = code.load(period, Hyperparameters(card["hyperparameters"]))
        if len(split) > asked.rows:
            chosen = np.random.default_rng(0).choice(len(split), asked.rows, replace=False)
            split = split.take(np.sort(chosen))
        answers = head_of(spec).predicted(graph.run(prepare.transform(split.inputs)))
        found = measured(spec, split.labels, answers)
        write(asked.out / f"{period.name}.npz", found)
    return 0


def write(path: Path, columns: Mapping[str, Floats]) -> None:
    """The three columns of one period."""
    residual, error, score = (columns[name] for name in ("residual", "error", "score"))
    np.savez(path, residual=residual, error=error, score=score)


def measured(spec: Mapping[str, Any], labels: NDArray[Any], answers: Floats) -> dict[str, Floats]:
    """``residual``, ``error`` and ``score`` of each row.

    Args:
        spec: preprocess.json.
        labels: Labels [n], missing ones as NaN, "" or "None".
        answers: Predicted values [n], or probabilities [n, classes].
    """
    output = spec["output"]
    if output["kind"] == "number":
        truth = np.asarray(labels, dtype=np.float64)
        score = answers.reshape(len(truth))
        with np.errstate(divide="ignore", invalid="ignore"):
            residual = (
                np.log(truth / score)
                if output["transform"] == "exp"
                else (truth - score) / output["scale"]
            )
        return {"residual": residual, "error": np.abs(residual), "score": score}
    classes = np.asarray(output["classes"])
    names = np.asarray([str(label) for label in labels])
    score = answers.max(axis=1)
    right = (classes[answers.argmax(axis=1)] == names).astype(np.float64)
    right[np.isin(names, list(UNLABELLED))] = np.nan
    return {"residual": score - right, "error": 1 - right, "score": score}


if __name__ == "__main__":
    sys.exit(main())
