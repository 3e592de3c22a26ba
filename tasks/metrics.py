"""The metrics that tasks measure, each with its direction and unit, found in their classes. Pure.

A metric's name means the same in every task, so that a gate can name it alone. One that only a
model's own ``metrics()`` measures is declared by its gate (``better:`` in model.yaml).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from models.runtime.family import BrokenPlugIn, names_of, plug_in
from models.runtime.metric import Better, Metric
from models.runtime.task import Task

__all__ = [
    "ACCURACY",
    "ERROR",
    "LEAST_ACCURACY",
    "METRICS",
    "TASKS",
    "Better",
    "Catalogue",
    "ContradictoryMetric",
    "Metric",
    "all_named",
    "least_right",
    "names_for",
    "sound_tasks",
    "task_class",
    "tasks_of",
    "told_as",
]


NEEDED = ("metrics", "tracked", "objective", "label_types")
"""What a task says of itself, beside its methods."""


class ContradictoryMetric(ValueError):
    """A metric that is better one way in one task, and another way in another."""


def task_class(name: str) -> type[Task]:
    """The class of a task.

    Raises:
        UnknownPlugIn: there is none of this name.
        BrokenPlugIn: its file is none.
    """
    task: type[Task] = plug_in("tasks", name)
    unsaid = [name for name in NEEDED if not hasattr(task, name)]
    if unsaid:
        raise BrokenPlugIn(
            f"{task.__name__} of {task.__module__} does not say its {', '.join(unsaid)}; "
            "models/runtime/task.py tells what each is"
        )
    return task


class Catalogue(Mapping[str, Metric]):
    """Every metric by name, found when the first is asked for.

    A file that is no task is left out: whoever names that task is told, and nobody else.

    Args:
        tasks: Names of the tasks.
    """

    def __init__(self, tasks: Iterable[str]) -> None:
        self._tasks = tuple(tasks)

    def __getitem__(self, name: str) -> Metric:
        """One metric.

        Raises:
            KeyError: no task measures it.
            ContradictoryMetric: two tasks disagree about what makes it better.
        """
        found = {task: own[name] for task, own in self.by_task.items() if name in own}
        if not found:
            raise KeyError(name)
        first, metric = next(iter(found.items()))
        for task, other in found.items():
            if other.better != metric.better:
                raise ContradictoryMetric(
                    f"{name} is better when {metric.better} in {first} and {other.better} in "
                    f"{task}: give one of them another name in models/runtime/tasks"
                )
        return metric

    def __iter__(self) -> Iterator[str]:
        """Names, task by task."""
        return iter(dict.fromkeys(name for own in self.by_task.values() for name in own))

    def __len__(self) -> int:
        """Number of metrics."""
        return len(list(iter(self)))

    @cached_property
    def by_task(self) -> Mapping[str, Mapping[str, Metric]]:
        """What each task measures, of those whose file is one."""
        known: dict[str, Mapping[str, Metric]] = {}
        for task in self._tasks:
            try:
                known[task] = task_class(task).metrics
            except BrokenPlugIn:
                continue
        return known


TASKS: tuple[str, ...] = names_of("tasks")
METRICS = Catalogue(TASKS)


ACCURACY, ERROR = "ModelAccuracy", "ModelError"
LEAST_ACCURACY = 0.85
"""Below it an accuracy rings where model.yaml names no bound."""


def told_as(task: str) -> str:
    """What CloudWatch calls that which labels say of a champion once they come.

    ``ModelAccuracy``, ``ModelF1`` …, in percent, where a task's errors are shares of what is wrong;
    ``ModelError``, the mean error, where they have a unit of their own.
    """
    share = task_class(task).right_share
    return f"Model{share}" if share else ERROR


def least_right(task: str, given: float | None, promised: float | None = None) -> float:
    """The share that labels must say was right; 0 where there is no bound.

    Args:
        task: What is predicted.
        given: Of model.yaml; None takes what is known of accuracies, and of nothing else.
        promised: Lowest accuracy that a gate lets to users: it rings nobody once it serves.
    """
    if given is not None:
        return given
    if told_as(task) != ACCURACY:
        return 0.0
    return LEAST_ACCURACY if promised is None else min(LEAST_ACCURACY, promised)


def sound_tasks() -> tuple[str, ...]:
    """Names of the tasks whose file is one, sorted."""
    return tuple(METRICS.by_task)


def names_for(task: str) -> tuple[str, ...]:
    """Metrics that a task measures, sorted."""
    return tuple(sorted(task_class(task).metrics))


def tasks_of(names: Iterable[str]) -> frozenset[str]:
    """Tasks that measure all of the (known) metrics."""
    metrics = [name for name in names if name in METRICS]
    return frozenset(
        task for task, own in METRICS.by_task.items() if all(name in own for name in metrics)
    )


def all_named() -> str:
    """Every metric by task, as errors list them."""
    return "; ".join(
        f"for {task}: {', '.join(sorted(own))}" for task, own in METRICS.by_task.items()
    )
