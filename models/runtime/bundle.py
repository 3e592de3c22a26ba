"""One immutable version as its own code sees it: load it, ask it, measure it."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.runtime.family import FAMILY, Family, load_family
from models.runtime.input import Input
from models.runtime.own import BUNDLE, CODE_DIR, OwnCode, load_own
from models.runtime.signature import Arrays, Signature, rows_of, take
from models.runtime.split import Split
from models.runtime.task import Floats, Task

ENTRY_POINT = "code/entry_point.py"
PREPROCESS = "preprocess.json"
CARD = "model_card.json"
SAMPLE = "sample_request.json"
ROWS_AT_ONCE = 4096
"""Rows that become tensors together: those of all would not fit into memory."""


class Unmeasurable(ValueError):
    """An answer, or what was measured of answers, is no finite number."""


class Bundle:
    """A loaded model with its preprocessing, its task and its own code.

    Args:
        family: What it is composed of.
        spec: preprocess.json.
        predictor: What its backend loaded.
        own: Functions of its model.py.
    """

    def __init__(
        self, family: Family, spec: Mapping[str, Any], predictor: Any, own: OwnCode
    ) -> None:
        self.family = family
        self.spec = spec
        self.task: Task = family.task_class(spec["output"])
        self.input: Input = family.input_class(spec)
        self._speaks = family.new_backend().speaks
        self._predictor = predictor
        self._own = own

    @classmethod
    def load(cls, folder: Path) -> Bundle:
        """Load an unpacked model.tar.gz, which holds the code that runs here."""
        family = load_family(folder / "code")
        spec = json.loads((folder / PREPROCESS).read_text(encoding="utf-8"))
        predictor = family.new_backend().load(folder, Signature.of_json(spec["signature"]))
        return cls(family, spec, predictor, load_own(folder / "code"))

    def described(self, output: Mapping[str, Any]) -> Bundle:
        """The same model with another ``output`` of preprocess.json."""
        return Bundle(self.family, {**self.spec, "output": output}, self._predictor, self._own)

    def tensors(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """What the graph eats of rows."""
        return self.input.transform(inputs)

    def raw(self, tensors: Arrays) -> Mapping[str, NDArray[Any]]:
        """What the graph answers."""
        answers: Mapping[str, NDArray[Any]] = self._predictor.predict(tensors)
        return answers

    @property
    def speaks_tensors(self) -> bool:
        """Whether there is a graph; else an own program answers instances."""
        return self._speaks == "tensors"

    def predicted(self, inputs: Arrays) -> Floats:
        """Predictions of rows in the client's terms: [n], or [n, k] chances."""
        if self.speaks_tensors:
            rows = rows_of(inputs)
            answers = [
                self.raw(self.tensors(take(inputs, slice(first, first + ROWS_AT_ONCE))))
                for first in range(0, max(rows, 1), ROWS_AT_ONCE)
            ]
            return self.task.predicted(
                {name: np.concatenate([part[name] for part in answers]) for name in answers[0]}
            )
        return self.task.read(self._predictor.answer(self.input.instances(inputs)))

    def measure(self, labels: NDArray[Any], predicted: Floats) -> dict[str, float]:
        """The task's metrics, and the model's own."""
        return measure(self.task, self._own, labels, predicted)

    def read(self, channel: Path) -> Split:
        """Rows of a channel, in the order of its files; unlabelled ones too."""
        return read(self.input, self.task, channel, self.family.label)


def measure(task: Task, own: OwnCode, labels: NDArray[Any], predicted: Floats) -> dict[str, float]:
    """The task's metrics of labelled rows, and those of ``metrics()`` of a model.py.

    Raises:
        ValueError: an own metric bears the name of one of the task's.
        Unmeasurable: a metric is no finite number.
    """
    metrics = task.measure(labels, predicted)
    _require_numbers(metrics, f"the task measures of {len(labels)} rows")
    more = own.get("metrics")
    if more is None:
        return metrics
    own_metrics = {str(name): value for name, value in more(labels, predicted).items()}
    clashes = sorted(set(own_metrics) & set(metrics))
    if clashes:
        raise ValueError(f"metrics() of model.py measures {', '.join(clashes)}, as the task does")
    _require_numbers(own_metrics, f"metrics() of model.py measures of {len(labels)} rows")
    return {**metrics, **{name: float(value) for name, value in own_metrics.items()}}


def require_finite(rows: NDArray[np.str_], predicted: Floats, who: str) -> None:
    """Hold answers to being numbers before anything is measured of them.

    Args:
        rows: What each row is called [n].
        predicted: Their answers [n], or [n, k].
        who: Who answered.

    Raises:
        Unmeasurable: an answer holds NaN, or is infinite; the first is named.
    """
    parts = tuple(range(1, predicted.ndim))
    unfit = np.flatnonzero(~np.isfinite(predicted).all(axis=parts))
    if unfit.size:
        first = unfit[0]
        raise Unmeasurable(
            f"{who} answered row {rows[first]} with {predicted[first]!s:.80}, and "
            f"{unfit.size} of {len(predicted)} rows in all with what is no finite number: "
            "nothing can be measured of that"
        )


def _require_numbers(metrics: Mapping[str, Any], who: str) -> None:
    for name, value in metrics.items():
        try:
            sound = np.isfinite(float(value))
        except (TypeError, ValueError):
            sound = False
        if not sound:
            raise Unmeasurable(
                f"{who} {name} = {value!r:.80}, which is no finite number: no gate can hold it to "
                "a bound"
            )


def read(source: Input, task: Task | type[Task], channel: Path, label: str) -> Split:
    """Rows of a channel with their labels."""
    ids, inputs, values = source.read(channel, label)
    return Split(ids, inputs, task.labels(values))


def labelled(split: Split, task: Task | type[Task]) -> Split:
    """The rows that have a label."""
    mask = task.labelled(split.labels)
    return split if mask.all() else split.take(np.flatnonzero(mask))


def write(
    folder: Path,
    family: Family,
    spec: Mapping[str, Any],
    card: Mapping[str, Any],
    versions: Mapping[str, str],
) -> None:
    """Write what makes a model folder a bundle: description, sample request and code.

    Args:
        folder: The model folder, into which the backend has saved.
        family: What it is composed of.
        spec: preprocess.json.
        card: model_card.json.
        versions: Versions of the libraries that its backend names.
    """
    write_json(folder / PREPROCESS, spec)
    write_json(folder / CARD, card)
    sample = {"instances": [family.input_class(spec).example()]}
    (folder / SAMPLE).write_text(json.dumps(sample), encoding="utf-8")
    patterns = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(CODE_DIR, folder / "code", ignore=patterns, dirs_exist_ok=True)
    (folder / "code" / FAMILY).write_text(family.to_json(), encoding="utf-8")
    # Last: a folder with it is whole.
    document = {
        "schema_version": 1,
        "entry_point": ENTRY_POINT,
        "task": family.task,
        "input": family.input,
        "backend": family.backend,
        "signature": spec["signature"],
        "runtime": {"python": platform.python_version(), "numpy": np.__version__, **versions},
    }
    write_json(folder / BUNDLE, document)


def write_json(path: Path, value: Any) -> None:
    """Write JSON that a person can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value, indent=1, sort_keys=True, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
