"""What the instances of one transform job share."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from embedded_aws.hosting import HostingSettings
from embedded_aws.hosting.process.container import Surroundings
from embedded_aws.jobs.machinery import Machinery
from embedded_aws.transform.job import Job


@dataclass(frozen=True)
class Common:
    """What the instances of one job share.

    Args:
        job: The job.
        machinery: Shared parts of all jobs.
        settings: How large to play.
        container: ``ContainerDefinition`` of the model, with the job's environment.
        surroundings: What containers find around them.
        s3: Client.
        halted: Set when the job is to end.
    """

    job: Job
    machinery: Machinery
    settings: HostingSettings
    container: Mapping[str, Any]
    surroundings: Surroundings
    s3: Any
    halted: threading.Event
