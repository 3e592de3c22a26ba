"""Whether a converted model says the same as the original: by what its answers are for.

A mean over a thousand outputs is small when each answer is wrong. So errors are taken by row and by
output, and what counts is judged: for classes the class that is named, for labels each label at its
threshold, for boxes each that is sure, for numbers the error beside the spread of that output, for
values (whole numbers and truth values) whether they are the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from tasks.values import Frozen

Kind = Literal["classes", "labels", "boxes", "numbers", "values"]
TIE = 0.05
"""Two classes whose (log) scores differ by less, that is by 5 % of the score, are a tie: where the
original itself is undecided, naming the other one is no error."""
GROUP_ROWS = 10
"""A class, or a side of a label, with fewer rows is not judged alone."""
CONFIDENCE = 0.95
CONSTANT = 1e-6
"""Spread below this share of the value is rounding: the output is constant."""


class AnswerKind(Frozen):
    """What the answers are: ``kind`` "" is inferred from them; ``threshold`` of labels.

    ``boxes`` is the ``output`` of preprocess.json that tells how boxes are made of maps.
    """

    kind: Literal["", "classes", "labels", "boxes", "numbers"] = ""
    threshold: float = 0.5
    boxes: Mapping[str, Any] = {}

    @classmethod
    def of(cls, spec: Mapping[str, Any]) -> AnswerKind:
        """From preprocess.json.

        Raises:
            ConversionError: it tells of boxes, but not how they are made.
        """
        from tasks.conversion import boxes  # needs NumPy, as most of a flow's run does not

        output = spec.get("output")
        output = output if isinstance(output, Mapping) else {}
        kinds: dict[str, Kind] = {
            "classes": "classes", "labels": "labels", "number": "numbers", "boxes": "boxes",
            # A chance is used as a number; which side of one half it lies on tells nothing of it.
            "probability": "numbers",
        }  # fmt: skip
        threshold = output.get("threshold", 0.5)
        known = isinstance(threshold, int | float) and 0 < threshold < 1
        kind = kinds.get(str(output.get("kind", "")), "")
        return cls(
            kind=kind,
            threshold=threshold if known else 0.5,
            boxes=boxes.told(output) if kind == "boxes" else {},
        )


class Parity(Frozen):
    """How far a converted model's answers lie from the original's.

    ``mean_error`` is the mean over rows of each row's largest absolute difference, ``max_error``
    the largest of all, in the graph's own unit; all measures are None when an answer was not
    finite, because then no number would be honest (``fault`` says whose).

    Classes and labels: ``agreement`` is the share of rows with the same answer (of the worst
    label), ``group_agreement`` that of the worst class (or side of a label) with enough rows, named
    by ``group``; ``undecided`` the share of rows where the original's answer is a tie.

    Boxes: ``agreement`` is the share of sure boxes, of either's, that the other one has, too;
    ``answers`` says how many they are, ``undecided`` the share of the original's that are a tie.

    Values: the same of equal values; ``agreement`` is that of the worst column.

    Numbers: ``relative_error`` is the mean error of the worst output in standard deviations of that
    output, ``row_error`` the largest of a single answer.

    ``metric_loss`` is the relative loss of accuracy or of the mean average precision, or growth of
    the mean absolute error, where labels were given.

    ``output`` is the output's name, "" of a model of one.
    """

    output: str = ""
    rows: int
    mean_error: float | None
    max_error: float | None
    latency_ms_p50: float
    runtime: str
    kind: Kind | None = None
    agreement: float | None = None
    group_agreement: float | None = None
    group: str = ""
    undecided: float = 0.0
    relative_error: float | None = None
    row_error: float | None = None
    metric_loss: float | None = None
    answers: int = 0
    fault: str = ""

    @property
    def proven(self) -> float:
        """The agreement that the rows (of boxes, these) prove with 95 % confidence."""
        judged = self.answers or self.rows
        return proven_share(round((self.agreement or 0.0) * judged), judged)


def parity_of(
    expected: Sequence[Sequence[float]],
    answered: Sequence[Sequence[float | None]],
    latency_ms_p50: float,
    runtime: str,
    task: AnswerKind | None = None,
    targets: Sequence[float] | None = None,
    *,
    output: str = "",
    discrete: bool = False,
) -> Parity:
    """Compare answers [n][outputs]; None and NaN stand for numbers that are not finite.

    Args:
        expected: The original's answers.
        answered: The converted model's.
        latency_ms_p50: Median time of an answer, milliseconds.
        runtime: What ran it.
        task: What the answers are; None infers it.
        targets: True class indices, true values in the graph's unit [n], or the maps that boxes
            were learned from [n, …], where known.
        output: Its name, where the model has several.
        discrete: The output holds whole numbers or truth values.

    Raises:
        ValueError: the shapes differ, or there is no row.
    """
    import numpy as np

    from tasks.conversion import boxes

    if not len(expected) or len(expected) != len(answered):
        raise ValueError(f"{len(answered)} answers for {len(expected)} rows")
    truth = np.asarray(expected, dtype=np.float64).reshape(len(expected), -1)
    answer = np.asarray(answered, dtype=np.float64).reshape(len(answered), -1)
    if truth.shape != answer.shape:
        raise ValueError(f"{answer.shape[1]} outputs in place of {truth.shape[1]}")
    with np.errstate(invalid="ignore"):
        difference = np.abs(truth - answer)
    common: dict[str, Any] = {
        "output": output, "rows": len(truth), "latency_ms_p50": latency_ms_p50, "runtime": runtime,
    }  # fmt: skip
    if not np.isfinite(difference).all():
        whose = "an answer" if np.isfinite(truth).all() else "the original's own answer"
        fault = f"{whose} is not finite"
        return Parity(**common, mean_error=None, max_error=None, fault=fault)
    task = task or AnswerKind()
    kind = task.kind or ("values" if discrete else inferred(truth))
    if kind == "classes" and discrete:
        kind = "values"
    if kind == "classes" and truth.shape[1] == 1:
        kind = "labels"
    measured: dict[str, Any]
    if kind == "classes":
        measured = _classes(truth, answer)
    elif kind == "labels":
        measured = _labels(truth, answer, task.threshold)
    elif kind == "boxes":
        measured, groups = boxes.compared(truth, answer, task.boxes, TIE)
        measured |= _worst_group(groups)
    elif kind == "values":
        measured = _values(truth, answer)
    else:
        measured = _numbers(truth, difference)
    if targets is not None and len(targets) == len(truth):
        known = np.asarray(targets)
        measured["metric_loss"] = (
            boxes.precision_loss(truth, answer, known, task.boxes)
            if kind == "boxes"
            else _metric_loss(kind, truth, answer, known)
        )
    return Parity(
        **common,
        # A mean of equal errors may come out a rounding above them.
        mean_error=float(min(difference.max(axis=1).mean(), difference.max())),
        max_error=float(difference.max()),
        kind=kind,
        **measured,
    )


def inferred(truth: Any) -> Kind:
    """What answers [n, outputs] are, when preprocess.json does not say.

    Rows of probabilities that sum to one are classes; other probabilities labels, a single one only
    when it lies on both sides of one half. All else are numbers.
    """
    import numpy as np

    edge = 1e-6
    if truth.min() < -edge or truth.max() > 1 + edge:
        return "numbers"
    if truth.shape[1] == 1:
        return "labels" if truth.min() < 0.5 < truth.max() else "numbers"  # noqa: PLR2004 - one half
    return "classes" if np.allclose(truth.sum(axis=1), 1, atol=1e-3) else "labels"


def proven_share(hits: int, rows: int, confidence: float = CONFIDENCE) -> float:
    """Lower bound of a share of which ``hits`` of ``rows`` were seen (Clopper & Pearson 1934).

    >>> round(proven_share(512, 512), 4), round(proven_share(20, 20), 2)
    (0.9942, 0.86)
    """
    if hits <= 0:
        return 0.0

    def tail(share: float) -> float:
        """Chance of at least ``hits`` when the share is this."""
        logs = math.log(share), math.log1p(-share)
        ways = math.lgamma(rows + 1)
        return math.fsum(
            math.exp(
                ways - math.lgamma(k + 1) - math.lgamma(rows - k + 1)
                + k * logs[0] + (rows - k) * logs[1]
            )
            for k in range(hits, rows + 1)
        )  # fmt: skip

    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if tail(middle) > 1 - confidence else (middle, high)
    return low


def rows_to_prove(share: float, confidence: float = CONFIDENCE) -> int:
    """Rows that prove a share when all of them agree.

    >>> rows_to_prove(0.99), rows_to_prove(0.95)
    (299, 59)
    """
    if not 0 < share < 1:
        return 1
    return math.ceil(math.log(1 - confidence) / math.log(share))


def _classes(truth: Any, answer: Any) -> dict[str, Any]:
    import numpy as np

    rows = np.arange(len(truth))
    # Of probabilities the logarithm, so that a tie is a share of the score; logits are logarithms.
    probable = truth.min() >= 0 and truth.max() <= 1 + 1e-6
    score = np.log(np.maximum(truth, 1e-12)) if probable else truth
    best, named = truth.argmax(axis=1), answer.argmax(axis=1)
    agreed = score[rows, best] - score[rows, named] <= TIE
    ordered = np.sort(score, axis=1)
    return {
        "agreement": float(agreed.mean()),
        "undecided": float((ordered[:, -1] - ordered[:, -2] <= TIE).mean()),
        **_worst_group([(f"class {index}", agreed[best == index]) for index in np.unique(best)]),
    }


def _labels(truth: Any, answer: Any, threshold: float) -> dict[str, Any]:
    import numpy as np

    probable = truth.min() >= 0 and truth.max() <= 1 + 1e-6
    cut = threshold if probable else math.log(threshold / (1 - threshold))
    clipped = np.clip(truth, 1e-12, 1 - 1e-12)
    odds = np.log(clipped / (1 - clipped)) if probable else truth
    undecided = np.abs(odds - math.log(threshold / (1 - threshold))) <= TIE
    before, after = truth >= cut, answer >= cut
    agreed = (before == after) | undecided
    groups = [
        (f"label {label}, {'above' if side else 'below'} its threshold", agreed[rows, label])
        for label in range(truth.shape[1])
        for side in (True, False)
        for rows in [before[:, label] == side]
    ]
    return {
        "agreement": float(agreed.mean(axis=0).min()),
        "undecided": float(undecided.any(axis=1).mean()),
        **_worst_group(groups),
    }


def _values(truth: Any, answer: Any) -> dict[str, Any]:
    import numpy as np

    agreed = truth == answer
    groups = [
        (f"value {value:g} of column {column}", agreed[rows, column])
        for column in range(truth.shape[1])
        for value in np.unique(truth[:, column])
        for rows in [truth[:, column] == value]
    ]
    return {"agreement": float(agreed.mean(axis=0).min()), **_worst_group(groups)}


def _worst_group(groups: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The group of enough rows that agrees least: where one answer for everything shows."""
    shares = [(float(agreed.mean()), name) for name, agreed in groups if len(agreed) >= GROUP_ROWS]
    if not shares:
        return {}
    share, name = min(shares)
    return {"group_agreement": share, "group": name}


