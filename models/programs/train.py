"""Train one model under the script-mode contract and leave everything that later stages need.

Channels ``training`` and ``holdout`` are already split. See docs/models.md for every file written.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# One machine, one model: more threads than this only fight each other on small batches.
os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count() or 1))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from numpy.typing import NDArray

from models.programs import artifacts, measures
from models.programs.baseline import Baseline
from models.programs.contract import CODE_DIR, ModelCode, load_code
from models.programs.data import NoData, Split
from models.programs.fitting import Checkpoints, Fit, Recipe, Stopped
from models.programs.heads import Head, head_of
from models.programs.preprocess import preprocessor, scores
from models.programs.script_mode import (
    STOPPED,
    InvalidHyperparameter,
    Job,
    current_job,
)

VALIDATION_SHARE = 0.05
VALIDATION_ROWS = 1000


def main() -> int:
    """Run the job of this process; returns its exit code."""
    job = current_job()
    job.obey_sigterm()
    if not job.leads:
        print(f"{job.host} has nothing to do: the model is trained on one host", flush=True)
        return 0
    try:
        train(job, load_code(CODE_DIR / "model.py"))
    except Stopped:
        print("stopped; the last whole epoch is in the checkpoints", flush=True)
        return STOPPED
    except (NoData, InvalidHyperparameter, FileNotFoundError, artifacts.Unservable) as error:
        job.fail(str(error))
        print(f"failed: {error}", file=sys.stderr, flush=True)
        return 1
    except Exception as error:  # noqa: BLE001 - whatever it is, SageMaker must be told the reason
        job.fail(f"{type(error).__name__}: {error}")
        traceback.print_exc()
        return 1
    return 0


def train(job: Job, code: ModelCode) -> dict[str, Any]:
    """Train, measure on the holdout, and write model and output folders.

    Returns:
        What metrics.json holds.
    """
    clock = Stopwatch()
    chosen = job.hyperparameters
    training = code.load(job.channel("training"), chosen)
    holdout = code.load(job.channel("holdout"), chosen)
    spec = complete_spec(code.preprocess(training, chosen), training)
    clock.lap("load", f"training_rows={len(training)} holdout_rows={len(holdout)}")
    with tempfile.TemporaryDirectory() as scratch:
        baseline = Baseline(Path(scratch), job.channels, spec, chosen.used)
        try:
            model, history = fit(job, code, spec, training, clock)
            expected = baseline.answers()
        finally:
            baseline.stop()
    clock.lap("baseline")

    head, prepare = head_of(spec), preprocessor(spec)
    inputs = prepare.transform(holdout.inputs)
    raw = model_answers(model, inputs)
    predicted = head.predicted(raw)
    artifacts.export(model, spec, job.model_dir)
    checked = inputs[: artifacts.CALIBRATION_ROWS]
    served = artifacts.check_served(job.model_dir / artifacts.GRAPH, checked, raw[: len(checked)])
    clock.lap("export", f"served_error={served:.3g}")

    result = {
        "candidate": head.measure(holdout.labels, predicted),
        "baseline": head.measure(holdout.labels, expected),
        "counts": {"training": len(training), "holdout": len(holdout)},
        "served_error": served,
        "seconds": clock.laps,
    }
    write_outputs(job, spec, holdout, result, history, inputs, raw, expected)
    print(
        " ".join(
            f"{who}_{name}={value:.6g}"
            for who, key in (("holdout", "candidate"), ("baseline", "baseline"))
            for name, value in result[key].items()  # type: ignore[attr-defined]
        ),
        flush=True,
    )
    return result


def complete_spec(spec: dict[str, Any], training: Split) -> dict[str, Any]:
    """Add what follows from the features: the width of the graph's input."""
    if "input" not in spec:
        first = training.take(np.arange(1))
        width = preprocessor(spec).transform(first.inputs).shape[1]
        spec["input"] = {"name": "features", "shape": [1, width], "dtype": "float32"}
    return {"schema_version": 1, **spec}


