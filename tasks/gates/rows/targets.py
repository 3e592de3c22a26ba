"""Labels of any task as what checks ask about: a number, a class, a yes or no. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from models.runtime.task import Objective, Task

TargetKind = Literal["number", "classes", "yes or no", "labels", "none"]
KINDS: dict[Objective, TargetKind] = {
    "absolute_error": "number",
    "cross_entropy": "classes",
    "binary_cross_entropy": "yes or no",
    "centre_points": "labels",
}
"""What a task's objective says of its labels; others have none that a column could tell."""


@dataclass(frozen=True)
class RowTarget:
    """Labels [n].

    Args:
        kind: Of what they are.
        values: ``number``: float64 [n]; ``classes``: indices [n]; ``yes or no``: bool [n, 1];
            ``labels``, of which a row has any number: bool [n, k].
        names: Of the classes, or of the labels.
    """

    kind: TargetKind
    values: NDArray[Any]
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.values)

    def take(self, rows: NDArray[Any]) -> RowTarget:
        """The chosen rows."""
        return RowTarget(self.kind, self.values[rows], self.names)

    @property
    def questions(self) -> RowTarget:
        """The same; one of two classes as a yes or no."""
        if self.kind != "classes" or len(self.names) != 2:  # noqa: PLR2004
            return self
        return RowTarget("yes or no", self.values[:, None] == 1, self.names[1:])

    @property
    def sides(self) -> tuple[tuple[str, NDArray[np.bool_]], ...]:
        """Each class or label, or the yes and the no, with the rows that have it."""
        if self.kind == "classes":
            return tuple((name, self.values == n) for n, name in enumerate(self.names))
        if self.kind == "labels":
            return tuple((name, self.values[:, n]) for n, name in enumerate(self.names))
        if self.kind == "yes or no":
            return (("yes", self.values[:, 0]), ("no", ~self.values[:, 0]))
        return ()


def target_of(task: type[Task], labels: NDArray[Any], name: str) -> RowTarget:
    """What labels are.

    Args:
        task: That reads them.
        labels: [n], none missing, as the task gives them.
        name: Of their column.
    """
    kind = KINDS.get(task.objective, "none")
    if kind == "number":
        return RowTarget(kind, np.asarray(labels, dtype=np.float64), (name,))
    if kind == "classes":
        classes, indices = np.unique(labels.astype(np.str_), return_inverse=True)
        return RowTarget(kind, indices, tuple(classes.tolist()))
    if kind == "labels" or (kind == "yes or no" and labels.dtype.kind == "O"):
        # Of objects with boxes, the classes that a photo shows.
        shown = [
            {one["label"] if isinstance(one, Mapping) else one for one in row} for row in labels
        ]
        names = sorted(set().union(*shown))
        told = [[one in row for one in names] for row in shown]
        values = np.asarray(told, dtype=bool).reshape(len(labels), len(names))
        return RowTarget("labels", values, tuple(names))
    if kind == "yes or no":
        return RowTarget(kind, np.asarray(labels, dtype=np.float64)[:, None] > 0, (name,))
    return RowTarget("none", np.zeros(len(labels)))
