"""The training actions of the SageMaker API."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from embedded_aws.events import sagemaker as events
from embedded_aws.jobs.machinery import Machinery
from embedded_aws.jobs.room import JobRoom
from embedded_aws.jobs.state import DEFAULT_MAX_RUNTIME
from embedded_aws.protocol.service import AwsFault
from embedded_aws.training.checks import check_input_exists, check_request
from embedded_aws.training.job import Job
from embedded_aws.training.runner import Runner
from embedded_aws.world import World


class Training(JobRoom[Job]):
    """Training jobs of one embedded AWS; see `embedded_aws.jobs.room.JobRoom`."""

    job_class = Job
    record = "sagemaker.training-job"
    resource = "training-job"
    folder = "training"
    words = "training job"
    missing = "Requested resource not found."
    died = (
        "InternalServerError: the embedded AWS ended while this job ran, and its processes with "
        "it. Please retry the training job; it goes on from its last checkpoint where it saves any."
    )

    def __init__(self, world: World, *, keep_failed: bool = False) -> None:
        self.heard: Callable[[Job], None] = lambda _job: None
        """Called with each change of a job that a tuning job launched."""
        super().__init__(world, keep_failed=keep_failed)

    def checked(self, request: dict[str, Any], s3: Any) -> None:
        """See `JobRoom.checked`."""
        _fill_in(request)
        check_request(request)
        _check_metrics(request)
        check_input_exists(s3, request, self._world.region)

    def runner(self, job: Job, machinery: Machinery) -> Runner:
        """See `JobRoom.runner`."""
        return Runner(job, machinery)

    def tell(self, job: Job) -> None:
        """See `JobRoom.tell`."""
        # The last secondary status comes a moment before the status that goes with it.
        if not job.ending:
            self._world.events.tell(events.training_job(job.describe()))
            if job.tuning_arn is not None:
                self.heard(job)

    def things(self) -> dict[str, Any]:
        """Jobs and their statuses, for the admin path."""
        with self._lock:
            jobs = list(self._jobs.values())
        return {"training_jobs": {job.name: f"{job.status}/{job.secondary}" for job in jobs}}


def _fill_in(request: dict[str, Any]) -> None:
    condition = request.setdefault("StoppingCondition", {})
    condition.setdefault("MaxRuntimeInSeconds", DEFAULT_MAX_RUNTIME)
    output = request["OutputDataConfig"]
    output.setdefault("CompressionType", "GZIP")
    output.setdefault("KmsKeyId", "")
    for name in (
        "EnableNetworkIsolation",
        "EnableInterContainerTrafficEncryption",
        "EnableManagedSpotTraining",
    ):
        request.setdefault(name, False)
    for channel in request.get("InputDataConfig") or []:
        channel.setdefault("CompressionType", "None")
        channel.setdefault("RecordWrapperType", "None")
        source = channel["DataSource"].get("S3DataSource")
        if source:
            source.setdefault("S3DataDistributionType", "FullyReplicated")


def _check_metrics(request: dict[str, Any]) -> None:
    for definition in request["AlgorithmSpecification"].get("MetricDefinitions") or []:
        try:
            re.compile(definition["Regex"])
        except re.error as error:
            raise AwsFault(
                "ValidationException",
                f"Invalid MetricDefinitions regex for {definition['Name']}: {error}",
            ) from error
