"""What differs between the kinds of SageMaker's jobs, and how all of them are named. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tasks.errors import ActFailed, SluiceError, TrainingFailed, TrainingStopped

MAX_ATTEMPTS = 9
_DEAD = frozenset({"Failed", "Stopped"})


@dataclass(frozen=True)
class JobKind:
    """One kind of job.

    Args:
        words: What people call it.
        member: What its members begin with, like ``TrainingJob``.
        method: What the client's methods end with, like ``training_job``.
        log_group: Where its programs' lines are.
        failed: What its failure is raised as.
        stopped: What its being stopped is raised as.
        again: What to do about one that was stopped.
    """

    words: str
    member: str
    method: str
    log_group: str
    failed: type[SluiceError]
    stopped: type[SluiceError]
    again: str

    @property
    def name(self) -> str:
        """The member that holds its name."""
        return f"{self.member}Name"

    def status(self, described: Mapping[str, Any]) -> tuple[str, str]:
        """(status, secondary status) of a description; only trainings have the second."""
        return described[f"{self.member}Status"], described.get("SecondaryStatus", "")


TRAINING = JobKind(
    "training job",
    "TrainingJob",
    "training_job",
    "/aws/sagemaker/TrainingJobs",
    TrainingFailed,
    TrainingStopped,
    "Run again to train anew; raise max_runtime_seconds if it ran out of time.",
)
PROCESSING = JobKind(
    "processing job",
    "ProcessingJob",
    "processing_job",
    "/aws/sagemaker/ProcessingJobs",
    ActFailed,
    ActFailed,
    "Run again; if it ran out of time, take a larger SLUICE_ARTEFACT_INSTANCE_TYPE.",
)


def attempt_name(job_name: str, attempt: int) -> str:
    """SageMaker never gives a job name twice: a dead job's successor gets a suffix."""
    return job_name if attempt == 1 else f"{job_name}-{attempt}"


def is_dead(status: str) -> bool:
    """Whether a job of this status will never hand over what it was made for."""
    return status in _DEAD


def reason(described: Mapping[str, Any]) -> str:
    """Why a job failed, in SageMaker's words and those of its program."""
    told = [described[name] for name in ("FailureReason", "ExitMessage") if described.get(name)]
    return "; ".join(told) or "no reason given"
