"""One tuning job: what was asked, how it stands, and how the API tells it."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from embedded_aws.jobs.plain import PlainJob
from embedded_aws.tuning.completion import CONVERGED_AFTER, barren, final_losses
from embedded_aws.tuning.trial import Trial, best, counters, sign_of
from embedded_aws.tuning.warm_start import IDENTICAL


@dataclass
class Job(PlainJob):
    """State of one tuning job; see `embedded_aws.jobs.state.JobState`.

    Args:
        seed: ``RandomSeed``, or one by chance.
        tags: What its training jobs are tagged with.
        inherited: By parent of a warm start: ``static`` hyperparameters and ``trials``.
        converged: When it had converged.
        trials: The training jobs that it launched, in their order.
        wake: Set when there is something to look at.
    """

    seed: int = 0
    tags: list[dict[str, str]] = field(default_factory=list)
    inherited: dict[str, Any] = field(default_factory=dict)
    converged: float | None = None
    trials: list[Trial] = field(default_factory=list, repr=False)
    wake: threading.Event = field(default_factory=threading.Event, repr=False)

    kind = "HyperParameterTuningJob"
    RECORDED = (*PlainJob.RECORDED, "seed", "tags", "inherited", "converged")

    @property
    def lock(self) -> threading.RLock:
        """Held while trials are changed; nothing else is waited for under it."""
        return self._lock

    @property
    def config(self) -> Mapping[str, Any]:
        """``HyperParameterTuningJobConfig``."""
        config: Mapping[str, Any] = self.request["HyperParameterTuningJobConfig"]
        return config

    @property
    def definition(self) -> Mapping[str, Any]:
        """``TrainingJobDefinition``."""
        definition: Mapping[str, Any] = self.request["TrainingJobDefinition"]
        return definition

    @property
    def objective(self) -> Mapping[str, str]:
        """``HyperParameterTuningJobObjective``."""
        objective: Mapping[str, str] = self.config["HyperParameterTuningJobObjective"]
        return objective

    @property
    def sign(self) -> float:
        """What its objective is multiplied with so that less is better."""
        return sign_of(self.objective)

    def touch(self) -> None:
        """A stop is to be looked at, too."""
        super().touch()
        self.wake.set()

    def note_convergence(self) -> None:
        """Note the first moment at which it had converged."""
        with self._lock:
            idle = barren(final_losses(self.trials, self.sign))
            if self.converged is None and idle >= CONVERGED_AFTER:
                self.converged = self.clock.now()

    def training_jobs(self) -> list[dict[str, Any]]:
        """``HyperParameterTrainingJobSummary`` of each."""
        with self._lock:
            return [self._line(trial) for trial in self.trials]

    def describe(self) -> dict[str, Any]:
        """The answer of ``DescribeHyperParameterTuningJob``."""
        with self._lock:
            description = {
                **self._head(),
                "HyperParameterTuningJobConfig": self.config,
                "TrainingJobDefinition": self.definition,
                "TuningJobCompletionDetails": self._completion(),
                "ConsumedResources": {
                    "RuntimeInSeconds": math.ceil((self.ended or self.clock.now()) - self.created)
                },
            }
            if self.failure is not None:
                description["FailureReason"] = self.failure
            if (first := best(self.trials, self.sign)) is not None:
                description["BestTrainingJob"] = self._line(first)
            if start := self.request.get("WarmStartConfig"):
                description["WarmStartConfig"] = start
                if start["WarmStartType"] == IDENTICAL and (overall := self._overall()):
                    description["OverallBestTrainingJob"] = overall
            return description

    def summary(self) -> dict[str, Any]:
        """``HyperParameterTuningJobSummary``."""
        with self._lock:
            return {
                **self._head(),
                "Strategy": self.config["Strategy"],
                "ResourceLimits": self.config["ResourceLimits"],
            }

    def _head(self) -> dict[str, Any]:
        """What both tell; a failure is in descriptions only."""
        head = super().summary()
        head.pop("FailureReason", None)
        jobs, objectives = counters(self.trials)
        return {**head, "TrainingJobStatusCounters": jobs, "ObjectiveStatusCounters": objectives}

    def _line(self, trial: Trial, tuning_job: str | None = None) -> dict[str, Any]:
        line = trial.summary(self.objective, tuning_job or self.name)
        if name := self.definition.get("DefinitionName"):
            line["TrainingJobDefinitionName"] = name
        return line

    def _completion(self) -> dict[str, Any]:
        details: dict[str, Any] = {
            "NumberOfTrainingJobsObjectiveNotImproving": barren(
                final_losses(self.trials, self.sign)
            )
        }
        if self.converged is not None:
            details["ConvergenceDetectedTime"] = self.converged
        return details

    def _overall(self) -> dict[str, Any] | None:
        """The best of its own training jobs and those of its parents."""
        all_of_them: list[tuple[Trial, str]] = [(trial, self.name) for trial in self.trials]
        for parent, trials in self.parents().items():
            all_of_them += [(trial, parent) for trial in trials]
        first = best((trial for trial, _ in all_of_them), self.sign)
        found = next(((t, name) for t, name in all_of_them if t is first), None)
        return None if found is None else self._line(*found)

    def parents(self) -> dict[str, list[Trial]]:
        """Trials of its parents, by their names, as they were when it was created."""
        return {parent: restored(known["trials"]) for parent, known in self.inherited.items()}


def restored(records: Iterable[Mapping[str, Any]]) -> list[Trial]:
    """Trials from their records."""
    return [Trial.restored(record) for record in records]
