"""The metrics that tasks measure, each with its direction and unit, found in their classes. Pure.

A metric's name means the same in every task, so that a gate can name it alone. One that only a
model's own ``metrics()`` measures is declared by its gate (``better:`` in model.yaml).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from models.runtime.family import names_of, plug_in
from models.runtime.metric import Better, Metric
from models.runtime.task import Task

__all__ = [
    "METRICS",
    "TASKS",
    "Better",
    "Metric",
    "all_named",
    "names_for",
    "task_class",
    "tasks_of",
]


def task_class(name: str) -> type[Task]:
    """The class of a task.

    Raises:
        UnknownPlugIn: there is none of this name.
    """
    task: type[Task] = plug_in("tasks", name)
    return task


def _every_metric() -> dict[str, Metric]:
    known: dict[str, Metric] = {}
    for task in TASKS:
        for name, metric in task_class(task).metrics.items():
            other = known.setdefault(name, metric)
            if other.better != metric.better:
                raise TypeError(
                    f"{name} is better when {other.better} in one task and {metric.better} in "
                    f"{task}: give one of them another name"
                )
    return known


TASKS: tuple[str, ...] = names_of("tasks")
METRICS: Mapping[str, Metric] = _every_metric()


def names_for(task: str) -> tuple[str, ...]:
    """Metrics that a task measures, sorted."""
    return tuple(sorted(task_class(task).metrics))


def tasks_of(names: Iterable[str]) -> frozenset[str]:
    """Tasks that measure all of the (known) metrics."""
    metrics = [name for name in names if name in METRICS]
    return frozenset(
        task for task in TASKS if all(name in task_class(task).metrics for name in metrics)
    )


def all_named() -> str:
    """Every metric by task, as errors list them."""
    return "; ".join(f"for {task}: {', '.join(names_for(task))}" for task in TASKS)
