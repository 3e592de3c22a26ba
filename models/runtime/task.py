"""What is predicted: the base class of ``models/runtime/tasks/``.

A task is one file there; its name with hyphens (``multi_label.py``: ``multi-label``) is what
``family.task`` of a model.yaml says. Nothing else has to know of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from models.runtime.metric import Metric
from models.runtime.script_mode import Hyperparameters
from models.runtime.signature import Tensor
from models.runtime.sums import RowSums

Floats = NDArray[np.float64]
Objective = Literal[
    "absolute_error", "cross_entropy", "binary_cross_entropy", "sampled_softmax", "centre_points"
]
PREDICTION = "prediction"
"""Name of a task's output tensor."""
CALIBRATION = "calibration"
"""Key of a task's ``output``: what :meth:`Task.calibration` gave."""


class Unlabelled(ValueError):
    """Labels that the task cannot learn from, with the reason."""


class UnreadableAnswer(ValueError):
    """An own program answered what the task cannot read."""


def chances_of(answer: Any) -> list[float] | None:
    """The ``scores`` of an answer as a client got it; None when it has none."""
    chances = answer.get("scores") if isinstance(answer, Mapping) else None
    if not isinstance(chances, list) or not chances:
        return None
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in chances)
    return [float(value) for value in chances] if numbers else None


