"""When a tuning job is over, and how it ends. Pure.

Criteria after the developer guide ("Track and set completion criteria for your tuning job").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from embedded_aws.tuning.trial import Trial, next_number

ATTEMPTS = 5
"""Training jobs without any objective, after which AWS gives up."""
SIGNIFICANT = 0.01
"""An improvement by so much of the best objective counts, as documented."""
CONVERGED_AFTER = 10
"""Training jobs in a row without a significant improvement: our rule, AWS's is not published."""
_NONE_SUCCEEDED = (
    "No training job succeeded after {count} attempts. For additional details, please take a look "
    "at the training job failures by listing training jobs for the hyperparameter tuning job."
)
_NONE_MEASURED = (
    "No objective metrics found after running {count} training jobs. Please ensure that the custom "
    "algorithm is emitting the objective metric as defined by the regular expression provided."
)


@dataclass(frozen=True)
class Ending:
    """How a tuning job ends."""

    status: str
    reason: str | None = None


@dataclass(frozen=True)
class Criteria:
    """When it has done enough.

    Args:
        most: ``MaxNumberOfTrainingJobs``.
        runtime: ``MaxRuntimeInSeconds``, virtual.
        target: ``TargetObjectiveMetricValue`` as a loss.
        patience: ``MaxNumberOfTrainingJobsNotImproving``.
        converge: ``CompleteOnConvergence``.
    """

    most: int
    runtime: float | None = None
    target: float | None = None
    patience: int | None = None
    converge: bool = False

    @classmethod
    def of(cls, config: Mapping[str, Any], most: int, sign: float) -> Criteria:
        """Those of a ``HyperParameterTuningJobConfig``."""
        asked = config.get("TuningJobCompletionCriteria") or {}
        target = asked.get("TargetObjectiveMetricValue")
        convergence = (asked.get("ConvergenceDetected") or {}).get("CompleteOnConvergence")
        return cls(
            most=most,
            runtime=config["ResourceLimits"].get("MaxRuntimeInSeconds"),
            target=None if target is None else sign * target,
            patience=(asked.get("BestObjectiveNotImproving") or {}).get(
                "MaxNumberOfTrainingJobsNotImproving"
            ),
            converge=convergence == "Enabled",
        )


def ending(criteria: Criteria, trials: Sequence[Trial], sign: float, ran: float) -> Ending | None:
    """How it ends now, or None while it goes on.

    Args:
        criteria: When it has done enough.
        trials: What was launched.
        sign: Turns objectives into losses.
        ran: Virtual seconds since its creation.
    """
    over = [trial for trial in trials if trial.over and not trial.lost]
    losses = final_losses(trials, sign)
    idle = barren(losses)
    number, owed = next_number(trials)
    done = (
        (number >= criteria.most and owed is None and all(trial.over for trial in trials))
        or (criteria.runtime is not None and ran >= criteria.runtime)
        or (criteria.target is not None and bool(losses) and min(losses) <= criteria.target)
        or (criteria.patience is not None and idle >= criteria.patience)
        or (criteria.converge and idle >= CONVERGED_AFTER)
    )
    if losses:
        return Ending("Completed") if done else None
    if done or len(over) >= ATTEMPTS:
        measured = any(trial.status == "Completed" for trial in over)
        words = _NONE_MEASURED if measured else _NONE_SUCCEEDED
        return Ending("Failed", words.format(count=len(over)))
    return None


def final_losses(trials: Sequence[Trial], sign: float) -> list[float]:
    """Final objectives as losses, in the order in which the training jobs ended."""
    told = [trial for trial in trials if trial.final is not None]
    told.sort(key=lambda trial: (trial.ended or 0.0, trial.number))
    return [sign * (trial.final or 0.0) for trial in told]


def barren(losses: Sequence[float]) -> int:
    """How many in a row, up to the last, have not improved the best loss significantly."""
    best: float | None = None
    row = 0
    for loss in losses:
        if best is None or best - loss > SIGNIFICANT * abs(best):
            best, row = loss, 0
        else:
            row += 1
    return row
