"""What differs between predicting a number and predicting a class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from models.programs import measures
from models.programs.preprocess import numbers

Floats = NDArray[np.float32]


class Head(Protocol):
    """Targets, loss and metrics of one kind of output."""

    tracked: str
    """The metric that is logged while fitting."""

    def targets(self, labels: NDArray[Any]) -> NDArray[Any]:
        """Labels [n] → what the loss compares with [n]."""
        ...

    def loss(self, truth: Any, answer: Any) -> Any:
        """TensorFlow scalar of one batch."""
        ...

    def measure(self, labels: NDArray[Any], predicted: NDArray[Any]) -> dict[str, float]:
        """Metrics of predictions in the client's terms (values [n], or probabilities)."""
        ...

    def predicted(self, raw: Floats) -> NDArray[np.float64]:
        """Graph output → values [n] in the label's unit, or probabilities [n, classes]."""
        ...

    def table(self, predicted: NDArray[np.float64]) -> dict[str, Any]:
        """Columns of predictions.parquet."""
        ...


class Number:
    """Regression: mean absolute error on the standardised (log) target."""

    tracked = "mae"

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self._spec = spec

    def targets(self, labels: NDArray[Any]) -> NDArray[np.float32]:
        """Values → standardised (log) values."""
        output = self._spec["output"]
        values = np.asarray(labels, dtype=np.float64)
        if output["transform"] == "exp":
            values = np.log(values)
        return np.asarray((values - output["offset"]) / output["scale"], dtype=np.float32)

    def loss(self, truth: Any, answer: Any) -> Any:
        """Mean absolute error."""
        import tensorflow as tf

        return tf.reduce_mean(tf.abs(answer[:, 0] - truth))

    def measure(self, labels: NDArray[Any], predicted: NDArray[Any]) -> dict[str, float]:
        """Regression metrics."""
        return measures.regression(labels, predicted)

    def predicted(self, raw: Floats) -> NDArray[np.float64]:
        """Graph output → values."""
        return numbers(self._spec, raw)

    def table(self, predicted: NDArray[np.float64]) -> dict[str, Any]:
        """One column of values."""
        return {"prediction": predicted}


class Classes:
    """Classification: cross-entropy on probabilities."""

    tracked = "accuracy"

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self._classes: list[str] = list(spec["output"]["classes"])
        self._threshold = float(spec["output"]["confidence_threshold"])

    def targets(self, labels: NDArray[Any]) -> NDArray[np.int32]:
        """Class names → indices.

        Raises:
            ValueError: a label is no class of the training rows.
        """
        known = {name: index for index, name in enumerate(self._classes)}
        unknown = sorted({str(label) for label in labels} - set(known))
        if unknown:
            raise ValueError(f"labels {unknown} are not among the classes {self._classes}")
        return np.asarray([known[str(label)] for label in labels], dtype=np.int32)

    def loss(self, truth: Any, answer: Any) -> Any:
        """Mean cross-entropy."""
        import tensorflow as tf

        chosen = tf.gather(answer, truth, batch_dims=1)
        return -tf.reduce_mean(tf.math.log(tf.maximum(chosen, 1e-7)))

    def measure(self, labels: NDArray[Any], predicted: NDArray[Any]) -> dict[str, float]:
        """Classification metrics."""
        return measures.classification(self.targets(labels), predicted, self._threshold)

    def predicted(self, raw: Floats) -> NDArray[np.float64]:
        """Probabilities as they are."""
        return raw.astype(np.float64)

    def table(self, predicted: NDArray[np.float64]) -> dict[str, Any]:
        """The class and its confidence."""
        best = predicted.argmax(axis=1)
        return {
            "prediction": [self._classes[index] for index in best],
            "confidence": predicted.max(axis=1),
        }


def head_of(spec: Mapping[str, Any]) -> Head:
    """The head that preprocess.json's output asks for."""
    return Number(spec) if spec["output"]["kind"] == "number" else Classes(spec)