def fit(
    job: Job, code: ModelCode, spec: Mapping[str, Any], training: Split, clock: Stopwatch
) -> tuple[Any, list[dict[str, float]]]:
    """Fit on the training rows, a few of them set aside to watch the fit."""
    import keras

    clock.lap("tensorflow")
    chosen = job.hyperparameters
    recipe_seed = chosen.integer("seed", 0)
    keras.utils.set_random_seed(recipe_seed)
    head, prepare = head_of(spec), preprocessor(spec)
    fitted, watched = set_aside(training)
    watched_inputs = prepare.transform(watched.inputs)
    model = code.build(spec, chosen)
    artifacts.rehearse(model, spec)
    clock.lap("rehearsal")
    recipe = Recipe(
        loss=head.loss,
        epochs=chosen.integer("epochs", 100),
        batch_size=chosen.integer("batch_size", 32),
        learning_rate=chosen.number("learning_rate", 1e-3),
        weight_decay=chosen.number("weight_decay", 1e-2),
        seed=recipe_seed,
        compiled=bool(chosen.integer("compiled", 1)),
    )
    if chosen.unused:
        print(f"warning: unknown hyperparameters {', '.join(chosen.unused)}", flush=True)
    history = Fit(
        model=model,
        inputs=prepare.transform(fitted.inputs),
        targets=head.targets(fitted.labels),
        recipe=recipe,
        validate=lambda: watch(model, head, watched_inputs, watched.labels),
        checkpoints=Checkpoints(job.checkpoint_dir, fit_identity(chosen.used, spec, training)),
        stopping=lambda: job.stopping,
    ).run()
    clock.lap("fit", f"epochs={len(history)}")
    return model, history


def watch(
    model: Any, head: Head, inputs: NDArray[np.float32], labels: NDArray[Any]
) -> dict[str, float]:
    """The tracked metric on the rows set aside."""
    predicted = head.predicted(model_answers(model, inputs))
    return {f"val_{head.tracked}": head.measure(labels, predicted)[head.tracked]}


def set_aside(training: Split) -> tuple[Split, Split]:
    """Split a few training rows off by a hash of their id: the same ones on every run."""
    rows = min(VALIDATION_ROWS, max(1, int(len(training) * VALIDATION_SHARE)))
    keys = [hashlib.blake2b(str(row).encode(), digest_size=8).digest() for row in training.ids]
    order = sorted(range(len(training)), key=keys.__getitem__)
    watched = np.zeros(len(training), dtype=bool)
    watched[order[:rows]] = True
    return training.take(~watched), training.take(watched)


def fit_identity(used: Mapping[str, Any], spec: Mapping[str, Any], training: Split) -> str:
    """Hash of what is being fitted; a checkpoint of anything else is not gone on from."""
    described = json.dumps([used, spec, len(training)], sort_keys=True, default=str)
    return hashlib.sha256(described.encode()).hexdigest()


def model_answers(model: Any, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Graph output of all rows: float32 [n, outputs]."""
    parts = [
        np.asarray(model(inputs[first : first + 1024], training=False), dtype=np.float32)
        for first in range(0, len(inputs), 1024)
    ]
    return np.concatenate(parts)


def write_outputs(
    job: Job,
    spec: Mapping[str, Any],
    holdout: Split,
    result: Mapping[str, Any],
    history: list[dict[str, float]],
    inputs: NDArray[np.float32],
    raw: NDArray[np.float32],
    expected: NDArray[np.float64],
) -> None:
    """Write the files beside the exported model, and the output folder."""
    import keras
    import tensorflow as tf

    head = head_of(spec)
    reference = measures.reference(scores(spec, raw))
    job.output_dir.mkdir(parents=True, exist_ok=True)
    artifacts.write_json(job.output_dir / "metrics.json", result)
    artifacts.write_json(job.output_dir / "history.json", history)
    artifacts.write_predictions(
        job.output_dir / "predictions.parquet",
        {
            "row_id": holdout.ids,
            "label": holdout.labels,
            **head.table(head.predicted(raw)),
            "score": scores(spec, raw),
            **{f"baseline_{key}": value for key, value in head.table(expected).items()},
        },
    )
    seed = job.hyperparameters.integer("seed", 0)
    artifacts.write_calibration(
        job.output_dir / "calibration.npz", inputs, raw, seed, head.targets(holdout.labels)
    )
    card = {
        "metrics": result["candidate"],
        "baseline": result["baseline"],
        "counts": result["counts"],
        "hyperparameters": job.hyperparameters.used,
        "output": spec["output"],
        "versions": {"tensorflow": tf.__version__, "keras": keras.__version__},
    }
    for folder in (job.model_dir, job.output_dir):
        artifacts.write_json(folder / "reference.json", reference)
    artifacts.write_json(job.model_dir / "preprocess.json", spec)
    artifacts.write_json(job.model_dir / "model_card.json", card)
    sample = {"instances": [preprocessor(spec).example()]}
    (job.model_dir / "sample_request.json").write_text(json.dumps(sample), encoding="utf-8")
    artifacts.copy_code(job.model_dir)


class Stopwatch:
    """Prints and keeps how long each part took, in seconds."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str, more: str = "") -> None:
        """End the part ``name``."""
        now = time.perf_counter()
        self.laps[name] = round(now - self._last, 3)
        self._last = now
        print(f"part={name} seconds={self.laps[name]:.2f} {more}".rstrip(), flush=True)


if __name__ == "__main__":
    sys.exit(main())
