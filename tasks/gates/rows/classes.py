"""Whether the labels can be learned from and measured on. Pure."""

from __future__ import annotations

import numpy as np

from tasks.gates.rows.finding import RowFinding, broken, unknown
from tasks.gates.rows.targets import RowTarget
from tasks.specs.data_gates import ClassRowsSpec, RowSeverity

LABELS, CLASS_ROWS = "labels", "class rows"
NAMED = 5
"""Classes that a sentence names."""


def learnable(training: RowTarget, holdout: RowTarget, severity: RowSeverity) -> RowFinding:
    """Labels of one value alone, and classes that only held-out rows have.

    The training job would stop at both, after its instance has started.
    """
    if training.kind == "none":
        return unknown(LABELS, "this task has no label of a row")
    if training.kind == "number":
        distinct = len(np.unique(training.values))
        value, kinds = f"{distinct:,} values", "values"
    else:
        distinct = sum(bool(rows.any()) for _, rows in training.sides)
        value, kinds = f"{distinct:,} of {len(training.sides):,} classes", "classes"
    least = 1 if training.kind == "labels" else 2
    if distinct < least:
        return RowFinding(
            LABELS,
            broken(severity),
            value,
            f"≥ {least}",
            f"all {len(training):,} rows to learn from have one label: there is nothing to tell",
            "widen the window (data.window_days), or look at the column of data.label",
        )
    only = _named(holdout) - _named(training)
    if only:
        told = ", ".join(sorted(only)[:NAMED])
        return RowFinding(
            LABELS,
            broken(severity),
            f"{len(only):,} held out alone",
            "0",
            f"no row to learn from is of {told}, and held-out rows are",
            "widen the window, or let the contract refuse the value (validValues)",
        )
    return RowFinding(LABELS, "pass", value, f"≥ {least} {kinds}")


def enough(training: RowTarget, holdout: RowTarget, rule: ClassRowsSpec) -> RowFinding:
    """Rows of each class, or of each yes and each no, on both sides."""
    if training.kind in {"none", "number"}:
        return unknown(CLASS_ROWS, "the label is no class")
    learned = {name: int(rows.sum()) for name, rows in training.sides}
    held = {name: int(rows.sum()) for name, rows in holdout.sides}
    counts = {name: (learned.get(name, 0), held.get(name, 0)) for name in learned | held}
    few = {
        name: (there, out)
        for name, (there, out) in counts.items()
        if there < rule.training or out < rule.holdout
    }
    fewest = min(learned.values(), default=0), min((out for _, out in counts.values()), default=0)
    value = f"fewest {fewest[0]:,} to learn from, {fewest[1]:,} held out"
    bound = f"≥ {rule.training:,} and {rule.holdout:,}"
    if not few:
        return RowFinding(CLASS_ROWS, "pass", value, bound)
    told = "; ".join(
        f"{name} {there:,} and {out:,}" for name, (there, out) in sorted(few.items())[:NAMED]
    )
    more = f" and {len(few) - NAMED:,} more" if len(few) > NAMED else ""
    return RowFinding(
        CLASS_ROWS,
        broken(rule.severity),
        value,
        bound,
        f"of these classes there are few rows to learn from, and held out: {told}{more}",
        "widen the window, hold out more (data.holdout_share), or lower data_gates.class_rows",
    )


def _named(target: RowTarget) -> set[str]:
    """Classes that a row has."""
    return {name for name, rows in target.sides if rows.any()}
