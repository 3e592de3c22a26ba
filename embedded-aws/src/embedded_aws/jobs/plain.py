"""Jobs that know no secondary status: processing, transform and tuning jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from embedded_aws.jobs.process_group import LONGEST_REASON
from embedded_aws.jobs.state import JobState


@dataclass
class PlainJob(JobState):
    """State of one such job; see `JobState`."""

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

    def summary(self) -> dict[str, Any]:
        """The job's line in a list."""
        kind = self.kind
        with self._lock:
            line: dict[str, Any] = {
                f"{kind}Name": self.name,
                f"{kind}Arn": self.arn,
                "CreationTime": self.created,
                "LastModifiedTime": self.modified,
                f"{kind}Status": self.status,
            }
            if self.ended is not None:
                line[f"{kind.removesuffix('Job')}EndTime"] = self.ended
            if self.failure is not None:
                line["FailureReason"] = self.failure
            return line
