"""Which task and backend a draft is made of, where a person left them open. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from models.runtime.family import BrokenPlugIn, misfit, names_of, plug_in
from tasks.contracts.model import Column
from tasks.errors import InvalidModelSpec
from tasks.metrics import sound_tasks, task_class

FIRST_BACKEND = "keras"


def families(kind: str, task: str = "", backend: str = "") -> Iterator[tuple[str, str]]:
    """Tasks and backends that go with an input and with what was asked for.

    Raises:
        BrokenPlugIn: what was asked for is no plug-in.
    """
    others = sorted(names_of("backends"), key=lambda name: (name != FIRST_BACKEND, name))
    for one in (task,) if task else sound_tasks():
        for learner in (backend,) if backend else others:
            try:
                fits = not misfit(one, kind, learner)
            except BrokenPlugIn:
                if backend or task:
                    raise
                continue
            if fits:
                yield one, learner


def predicts(task: str, column: Column) -> bool:
    """Whether a column can be the label of a task."""
    known, fields = task_class(task), column.item_fields
    if column.type not in known.label_types:
        return False
    # An array is of names, or of objects with the fields that the task needs.
    return known.label_fields <= fields and bool(known.label_fields) == bool(fields)


def predicted_by(kind: str, task: str, backend: str, column: Column) -> tuple[str, ...]:
    """Tasks that a column can be the label of, beside what was asked for."""
    every = dict.fromkeys(one for one, _ in families(kind, task, backend))
    return tuple(one for one in every if predicts(one, column))


def guess(column: Column) -> str:
    """The task that a label speaks of: a number, one of several names, or several of them."""
    if column.type == "array":
        return "detection" if column.item_fields else "multi-label"
    number = column.type in {"integer", "number"} and not column.enum
    return "regression" if number else "classification"


def guess_without_label(kind: str) -> str:
    """The task of a data set that is still to be described."""
    # A table tells numbers apart, and what tells no number apart tells names.
    numbers = any(column.type == "number" for column in plug_in("inputs", kind).draft_columns)
    return "regression" if numbers else "classification"


def composed(kind: str, task: str, backend: str, label: Column | None) -> tuple[str, str]:
    """The task and the backend of a draft.

    Args:
        kind: The input.
        task: What was asked for, or "".
        backend: What was asked for, or "".
        label: The column to predict, which one of :func:`predicted_by` does; None where the draft
            makes one.

    Raises:
        InvalidModelSpec: nothing goes with what was asked for.
    """
    first = guess(label) if label else guess_without_label(kind)
    fitting = [
        (one, learner)
        for one, learner in families(kind, task, backend)
        if label is None or predicts(one, label)
    ]
    if not fitting:
        raise InvalidModelSpec(
            f"No model is made so: {misfit(task or first, kind, backend or FIRST_BACKEND)}.",
            "Choose --task, --kind and --backend that go together.",
        )
    return min(fitting, key=lambda family: family[0] != first)
