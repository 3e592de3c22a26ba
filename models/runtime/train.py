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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# One machine, one model: more threads than this only fight each other on small batches.
os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count() or 1))
# Threads that wait for each other sleep: spinning, they take the processor from who has work.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

from models.runtime import answers, bundle, measures, outputs
from models.runtime.answers import HeldOutAnswers
from models.runtime.backend import Fitted, Fitting, Stopped, Unservable
from models.runtime.baseline import Baseline
from models.runtime.bundle import Bundle, Unmeasurable
from models.runtime.collective import HostLost
from models.runtime.family import Family, load_family
from models.runtime.input import InvalidFeature
from models.runtime.own import CODE_DIR, OwnCode, load_own
from models.runtime.script_mode import (
    STOPPED,
    InvalidHyperparameter,
    Job,
    current_job,
)
from models.runtime.signature import Signature, take
from models.runtime.split import NoData, Split, columns_of
from models.runtime.task import CALIBRATION, Floats, Task, Unlabelled

PLAIN_FAULTS = (
    NoData,
    InvalidFeature,
    InvalidHyperparameter,
    Unlabelled,
    FileNotFoundError,
    Unservable,
    Unmeasurable,
    HostLost,
)
"""What a person can mend without reading a traceback."""


def main() -> int:
    """Run the job of this process; returns its exit code."""
    job = current_job()
    job.obey_sigterm()
    # The job's own volume: rows that do not fit into memory lie in files there.
    os.environ.setdefault("TMPDIR", str(job.base))
    family = load_family(CODE_DIR)
    try:
        own = load_own(CODE_DIR)
        if not job.leads:
            assist(job, family, own)
            return 0
        train(job, family, own)
    except Stopped:
        print("stopped; what was learned is in the checkpoints", flush=True)
        return STOPPED
    except PLAIN_FAULTS as error:
        job.fail(str(error))
        print(f"failed: {error}", file=sys.stderr, flush=True)
        return 1
    except Exception as error:  # noqa: BLE001 - whatever it is, SageMaker must be told the reason
        job.fail(f"{type(error).__name__}: {error}")
        traceback.print_exc()
        return 1
    return 0


def assist(job: Job, family: Family, own: OwnCode) -> None:
    """What a host does that does not lead the job: it measures and writes nothing."""

    def prepared() -> Fitting:
        clock = Stopwatch()
        ready = prepare(job, family, own)
        clock.lap("load", f"training_rows={len(ready.training)}")
        return fitting_of(job, family, own, ready, clock)

    family.new_backend().assist(job, prepared)


@dataclass(frozen=True)
class Prepared:
    """Both channels, read, and preprocess.json fitted on the training rows."""

    spec: Mapping[str, Any]
    training: Split
    holdout: Split


def train(job: Job, family: Family, own: OwnCode) -> dict[str, Any]:
    """Train, measure on the holdout, and write model and output folders.

    Returns:
        What metrics.json holds.
    """
    clock = Stopwatch()
    ready = prepare(job, family, own)
    training, holdout = ready.training, ready.holdout
    clock.lap("load", f"training_rows={len(training)} holdout_rows={len(holdout)}")
    with tempfile.TemporaryDirectory() as scratch:
        baseline = Baseline(Path(scratch), job.channels, ready.spec)
        try:
            fitted = family.new_backend().fit(fitting_of(job, family, own, ready, clock))
            plain = baseline.answers()
        finally:
            baseline.stop()
    clock.lap("baseline")

    backend, signature = family.new_backend(), Signature.of_json(ready.spec["signature"])
    model = calibrated(Bundle(family, ready.spec, fitted.predictor, own), training)
    predictions = model.predicted(holdout.inputs)
    bundle.require_finite(holdout.ids, predictions, "the model")
    bundle.require_finite(holdout.ids, plain, "the baseline")
    backend.save(fitted, signature, job.model_dir)
    result: dict[str, Any] = {
        "candidate": model.measure(holdout.labels, predictions),
        "baseline": model.measure(holdout.labels, plain),
        "counts": {"training": len(training), "holdout": len(holdout)},
    }
    if job.hyperparameters.unused and model.speaks_tensors:
        unknown = ", ".join(job.hyperparameters.unused)
        print(f"warning: unknown hyperparameters {unknown}", flush=True)
    write_outputs(job, model, holdout, result, fitted, predictions, plain)
    served_error = compare_served(job, model, holdout, predictions)
    clock.lap("export", f"served_error={served_error:.3g}")
    result |= {"served_error": served_error, "seconds": clock.laps}
    bundle.write_json(job.output_dir / "metrics.json", result)
    print(
        " ".join(
            f"{who}_{name}={value:.6g}"
            for who, key in (("holdout", "candidate"), ("baseline", "baseline"))
            for name, value in result[key].items()
        ),
        flush=True,
    )
    return result


