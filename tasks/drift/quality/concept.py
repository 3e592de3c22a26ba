"""Concept drift: has the champion's error or bias changed, on rows whose label has arrived?

The error of each period (mean residual for the bias, mean absolute residual for the error) is
followed sequentially. Under no change all periods, reference and later, scatter around one unknown
mean. For every start of a change the evidence is the exact ratio of two Gaussian likelihoods of the
periods' contrasts: with a step of unknown size at that start, and without. A contrast does not know
the unknown mean, so the ratio is a martingale without it, however short the reference. The
evidence is averaged over starts. Each ratio has expectation 1 under no change, so by Ville's
inequality the average exceeds 1/alpha with probability at most alpha *ever*, not per look: looking
every week costs nothing.

Sources: Robbins (1970) for normal mixtures; Lai and Xing (2010) for averaging over starts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import Field

from tasks.drift.profiles.cells import Floats
from tasks.errors import ConfigurationError
from tasks.values import Frozen, Outcome

REFERENCE_LEAST = 4
_STEPS = (0.7, 1.5, 3.0, 6.0)
"""Prior standard deviations of a step, in week-to-week standard deviations."""


class Period(Frozen):
    """Residuals of one period: ``mean`` and ``variance`` of ``rows`` values."""

    name: str
    rows: int = Field(ge=1)
    mean: float
    variance: float = Field(ge=0)


class ConceptPolicy(Frozen):
    """``alpha``: probability of ever raising a false alarm against one champion.

    ``tolerance``: changes of the mean smaller than this, in the residual's unit, are no alarm
    however sure they are.
    """

    alpha: float = Field(default=0.01, gt=0, lt=1)
    tolerance: float = Field(default=0.0, ge=0)


class Monitored(Frozen):
    """The state of one monitor.

    Attributes:
        subject: What is followed, e.g. ``bias``.
        evidence: Average likelihood ratio; an alarm needs 1/alpha.
        since: Period at which the change most probably began, "" without an alarm.
        change: Mean since then less mean before, in the residual's unit; likewise to the last
            period when there is no alarm.
        history: Evidence after each period since the reference.
    """

    subject: str
    outcome: Outcome
    evidence: float
    bound: float
    since: str
    change: float
    reference_mean: float
    history: tuple[float, ...]


def period(name: str, residuals: Sequence[float] | Floats) -> Period:
    """A period from its residuals, shape (n,).

    Raises:
        ConfigurationError: there is no finite residual.
    """
    values = np.asarray(residuals, np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        raise ConfigurationError(
            f"Period {name!r} has no labelled row.", "Leave the period out until labels arrive."
        )
    return Period(
        name=name, rows=len(values), mean=float(values.mean()), variance=float(values.var())
    )


def monitor(
    subject: str,
    reference: Sequence[Period],
    later: Sequence[Period],
    policy: ConceptPolicy | None = None,
    *,
    direction: Literal["both", "up"] = "both",
) -> Monitored:
    """Follow a champion's residuals.

    Args:
        subject: What the residuals measure; it stands on the report.
        reference: Periods of held-out rows from the time the champion was trained on, at least 4.
        later: Periods since then, in order.
        policy: What is promised.
        direction: ``up`` for errors, where only an increase matters.
    """
    policy = policy or ConceptPolicy()
    bound = 1 / policy.alpha
    known = {"subject": subject, "bound": bound}
    if len(reference) < REFERENCE_LEAST or not later:
        mean = _mean(reference) if reference else 0.0
        return Monitored(
            outcome="inconclusive",
            evidence=1,
            since="",
            change=0,
            reference_mean=mean,
            history=(),
            **known,
        )
    between = _between(reference)
    everything = [*reference, *later]
    variances = np.asarray([between + item.variance / item.rows for item in everything])
    means = np.asarray([item.mean for item in everything])
    first = len(reference)
    history: list[float] = []
    outcome: Outcome = "pass"
    since, change = "", 0.0
    for stop in range(first + 1, len(everything) + 1):
        logs = _log_ratios(means[:stop], variances[:stop], first, direction)
        # A start that has not come yet has ratio 1; all starts to come carry the prior's tail.
        weights = _start_weights(stop - first)
        # Past e^600 more evidence is only a number that JSON could not carry.
        total = float(np.exp(np.minimum(logs, 600.0)) @ weights[:-1] + weights[-1])
        history.append(total)
        if total >= bound and outcome == "pass":
            start = first + int(np.argmax(logs + np.log(weights[:-1])))
            before, after = _mean(everything[:start]), _mean(everything[start:stop])
            if abs(after - before) >= policy.tolerance:
                outcome, since, change = "fail", everything[start].name, after - before
    if outcome == "pass":
        change = _mean(later[-1:]) - _mean(reference)
    return Monitored(
        outcome=outcome,
        evidence=max(history),
        since=since,
        change=change,
        reference_mean=_mean(reference),
        history=tuple(history),
        **known,
    )


def _start_weights(count: int) -> Floats:
    """Prior of a start at each of ``count`` periods, heavy-tailed, and of a later one."""
    index = np.arange(1, count + 1)
    weights = 1 / (index * (index + 1.0))  # telescopes: the rest is 1 / (count + 1)
    # Flatter at the beginning: half the mass is spread evenly over the first 26 periods.
    even = np.where(index <= 26, 1 / 26, 0.0)
    mixed = 0.3 * weights + 0.7 * even
    return np.append(mixed, max(1 - mixed.sum(), 0.0))


def _log_ratios(means: Floats, variances: Floats, first: int, direction: str) -> Floats:
    """Log likelihood ratio of a step at each period from ``first`` on to none; shape (starts,).

    A step's size is normal around 0 (half-normal for ``up``), of several widths averaged.
    """
    from scipy.special import log_ndtr

    precision = 1 / variances
    weight, sums = np.cumsum(precision), np.cumsum(precision * means)
    before, total = weight[first - 1 : -1], weight[-1]
    gap = (sums[-1] - sums[first - 1 : -1]) / (total - before) - sums[first - 1 : -1] / before
    variance = 1 / before + 1 / (total - before)
    prior = np.square(_STEPS)[:, None] * float(np.median(variances[:first]))
    shrink = prior / (variance + prior)
    logs = 0.5 * np.log1p(-shrink) + 0.5 * gap**2 / variance * shrink
    if direction == "up":
        logs = logs + np.log(2) + log_ndtr(gap * np.sqrt(shrink / variance))
    return np.asarray(np.logaddexp.reduce(logs, axis=0) - np.log(len(_STEPS)))


def _between(reference: Sequence[Period]) -> float:
    """Variance between periods beyond sampling, with a margin for its own uncertainty.

    The upper 80 % confidence limit of the observed variance is taken instead of its estimate: the
    promise must hold with the variance unknown.
    """
    from scipy.special import chdtri

    means = np.asarray([item.mean for item in reference])
    noise = float(np.mean([item.variance / item.rows for item in reference]))
    df = len(means) - 1
    upper = float(means.var(ddof=1)) * df / float(chdtri(df, 0.8))
    return max(upper - noise, 0.0)


def _mean(periods: Sequence[Period]) -> float:
    rows = np.asarray([item.rows for item in periods], np.float64)
    return float(rows @ np.asarray([item.mean for item in periods]) / rows.sum())