class Task(ABC):
    """Labels in, what a graph learns; what a graph says, in the client's terms.

    This is a whole task, of counts:

    .. code-block:: python

        class Count(Task):
            metrics = {"mae": Metric("smaller", "the label's", "Mean absolute error.")}
            tracked = "mae"
            objective = "absolute_error"
            label_types = frozenset({"integer"})

            @classmethod
            def describe(cls, labels, name, _hyperparameters):
                return {"kind": "number", "name": name}

            @property
            def outputs(self):
                return (Tensor("prediction", (1, 1)),)

            def targets(self, labels):
                return np.log1p(labels).astype(np.float32)[:, None]

            def predicted(self, raw):
                return np.rint(np.expm1(raw["prediction"][:, 0].astype(np.float64)))

            def answers(self, predicted):
                return [int(value) for value in predicted]

            def read(self, answers):
                return np.asarray(answers, dtype=np.float64)

            def measure(self, labels, predicted):
                return {"mae": float(np.abs(labels - predicted).mean())}

            def scores(self, predicted):
                return predicted

            def errors(self, labels, predicted):
                residual = labels - predicted
                return {"residual": residual, "error": np.abs(residual), "score": predicted}

            def columns(self, predicted):
                return {"prediction": predicted}

    Args:
        output: The ``output`` of preprocess.json, as :meth:`describe` made it.
    """

    metrics: ClassVar[Mapping[str, Metric]]
    """What :meth:`measure` gives; gates take the direction from here."""
    tracked: ClassVar[str]
    """The metric that is logged while fitting, and the first that a person asks for."""
    right_share: ClassVar[str] = ""
    """What 1 less a mean of :meth:`errors` is called, where they are shares of what is wrong:
    ``Accuracy``, ``F1`` …; "" where they have a unit of their own."""
    network: ClassVar[str] = ""
    """Module of ``networks`` that draws its answers, where the inputs' own do not."""
    objective: ClassVar[Objective]
    """What a backend minimises between :meth:`targets` and its answer."""
    label_types: ClassVar[frozenset[str]]
    """Logical types of a contract's column that can be the label."""
    label_fields: ClassVar[frozenset[str]] = frozenset()
    """Where the label is an array of objects: fields that each must have."""
    places: ClassVar[bool] = False
    """Whether answers say where in a picture something lies: they move when the picture does."""
    first_gates: ClassVar[tuple[str, ...]] = ()
    """Gates that the draft of a model.yaml begins with, as YAML writes them."""
    activation: ClassVar[str] = "linear"
    """Of a network's last layer: ``linear``, ``softmax`` or ``sigmoid``."""
    aside_share: ClassVar[float] = 0.05
    """Share of the training rows that is set aside: to watch the fit, and for calibration."""
    aside_rows: ClassVar[int] = 1_000
    """Most rows that are set aside."""
    partners: ClassVar[frozenset[str] | None] = None
    """Inputs and backends that it goes with, where it does not go with all (:func:`misfit`)."""

    def __init__(self, output: Mapping[str, Any]) -> None:
        self.output = output

    @classmethod
    @abstractmethod
    def describe(
        cls, labels: NDArray[Any], name: str, hyperparameters: Hyperparameters
    ) -> dict[str, Any]:
        """Learn from the training labels what an answer is: the ``output`` of preprocess.json.

        Args:
            labels: [n], as :meth:`labels` gives them, none missing.
            name: Column of the contract.
            hyperparameters: The job's.

        Raises:
            Unlabelled: nothing can be learned from them.
        """

    @classmethod
    def labels(cls, values: Sequence[Any]) -> NDArray[Any]:
        """Values of the label's column → labels [n]; a missing one is NaN."""
        return np.asarray([np.nan if v is None else float(v) for v in values], dtype=np.float64)

    @classmethod
    def labelled(cls, labels: NDArray[Any]) -> NDArray[np.bool_]:
        """Which labels are there."""
        return np.asarray(np.isfinite(labels))

    @property
    @abstractmethod
    def outputs(self) -> tuple[Tensor, ...]:
        """What a graph must answer for one row."""

    @abstractmethod
    def targets(self, labels: NDArray[Any]) -> NDArray[Any]:
        """Labels [n] → what the objective compares with: [n] class indices, or float32 [n, …]."""

    @abstractmethod
    def predicted(self, raw: Mapping[str, NDArray[Any]]) -> Floats:
        """What a graph answered → predictions in the client's terms: [n], or [n, k] chances."""

    def calibration(self, _labels: NDArray[Any], _predicted: Floats) -> Mapping[str, Any] | None:
        """What rows that were set aside teach about answers: the ``calibration`` of ``output``.

        :meth:`predicted` applies it, and so does whoever serves, measures or follows the bundle.

        Args:
            _labels: Of rows that nothing learned from [n].
            _predicted: What was said of them, not calibrated yet.

        Returns:
            What preprocess.json keeps; None where answers stay as they are: unless a task says
            otherwise.
        """
        return None

    def plain(
        self, _rows: Floats, _targets: NDArray[Any], _holdout: Floats
    ) -> Mapping[str, NDArray[Any]] | None:
        """What a plain learner answers, as a graph would, where the objective's is none for it.

        Args:
            _rows: Training rows, as :meth:`Input.plain` gives them.
            _targets: What :meth:`targets` made of their labels.
            _holdout: Rows to answer.

        Returns:
            None where the learner of the objective answers (``baseline.py``): unless a task says
            otherwise.
        """
        return None

    @abstractmethod
    def answers(self, predicted: Floats) -> list[Any]:
        """Predictions → what a client gets, one JSON value a row."""

    @abstractmethod
    def read(self, answers: Sequence[Any]) -> Floats:
        """The inverse of :meth:`answers`, of whatever program gave them.

        Raises:
            UnreadableAnswer: an answer is none of this task.
        """

    @abstractmethod
    def measure(self, labels: NDArray[Any], predicted: Floats) -> dict[str, float]:
        """Every metric, on labelled rows."""

    def sums(self, _labels: NDArray[Any], _predicted: Floats) -> RowSums | None:
        """Those metrics of :meth:`measure` that follow from sums over rows.

        The gate's intervals measure resampled rows thousands of times; what stands here it has by
        one product of matrices, for everything else it calls :meth:`measure` on the rows. So this
        saves time and changes no verdict.

        Args:
            _labels: [n].
            _predicted: [n], or [n, k].
        """
        return None

    @abstractmethod
    def scores(self, predicted: Floats) -> Floats:
        """One number per prediction [n], whose distribution is watched while serving."""

    @classmethod
    def score_of(cls, answer: Any) -> float | None:
        """The score of one answer as a client got it; None when it is no answer of this task.

        Read out of captured traffic, where there is an answer and no bundle.
        """
        if isinstance(answer, list) and len(answer) == 1:
            return cls.score_of(answer[0])
        if isinstance(answer, bool) or not isinstance(answer, int | float):
            return None
        return float(answer)

    def levels(self, predicted: Floats, of: str) -> Floats:
        """What of an answer can rise or fall [n]: the number itself, unless a task says otherwise.

        Args:
            predicted: [n], or [n, k].
            of: The class or label whose chance is meant; "" where an answer is one number.

        Raises:
            KeyError: the task's answers have no such part.
        """
        if of or predicted.ndim > 1:
            raise KeyError(f"{of!r}: the answers are numbers and have no such part")
        return predicted

    def room(self, levels: Floats, within: float) -> Floats:
        """How far each may move and still count as unmoved [n]: chances, by so many points."""
        return np.full(len(levels), within)

    def alike(self, before: Floats, after: Floats, within: float) -> NDArray[np.bool_]:
        """Which answers mean the same to a client [n].

        Args:
            before: Predictions of rows.
            after: Of the same rows, changed.
            within: How far numbers may move (:meth:`room`).
        """
        moved = np.abs(after - before).reshape(len(before), -1)
        near = moved <= self.room(before.reshape(-1), within).reshape(moved.shape)
        return np.asarray(near.all(axis=1))

    @abstractmethod
    def errors(self, labels: NDArray[Any], predicted: Floats) -> dict[str, Floats]:
        """How far each row is off, for the error monitor.

        Returns:
            ``residual`` (signed), ``error`` (its size, 0 is right) and ``score`` [n] each; residual
            and error are NaN where a row has no label (yet).
        """

    @abstractmethod
    def columns(self, predicted: Floats) -> dict[str, Any]:
        """Columns of predictions.parquet."""