def prepare(job: Job, family: Family, own: OwnCode) -> Prepared:
    """Read both channels, leave unlabelled rows out, and fit preprocess.json.

    Raises:
        NoData: a channel is empty, or none of its rows has a label.
    """
    hyperparameters, task_class, input_class = (
        job.hyperparameters,
        family.task_class,
        family.input_class,
    )
    columns = columns_of(job.channel("training"))
    schema = input_class.schema(columns, family.label, family.features, hyperparameters)
    source = input_class(schema)
    splits = []
    for name in ("training", "holdout"):
        split = bundle.read(source, task_class, job.channel(name), family.label)
        rows = bundle.labelled(split, task_class)
        if not len(rows):
            raise NoData(f"none of the {len(split)} rows of {name} has a {family.label}.")
        if len(rows) < len(split):
            print(f"{len(split) - len(rows)} rows of {name} have no {family.label}", flush=True)
        splits.append(rows)
    training, holdout = splits
    output = task_class.describe(training.labels, family.label, hyperparameters)
    backend = family.new_backend()
    source.pieces = backend.pieces
    preprocessing = source.fit(training.inputs, own.get("features"), hyperparameters)
    if backend.speaks == "instances":
        preprocessing = source.without_demands(preprocessing)
    signature = Signature(input_class(preprocessing).tensors, task_class(output).outputs)
    spec = {
        "schema_version": 2,
        **preprocessing,
        "output": output,
        "signature": signature.to_json(),
    }
    return Prepared(spec, training, holdout)


def fitting_of(
    job: Job, family: Family, own: OwnCode, ready: Prepared, clock: Stopwatch
) -> Fitting:
    """What is learned from: the training rows, a few of them set aside to watch the fit."""
    spec, source = ready.spec, family.input_class(ready.spec)
    split, validation = set_aside(ready.training, family.task_class)
    hyperparameters = job.hyperparameters.given
    description = json.dumps(
        [hyperparameters, spec, len(ready.training)], sort_keys=True, default=str
    )
    return Fitting(
        job=job,
        task=family.task_class(spec["output"]),
        signature=Signature.of_json(spec["signature"]),
        split=split,
        watched=validation,
        transform=lambda rows: source.transform(rows.inputs),
        own=own,
        identity=hashlib.sha256(description.encode()).hexdigest(),
        lap=clock.lap,
    )


def set_aside(training: Split, task: type[Task]) -> tuple[Split, Split]:
    """Split a few training rows off by a hash of their id: the same ones on every run."""
    rows = min(task.aside_rows, max(1, int(len(training) * task.aside_share)))
    keys = [hashlib.blake2b(str(row).encode(), digest_size=8).digest() for row in training.ids]
    order = sorted(range(len(training)), key=keys.__getitem__)
    mask = np.zeros(len(training), dtype=bool)
    mask[order[:rows]] = True
    return training.take(~mask), training.take(mask)


def calibrated(model: Bundle, training: Split) -> Bundle:
    """The model with what its task makes of the rows that were set aside.

    An own program stays as it is: it may have learned from these rows too.
    """
    if not model.speaks_tensors:
        return model
    _, aside = set_aside(training, type(model.task))
    said = model.predicted(aside.inputs)
    bundle.require_finite(aside.ids, said, "the model")
    calibration = model.task.calibration(aside.labels, said)
    if calibration is None:
        return model
    figures = " ".join(f"{name}={value:.6g}" for name, value in calibration.items())
    print(f"calibrated on rows set aside: {figures}", flush=True)
    return model.described({**model.spec["output"], CALIBRATION: dict(calibration)})


def compare_served(job: Job, model: Bundle, holdout: Split, predictions: Floats) -> float:
    """Load what was saved, as the server will, and compare its answers with the trained model's."""
    rows = slice(None, outputs.CALIBRATION_ROWS)
    saved_bundle = Bundle.load(job.model_dir)
    inputs = take(holdout.inputs, rows)
    if model.speaks_tensors:
        tensors = model.tensors(inputs)
        return outputs.served_error(saved_bundle.raw(tensors), model.raw(tensors))
    return outputs.served_error(
        {"prediction": saved_bundle.predicted(inputs)}, {"prediction": predictions[rows]}
    )


def write_outputs(
    job: Job,
    model: Bundle,
    holdout: Split,
    result: Mapping[str, Any],
    fitted: Fitted,
    predictions: Floats,
    plain: Floats,
) -> None:
    """Write the files beside the saved model, and the output folder."""
    task = model.task
    scores = task.scores(predictions)
    reference = measures.reference(scores)
    job.output_dir.mkdir(parents=True, exist_ok=True)
    bundle.write_json(job.output_dir / "history.json", fitted.history)
    outputs.write_predictions(
        job.output_dir / "predictions.parquet",
        {
            "row_id": holdout.ids,
            "label": list(holdout.labels),
            **task.columns(predictions),
            "score": scores,
            **{f"baseline_{key}": value for key, value in task.columns(plain).items()},
        },
    )
    answers.write(
        job.output_dir / answers.FILE,
        HeldOutAnswers(
            model.family.task, task.output, holdout.ids, holdout.labels, predictions, plain
        ),
    )
    if model.speaks_tensors:
        sample = holdout.take(outputs.calibration_rows(len(holdout)))
        tensors = model.tensors(sample.inputs)
        outputs.write_calibration(
            job.output_dir / outputs.CALIBRATION,
            tensors,
            model.raw(tensors),
            task.targets(sample.labels),
        )
    for folder in (job.model_dir, job.output_dir):
        bundle.write_json(folder / "reference.json", reference)
    card = {
        "metrics": result["candidate"],
        "baseline": result["baseline"],
        "counts": result["counts"],
        "hyperparameters": {**job.hyperparameters.given, **job.hyperparameters.used},
        "output": model.spec["output"],
        "versions": dict(fitted.versions),
    }
    bundle.write(job.model_dir, model.family, model.spec, card, fitted.versions)


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
