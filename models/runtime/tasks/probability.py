"""Probability: the chance that something happens, of a yes or no that is mostly no."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.runtime import measures, sums
from models.runtime.metric import Metric
from models.runtime.platt import fitted_line, on_line
from models.runtime.script_mode import Hyperparameters
from models.runtime.signature import Tensor
from models.runtime.task import (
    CALIBRATION,
    PREDICTION,
    Floats,
    Objective,
    Task,
    Unlabelled,
    UnreadableAnswer,
)


class Probability(Task):
    """Binary cross-entropy on one sigmoid, then Platt's line on rows that were set aside.

    No class is weighted and no row is sampled, however rare a yes is. Cross-entropy is a proper
    score (Gneiting & Raftery 2007): it is smallest at the true chances, and weights would move
    that minimum to the chances of a world that nobody lives in (Dal Pozzolo et al. 2015,
    "Calibrating Probability with Undersampling for Unbalanced Classification"). Rare labels ask
    for a metric that sees them, which average precision is.

    What is learned may still be too sure of itself, boosting above all (Niculescu-Mizil & Caruana
    2005). So a line is fitted through the log-odds of a fifth of the training rows, which nothing
    learned from (Platt 1999). It has two numbers, where isotonic regression has as many as it
    makes steps and fits noise below a thousand rows of the rarer side; and it rises, so that it
    changes no order and costs no average precision. It stands in the ``output`` of preprocess.json
    as ``calibration``: for the graph's answer x, cut to [1e-12, 1 - 1e-12], the chance is
    1 / (1 + exp(-(slope * log(x / (1 - x)) + intercept))). Whatever serves, measures or follows
    the bundle applies it. An own program calibrates its answers itself: nobody else knows which
    rows it learned from.
    """

    metrics: ClassVar[Mapping[str, Metric]] = {
        "ece": Metric(
            "smaller",
            "0 … 1",
            "Expected calibration error: mean distance of what was said from what happened, in ten "
            "bins of equally many rows (Nixon et al. 2019). Chance alone makes it about "
            "2.5·√(p(1 − p)/rows).",
        ),
        "brier": Metric("smaller", "0 … 1", "Mean squared distance of chance and outcome."),
        "log_loss": Metric("smaller", "nats", "Mean −log of the right class's probability."),
        "average_precision": Metric(
            "larger", "0 … 1", "Mean precision over the yeses, the surest first."
        ),
        "auc": Metric("larger", "0 … 1", "Chance that a yes is put above a no."),
        "bias": Metric("zero", "share", "Sum of errors / sum of labels; above 0: too high."),
    }
    tracked: ClassVar[str] = "average_precision"
    objective: ClassVar[Objective] = "binary_cross_entropy"
    first_gates: ClassVar[tuple[str, ...]] = (
        "metric: ece, at_most: 0.02",
        "metric: average_precision, no_worse_than_champion: 0.05, no_worse_than_baseline: 0",
    )
    label_types: ClassVar[frozenset[str]] = frozenset({"boolean", "integer"})
    activation: ClassVar[str] = "sigmoid"
    aside_share: ClassVar[float] = 0.2
    aside_rows: ClassVar[int] = 10_000

    @classmethod
    def describe(
        cls, labels: NDArray[Any], name: str, _hyperparameters: Hyperparameters
    ) -> dict[str, Any]:
        """The share of yeses in the training rows: no part of an answer, but what it is held to.

        Raises:
            Unlabelled: a label is neither 0 nor 1, or all are the same.
        """
        strange = np.setdiff1d(labels, (0.0, 1.0))
        if len(strange):
            raise Unlabelled(
                f"{name} holds {', '.join(f'{value:g}' for value in strange[:5])}; the chance of a "
                "yes or no is learned from true and false, or from 1 and 0"
            )
        if len(np.unique(labels)) == 1:
            raise Unlabelled(
                f"{name} is {labels[0]:g} in all of the {len(labels)} training rows: there is "
                "nothing to tell apart"
            )
        return {"kind": "probability", "name": name, "base_rate": float(labels.mean())}

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """One number from 0 to 1."""
        return (Tensor(PREDICTION, (1, 1)),)

    def targets(self, labels: NDArray[Any]) -> NDArray[np.float32]:
        """Labels [n] → 0 or 1, float32 [n, 1]."""
        return np.asarray(labels, dtype=np.float32)[:, None]

    def predicted(self, raw: Mapping[str, NDArray[Any]]) -> Floats:
        """Graph output [n, 1] → calibrated chances [n]."""
        said = raw[PREDICTION][:, 0].astype(np.float64)
        line = self.output.get(CALIBRATION)
        return said if line is None else on_line(said, line["slope"], line["intercept"])

    def calibration(self, labels: NDArray[Any], predicted: Floats) -> Mapping[str, Any] | None:
        """Platt's line; None where the rows are too few, or do not rise with what was said."""
        line = fitted_line(predicted, labels)
        if line is None:
            return None
        return {"slope": line[0], "intercept": line[1], "rows": len(labels)}

    def answers(self, predicted: Floats) -> list[Any]:
        """A chance a row."""
        return [float(value) for value in predicted]

    def read(self, answers: Sequence[Any]) -> Floats:
        """Chances, ``{"probability": chance}`` or ``{"prediction": chance}``; true is certain."""
        chances = np.empty(len(answers), dtype=np.float64)
        for row, answer in enumerate(answers):
            value = answer
            if isinstance(value, Mapping):
                value = value.get("probability", value.get("prediction"))
            value = value[0] if isinstance(value, list) and len(value) == 1 else value
            if not isinstance(value, bool | int | float) or not 0 <= value <= 1:
                raise UnreadableAnswer(f"answer {row} is {answer!r:.60}, no chance from 0 to 1")
            chances[row] = value
        return chances

    def measure(self, labels: NDArray[Any], predicted: Floats) -> dict[str, float]:
        """Calibration and order of the chances."""
        return measures.chances(labels, predicted)

    def sums(self, labels: NDArray[Any], predicted: Floats) -> sums.RowSums:
        """What asks for no order of the chances."""
        return sums.chances(labels, predicted)

    def scores(self, predicted: Floats) -> Floats:
        """The chance itself."""
        return predicted

    def errors(self, labels: NDArray[Any], predicted: Floats) -> dict[str, Floats]:
        """Residual: chance less outcome (its mean is how much too high); error: its square.

        The mean of that error is the Brier score.
        """
        residual = predicted - np.asarray(labels, dtype=np.float64)
        return {"residual": residual, "error": residual**2, "score": predicted}

    def columns(self, predicted: Floats) -> dict[str, Any]:
        """One column of chances."""
        return {"prediction": predicted}
