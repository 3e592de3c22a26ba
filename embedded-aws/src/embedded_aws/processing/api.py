"""The actions of processing jobs."""

from __future__ import annotations

from typing import Any

from embedded_aws.events import sagemaker as events
from embedded_aws.jobs.machinery import Machinery
from embedded_aws.jobs.room import JobRoom
from embedded_aws.jobs.state import DEFAULT_MAX_RUNTIME
from embedded_aws.processing.checks import check_request
from embedded_aws.processing.job import Job
from embedded_aws.processing.runner import Runner


class Processing(JobRoom[Job]):
    """Processing jobs of one embedded AWS; see `embedded_aws.jobs.room.JobRoom`."""

    job_class = Job
    record = "sagemaker.processing-job"
    resource = "processing-job"
    folder = "processing"
    words = "processing job"
    missing = "Could not find requested job with name: {name}"
    died = (
        "InternalServerError: the embedded AWS ended while this job ran, and its processes with "
        "it. Please retry."
    )

    def checked(self, request: dict[str, Any], _s3: Any) -> None:
        """See `JobRoom.checked`."""
        condition = request.setdefault("StoppingCondition", {})
        condition.setdefault("MaxRuntimeInSeconds", DEFAULT_MAX_RUNTIME)
        for one in request.get("ProcessingInputs") or []:
            if source := one.get("S3Input"):
                source.setdefault("S3InputMode", "File")
                source.setdefault("S3DataDistributionType", "FullyReplicated")
                source.setdefault("S3CompressionType", "None")
                source.setdefault("S3DataType", "S3Prefix")
        check_request(request)

    def runner(self, job: Job, machinery: Machinery) -> Runner:
        """See `JobRoom.runner`."""
        return Runner(job, machinery)

    def tell(self, job: Job) -> None:
        """See `JobRoom.tell`."""
        self._world.events.tell(events.processing_job(job.describe()))

    def things(self) -> dict[str, Any]:
        """Jobs and their statuses, for the admin path."""
        return {"processing_jobs": self.statuses()}
