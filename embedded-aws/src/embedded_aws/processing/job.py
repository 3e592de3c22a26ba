"""One processing job: what was asked, how it stands, and how ``DescribeProcessingJob`` tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from embedded_aws.jobs.process_group import LONGEST_REASON
from embedded_aws.jobs.state import JobState

# Request members that Describe gives back as they came.
_ECHOED = (
    "ProcessingInputs",
    "ProcessingOutputConfig",
    "ProcessingResources",
    "StoppingCondition",
    "AppSpecification",
    "Environment",
    "NetworkConfig",
    "RoleArn",
)


@dataclass
class Job(JobState):
    """State of one processing job; see `embedded_aws.jobs.state.JobState`.

    Args:
        message: ``ExitMessage``: what the program wrote into ``/opt/ml/output/message``.
    """

    message: str = ""

    kind = "ProcessingJob"
    RECORDED = (*JobState.RECORDED, "message")

    def finish(self, status: str, failure: str | None = None) -> None:
        """End in a terminal status."""
        with self._lock:
            self.status = status
            self.failure = failure[:LONGEST_REASON] if failure else None
            self.modified = self.ended = self.clock.now()
        self.changed(self)
        self.over.set()

    def fail(self, reason: str) -> None:
        """End as Failed."""
        self.finish("Failed", reason)

    def be_stopped(self) -> None:
        """End as Stopped."""
        self.finish("Stopped")

    def describe(self) -> dict[str, Any]:
        """The answer of ``DescribeProcessingJob``."""
        with self._lock:
            description = {
                **self.summary(),
                **{name: self.request[name] for name in _ECHOED if name in self.request},
            }
            if self.started is not None:
                description["ProcessingStartTime"] = self.started
            return description

    def summary(self) -> dict[str, Any]:
        """The job's line in ``ListProcessingJobs``."""
        with self._lock:
            line: dict[str, Any] = {
                "ProcessingJobName": self.name,
                "ProcessingJobArn": self.arn,
                "CreationTime": self.created,
                "LastModifiedTime": self.modified,
                "ProcessingJobStatus": self.status,
            }
            if self.ended is not None:
                line["ProcessingEndTime"] = self.ended
            if self.failure is not None:
                line["FailureReason"] = self.failure
            if self.message:
                line["ExitMessage"] = self.message
            return line
