"""Classification: one class of several, with a confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.runtime import measures, sums
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

MOST_CLASSES = 1_000
WIDEST = 0.01
"""How far a program's chances may be from adding up to one."""


class Classification(Task):
    """Cross-entropy on probabilities.

    The hyperparameter ``confidence_threshold`` says when an answer counts as sure, and
    ``class_names`` what clients are told where the label's values are no names:
    ``0=negative,1=positive``.
    """

    metrics: ClassVar[Mapping[str, Metric]] = {
        "accuracy": Metric("larger", "share", "Share of right answers."),
        "macro_f1": Metric("larger", "0 … 1", "F1, averaged over the classes."),
        "lowest_recall": Metric("larger", "share", "Recall of the worst class."),
        "log_loss": Metric("smaller", "nats", "Mean −log of the right class's probability."),
        "confident_share": Metric("larger", "share", "Answers at or above the threshold."),
        "confident_accuracy": Metric("larger", "share", "Share of right answers among these."),
    }
    tracked: ClassVar[str] = "accuracy"
    right_share: ClassVar[str] = "Accuracy"
    objective: ClassVar[Objective] = "cross_entropy"
    first_gates: ClassVar[tuple[str, ...]] = (
        "metric: accuracy, at_least: 0.6, no_worse_than_champion: 0.02",
        "metric: lowest_recall, at_least: 0.3",
    )
    label_types: ClassVar[frozenset[str]] = frozenset({"string", "integer", "number", "boolean"})
    activation: ClassVar[str] = "softmax"

    @classmethod
    def describe(
        cls, labels: NDArray[Any], name: str, hyperparameters: Hyperparameters
    ) -> dict[str, Any]:
        """The classes that the training rows show."""
        classes = np.unique(labels).tolist()
        if not 2 <= len(classes) <= MOST_CLASSES:
            raise Unlabelled(
                f"{name} has {len(classes)} classes in the training rows; from 2 to {MOST_CLASSES} "
                "can be told apart"
            )
        described = {
            "kind": "classes",
            "name": name,
            "classes": classes,
            "confidence_threshold": hyperparameters.number(
                "confidence_threshold", 0.8, least=0, most=1
            ),
        }
        given = hyperparameters.text("class_names", "")
        return {**described, **_named(classes, given)} if given else described

    @classmethod
    def labels(cls, values: Sequence[Any]) -> NDArray[Any]:
        """Names; "" is a missing one. A whole number is the name without its decimal point."""
        return np.asarray([_name(value) for value in values], dtype=np.str_)

    @classmethod
    def labelled(cls, labels: NDArray[Any]) -> NDArray[np.bool_]:
        """Which rows have a class."""
        return np.asarray(labels != "")

    @property
    def classes(self) -> list[str]:
        """Names, in the order of the chances."""
        return list(self.output["classes"])

    @property
    def values(self) -> list[str]:
        """What the label's column says for each: its name, unless ``class_names`` gave it one."""
        return list(self.output.get("values", self.output["classes"]))

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """A probability for each class."""
        return (Tensor(PREDICTION, (1, len(self.classes))),)

    def targets(self, labels: NDArray[Any]) -> NDArray[np.int32]:
        """Class names → indices.

        Raises:
            ValueError: a label is no class of the training rows.
        """
        index_of = {value: index for index, value in enumerate(self.values)}
        unknown = sorted({str(label) for label in labels} - set(index_of))
        if unknown:
            raise ValueError(f"labels {unknown} are not among the classes {self.values}")
        return np.asarray([index_of[str(label)] for label in labels], dtype=np.int32)

    def predicted(self, raw: Mapping[str, NDArray[Any]]) -> Floats:
        """Probabilities [n, classes] as they are."""
        return raw[PREDICTION].astype(np.float64)

    def answers(self, predicted: Floats) -> list[Any]:
        """Label, confidence, whether that is sure, and every class's chance."""
        classes, threshold = self.classes, self.output["confidence_threshold"]
        return [
            {
                "label": classes[index],
                "confidence": float(row[index]),
                "confident": bool(row[index] >= threshold),
                "scores": [float(value) for value in row],
            }
            for index, row in zip(predicted.argmax(axis=1), predicted, strict=True)
        ]

    def read(self, answers: Sequence[Any]) -> Floats:
        """Chances of the classes, as a list in their order, ``{"scores": …}``, or by name.

        A class's bare name is taken for certain.
        """
        return np.stack([self._chances(row, answer) for row, answer in enumerate(answers)])

    def measure(self, labels: NDArray[Any], predicted: Floats) -> dict[str, float]:
        """Classification metrics."""
        threshold = float(self.output["confidence_threshold"])
        return measures.classification(self.targets(labels), predicted, threshold)

    def sums(self, labels: NDArray[Any], predicted: Floats) -> sums.RowSums:
        """All metrics, unless there are very many classes."""
        threshold = float(self.output["confidence_threshold"])
        return sums.classification(self.targets(labels), predicted, threshold)

    def scores(self, predicted: Floats) -> Floats:
        """Class index plus confidence.

        So a shift between classes and one of confidence inside a class both move it.
        """
        confidence = np.minimum(predicted.max(axis=1), 1 - 1e-6)
        return np.asarray(predicted.argmax(axis=1) + confidence, dtype=np.float64)

    @classmethod
    def score_of(cls, answer: Any) -> float | None:
        """Index of the likeliest class plus its chance."""
        chances = chances_of(answer)
        if chances is None:
            return None
        best = max(range(len(chances)), key=chances.__getitem__)
        return best + min(chances[best], 1 - 1e-6)

    def levels(self, predicted: Floats, of: str) -> Floats:
        """The chance of one class."""
        if of not in self.classes:
            raise KeyError(f"{of!r} is none of the classes {', '.join(self.classes)}")
        return np.asarray(predicted[:, self.classes.index(of)])

    def alike(self, before: Floats, after: Floats, _within: float) -> NDArray[np.bool_]:
        """Which rows keep their class, however sure it is."""
        return np.asarray(before.argmax(axis=1) == after.argmax(axis=1))

    def errors(self, labels: NDArray[Any], predicted: Floats) -> dict[str, Floats]:
        """Residual: confidence less whether the answer was right (how overconfident it was)."""
        confidence = predicted.max(axis=1)
        right = (np.asarray(self.values)[predicted.argmax(axis=1)] == labels).astype(np.float64)
        right[~self.labelled(labels)] = np.nan
        return {"residual": confidence - right, "error": 1 - right, "score": confidence}

    def columns(self, predicted: Floats) -> dict[str, Any]:
        """The class, as the label's column says it, and its confidence."""
        values = self.values
        return {
            "prediction": [values[index] for index in predicted.argmax(axis=1)],
            "confidence": predicted.max(axis=1),
        }

    def _chances(self, row: int, answer: Any) -> Floats:
        classes, values = self.classes, self.values
        content = answer
        if isinstance(content, Mapping):
            content = content.get("scores", content.get("prediction", content))
        if isinstance(content, Mapping) and set(content) <= set(classes):
            content = [content.get(name, 0.0) for name in classes]
        for names in (classes, values):
            if not isinstance(content, list) and _name(content) in names:
                return np.asarray(np.arange(len(names)) == names.index(_name(content)), np.float64)
        try:
            chances: Floats = np.asarray(content, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise UnreadableAnswer(
                f"answer {row} is {answer!r:.60}, no class and no chances"
            ) from error
        if chances.shape != (len(classes),) or abs(chances.sum() - 1) > WIDEST:
            raise UnreadableAnswer(
                f"answer {row} is {answer!r:.60}: not {len(classes)} chances that add up to one"
            )
        return chances


def _named(values: list[str], given: str) -> dict[str, list[str]]:
    """``class_names`` of model.yaml: a name for each value of the label.

    Raises:
        Unlabelled: it does not name exactly the values of the training rows.
    """
    pairs = [[part.strip() for part in pair.split("=", 1)] for pair in given.split(",")]
    names = {pair[0]: pair[-1] for pair in pairs}
    if set(names) != set(values) or len(set(names.values())) < len(values):
        raise Unlabelled(
            f"class_names is {given!r}; it must give {', '.join(values)} a name each, like "
            f"{','.join(f'{value}=name{n}' for n, value in enumerate(values[:2], 1))}"
        )
    return {"classes": [names[value] for value in values], "values": values}


def _name(value: Any) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
