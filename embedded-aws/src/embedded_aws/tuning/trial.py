"""One training job of a tuning job, as the tuning job sees it. Pure."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from embedded_aws.jobs.state import TERMINAL


@dataclass
class Trial:
    """A training job that was launched, or is about to be.

    Args:
        name: The training job's name.
        arn: Its ARN.
        number: Of its combination, from 0. One that died with an earlier process and the one that
            took its place have the same.
        values: ``TunedHyperParameters``.
        created: When it was launched.
        status: ``TrainingJobStatus``.
        started: When its machines were there.
        ended: When it ended.
        failure: ``FailureReason``.
        objective: What it told of the objective, epoch by epoch.
        lost: Whether it died with an earlier process.
        halted: Whether the tuning job stopped it early.
    """

    name: str
    arn: str
    number: int
    values: dict[str, str]
    created: float
    status: str = "InProgress"
    started: float | None = None
    ended: float | None = None
    failure: str | None = None
    objective: list[float] = field(default_factory=list)
    lost: bool = False
    halted: bool = False

    @classmethod
    def restored(cls, record: Mapping[str, Any]) -> Trial:
        """From its :meth:`record`."""
        return cls(**record)

    def record(self) -> dict[str, Any]:
        """What is kept of it."""
        return copy.deepcopy(asdict(self))

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.status in TERMINAL

    @property
    def final(self) -> float | None:
        """The final objective of one that has it; a failed one's does not count."""
        usable = self.status in {"Completed", "Stopped"} and self.objective
        return self.objective[-1] if usable else None

    @property
    def objective_status(self) -> str:
        """``ObjectiveStatus``."""
        if not self.over:
            return "Pending"
        return "Failed" if self.final is None else "Succeeded"

    @property
    def counted_as(self) -> str:
        """Which of ``TrainingJobStatusCounters`` counts it."""
        if self.status == "Failed":
            internal = (self.failure or "").startswith("InternalServerError")
            return "RetryableError" if internal else "NonRetryableError"
        return self.status if self.over else "InProgress"

    def summary(self, objective: Mapping[str, str], tuning_job: str) -> dict[str, Any]:
        """``HyperParameterTrainingJobSummary``.

        Args:
            objective: ``HyperParameterTuningJobObjective``.
            tuning_job: Name of the tuning job that launched it.
        """
        line: dict[str, Any] = {
            "TrainingJobName": self.name,
            "TrainingJobArn": self.arn,
            "TuningJobName": tuning_job,
            "CreationTime": self.created,
            "TrainingJobStatus": self.status,
            "TunedHyperParameters": dict(self.values),
            "ObjectiveStatus": self.objective_status,
        }
        if self.started is not None:
            line["TrainingStartTime"] = self.started
        if self.ended is not None:
            line["TrainingEndTime"] = self.ended
        if self.failure is not None:
            line["FailureReason"] = self.failure
        if self.final is not None:
            line["FinalHyperParameterTuningJobObjectiveMetric"] = {
                "Type": objective["Type"],
                "MetricName": objective["MetricName"],
                "Value": self.final,
            }
        return line

    def losses(self, sign: float) -> list[float]:
        """Its objective so far, turned so that less is better."""
        return [sign * value for value in self.objective]


def sign_of(objective: Mapping[str, str]) -> float:
    """What an objective is multiplied with so that less is better."""
    return -1.0 if objective["Type"] == "Maximize" else 1.0


def best(trials: Iterable[Trial], sign: float) -> Trial | None:
    """The one with the best final objective; of equals the earliest."""
    told = [trial for trial in trials if trial.final is not None]
    return min(told, key=lambda trial: sign * (trial.final or 0.0), default=None)


def counters(trials: Iterable[Trial]) -> tuple[dict[str, int], dict[str, int]]:
    """``TrainingJobStatusCounters`` and ``ObjectiveStatusCounters``."""
    jobs = dict.fromkeys(
        ("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped"), 0
    )
    objectives = dict.fromkeys(("Succeeded", "Pending", "Failed"), 0)
    for trial in trials:
        jobs[trial.counted_as] += 1
        objectives[trial.objective_status] += 1
    return jobs, objectives


def next_number(trials: Sequence[Trial]) -> tuple[int, dict[str, str] | None]:
    """The number of the next combination, and its values if it was launched before and lost."""
    alive = {trial.number for trial in trials if not trial.lost}
    for trial in trials:
        if trial.lost and trial.number not in alive:
            return trial.number, dict(trial.values)
    return len(alive), None


def is_objective(value: float) -> bool:
    """Whether a value can be compared with others."""
    return math.isfinite(value)
