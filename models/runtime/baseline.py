"""A plain scikit-learn model of the same rows, in a process of its own while the backend starts.

Run as ``python -m models.runtime.baseline <job.json> <answers.npy>`` in the folder of the code.
``baseline()`` of a model.py replaces it. It is what a practitioner would try first: gradient
boosting on histograms (Ke et al. 2017) for tables of numbers, a linear model for the rest.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.runtime import bundle
from models.runtime.family import Family, load_family
from models.runtime.own import CODE_DIR, load_own
from models.runtime.split import Split
from models.runtime.task import CALIBRATION, PREDICTION, Floats, Objective, Task

MANY_COLUMNS = 150
"""Columns from which a linear model takes the place of boosting, which grows with them."""


class Baseline:
    """A baseline being computed.

    Args:
        folder: Scratch folder.
        channels: Folders ``training`` and ``holdout``.
        spec: preprocess.json.
        code: Folder of the code that computes it.
    """

    def __init__(
        self,
        folder: Path,
        channels: Mapping[str, Path],
        spec: Mapping[str, Any],
        code: Path = CODE_DIR,
    ) -> None:
        job = folder / "baseline.json"
        self._answers = folder / "baseline.npy"
        job.write_text(
            json.dumps(
                {
                    "training": str(channels["training"]),
                    "holdout": str(channels["holdout"]),
                    "spec": spec,
                }
            ),
            encoding="utf-8",
        )
        command = [sys.executable, "-m", __name__, str(job), str(self._answers)]
        self._process = subprocess.Popen(
            command,
            cwd=code,
            # The backend starts beside it: more threads than cores spin instead of working.
            env={**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def answers(self) -> NDArray[np.float64]:
        """Wait, and return the baseline's predictions of the holdout's labelled rows.

        Raises:
            RuntimeError: the process failed; its last lines are in the message.
        """
        output, _ = self._process.communicate()
        if self._process.returncode:
            raise RuntimeError(f"the scikit-learn baseline failed: {output[-600:]}")
        return np.asarray(np.load(self._answers, allow_pickle=False), dtype=np.float64)

    def stop(self) -> None:
        """End it, when nobody will read its answer."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


def plain_predictions(
    family: Family, spec: Mapping[str, Any], training: Split, holdout: Split
) -> Floats:
    """The plain model's predictions of the holdout, in the client's terms.

    A calibration in the spec is the measured model's: it says nothing of this one.
    """
    output = {name: value for name, value in spec["output"].items() if name != CALIBRATION}
    task: Task = family.task_class(output)
    source = family.input_class(spec)
    rows, holdout_rows = source.plain(training.inputs), source.plain(holdout.inputs)
    targets = task.targets(training.labels)
    own = task.plain(rows, targets, holdout_rows)
    if own is not None:
        return task.predicted(own)
    answer = _LEARNERS[task.objective](rows, targets, holdout_rows, task.outputs[0].shape[-1])
    return task.predicted({PREDICTION: answer})


def main(arguments: list[str]) -> int:
    """Compute the baseline that the job file asks for."""
    job = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    spec = job["spec"]
    family, own = load_family(CODE_DIR), load_own(CODE_DIR).get("baseline")
    task, source = family.task_class(spec["output"]), family.input_class(spec)
    training, holdout = (
        bundle.labelled(bundle.read(source, task, Path(job[name]), family.label), task)
        for name in ("training", "holdout")
    )
    predictions = (
        own(training, holdout, spec)
        if own is not None
        else plain_predictions(family, spec, training, holdout)
    )
    np.save(arguments[1], predictions)
    return 0


def _regression(rows: Floats, targets: NDArray[Any], holdout: Floats, width: int) -> Floats:
    from sklearn.ensemble import HistGradientBoostingRegressor

    model = HistGradientBoostingRegressor(max_iter=300, learning_rate=0.08, random_state=0)
    model.fit(rows, targets[:, 0])
    return np.asarray(model.predict(holdout), dtype=np.float64).reshape(-1, width)


def _classes(rows: Floats, targets: NDArray[Any], holdout: Floats, width: int) -> Floats:
    model = _classifier(rows.shape[1])
    model.fit(rows, targets)
    chances = np.zeros((len(holdout), width))
    chances[:, model.classes_.astype(int)] = model.predict_proba(holdout)
    return chances


def _labels(rows: Floats, targets: NDArray[Any], holdout: Floats, width: int) -> Floats:
    chances = np.zeros((len(holdout), width))
    for label in range(width):
        classes = np.unique(targets[:, label])
        if len(classes) == 1:
            chances[:, label] = classes[0]
            continue
        model = _classifier(rows.shape[1])
        model.fit(rows, targets[:, label])
        chances[:, label] = model.predict_proba(holdout)[:, 1]
    return chances


def _classifier(columns: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    if columns < MANY_COLUMNS:
        return HistGradientBoostingClassifier(max_iter=200, learning_rate=0.08, random_state=0)
    return make_pipeline(
        SimpleImputer(keep_empty_features=True), LogisticRegression(max_iter=200, C=0.1)
    )


_LEARNERS: Mapping[Objective, Callable[[Floats, NDArray[Any], Floats, int], Floats]] = {
    "absolute_error": _regression,
    "cross_entropy": _classes,
    "binary_cross_entropy": _labels,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
