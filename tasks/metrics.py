"""The metrics that the shared programs measure, each declared once with its direction. Pure.

``models/programs/measures.py`` computes them; a test holds the two together. A metric that only an
own program measures is declared by its gate (``better:`` in model.yaml).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Better = Literal["smaller", "larger", "zero"]
"""What makes a value better: less, more, or nearer to zero on either side."""
Task = Literal["regression", "classification"]


@dataclass(frozen=True)
class Metric:
    """One number measured on the held-out split.

    Args:
        better: What makes it better.
        tasks: Kinds of models that it is measured for.
        unit: Of its values.
        meaning: In a sentence.
    """

    better: Better
    tasks: tuple[Task, ...]
    unit: str
    meaning: str


_NUMBER: tuple[Task, ...] = ("regression",)
_CLASS: tuple[Task, ...] = ("classification",)

METRICS: Mapping[str, Metric] = {
    "mae": Metric("smaller", _NUMBER, "the label's", "Mean absolute error."),
    "rmse": Metric("smaller", _NUMBER, "the label's", "Root of the mean squared error."),
    "median_ae": Metric("smaller", _NUMBER, "the label's", "Median absolute error."),
    "mape": Metric("smaller", _NUMBER, "share", "Mean of |error| / |label|."),
    "bias": Metric("zero", _NUMBER, "share", "Sum of errors / sum of labels; above 0: too high."),
    "abs_bias": Metric("smaller", _NUMBER, "share", "Size of the bias."),
    "r2": Metric("larger", _NUMBER, "share", "Share of the labels' variance that is explained."),
    "accuracy": Metric("larger", _CLASS, "share", "Share of right answers."),
    "macro_f1": Metric("larger", _CLASS, "0 … 1", "F1, averaged over the classes."),
    "lowest_recall": Metric("larger", _CLASS, "share", "Recall of the worst class."),
    "log_loss": Metric("smaller", _CLASS, "nats", "Mean −log of the right class's probability."),
    "confident_share": Metric("larger", _CLASS, "share", "Answers at or above the threshold."),
    "confident_accuracy": Metric("larger", _CLASS, "share", "Share of right answers among these."),
}


def names_for(task: Task) -> tuple[str, ...]:
    """Metrics that are measured for a kind of task, sorted."""
    return tuple(sorted(name for name, metric in METRICS.items() if task in metric.tasks))


def tasks_of(names: Iterable[str]) -> frozenset[Task]:
    """Kinds of tasks for which all of the (known) metrics are measured."""
    fitting: frozenset[Task] = frozenset(("regression", "classification"))
    for name in names:
        if name in METRICS:
            fitting &= frozenset(METRICS[name].tasks)
    return fitting


def all_named() -> str:
    """Every metric by task, as errors list them."""
    numbers, classes = names_for("regression"), names_for("classification")
    return f"for numbers: {', '.join(numbers)}; for classes: {', '.join(classes)}"
