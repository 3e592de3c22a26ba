"""The one door of a bundle: ``python code/entry_point.py serve|measure|score|check``.

Whoever holds a bundle calls this file of it and nothing else, so that the version goes on meaning
what it meant when it was released. Without an argument it serves, as SageMaker starts it.

``score`` writes ``<period>.npz`` for each channel below a folder, with three float64 columns:
``residual`` (how far a row is off, signed), ``error`` (its size) and ``score`` (what is watched);
the first two are NaN where a row has no label (yet).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from models.runtime import answers, bundle, outputs
from models.runtime.answers import HeldOutAnswers
from models.runtime.baseline import Baseline
from models.runtime.bundle import Bundle, write_json
from models.runtime.own import CODE_DIR
from models.runtime.task import Floats

MODEL_DIR = CODE_DIR.parent
ROWS = 5_000


def main() -> int:
    """Exit status 0 when what was asked for is done."""
    arguments = parser().parse_args()
    if arguments.act == "measure":
        measure(arguments.holdout, arguments.out, arguments.training)
    elif arguments.act == "score":
        score(arguments.periods, arguments.out, arguments.rows)
    elif arguments.act == "check":
        check()
    else:
        from models.runtime.serving.app import main as serve

        return serve(MODEL_DIR)
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    root = argparse.ArgumentParser(prog="entry_point.py", description="Ask this bundle.")
    acts = root.add_subparsers(dest="act")
    acts.add_parser("serve", help="answer requests until the process is ended")
    measuring = acts.add_parser("measure", help="write metrics and answers of held-out rows")
    measuring.add_argument("holdout", type=Path, help="channel of held-out rows")
    measuring.add_argument("out", type=Path, help="folder for both")
    measuring.add_argument("--training", type=Path, help="measure a plain model of these too")
    scoring = acts.add_parser("score", help="write residual, error and score, row by row")
    scoring.add_argument("periods", type=Path, help="folder with a channel for each period")
    scoring.add_argument("out", type=Path, help="folder for <period>.npz")
    scoring.add_argument("--rows", type=int, default=ROWS, help="most rows of a period")
    acts.add_parser("check", help="load, and answer the example")
    return root


def measure(holdout: Path, out: Path, training: Path | None) -> None:
    """metrics.json and answers.npz of the labelled rows.

    Beside a plain model if there are rows to train it on.
    """
    model = Bundle.load(MODEL_DIR)
    split = bundle.labelled(model.read(holdout), model.task)
    predictions = model.predicted(split.inputs)
    bundle.require_finite(split.ids, predictions, "the model")
    plain: Floats | None = None
    metrics = model.measure(split.labels, predictions)
    result = {"candidate": metrics, "counts": {"holdout": len(split)}}
    out.mkdir(parents=True, exist_ok=True)
    if training is not None:
        channels = {"training": training, "holdout": holdout}
        with tempfile.TemporaryDirectory() as scratch:
            plain = Baseline(Path(scratch), channels, model.spec).answers()
        bundle.require_finite(split.ids, plain, "the baseline")
        result["baseline"] = model.measure(split.labels, plain)
        if model.speaks_tensors:
            sample = split.take(outputs.calibration_rows(len(split)))
            tensors, targets = model.tensors(sample.inputs), model.task.targets(sample.labels)
            path = out / outputs.CALIBRATION
            outputs.write_calibration(path, tensors, model.raw(tensors), targets)
    said = HeldOutAnswers(
        model.family.task, model.task.output, split.ids, split.labels, predictions, plain
    )
    answers.write(out / answers.FILE, said)
    write_json(out / "metrics.json", result)


def score(periods: Path, out: Path, rows: int) -> None:
    """Residual, error and score of every period, of at most so many rows each."""
    model = Bundle.load(MODEL_DIR)
    out.mkdir(parents=True, exist_ok=True)
    for period in sorted(path for path in periods.iterdir() if path.is_dir()):
        split = model.read(period)
        if len(split) > rows:
            sample = np.random.default_rng(0).choice(len(split), rows, replace=False)
            split = split.take(np.sort(sample))
        errors = model.task.errors(split.labels, model.predicted(split.inputs))
        np.savez(
            out / f"{period.name}.npz",
            residual=errors["residual"],
            error=errors["error"],
            score=errors["score"],
        )


def check() -> None:
    """Load and answer the example; whatever is wrong ends the process."""
    from models.runtime.serving.app import Model

    Model(MODEL_DIR).test_itself()


if __name__ == "__main__":
    sys.exit(main())
