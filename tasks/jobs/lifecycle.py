"""One SageMaker job of any kind: submit or adopt, watch, stop. Thin."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tasks.aws import asking
from tasks.clock import Clock
from tasks.errors import AwsRejected
from tasks.jobs.kinds import MAX_ATTEMPTS, JobKind, attempt_name, is_dead, reason
from tasks.values import Frozen

_GONE = ("Requested resource not found", "does not exist", "not found", "Could not find")
_TAKEN = frozenset({"ResourceInUse", "ResourceInUseException"})


class Submitted(Frozen):
    """A job that exists: ours, or one that an earlier run left for us."""

    name: str
    adopted: bool


def describe(sagemaker: Any, kind: JobKind, name: str) -> dict[str, Any] | None:
    """The job's description, or None when there is no such job."""
    call = getattr(sagemaker, f"describe_{kind.method}")
    try:
        with asking(f"Describe{kind.member} {name}"):
            description: dict[str, Any] = call(**{kind.name: name})
            return description
    except AwsRejected as error:
        if error.code == "ValidationException" and any(word in str(error) for word in _GONE):
            return None
        raise


def submit_or_adopt(
    sagemaker: Any,
    kind: JobKind,
    job_name: str,
    request: Callable[[str], dict[str, Any]],
    lost: Callable[[str], bool] = lambda _name: False,
) -> Submitted:
    """Find the job under its name, or create it.

    A failed or stopped job is not repeated under its name (SageMaker refuses that): its successor
    bears the next attempt's suffix. When the answer to the creation is lost, the job is there at
    the next look, and is adopted.

    Args:
        sagemaker: A SageMaker client.
        kind: What kind of job it is.
        job_name: Name of its first attempt.
        request: Makes the request of the attempt of a name.
        lost: Whether what a completed attempt left is gone; it is dead, then.

    Raises:
        SluiceError: of the kind's ``failed``: every attempt is dead.
        AwsError: SageMaker refused, or did not answer.
    """
    create = getattr(sagemaker, f"create_{kind.method}")
    for attempt in range(1, MAX_ATTEMPTS + 1):
        name = attempt_name(job_name, attempt)
        description = describe(sagemaker, kind, name)
        if description is not None:
            status = kind.status(description)[0]
            if is_dead(status) or (status == "Completed" and lost(name)):
                continue
            return Submitted(name=name, adopted=True)
        try:
            with asking(f"Create{kind.member} {name}"):
                create(**request(name))
        except AwsRejected as error:
            if error.code in _TAKEN:
                return Submitted(name=name, adopted=True)
            raise
        return Submitted(name=name, adopted=False)
    raise kind.failed(
        f"{MAX_ATTEMPTS} attempts at the {kind.words} {job_name} are dead.",
        f"Read the log of {attempt_name(job_name, MAX_ATTEMPTS)} in {kind.log_group}; a change of "
        "code or data starts a new name.",
    )


def watch(
    sagemaker: Any,
    logs: Any,
    kind: JobKind,
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
        kind: What kind of job it is.
        name: The job.
        clock: The product's clock.
        poll_seconds: Time between looks; jittered by a fifth, because these calls are
            limited for the whole account.
        on_log: Called with each log line.
        on_status: Called with (status, secondary status) when either changed.

    Returns:
        The final description of a Completed job.

    Raises:
        SluiceError: of the kind's ``failed`` or ``stopped``: the job ended otherwise, with
            SageMaker's reason.
    """
    lines = _LogTail(logs, kind.log_group, name)
    before: tuple[str, str] | None = None
    while True:
        job = describe(sagemaker, kind, name)
        if job is None:
            raise kind.failed(
                f"The {kind.words} {name} is gone.", "Run again; a new job will be submitted."
            )
        status = kind.status(job)
        for line in lines.new():
            on_log(line)
        if status != before:
            on_status(*status)
            before = status
        if status[0] == "Completed":
            return job
        if status[0] == "Failed":
            raise kind.failed(
                f"The {kind.words} {name} failed: {reason(job)}.",
                f"Read its log in {kind.log_group}, stream {name}/…; then correct code or data.",
            )
        if status[0] == "Stopped":
            raise kind.stopped(
                f"The {kind.words} {name} was stopped{f' ({status[1]})' if status[1] else ''}.",
                kind.again,
            )
        clock.sleep(poll_seconds * random.uniform(0.9, 1.1))


def stop(sagemaker: Any, kind: JobKind, name: str) -> bool:
    """Ask a job to stop; False when it had ended already or never was."""
    job = describe(sagemaker, kind, name)
    status = "" if job is None else kind.status(job)[0]
    if status == "InProgress":
        with asking(f"Stop{kind.member} {name}"):
            getattr(sagemaker, f"stop_{kind.method}")(**{kind.name: name})
    return status in {"InProgress", "Stopping"}


def in_progress(sagemaker: Any, kind: JobKind) -> list[tuple[str, str]]:
    """ARN and name of every job that is under way. One page: limited to 2 calls/s."""
    ask = getattr(sagemaker, f"list_{kind.method}s")
    with asking(f"List{kind.member}s InProgress"):
        page = ask(StatusEquals="InProgress", MaxResults=100)
    summaries = page[f"{kind.member}Summaries"]
    return [(item[f"{kind.member}Arn"], item[kind.name]) for item in summaries]


def tags_of(sagemaker: Any, arn: str) -> Mapping[str, str]:
    """Tags of a job."""
    with asking(f"ListTags {arn}"):
        return {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=arn)["Tags"]}


class _LogTail:
    """What a job's log streams have said since the last look."""

    def __init__(self, logs: Any, log_group: str, job_name: str) -> None:
        self._logs = logs
        self._group = log_group
        self._prefix = f"{job_name}/"
        self._tokens: dict[str, str] = {}

    def new(self) -> Iterator[str]:
        """New lines. A log that cannot be read is never a reason to lose sight of the job."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            streams = self._logs.describe_log_streams(
                logGroupName=self._group, logStreamNamePrefix=self._prefix
            )["logStreams"]
            for stream in streams:
                yield from self._read(stream["logStreamName"])
        except (BotoCoreError, ClientError):
            return

    def _read(self, stream: str) -> Iterator[str]:
        while True:
            token = self._tokens.get(stream)
            page = self._logs.get_log_events(
                logGroupName=self._group,
                logStreamName=stream,
                startFromHead=True,
                **({"nextToken": token} if token else {}),
            )
            self._tokens[stream] = page["nextForwardToken"]
            yield from (event["message"] for event in page["events"])
            if not page["events"] or page["nextForwardToken"] == token:
                return
