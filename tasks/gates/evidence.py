"""Held-out rows with what each model said of them, side by side by the names of the rows. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.runtime.answers import HeldOutAnswers
from models.runtime.task import Floats, Task
from tasks.metrics import TASKS, task_class

WRONG = (ValueError, TypeError, KeyError, IndexError, AttributeError)
"""What a task makes of labels, predictions or an ``output`` that are not its own."""
CLOSE = 1e-6
"""How far, relatively, a metric may lie from what its own job measured: arithmetic differs."""


class Unpaired(ValueError):
    """Two files of answers cannot be put side by side; the message says why."""


@dataclass(frozen=True)
class Side:
    """A model's predictions, and the task that knows what they mean."""

    task: Task
    predicted: Floats


@dataclass(frozen=True)
class HeldOut:
    """Columns of the held-out channel, by the names of its labelled rows."""

    rows: Sequence[str]
    columns: Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class Evidence:
    """Labelled rows, sorted by their names.

    Args:
        rows: Names [n].
        labels: As the task has them [n].
        sides: ``candidate``, ``champion`` and ``baseline``, as far as they can be compared.
        missing: Why a side is not there, by its name.
        groups: What is drawn together; None where each row is by itself.
        columns: Values of slice columns [n].
    """

    rows: Sequence[str]
    labels: NDArray[Any]
    sides: Mapping[str, Side]
    missing: Mapping[str, str] = field(default_factory=dict)
    groups: Sequence[str] | None = None
    columns: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def of(self, chosen: NDArray[np.int64]) -> Evidence:
        """The same of some rows, by their numbers."""
        groups = None if self.groups is None else [self.groups[row] for row in chosen]
        return Evidence(
            [self.rows[row] for row in chosen],
            self.labels[chosen],
            {name: Side(side.task, side.predicted[chosen]) for name, side in self.sides.items()},
            self.missing,
            groups,
        )


def evidence_of(
    candidate: HeldOutAnswers,
    champion: HeldOutAnswers | None,
    measured: Mapping[str, Mapping[str, float]],
    held_out: HeldOut | None = None,
    group: str = "",
) -> Evidence:
    """Put answers side by side.

    Args:
        candidate: Its answers, and the baseline's.
        champion: Its answers; None where it saved none, or nothing serves.
        measured: What the jobs measured of each side, which its answers must give again.
        held_out: Columns of the channel; needed for groups and slices.
        group: Column of ``split_by``; "" without one.

    Raises:
        Unpaired: the candidate's answers are not those that were measured, or the channel's rows
            are others.
    """
    order = np.argsort(candidate.rows, kind="stable")
    rows = candidate.rows[order]
    if candidate.task not in TASKS:
        raise Unpaired(f"they are of a task {candidate.task!r:.60}, which there is not")
    task = task_class(candidate.task)(candidate.output)
    try:
        labels = task.labels(candidate.labels[order].tolist())
    except WRONG as error:
        raise Unpaired(f"labels are none of {candidate.task}: {error}") from error
    sides = {"candidate": Side(task, candidate.predicted[order])}
    if candidate.plain is not None:
        sides["baseline"] = Side(task, candidate.plain[order])
    missing = {}
    require_measured(sides["candidate"], labels, measured.get("candidate", {}))
    if champion is not None:
        try:
            sides["champion"] = _rival(champion, candidate.task, rows, candidate.labels[order])
            require_measured(sides["champion"], labels, measured.get("champion", {}))
        except Unpaired as error:
            sides.pop("champion", None)
            missing["champion"] = f"the champion's answers do not fit ({error})"
    names = rows.tolist()
    columns = {} if held_out is None else _joined(held_out, names)
    groups = columns.pop(group) if group else None
    told = None if groups is None else ["" if value is None else str(value) for value in groups]
    return Evidence(names, labels, sides, missing, told, columns)


def require_measured(side: Side, labels: NDArray[Any], measured: Mapping[str, float]) -> None:
    """Hold answers to what was measured of them in their own job.

    Raises:
        Unpaired: they give another number, or none.
    """
    try:
        again = side.task.measure(labels, side.predicted)
    except WRONG as error:
        raise Unpaired(f"they cannot be measured ({type(error).__name__}: {error})") from error
    for name, value in measured.items():
        if name in again and not math.isclose(again[name], value, rel_tol=CLOSE, abs_tol=CLOSE):
            raise Unpaired(f"they give {name} {again[name]:.6g}, and its job measured {value:.6g}")


def _rival(
    champion: HeldOutAnswers, task: str, rows: NDArray[np.str_], labels: NDArray[Any]
) -> Side:
    if champion.task != task:
        raise Unpaired(f"its task is {champion.task}, not {task}")
    order = np.argsort(champion.rows, kind="stable")
    if champion.rows[order].tolist() != rows.tolist():
        both = len(set(champion.rows.tolist()) & set(rows.tolist()))
        raise Unpaired(f"{both} of {len(rows)} rows are called alike")
    if champion.labels[order].tolist() != labels.tolist():
        raise Unpaired("a row has another label")
    made = task_class(task)(champion.output)
    return Side(made, champion.predicted[order])


def _joined(held_out: HeldOut, names: Sequence[str]) -> dict[str, Sequence[Any]]:
    index = {name: number for number, name in enumerate(held_out.rows)}
    lost = [name for name in names if name not in index]
    if lost:
        raise Unpaired(
            f"{len(lost)} of {len(names)} rows are not in the held-out channel, such as {lost[0]}"
        )
    places = [index[name] for name in names]
    return {name: [values[place] for place in places] for name, values in held_out.columns.items()}
