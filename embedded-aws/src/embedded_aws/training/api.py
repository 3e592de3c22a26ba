"""The training actions of the SageMaker API."""

from __future__ import annotations

import copy
import logging
import re
import shutil
import threading
from collections.abc import Callable
from typing import Any

from embedded_aws.events import sagemaker as events
from embedded_aws.jobs.listing import page
from embedded_aws.jobs.machinery import Machinery
from embedded_aws.jobs.state import DEFAULT_MAX_RUNTIME, TERMINAL
from embedded_aws.logs import Logs
from embedded_aws.processes.spawner import Spawner
from embedded_aws.protocol.service import AwsFault
from embedded_aws.training.checks import check_input_exists, check_request
from embedded_aws.training.job import Job
from embedded_aws.training.runner import Runner
from embedded_aws.world import World

log = logging.getLogger(__name__)

KIND = "sagemaker.training-job"
_DIED = (
    "InternalServerError: the embedded AWS ended while this job ran, and its processes with it. "
    "Please retry the training job; it goes on from its last checkpoint where it saves any."
)


class Training:
    """Training jobs of one embedded AWS.

    Args:
        world: What its services share.
        keep_failed: Leave the folders of failed jobs in ``<state_dir>/training/<job>``.
    """

    def __init__(self, world: World, *, keep_failed: bool = False) -> None:
        self._world = world
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._runners: list[Runner] = []
        self._s3: Any = None
        self._machinery = Machinery(
            world=world,
            spawner=Spawner(),
            logs=Logs(world.clock, self._log_client),
            folder=world.state_dir / "training",
            keep_failed=keep_failed,
        )
        self._logs_client: Any = None
        for record in world.records.all(KIND):
            job = Job.restored(record, world.clock)
            self._jobs[job.name] = job
            if job.status not in TERMINAL:
                status = "Stopped" if job.status == "Stopping" else "Failed"
                job.changed = self._keep_later
                job.finish(status, status, _DIED if status == "Failed" else None)
        if not keep_failed:  # folders whose jobs died with an earlier process
            shutil.rmtree(self._machinery.folder, ignore_errors=True)

    def actions(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """Handlers by API action."""
        return {
            "CreateTrainingJob": self._create,
            "DescribeTrainingJob": lambda params: self._job(params).describe(),
            "ListTrainingJobs": self._list,
            "StopTrainingJob": self._stop,
            "DeleteTrainingJob": self._delete,
        }

    def things(self) -> dict[str, Any]:
        """Jobs and their statuses, for the admin path."""
        with self._lock:
            jobs = list(self._jobs.values())
        return {"training_jobs": {job.name: f"{job.status}/{job.secondary}" for job in jobs}}

    def close(self) -> None:
        """End every job at once; nothing more is uploaded."""
        self._machinery.closing.set()
        with self._lock:
            runners = list(self._runners)
        for runner in runners:
            runner.join(10.0)
        self._machinery.spawner.close()

    def _create(self, params: dict[str, Any]) -> dict[str, Any]:
        request = _with_defaults(params)
        check_request(request)
        _check_metrics(request)
        with self._lock:
            self._refuse_duplicate(request)
        if self._s3 is None:
            self._s3 = self._world.client("s3")
        check_input_exists(self._s3, request, self._world.region)
        job = Job(request, self._arn(request["TrainingJobName"]), self._world.clock)
        runner = Runner(job, self._machinery)
        with self._lock:
            self._refuse_duplicate(request)
            self._world.records.put(KIND, job.name, job.record())
            job.changed = self._keep_later
            self._jobs[job.name] = job
            self._runners = [r for r in self._runners if r.alive] + [runner]
        self._world.events.tell(events.training_job(job.describe()))
        runner.start()
        return {"TrainingJobArn": job.arn}

    def _list(self, params: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            jobs = list(self._jobs.values())
        return page([job.summary() for job in jobs], params)

    def _stop(self, params: dict[str, Any]) -> dict[str, Any]:
        job = self._job(params)
        if not job.ask_to_stop():
            raise AwsFault(
                "ValidationException",
                f"The request was rejected because the training job is in status {job.status}.",
            )
        return {}

    def _delete(self, params: dict[str, Any]) -> dict[str, Any]:
        job = self._job(params)
        if job.status not in TERMINAL:
            raise AwsFault(
                "ValidationException",
                f"The request was rejected because the training job is in status {job.status}.",
            )
        with self._lock:
            self._world.records.drop(KIND, job.name)
            self._jobs.pop(job.name, None)
        return {}

    def _keep_later(self, job: Job) -> None:
        """Keep a job that goes on whatever the disk says; its end with us is told at the next."""
        if self._machinery.closing.is_set():
            return
        try:
            self._world.records.put(KIND, job.name, job.record())
        except AwsFault as fault:
            log.exception("training job %s: %s", job.name, fault.message)
        # The last secondary status comes a moment before the status that goes with it.
        if not job.ending:
            self._world.events.tell(events.training_job(job.describe()))

    def _job(self, params: dict[str, Any]) -> Job:
        with self._lock:
            job = self._jobs.get(params["TrainingJobName"])
        if job is None:
            raise AwsFault("ValidationException", "Requested resource not found.")
        return job

    def _refuse_duplicate(self, request: dict[str, Any]) -> None:
        name = request["TrainingJobName"]
        if name in self._jobs:
            raise AwsFault(
                "ResourceInUse",
                "Training job names must be unique within an AWS account and region, and a "
                f"training job with this name already exists ({self._arn(name)})",
            )

    def _arn(self, name: str) -> str:
        world = self._world
        return f"arn:aws:sagemaker:{world.region}:{world.account_id}:training-job/{name.lower()}"

    def _log_client(self) -> Any:
        if self._logs_client is None:
            self._logs_client = self._world.client("logs")
        return self._logs_client


def _with_defaults(params: dict[str, Any]) -> dict[str, Any]:
    request = copy.deepcopy(params)
    request.pop("Tags", None)
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
    return request


def _check_metrics(request: dict[str, Any]) -> None:
    for definition in request["AlgorithmSpecification"].get("MetricDefinitions") or []:
        try:
            re.compile(definition["Regex"])
        except re.error as error:
            raise AwsFault(
                "ValidationException",
                f"Invalid MetricDefinitions regex for {definition['Name']}: {error}",
            ) from error
