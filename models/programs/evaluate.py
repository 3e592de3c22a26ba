"""Measure a published model on a held-out split: what the gate compares a candidate with.

Channels: ``model`` holds a ``model.tar.gz``, ``holdout`` the split. Runs the graph that is served,
with the preprocessing that was published beside it, and needs no TensorFlow. With a channel
``training`` the model was never measured before: the scikit-learn baseline is measured beside it,
and calibration.npz is written, as a training job would.
"""

from __future__ import annotations

import json
import sys
import tarfile
import tempfile
import traceback
from pathlib import Path

from models.programs.artifacts import GRAPH, write_calibration, write_json
from models.programs.baseline import Baseline
from models.programs.contract import load_code
from models.programs.heads import head_of
from models.programs.litert import Graph
from models.programs.preprocess import preprocessor
from models.programs.script_mode import Hyperparameters, Job, current_job


def main() -> int:
    """Run the job of this process; returns its exit code."""
    job = current_job()
    try:
        evaluate(job)
    except Exception as error:  # noqa: BLE001 - whatever it is, SageMaker must be told the reason
        job.fail(f"{type(error).__name__}: {error}")
        traceback.print_exc()
        return 1
    return 0


def evaluate(job: Job) -> dict[str, float]:
    """Write metrics.json (``candidate`` is the model measured here) and return its metrics."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with tarfile.open(next(job.channel("model").glob("*.tar.gz"))) as archive:
            archive.extractall(folder, filter="data")
        spec = json.loads((folder / "preprocess.json").read_text("utf-8"))
        card = json.loads((folder / "model_card.json").read_text("utf-8"))
        code = load_code(folder / "code" / "model.py")
        split = code.load(job.channel("holdout"), Hyperparameters(card["hyperparameters"]))
        inputs = preprocessor(spec).transform(split.inputs)
        raw = Graph(folder / GRAPH).run(inputs)
        head = head_of(spec)
        metrics = head.measure(split.labels, head.predicted(raw))
        result = {"candidate": metrics, "counts": {"holdout": len(split)}}
        if "training" in job.channels:
            baseline = Baseline(folder, job.channels, spec, card["hyperparameters"])
            result["baseline"] = head.measure(split.labels, baseline.answers())
            job.output_dir.mkdir(parents=True, exist_ok=True)
            calibration, targets = job.output_dir / "calibration.npz", head.targets(split.labels)
            write_calibration(calibration, inputs, raw, seed=0, targets=targets)
    write_json(job.output_dir / "metrics.json", result)
    print(" ".join(f"holdout_{name}={value:.6g}" for name, value in metrics.items()), flush=True)
    job.model_dir.mkdir(parents=True, exist_ok=True)
    write_json(job.model_dir / "evaluated.json", result)
    return metrics


if __name__ == "__main__":
    sys.exit(main())
