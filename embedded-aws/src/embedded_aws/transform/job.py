"""One transform job: what was asked, how it stands, and how ``DescribeTransformJob`` tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from embedded_aws.jobs.plain import PlainJob

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
class Job(PlainJob):
    """State of one transform job; see `embedded_aws.jobs.state.JobState`."""

    kind = "TransformJob"

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
