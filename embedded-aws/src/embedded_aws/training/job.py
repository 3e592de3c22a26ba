"""One training job: what was asked, how it stands, and how ``DescribeTrainingJob`` tells it."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from embedded_aws.jobs.process_group import LONGEST_REASON
from embedded_aws.jobs.state import TERMINAL, JobState

LAST = TERMINAL | {"MaxRuntimeExceeded", "MaxWaitTimeExceeded"}
"""Secondary statuses that come with a terminal one."""
# Request members that Describe gives back as they came.
_ECHOED = (
    "HyperParameters",
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "VpcConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "CheckpointConfig",
    "DebugHookConfig",
    "DebugRuleConfigurations",
    "ExperimentConfig",
    "TensorBoardOutputConfig",
    "ProfilerConfig",
    "ProfilerRuleConfigurations",
    "Environment",
    "RetryStrategy",
    "RemoteDebugConfig",
    "InfraCheckConfig",
)
_MESSAGES = {
    "Starting": "Starting the training job",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "Interrupted": "The training job was interrupted: its Spot instance was reclaimed",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "MaxWaitTimeExceeded": "Training job wait time exceeded MaxWaitTimeInSeconds provided",
}


@dataclass
class Job(JobState):
    """State of one training job; see `embedded_aws.jobs.state.JobState`.

    Args:
        secondary: Its secondary status.
        model_artifacts: ``S3ModelArtifacts``, once they are stored.
        metrics: The last value of each algorithm metric, and its time.
        transitions: ``SecondaryStatusTransitions``.
        tuning_arn: ARN of the tuning job that launched it.
        measured: Called with each value of a metric, by the thread that reads the program's output.
    """

    secondary: str = "Starting"
    model_artifacts: str | None = None
    metrics: dict[str, tuple[float, float]] = field(default_factory=dict)
    transitions: list[dict[str, Any]] = field(default_factory=list)
    tuning_arn: str | None = None
    measured: Callable[[str, float], None] = field(default=lambda _name, _value: None, repr=False)

    kind = "TrainingJob"
    RECORDED = (
        *JobState.RECORDED, "secondary", "model_artifacts", "metrics", "transitions", "tuning_arn",
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        self.metrics = {name: (value, at) for name, (value, at) in self.metrics.items()}
        if not self.transitions:
            self.transition("Starting")

    @property
    def ending(self) -> bool:
        """Whether its last secondary status is there, and its status not yet."""
        return self.secondary in LAST and self.status not in TERMINAL

    @property
    def spot(self) -> bool:
        """Whether managed spot training was asked for."""
        return bool(self.request.get("EnableManagedSpotTraining"))

    @property
    def max_wait(self) -> float | None:
        """``MaxWaitTimeInSeconds`` of a spot job, virtual seconds."""
        wait = self.request["StoppingCondition"].get("MaxWaitTimeInSeconds")
        return None if wait is None else float(wait)

    def transition(self, secondary: str, message: str | None = None) -> None:
        """Go on to a secondary status; a stop that was asked for shows first."""
        with self._lock:
            now = self.clock.now()
            if self.transitions:
                self.transitions[-1]["EndTime"] = now
            self.secondary = secondary
            self.modified = now
            self.transitions.append(
                {
                    "Status": secondary,
                    "StartTime": now,
                    "StatusMessage": message or _MESSAGES[secondary],
                }
            )
        self.changed(self)

    def touch(self) -> None:
        """A stop is told as a secondary status, too."""
        self.transition("Stopping")

    def fail(self, reason: str) -> None:
        """End as Failed."""
        self.finish("Failed", "Failed", reason)

    def be_stopped(self) -> None:
        """End as Stopped."""
        self.finish("Stopped", "Stopped")

    def metric(self, name: str, value: float) -> float:
        """Note a value of an algorithm metric; the last one is final. Returns its time."""
        with self._lock:
            now = self.clock.now()
            self.metrics[name] = (value, now)
        self.measured(name, value)
        return now

    def finish(self, status: str, secondary: str, failure: str | None = None) -> None:
        """End in a terminal status."""
        with self._lock:
            self.transition(secondary, failure if status == "Failed" else None)
            self.status = status
            self.ended = self.modified
            self.transitions[-1]["EndTime"] = self.ended
            self.failure = failure[:LONGEST_REASON] if failure else None
        self.changed(self)
        self.over.set()

    def describe(self) -> dict[str, Any]:
        """The answer of ``DescribeTrainingJob``."""
        with self._lock:
            description: dict[str, Any] = {
                "TrainingJobName": self.name,
                "TrainingJobArn": self.arn,
                "TrainingJobStatus": self.status,
                "SecondaryStatus": self.secondary,
                "CreationTime": self.created,
                "LastModifiedTime": self.modified,
                "SecondaryStatusTransitions": copy.deepcopy(self.transitions),
                "FinalMetricDataList": [
                    {"MetricName": name, "Value": value, "Timestamp": at}
                    for name, (value, at) in self.metrics.items()
                ],
                "ProfilingStatus": "Disabled",
                **{name: self.request[name] for name in _ECHOED if name in self.request},
            }
            if self.tuning_arn is not None:
                description["TuningJobArn"] = self.tuning_arn
            if self.model_artifacts is not None:
                description["ModelArtifacts"] = {"S3ModelArtifacts": self.model_artifacts}
            if self.failure is not None:
                description["FailureReason"] = self.failure
            if self.started is not None:
                description["TrainingStartTime"] = self.started
            if self.ended is not None:
                description["TrainingEndTime"] = self.ended
                if self.started is not None:
                    seconds = math.ceil(self.ended - self.started)
                    description["TrainingTimeInSeconds"] = seconds
                    description["BillableTimeInSeconds"] = seconds
            return description

    def summary(self) -> dict[str, Any]:
        """The job's line in ``ListTrainingJobs``."""
        with self._lock:
            line = {
                "TrainingJobName": self.name,
                "TrainingJobArn": self.arn,
                "CreationTime": self.created,
                "LastModifiedTime": self.modified,
                "TrainingJobStatus": self.status,
                "SecondaryStatus": self.secondary,
            }
            if self.ended is not None:
                line["TrainingEndTime"] = self.ended
            return line
