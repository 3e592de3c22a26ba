"""The champion on rows whose label has arrived, and what to expect of the others. Pure.

What travels in the bundle (:class:`ReferenceErrors`) are the errors on the held-out rows, a period
at a time; what is learned later (:class:`Followed`) is the state of the two monitors and the
estimate for rows without a label.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Literal

import numpy as np
import pyarrow as pa

from tasks.drift.profiles.counts import NumericCounts
from tasks.drift.profiles.grid import ColumnKind, Grid
from tasks.drift.quality.concept import ConceptPolicy, Monitored, Period, monitor, period
from tasks.drift.quality.estimate import ErrorByScore, Estimated, estimate_error, learn_errors
from tasks.drift.scan import profile_batches
from tasks.drift.scoring import Scored
from tasks.errors import ConfigurationError, UnreadableData
from tasks.stored import parsed
from tasks.values import Frozen, Outcome

SCORE: Mapping[str, ColumnKind] = {"score": "numeric"}
NEWEST = 4
"""Periods that "now" means."""
LEAST_ROWS = 50
"""Fewer labelled rows than this make no period of their own."""


class ReferenceErrors(Frozen):
    """The model's errors on held-out rows, by period; and by score, where there were enough."""

    schema_version: Literal[1] = 1
    end: date
    days: int
    bias: tuple[Period, ...]
    error: tuple[Period, ...]
    grid: Grid | None = None
    by_score: ErrorByScore | None = None


class Followed(Frozen):
    """How the champion does.

    Attributes:
        outcome: ``fail`` when a monitor alarms.
        reason: In a sentence.
        then: Mean error on its held-out rows.
        now: Mean error of the newest periods; None without labels.
        since: First period of the change that raised the alarm.
        newest: Errors of the two newest labelled periods, the older one first.
        estimated: Expected mean error of rows without a label.
        worse_expected: Whether that estimate lies surely above what was held out.
    """

    schema_version: Literal[1] = 1
    outcome: Outcome
    reason: str
    then: float | None = None
    now: float | None = None
    labelled: int = 0
    unlabelled: int = 0
    since: str = ""
    bias: Monitored | None = None
    error: Monitored | None = None
    newest: tuple[Period, ...] = ()
    estimated: Estimated | None = None
    worse_expected: bool = False


def reference_errors(scored: Mapping[str, Scored], end: date, days: int) -> ReferenceErrors:
    """What a bundle carries of its model's held-out rows.

    Args:
        scored: By period (last day).
        end: Last day of the data.
        days: Days of a period.
    """
    bias, error = _periods(scored)
    scores = np.concatenate([item.score[item.labelled] for item in scored.values()] or [_NONE])
    errors = np.concatenate([item.error[item.labelled] for item in scored.values()] or [_NONE])
    grid = by_score = None
    if len(scores) >= 100:
        profile = profile_batches([pa.RecordBatch.from_pydict({"score": scores})], SCORE)
        grid = profile.grid
        by_score = learn_errors(grid.numeric["score"], scores, errors)
    return ReferenceErrors(end=end, days=days, bias=bias, error=error, grid=grid, by_score=by_score)


_NONE = np.zeros(0)


def read_errors(text: bytes) -> ReferenceErrors:
    """Read them back.

    Raises:
        UnreadableData: they cannot be read.
    """
    mend = "Retrain the model; a new version brings new ones."
    return parsed(
        ReferenceErrors, text, "The record of the champion's errors", UnreadableData, mend
    )


def follow(
    reference: ReferenceErrors, scored: Mapping[str, Scored], policy: ConceptPolicy
) -> Followed:
    """Follow error and bias over the periods since the champion's data.

    Args:
        reference: Of the champion's bundle.
        scored: Periods since then, by their last day.
        policy: What is promised; the two monitors share its ``alpha``.
    """
    bias, error = _periods(scored)
    half = policy.model_copy(update={"alpha": policy.alpha / 2})
    states = (
        monitor("bias", reference.bias, bias, half),
        monitor("error", reference.error, error, half, direction="up"),
    )
    estimated = _estimated(reference, scored)
    worse = estimated is not None and estimated.low > estimated.labelled_error
    labelled = sum(int(item.labelled.sum()) for item in scored.values())
    rows = sum(len(item.score) for item in scored.values())
    alarms = [state for state in states if state.outcome == "fail"]
    outcome: Outcome = "fail" if alarms else states[1].outcome
    then, now = _mean(reference.error), _mean(error[-NEWEST:])
    return Followed(
        outcome=outcome,
        reason=_reason(states, alarms, reference, then, now, estimated),
        then=then,
        now=now,
        labelled=labelled,
        unlabelled=rows - labelled,
        since=min((state.since for state in alarms), default=""),
        bias=states[0],
        error=states[1],
        newest=error[-2:],
        estimated=estimated,
        worse_expected=worse,
    )


def _reason(
    states: tuple[Monitored, Monitored],
    alarms: list[Monitored],
    reference: ReferenceErrors,
    then: float | None,
    now: float | None,
    estimated: Estimated | None,
) -> str:
    if alarms:
        return "; ".join(
            f"the champion's {state.subject} changed by {state.change:+.3g} since {state.since}"
            for state in alarms
        )
    if states[1].outcome == "inconclusive":
        sentence = (
            f"{len(reference.error)} held-out periods are too few to follow the champion's error"
            if states[1].history or len(reference.error) < 4
            else "no labelled period has ended since the champion's data"
        )
    else:
        sentence = f"the champion's error is {now:.3g} (held out: {then:.3g}), within its variation"
    if estimated is None:
        return sentence
    guessed = f", a guess for {estimated.beyond:.0%} of the rows" if estimated.beyond else ""
    return (
        f"{sentence}; rows without a label let expect {estimated.error:.3g} "
        f"({estimated.low:.3g} to {estimated.high:.3g}{guessed})"
    )


def _periods(scored: Mapping[str, Scored]) -> tuple[tuple[Period, ...], tuple[Period, ...]]:
    bias, error = [], []
    for name in sorted(scored):
        mask = scored[name].labelled
        if int(mask.sum()) >= LEAST_ROWS:
            bias.append(period(name, scored[name].residual[mask]))
            error.append(period(name, scored[name].error[mask]))
    return tuple(bias), tuple(error)


def _mean(periods: tuple[Period, ...]) -> float | None:
    rows = sum(item.rows for item in periods)
    return sum(item.mean * item.rows for item in periods) / rows if rows else None


def _estimated(reference: ReferenceErrors, scored: Mapping[str, Scored]) -> Estimated | None:
    if reference.by_score is None or reference.grid is None:
        return None
    waiting = [item.score[~item.labelled] for item in scored.values()]
    scores = np.concatenate(waiting or [_NONE])
    if len(scores) < LEAST_ROWS:
        return None
    batch = pa.RecordBatch.from_pydict({"score": scores})
    counts = profile_batches([batch], SCORE, reference.grid).columns["score"]
    if not isinstance(counts, NumericCounts):
        raise ConfigurationError("The score's column is no number.", "Retrain the model.")
    return estimate_error(reference.by_score, counts)
