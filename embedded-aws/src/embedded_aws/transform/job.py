"""One transform job: what was asked, how it stands, and how ``DescribeTransformJob`` tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from embedded_aws.jobs.process_group import LONGEST_REASON
from embedded_aws.jobs.state import JobState

# Request members that Describe gives back as they came.
_ECHOED = (
    "ModelName",
    "MaxConcurrentTransforms",
    "ModelClientConfig",
    "MaxPayloadInMB",
    "BatchStrategy",
    "Environment",
    "TransformInput",
    "TransformOutput",
    "TransformResources",
    "DataProcessing",
)


@dataclass
class Job(JobState):
    """State of one transform job; see `embedded_aws.jobs.state.JobState`."""

    kind = "TransformJob"

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
        """The answer of ``DescribeTransformJob``; unlike others, it tells no LastModifiedTime."""
        with self._lock:
            description = {
                **self.summary(),
                **{name: self.request[name] for name in _ECHOED if name in self.request},
            }
            del description["LastModifiedTime"]
            if self.started is not None:
                description["TransformStartTime"] = self.started
            return description

    def summary(self) -> dict[str, Any]:
        """The job's line in ``ListTransformJobs``."""
        with self._lock:
            line: dict[str, Any] = {
                "TransformJobName": self.name,
                "TransformJobArn": self.arn,
                "CreationTime": self.created,
                "LastModifiedTime": self.modified,
                "TransformJobStatus": self.status,
            }
            if self.ended is not None:
                line["TransformEndTime"] = self.ended
            if self.failure is not None:
                line["FailureReason"] = self.failure
            return line
