"""One SageMaker training job: submit or adopt, watch, stop, collect. Thin."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tasks.aws import asking
from tasks.clock import Clock, utc
from tasks.errors import AwsRejected, TrainingFailed, TrainingStopped
from tasks.training.plan import MAX_ATTEMPTS, attempt_name, is_dead, is_of
from tasks.values import Frozen

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
_GONE = ("Requested resource not found", "does not exist", "not found")
_TAKEN = frozenset({"ResourceInUse", "ResourceInUseException"})


class Submitted(Frozen):
    """A job that exists: ours, or one that an earlier run left for us."""

    name: str
    adopted: bool


def describe(sagemaker: Any, name: str) -> dict[str, Any] | None:
    """The job's description, or None when there is no such job."""
    try:
        with asking(f"DescribeTrainingJob {name}"):
            description: dict[str, Any] = sagemaker.describe_training_job(TrainingJobName=name)
            return description
    except AwsRejected as error:
        if error.code == "ValidationException" and any(word in str(error) for word in _GONE):
            return None
        raise


def submit_or_adopt(
    sagemaker: Any, job_name: str, request: Callable[[str], dict[str, Any]]
) -> Submitted:
    """Find the job under its name, or create it.

    A failed or stopped job is not repeated under its name (SageMaker refuses that): its successor
    bears the next attempt's suffix. When the answer to the creation is lost, the job is there at
    the next look, and is adopted.

    Raises:
        TrainingFailed: every attempt is dead.
        AwsError: SageMaker refused, or did not answer.
    """
    for attempt in range(1, MAX_ATTEMPTS + 1):
        name = attempt_name(job_name, attempt)
        description = describe(sagemaker, name)
        if description is not None:
            if is_dead(description["TrainingJobStatus"]):
                continue
            return Submitted(name=name, adopted=True)
        try:
            with asking(f"CreateTrainingJob {name}"):
                sagemaker.create_training_job(**request(name))
        except AwsRejected as error:
            if error.code in _TAKEN:
                return Submitted(name=name, adopted=True)
            raise
        return Submitted(name=name, adopted=False)
    raise TrainingFailed(
        f"{MAX_ATTEMPTS} attempts at training {job_name} are dead.",
        f"Read the log of {attempt_name(job_name, MAX_ATTEMPTS)} in {LOG_GROUP}; a change of code "
        "or data starts a new name.",
    )


def begun_since(sagemaker: Any, model: str, moment: float) -> list[dict[str, Any]]:
    """Descriptions of a model's jobs that were created since a moment (unix time of AWS's clock).

    Raises:
        AwsError: SageMaker did not answer.
    """
    asked = {"NameContains": f"{model}-", "CreationTimeAfter": utc(moment)}
    with asking(f"ListTrainingJobs of {model}"):
        pages = sagemaker.get_paginator("list_training_jobs").paginate(**asked)
        names = [job["TrainingJobName"] for page in pages for job in page["TrainingJobSummaries"]]
    described = (describe(sagemaker, name) for name in names if is_of(model, name))
    return [job for job in described if job is not None]


def watch(
    sagemaker: Any,
    logs: Any,
    name: str,
    clock: Clock,
    poll_seconds: float,
    on_log: Callable[[str], None],
    on_status: Callable[[str, str], None] = lambda _status, _secondary: None,
) -> dict[str, Any]:
    """Follow a job to its end, handing on each new log line and each change of status.

    Args:
        sagemaker: A SageMaker client.
        logs: A CloudWatch Logs client.
        name: The job.
        clock: The product's clock.
        poll_seconds: Time between looks; jittered by a fifth, because DescribeTrainingJob is
            limited for the whole account.
        on_log: Called with each log line.
        on_status: Called with (status, secondary status) when either changed.

    Returns:
        The final description of a Completed job.

    Raises:
        TrainingFailed, TrainingStopped: the job ended otherwise, with SageMaker's reason.
    """
    lines = _LogTail(logs, name)
    before: tuple[str, str] | None = None
    while True:
        job = describe(sagemaker, name)
        if job is None:
            raise TrainingFailed(
                f"The training job {name} is gone.", "Run again; a new job will be submitted."
            )
        status = (job["TrainingJobStatus"], job.get("SecondaryStatus", ""))
        for line in lines.new():
            on_log(line)
        if status != before:
            on_status(*status)
            before = status
        if status[0] == "Completed":
            return job
        if status[0] == "Failed":
            raise TrainingFailed(
                f"The training job {name} failed: {job.get('FailureReason', 'no reason given')}.",
                f"Read its log in {LOG_GROUP}, stream {name}/…; then correct code or data.",
            )
        if status[0] == "Stopped":
            raise TrainingStopped(
                f"The training job {name} was stopped ({status[1]}).",
                "Run again to train anew; raise max_runtime_seconds if it ran out of time.",
            )
        clock.sleep(poll_seconds * random.uniform(0.9, 1.1))


def stop(sagemaker: Any, name: str) -> bool:
    """Ask a job to stop; False when it had ended already or never was."""
    job = describe(sagemaker, name)
    if job is None or job["TrainingJobStatus"] not in {"InProgress", "Stopping"}:
        return False
    if job["TrainingJobStatus"] == "InProgress":
        with asking(f"StopTrainingJob {name}"):
            sagemaker.stop_training_job(TrainingJobName=name)
    return True


def in_progress(sagemaker: Any) -> list[tuple[str, str]]:
    """ARN and name of every training job that is under way. One page: limited to 2 calls/s."""
    with asking("ListTrainingJobs InProgress"):
        page = sagemaker.list_training_jobs(StatusEquals="InProgress", MaxResults=100)
    return [
        (item["TrainingJobArn"], item["TrainingJobName"]) for item in page["TrainingJobSummaries"]
    ]


def tags_of(sagemaker: Any, arn: str) -> Mapping[str, str]:
    """Tags of a job."""
    with asking(f"ListTags {arn}"):
        return {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=arn)["Tags"]}


class _LogTail:
    """What a job's log streams have said since the last look."""

    def __init__(self, logs: Any, job_name: str) -> None:
        self._logs = logs
        self._prefix = f"{job_name}/"
        self._tokens: dict[str, str] = {}

    def new(self) -> Iterator[str]:
        """New lines. A log that cannot be read is never a reason to lose sight of the job."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            streams = self._logs.describe_log_streams(
                logGroupName=LOG_GROUP, logStreamNamePrefix=self._prefix
            )["logStreams"]
            for stream in streams:
                yield from self._read(stream["logStreamName"])
        except (BotoCoreError, ClientError):
            return

    def _read(self, stream: str) -> Iterator[str]:
        while True:
            token = self._tokens.get(stream)
            page = self._logs.get_log_events(
                logGroupName=LOG_GROUP,
                logStreamName=stream,
                startFromHead=True,
                **({"nextToken": token} if token else {}),
            )
            self._tokens[stream] = page["nextForwardToken"]
            yield from (event["message"] for event in page["events"])
            if not page["events"] or page["nextForwardToken"] == token:
                return
