"""Multi-label: any number of names for each row, each with its own chance."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.runtime import sums
from models.runtime.metric import Metric
from models.runtime.script_mode import Hyperparameters
from models.runtime.signature import Tensor
from models.runtime.task import (
    PREDICTION,
    Floats,
    Objective,
    Task,
    Unlabelled,
    UnreadableAnswer,
    chances_of,
)

MOST_LABELS = 500


class MultiLabel(Task):
    """Binary cross-entropy on one sigmoid for each label.

    The hyperparameter ``threshold`` says from which chance a label is answered.
    """

    metrics: ClassVar[Mapping[str, Metric]] = {
        "micro_f1": Metric("larger", "0 … 1", "F1 of all labels of all rows together."),
        "macro_f1": Metric("larger", "0 … 1", "F1, averaged over the classes."),
        "hamming_loss": Metric("smaller", "share", "Share of (row, label) pairs that are wrong."),
        "subset_accuracy": Metric("larger", "share", "Rows with exactly the right labels."),
        "lowest_recall": Metric("larger", "share", "Recall of the worst class."),
    }
    tracked: ClassVar[str] = "micro_f1"
    right_share: ClassVar[str] = "LabelAccuracy"
    objective: ClassVar[Objective] = "binary_cross_entropy"
    first_gates: ClassVar[tuple[str, ...]] = (
        "metric: micro_f1, at_least: 0.5, no_worse_than_champion: 0.02",
        "metric: hamming_loss, at_most: 0.3",
    )
    label_types: ClassVar[frozenset[str]] = frozenset({"array"})
    activation: ClassVar[str] = "sigmoid"

    @classmethod
    def describe(
        cls, labels: NDArray[Any], name: str, hyperparameters: Hyperparameters
    ) -> dict[str, Any]:
        """The labels that the training rows show."""
        classes = sorted({label for row in labels if row for label in row})
        if not 1 <= len(classes) <= MOST_LABELS:
            raise Unlabelled(
                f"{name} has {len(classes)} labels in the training rows; from 1 to {MOST_LABELS} "
                "can be told"
            )
        return {
            "kind": "labels",
            "name": name,
            "classes": classes,
            "threshold": hyperparameters.number("threshold", 0.5, least=0, most=1),
        }

    @classmethod
    def labels(cls, values: Sequence[Any]) -> NDArray[Any]:
        """Names of each row as a tuple, sorted; None is a missing list, () a row without labels."""
        rows = np.empty(len(values), dtype=object)
        for row, value in enumerate(values):
            # Good rows hold nested values as JSON text.
            names = json.loads(value) if isinstance(value, str) else value
            rows[row] = None if names is None else tuple(sorted({str(name) for name in names}))
        return rows

    @classmethod
    def labelled(cls, labels: NDArray[Any]) -> NDArray[np.bool_]:
        """Which rows have a list, if an empty one."""
        return np.asarray([row is not None for row in labels], dtype=bool)

    @property
    def classes(self) -> list[str]:
        """Names, in the order of the chances."""
        return list(self.output["classes"])

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """A chance for each label."""
        return (Tensor(PREDICTION, (1, len(self.classes))),)

    def targets(self, labels: NDArray[Any]) -> NDArray[np.float32]:
        """0 or 1 for each label: float32 [n, labels].

        Raises:
            ValueError: a label is none of the training rows.
        """
        classes = self.classes
        unknown = sorted({label for row in labels for label in row} - set(classes))
        if unknown:
            raise ValueError(f"labels {unknown} are not among {classes}")
        return np.asarray([[name in row for name in classes] for row in labels], dtype=np.float32)

    def predicted(self, raw: Mapping[str, NDArray[Any]]) -> Floats:
        """Chances [n, labels] as they are."""
        return raw[PREDICTION].astype(np.float64)

    def answers(self, predicted: Floats) -> list[Any]:
        """The labels at or above the threshold, and every label's chance."""
        classes, threshold = self.classes, float(self.output["threshold"])
        return [
            {
                "labels": [name for name, c in zip(classes, row, strict=True) if c >= threshold],
                "scores": [float(chance) for chance in row],
            }
            for row in predicted
        ]

    def read(self, answers: Sequence[Any]) -> Floats:
        """Chances as a list in the labels' order, ``{"scores": …}``, or the names that hold."""
        return np.stack([self._chances(row, answer) for row, answer in enumerate(answers)])

    def measure(self, labels: NDArray[Any], predicted: Floats) -> dict[str, float]:
        """Metrics at the threshold; a label that no row has counts in none of the averages."""
        truth = self.targets(labels).astype(bool)
        positives = predicted >= float(self.output["threshold"])
        hits, misses = truth & positives, truth != positives
        has = truth.any(axis=0)
        counts = truth.sum(axis=0) + positives.sum(axis=0)
        f1 = 2 * hits.sum(axis=0)[has] / np.maximum(counts[has], 1)
        recall = hits.sum(axis=0)[has] / truth.sum(axis=0)[has]
        return {
            "micro_f1": float(2 * hits.sum() / max(truth.sum() + positives.sum(), 1)),
            "macro_f1": float(f1.mean()) if has.any() else 0.0,
            "hamming_loss": float(misses.mean()),
            "subset_accuracy": float((~misses.any(axis=1)).mean()),
            "lowest_recall": float(recall.min()) if has.any() else 0.0,
        }

    def sums(self, labels: NDArray[Any], predicted: Floats) -> sums.RowSums:
        """All metrics, those of single labels unless there are very many."""
        told = predicted >= float(self.output["threshold"])
        return sums.several(self.targets(labels).astype(bool), told)

    def scores(self, predicted: Floats) -> Floats:
        """How many labels a row is expected to have: the sum of its chances."""
        return np.asarray(predicted.sum(axis=1), dtype=np.float64)

    @classmethod
    def score_of(cls, answer: Any) -> float | None:
        """The sum of all chances."""
        chances = chances_of(answer)
        return None if chances is None else sum(chances)

    def levels(self, predicted: Floats, of: str) -> Floats:
        """The chance of one label."""
        if of not in self.classes:
            raise KeyError(f"{of!r} is none of the labels {', '.join(self.classes)}")
        return np.asarray(predicted[:, self.classes.index(of)])

    def alike(self, before: Floats, after: Floats, _within: float) -> NDArray[np.bool_]:
        """Which rows keep their set of labels, however sure it is."""
        threshold = float(self.output["threshold"])
        return np.asarray(((before >= threshold) == (after >= threshold)).all(axis=1))

    def errors(self, labels: NDArray[Any], predicted: Floats) -> dict[str, Floats]:
        """Residual: labels expected less labels there are; error: share of wrong labels."""
        counts = self.scores(predicted)
        residual = np.full(len(labels), np.nan)
        error = np.full(len(labels), np.nan)
        mask = self.labelled(labels)
        if mask.any():
            # A label that the training rows did not have can only be missed.
            there = np.asarray([[name in row for name in self.classes] for row in labels[mask]])
            strange = np.asarray([len(set(row) - set(self.classes)) for row in labels[mask]])
            positives = predicted[mask] >= float(self.output["threshold"])
            residual[mask] = counts[mask] - there.sum(axis=1) - strange
            error[mask] = ((there != positives).sum(axis=1) + strange) / len(self.classes)
        return {"residual": residual, "error": error, "score": counts}

    def columns(self, predicted: Floats) -> dict[str, Any]:
        """The labels at or above the threshold."""
        return {"prediction": [answer["labels"] for answer in self.answers(predicted)]}

    def _chances(self, row: int, answer: Any) -> Floats:
        classes = self.classes
        content = answer.get("scores", answer.get("labels")) if isinstance(answer, dict) else answer
        if isinstance(content, list) and all(isinstance(label, str) for label in content):
            return np.asarray([float(name in content) for name in classes], dtype=np.float64)
        try:
            chances: Floats = np.asarray(content, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise UnreadableAnswer(
                f"answer {row} is {answer!r:.60}, no labels and no chances"
            ) from error
        if chances.shape != (len(classes),) or not ((chances >= 0) & (chances <= 1)).all():
            raise UnreadableAnswer(
                f"answer {row} is {answer!r:.60}: not {len(classes)} chances from 0 to 1"
            )
        return chances
