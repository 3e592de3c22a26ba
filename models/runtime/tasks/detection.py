"""Detection: the objects on a photo, each with its class, a confidence and a box around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.runtime.detections import centres, neighbours
from models.runtime.detections.matching import counted, hits, same
from models.runtime.detections.objects import FIELDS, MalformedObject, arrays, listed, spoken, told
from models.runtime.detections.precision import by_class
from models.runtime.metric import Metric
from models.runtime.platt import fitted_line, on_line
from models.runtime.script_mode import Hyperparameters
from models.runtime.signature import Tensor
from models.runtime.sums import RowSums
from models.runtime.task import (
    CALIBRATION,
    PREDICTION,
    Floats,
    Objective,
    Task,
    Unlabelled,
    UnreadableAnswer,
)

MOST_CLASSES = 100
COARSEST, FINEST = 2, 256
"""Fewest and most cells on a side."""
MOST_OBJECTS = 1_000
LEAST_CHANCE = 0.05
"""Chance of the network's below which an object is not told at all."""


class Detection(Task):
    """A label is a list of objects, ``{"label": …, "box": [x0, y0, x1, y1]}``, in a photo's shares.

    The graph answers the maps of :mod:`models.runtime.detections.centres`. Predictions are
    [n, most · 6]: of each object, the surest first, the number of its class from 1 (0: none), its
    confidence and its corners; so a photo of few objects is filled up with zeros. A line that is
    fitted on photos set aside (Platt 1999) makes the confidence the chance that the box is right.
    Hyperparameters: ``grid`` (cells on a side), ``most_objects`` of an answer, and
    ``confidence_threshold``, from which an object counts as sure.
    """

    metrics: ClassVar[Mapping[str, Metric]] = {
        "map50": Metric(
            "larger",
            "0 … 1",
            "Mean over classes of the average precision, a box being right from an overlap of one "
            "half (PASCAL VOC 2010, all points; matched as COCO does).",
        ),
        "lowest_ap": Metric("larger", "0 … 1", "The same of the worst class."),
        "recall50": Metric("larger", "share", "Objects with a right box that is sure."),
        "precision50": Metric("larger", "share", "Sure boxes that are right."),
    }
    tracked: ClassVar[str] = "map50"
    right_share: ClassVar[str] = "F1"
    objective: ClassVar[Objective] = "centre_points"
    first_gates: ClassVar[tuple[str, ...]] = (
        "metric: map50, at_least: 0.3, no_worse_than_champion: 0.02, no_worse_than_baseline: 0",
        "metric: lowest_ap, at_least: 0.1",
    )
    label_types: ClassVar[frozenset[str]] = frozenset({"array"})
    label_fields: ClassVar[frozenset[str]] = frozenset({"label", "box"})
    places: ClassVar[bool] = True
    activation: ClassVar[str] = "sigmoid"
    aside_share: ClassVar[float] = 0.1
    network: ClassVar[str] = "detector"
    partners: ClassVar[frozenset[str] | None] = frozenset({"image", "keras", "custom"})

    @classmethod
    def describe(
        cls, labels: NDArray[Any], name: str, hyperparameters: Hyperparameters
    ) -> dict[str, Any]:
        """The classes that the training rows show, and how an answer is made of maps.

        Raises:
            Unlabelled: there is no object, or there are too many classes.
            InvalidHyperparameter: a number is out of its range.
        """
        classes = sorted({entry["label"] for row in labels for entry in row})
        if not 1 <= len(classes) <= MOST_CLASSES:
            raise Unlabelled(
                f"{name} has {len(classes)} classes of objects in the training rows; from 1 to "
                f"{MOST_CLASSES} can be told"
            )
        return {
            "kind": "boxes",
            "name": name,
            "classes": classes,
            "confidence_threshold": hyperparameters.number(
                "confidence_threshold", 0.8, least=0, most=1
            ),
            "grid": hyperparameters.integer("grid", 16, least=COARSEST, most=FINEST),
            "most": hyperparameters.integer("most_objects", 20, least=1, most=MOST_OBJECTS),
            "least_chance": LEAST_CHANCE,
        }

    @classmethod
    def labels(cls, values: Sequence[Any]) -> NDArray[Any]:
        """Objects of each row; None is a missing list, () a photo without objects.

        Raises:
            Unlabelled: a list holds what is no object; the row is named.
        """
        rows = np.empty(len(values), dtype=object)
        for row, value in enumerate(values):
            try:
                rows[row] = listed(value)
            except MalformedObject as error:
                raise Unlabelled(f"row {row}: {error}") from error
        return rows

    @classmethod
    def labelled(cls, labels: NDArray[Any]) -> NDArray[np.bool_]:
        """Which rows have a list, if an empty one."""
        return np.asarray([row is not None for row in labels], dtype=bool)

    @property
    def classes(self) -> list[str]:
        """Names; the first is number 1."""
        return list(self.output["classes"])

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """The maps of a photo."""
        grid = int(self.output["grid"])
        return (Tensor(PREDICTION, (1, grid, grid, len(self.classes) + centres.PLACE)),)

    def targets(self, labels: NDArray[Any]) -> NDArray[np.float32]:
        """Objects → maps [n, grid, grid, classes + 5] (:func:`centres.drawn`).

        Raises:
            ValueError: a class is none of the training rows.
        """
        return centres.drawn(self._known(labels), int(self.output["grid"]), len(self.classes))

    def predicted(self, raw: Mapping[str, NDArray[Any]]) -> Floats:
        """Maps → objects [n, most · 6], their confidence calibrated."""
        output = self.output
        found = centres.found(raw[PREDICTION], int(output["most"]), float(output["least_chance"]))
        line = output.get(CALIBRATION)
        if line is not None:
            chances = on_line(found[..., 1], line["slope"], line["intercept"])
            found[..., 1] = np.where(found[..., 0] > 0, chances, 0.0)
        return found.reshape(len(found), -1)

    def calibration(self, labels: NDArray[Any], predicted: Floats) -> Mapping[str, Any] | None:
        """Platt's line from what was said of a box to whether it is right; None of too few."""
        boxes = self._parted(predicted)
        there = boxes[..., 0] > 0
        right = hits(boxes, self._known(labels))[there]
        line = fitted_line(boxes[..., 1][there], right.astype(np.float64))
        if line is None:
            return None
        return {"slope": line[0], "intercept": line[1], "rows": len(labels)}

    def plain(
        self, rows: Floats, targets: NDArray[Any], holdout: Floats
    ) -> Mapping[str, NDArray[Any]]:
        """The maps of the most alike photos, averaged (:func:`neighbours.averaged`)."""
        return {PREDICTION: neighbours.averaged(rows, targets, holdout)}

    def answers(self, predicted: Floats) -> list[Any]:
        """``{"objects": [{"label", "confidence", "confident", "box"}, …]}``, the surest first."""
        return [{"objects": objects} for objects in self._objects(predicted)]

    def read(self, answers: Sequence[Any]) -> Floats:
        """What :meth:`answers` gave, or bare lists of objects; one without a confidence is sure."""
        most, numbers = int(self.output["most"]), self._number_of
        made = np.zeros((len(answers), most, FIELDS))
        for row, answer in enumerate(answers):
            objects = answer.get("objects") if isinstance(answer, Mapping) else answer
            if not isinstance(objects, list):
                raise UnreadableAnswer(f"answer {row} is {answer!r:.60}, no list of objects")
            try:
                made[row] = told(objects, numbers, most)
            except MalformedObject as error:
                raise UnreadableAnswer(f"answer {row}: {error}") from error
        return made.reshape(len(answers), -1)

    def measure(self, labels: NDArray[Any], predicted: Floats) -> dict[str, float]:
        """Metrics of all photos together; a class that no photo shows counts in none."""
        boxes, truth = self._parted(predicted), self._known(labels)
        precisions = by_class(boxes, hits(boxes, truth), truth, len(self.classes))
        found, there, said = (one.sum() for one in counted(boxes, self._sure(boxes), truth))
        return {
            "map50": float(precisions.mean()) if len(precisions) else 0.0,
            "lowest_ap": float(precisions.min()) if len(precisions) else 0.0,
            "recall50": float(found / max(there, 1)),
            "precision50": float(found / max(said, 1)),
        }

    def sums(self, labels: NDArray[Any], predicted: Floats) -> RowSums:
        """Recall and precision; an average precision asks for an order."""
        boxes = self._parted(predicted)

        def metrics(sums: Floats) -> dict[str, Floats]:
            found, there, said = sums.T
            return {
                "recall50": found / np.maximum(there, 1),
                "precision50": found / np.maximum(said, 1),
            }

        columns = counted(boxes, self._sure(boxes), self._known(labels))
        return RowSums(np.stack(columns, axis=1), metrics)

    def scores(self, predicted: Floats) -> Floats:
        """How many right boxes a photo is expected to have: the sum of its confidences."""
        return np.asarray(self._parted(predicted)[..., 1].sum(axis=1), dtype=np.float64)

    @classmethod
    def score_of(cls, answer: Any) -> float | None:
        """The sum of all confidences."""
        objects = answer.get("objects") if isinstance(answer, Mapping) else answer
        if not isinstance(objects, list):
            return None
        said = [entry.get("confidence") for entry in objects if isinstance(entry, Mapping)]
        numbers = [v for v in said if isinstance(v, int | float) and not isinstance(v, bool)]
        return float(sum(numbers)) if len(numbers) == len(objects) else None

    def levels(self, predicted: Floats, of: str) -> Floats:
        """How many right boxes of a class are expected; of all classes where none is named."""
        if of and of not in self.classes:
            raise KeyError(f"{of!r} is none of the classes {', '.join(self.classes)}")
        boxes = self._parted(predicted)
        chosen = boxes[..., 0] == self._number_of[of] if of else boxes[..., 0] > 0
        return np.asarray((boxes[..., 1] * chosen).sum(axis=1))

    def alike(self, before: Floats, after: Floats, _within: float) -> NDArray[np.bool_]:
        """Which photos keep their sure objects: as many, each with its like in class and place."""
        parts = [self._parted(predicted) for predicted in (before, after)]
        return same(*(boxes * self._sure(boxes)[..., None] for boxes in parts))

    def errors(self, labels: NDArray[Any], predicted: Floats) -> dict[str, Floats]:
        """Error: 1 - F1 of the sure boxes. Residual: objects expected less objects there are.

        An object of a class that the training rows did not have can only be missed.
        """
        known, boxes = self.labelled(labels), self._parted(predicted)
        truth = arrays(list(labels), self._number_of)
        found, there, said = counted(boxes, self._sure(boxes), truth)
        f1 = np.where(said + there > 0, 2 * found / np.maximum(said + there, 1), 1.0)
        expected = self.scores(predicted)
        return {
            "residual": np.where(known, expected - there, np.nan),
            "error": np.where(known, 1 - f1, np.nan),
            "score": expected,
        }

    def columns(self, predicted: Floats) -> dict[str, Any]:
        """The sure objects of each photo."""
        return {
            "prediction": [
                [entry for entry in objects if entry["confident"]]
                for objects in self._objects(predicted)
            ]
        }

    @property
    def _number_of(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.output["classes"], 1)}

    def _objects(self, predicted: Floats) -> list[list[dict[str, Any]]]:
        parted, classes = self._parted(predicted), self.classes
        return [
            spoken(row, sure, classes) for row, sure in zip(parted, self._sure(parted), strict=True)
        ]

    def _sure(self, boxes: Floats) -> NDArray[np.bool_]:
        threshold = float(self.output["confidence_threshold"])
        return np.asarray((boxes[..., 0] > 0) & (boxes[..., 1] >= threshold))

    def _known(self, labels: NDArray[Any]) -> Floats:
        truth = arrays(list(labels), self._number_of)
        if (truth[..., 0] < 0).any():
            classes = self.classes
            unknown = sorted({entry["label"] for row in labels for entry in row or ()})
            raise ValueError(
                f"labels {[name for name in unknown if name not in classes]} are not among the "
                f"classes {classes}"
            )
        return truth

    def _parted(self, predicted: Floats) -> Floats:
        """Objects [n, most, 6]."""
        return predicted.reshape(len(predicted), -1, FIELDS)
