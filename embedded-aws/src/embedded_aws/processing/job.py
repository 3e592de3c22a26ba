"""One processing job: what was asked, how it stands, and how ``DescribeProcessingJob`` tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from embedded_aws.jobs.plain import PlainJob

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
class Job(PlainJob):
    """State of one processing job; see `embedded_aws.jobs.state.JobState`.

    Args:
        message: ``ExitMessage``: what the program wrote into ``/opt/ml/output/message``.
    """

    message: str = ""

    kind = "ProcessingJob"
    RECORDED = (*PlainJob.RECORDED, "message")

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
        return {**super().summary(), **({"ExitMessage": self.message} if self.message else {})}
