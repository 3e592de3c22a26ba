"""Answers to rows as they were and as they are now, held to what was expected of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.runtime.task import Floats, Task
from tasks.gates.finding import Finding
from tasks.gates.intervals import clopper_pearson
from tasks.gates.proven import against
from tasks.reports.figures import number
from tasks.specs.behaviour import BehaviourSpec
from tasks.values import Outcome

FEWEST = 20
"""Rows below which a share says nothing: as many as the intervals of gates ask for."""
EXAMPLES = 3


def judged(
    rule: BehaviourSpec, task: Task, rows: Sequence[str], before: Floats, after: Floats
) -> Finding:
    """What came of one rule.

    Args:
        rule: The rule.
        task: As the candidate learned it.
        rows: Names of the rows [n].
        before: Predictions of the rows as they are, [n] or [n, k].
        after: Of the same rows, changed.
    """
    if len(rows) < FEWEST:
        return too_few(rule, len(rows))
    try:
        kept = as_expected(rule, task, before, after)
    except KeyError as error:
        return Finding(rule.title, "error", why=f"of: {error.args[0]}")
    share = float(kept.mean())
    holds = share >= rule.at_least
    outcome: Outcome = "pass" if holds else "fail"
    interval = None
    if rule.confidence is not None:
        interval = clopper_pearson(int(kept.sum()), len(kept), rule.confidence)
        outcome = against(interval, rule.at_least, "≥")
    return Finding(
        rule.title,
        outcome,
        sign="≥",
        bound=rule.at_least,
        value=share,
        interval=interval,
        holds=holds,
        why=_examples(task, rows, before, after, ~kept),
    )


def too_few(rule: BehaviourSpec, rows: int) -> Finding:
    """Nothing can be said: the change leaves nearly all rows as they are."""
    why = f"{rows} held-out rows can be changed so; it takes {FEWEST}"
    return Finding(rule.title, "inconclusive", why=why)


def as_expected(
    rule: BehaviourSpec, task: Task, before: Floats, after: Floats
) -> NDArray[np.bool_]:
    """Which rows behave as the rule expects [n].

    Raises:
        KeyError: ``of`` is no part of the task's answers.
    """
    if rule.expect in {"same", "other"}:
        alike = task.alike(before, after, rule.within)
        return alike if rule.expect == "same" else ~alike
    first, second = task.levels(before, rule.of), task.levels(after, rule.of)
    room = task.room(first, rule.within)
    if rule.expect == "not_lower":
        return np.asarray(second >= first - room)
    return np.asarray(second <= first + room)


def _examples(
    task: Task, rows: Sequence[str], before: Floats, after: Floats, broken: NDArray[np.bool_]
) -> str:
    """Of how many rows, and some that behave otherwise, with what was said of them."""
    of = f"{len(rows):,} rows"
    chosen = np.flatnonzero(broken)[:EXAMPLES]
    if not len(chosen):
        return of
    told = zip(chosen, _answers(task, before[chosen]), _answers(task, after[chosen]), strict=True)
    named = "; ".join(f"{rows[row]}: {first} → {second}" for row, first, second in told)
    return f"{of}; otherwise such as {named}"


def _answers(task: Task, predicted: Floats) -> list[str]:
    values: Sequence[Any] = list(task.columns(predicted)["prediction"])
    return [_short(value) for value in values]


def _short(value: Any) -> str:
    if isinstance(value, int | float | np.number):
        return number(float(value))
    if not isinstance(value, list):
        return str(value)
    # Of objects with boxes their labels: numbers of a place tell a reader little.
    names = [one["label"] if isinstance(one, Mapping) else str(one) for one in value]
    return ", ".join(names) or "nothing"