def _numbers(truth: Any, difference: Any) -> dict[str, Any]:
    import numpy as np

    spread, size = truth.std(axis=0), np.abs(truth).max(axis=0)
    # A constant output has no spread; a hundredth of its value (at least of one) stands for it.
    scale = np.where(spread > CONSTANT * size, spread, 0.01 * np.maximum(size, 1.0))
    relative = difference / scale
    return {
        "relative_error": float(relative.mean(axis=0).max()),
        "row_error": float(relative.max()),
    }


def _metric_loss(kind: Kind, truth: Any, answer: Any, targets: Any) -> float | None:
    """Relative loss of the task's metric on the same rows; None where the targets do not fit."""
    import numpy as np

    if targets.ndim != 1 or not np.isfinite(targets).all():
        return None
    if kind == "classes":
        before = float((truth.argmax(axis=1) == targets).mean())
        after = float((answer.argmax(axis=1) == targets).mean())
        return (before - after) / before if before else None
    if kind == "values" and truth.shape[1] == 1:
        before, after = (float((side[:, 0] == targets).mean()) for side in (truth, answer))
        return (before - after) / before if before else None
    if kind == "numbers" and truth.shape[1] == 1:
        before = float(np.abs(truth[:, 0] - targets).mean())
        after = float(np.abs(answer[:, 0] - targets).mean())
        # A model that is hardly wrong would make a hair look like a multiple.
        return (after - before) / max(before, 0.01 * float(targets.std()), 1e-12)
    return None
