"""Regression: one number, in the label's unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.runtime import measures, sums
from models.runtime.metric import Metric
from models.runtime.script_mode import Hyperparameters
from models.runtime.signature import Tensor
from models.runtime.task import PREDICTION, Floats, Objective, Task, Unlabelled, UnreadableAnswer

SKEWED = 1.0
"""Skewness from which positive labels are learned on a logarithm."""
TRANSFORMS = ("auto", "log", "none")


class Regression(Task):
    """Mean absolute error on the standardised label, or on its logarithm.

    The hyperparameter ``label_transform`` chooses: ``log``, ``none``, or ``auto``, which takes the
    logarithm of positive labels with a heavy tail. ``label_unit`` is told to clients.
    """

    metrics: ClassVar[Mapping[str, Metric]] = {
        "mae": Metric("smaller", "the label's", "Mean absolute error."),
        "rmse": Metric("smaller", "the label's", "Root of the mean squared error."),
        "median_ae": Metric("smaller", "the label's", "Median absolute error."),
        "mape": Metric("smaller", "share", "Mean of |error| / |label|."),
        "bias": Metric("zero", "share", "Sum of errors / sum of labels; above 0: too high."),
        "abs_bias": Metric("smaller", "share", "Size of the bias."),
        "r2": Metric("larger", "share", "Share of the labels' variance that is explained."),
    }
    tracked: ClassVar[str] = "mae"
    objective: ClassVar[Objective] = "absolute_error"
    first_gates: ClassVar[tuple[str, ...]] = (
        "metric: r2, at_least: 0.3",
        "metric: mae, no_worse_than_champion: 0.05, no_worse_than_baseline: 0.25",
    )
    label_types: ClassVar[frozenset[str]] = frozenset({"integer", "number"})

    @classmethod
    def describe(
        cls, labels: NDArray[Any], name: str, hyperparameters: Hyperparameters
    ) -> dict[str, Any]:
        """Scale and transform of the label."""
        transform = hyperparameters.text("label_transform", "auto", choices=TRANSFORMS)
        if transform == "log" and labels.min() <= 0:
            raise Unlabelled(
                f"label_transform=log needs labels above 0; {name} goes down to {labels.min():g}"
            )
        logged = transform == "log" or (transform == "auto" and _heavy_tailed(labels))
        target = np.log(labels) if logged else labels
        return {
            "kind": "number",
            "name": name,
            "unit": hyperparameters.text("label_unit", ""),
            "transform": "exp" if logged else "none",
            "scale": max(float(target.std()), 1e-6),
            "offset": float(target.mean()),
        }

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """The standardised (log) label."""
        return (Tensor(PREDICTION, (1, 1)),)

    def targets(self, labels: NDArray[Any]) -> NDArray[np.float32]:
        """Labels [n] → standardised (log) labels [n, 1]."""
        values = np.asarray(labels, dtype=np.float64)
        if self.output["transform"] == "exp":
            values = np.log(values)
        scaled = (values - self.output["offset"]) / self.output["scale"]
        return np.asarray(scaled, dtype=np.float32)[:, None]

    def predicted(self, raw: Mapping[str, NDArray[Any]]) -> Floats:
        """Graph output [n, 1] → values [n] in the label's unit."""
        answer = raw[PREDICTION][:, 0].astype(np.float64)
        value = answer * self.output["scale"] + self.output["offset"]
        return np.asarray(np.exp(value) if self.output["transform"] == "exp" else value)

    def answers(self, predicted: Floats) -> list[Any]:
        """A number a row."""
        return [float(value) for value in predicted]

    def read(self, answers: Sequence[Any]) -> Floats:
        """Numbers, or ``{"prediction": number}``."""
        values = []
        for row, answer in enumerate(answers):
            value = answer.get("prediction") if isinstance(answer, Mapping) else answer
            value = value[0] if isinstance(value, list) and len(value) == 1 else value
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise UnreadableAnswer(f"answer {row} is {answer!r:.60}, no number")
            values.append(float(value))
        return np.asarray(values, dtype=np.float64)

    def measure(self, labels: NDArray[Any], predicted: Floats) -> dict[str, float]:
        """Regression metrics."""
        return measures.regression(labels, predicted)

    def sums(self, labels: NDArray[Any], predicted: Floats) -> sums.RowSums:
        """All metrics but the median."""
        return sums.regression(labels, predicted)

    def scores(self, predicted: Floats) -> Floats:
        """The value itself."""
        return predicted

    def room(self, levels: Floats, within: float) -> Floats:
        """A share of each number."""
        return within * np.abs(levels)

    def errors(self, labels: NDArray[Any], predicted: Floats) -> dict[str, Floats]:
        """How far label and prediction lie apart.

        log(label / prediction) where the label is learned on a logarithm; else the difference in
        standard deviations of the label.
        """
        truth = np.asarray(labels, dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            residual = (
                np.log(truth / predicted)
                if self.output["transform"] == "exp"
                else (truth - predicted) / self.output["scale"]
            )
        return {"residual": residual, "error": np.abs(residual), "score": predicted}

    def columns(self, predicted: Floats) -> dict[str, Any]:
        """One column of values."""
        return {"prediction": predicted}


def _heavy_tailed(labels: NDArray[Any]) -> bool:
    if labels.min() <= 0 or labels.std() == 0:
        return False
    return bool((((labels - labels.mean()) / labels.std()) ** 3).mean() > SKEWED)
