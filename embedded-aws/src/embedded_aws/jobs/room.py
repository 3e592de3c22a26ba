"""The actions that jobs of every kind have: create, describe, list, stop and delete."""

from __future__ import annotations

import copy
import logging
import shutil
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Generic, TypeVar

from embedded_aws.jobs.listing import page
from embedded_aws.jobs.machinery import Machinery
from embedded_aws.jobs.runner import JobRunner
from embedded_aws.jobs.state import TERMINAL, JobState
from embedded_aws.logs import Logs
from embedded_aws.processes.spawner import Spawner
from embedded_aws.protocol.service import AwsFault
from embedded_aws.world import World

log = logging.getLogger(__name__)


J = TypeVar("J", bound=JobState)


class JobRoom(ABC, Generic[J]):
    """Jobs of one kind of one embedded AWS.

    Args:
        world: What its services share.
        keep_failed: Leave the folders of failed jobs in ``<state_dir>/<folder>/<job>``.
    """

    job_class: type[J]
    record: ClassVar[str]
    """Under which name jobs are kept."""
    resource: ClassVar[str]
    """What an ARN calls them: ``training-job``."""
    folder: ClassVar[str]
    words: ClassVar[str]
    """What a sentence calls one: ``training job``."""
    missing: ClassVar[str]
    """What is said of one that is not there; ``{name}`` is its name."""
    missing_code: ClassVar[str] = "ValidationException"
    died: ClassVar[str] = ""
    """Why one failed that ran when an earlier process ended."""

    def __init__(self, world: World, *, keep_failed: bool = False) -> None:
        self._world = world
        self._lock = threading.Lock()
        self._jobs: dict[str, J] = {}
        self._runners: list[JobRunner] = []
        self._machinery = Machinery(
            world=world,
            spawner=Spawner(),
            logs=Logs(world.clock, lambda: world.client("logs")),
            folder=world.state_dir / self.folder,
            keep_failed=keep_failed,
        )
        for record in world.records.all(self.record):
            job = self.job_class.restored(record, world.clock)
            self._jobs[job.name] = job
            if job.status not in TERMINAL:
                job.changed = self._keep_later
                self.left_behind(job)
        if not keep_failed:  # folders whose jobs died with an earlier process
            shutil.rmtree(self._machinery.folder, ignore_errors=True)

    @abstractmethod
    def checked(self, request: dict[str, Any], s3: Any) -> None:
        """Fill in the defaults of a creation's members and refuse what cannot be run.

        Args:
            request: The members.
            s3: S3 client that may what the job's role may.

        Raises:
            AwsFault: ``ValidationException``.
        """

    def left_behind(self, job: J) -> None:
        """What becomes of a job that ran when an earlier process ended: it has died with it."""
        if job.status == "Stopping":
            job.be_stopped()
        else:
            job.fail(self.died)

    def role_of(self, request: dict[str, Any]) -> str:
        """ARN of the role that a job will act as."""
        return str(request["RoleArn"])

    @abstractmethod
    def runner(self, job: J, machinery: Machinery) -> JobRunner:
        """What carries a job out."""

    def tell(self, job: J) -> None:
        """Tell others of a new status."""

    @property
    def kind(self) -> str:
        """What members begin with: ``TrainingJob``."""
        return self.job_class.kind

    def actions(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """Handlers by API action."""
        return {
            f"Create{self.kind}": self._create,
            f"Describe{self.kind}": lambda params: self._job(params).describe(),
            f"List{self.kind}s": self._list,
            f"Stop{self.kind}": self._stop,
            f"Delete{self.kind}": self._delete,
        }

    def statuses(self) -> dict[str, str]:
        """Status by name, for the admin path."""
        with self._lock:
            return {job.name: job.status for job in self._jobs.values()}

    def close(self) -> None:
        """End every job at once; nothing more is uploaded."""
        self._machinery.closing.set()
        with self._lock:
            runners = list(self._runners)
        for runner in runners:
            runner.join(10.0)
        self._machinery.spawner.close()

    def get(self, name: str) -> J | None:
        """A job by its name."""
        with self._lock:
            return self._jobs.get(name)

    def begin(self, params: Mapping[str, Any], **state: Any) -> J:
        """Make a job and start it.

        Args:
            params: Members of its creation.
            state: What else it is made with.

        Raises:
            AwsFault: ``ResourceInUse``, or what `checked` raises.
        """
        request = copy.deepcopy(dict(params))
        request.pop("Tags", None)
        with self._lock:
            self._refuse_duplicate(request)
        name = request[f"{self.kind}Name"]
        self.checked(request, self._s3_of(request, name))
        job = self.job_class(request, self.arn(name), self._world.clock, **state)
        runner = self.runner(job, self._machinery)
        with self._lock:
            self._refuse_duplicate(request)
            self._world.records.put(self.record, job.name, job.record())
            job.changed = self._keep_later
            self._jobs[job.name] = job
            self._runners = [r for r in self._runners if r.alive] + [runner]
        self.tell(job)
        runner.start()
        return job

    def _create(self, params: dict[str, Any]) -> dict[str, Any]:
        return {f"{self.kind}Arn": self.begin(params).arn}

    def _s3_of(self, request: dict[str, Any], name: str) -> Any:
        """S3 as the job's role may use it."""
        if self._world.assume is not None:
            return self._world.client_of("s3", self.role_of(request), name)
        return self._world.client("s3")

    def _list(self, params: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            jobs = list(self._jobs.values())
        return page([job.summary() for job in jobs], params, self.kind)

    def _stop(self, params: dict[str, Any]) -> dict[str, Any]:
        job = self._job(params)
        if not job.ask_to_stop():
            raise self._in_status(job)
        return {}

    def _delete(self, params: dict[str, Any]) -> dict[str, Any]:
        job = self._job(params)
        if job.status not in TERMINAL:
            raise self._in_status(job)
        with self._lock:
            running = [runner for runner in self._runners if runner.name == job.name]
        for runner in running:  # its folder goes a moment after its status has come
            runner.join(10.0)
        with self._lock:
            self._world.records.drop(self.record, job.name)
            self._jobs.pop(job.name, None)
        return {}

    def _keep_later(self, job: J) -> None:
        """Keep a job that goes on whatever the disk says; its end with us is told at the next."""
        if self._machinery.closing.is_set():
            return
        self.keep_if_possible(self.record, job.name, job.record())
        self.tell(job)

    def keep_if_possible(self, kind: str, name: str, record: Any) -> None:
        """Keep a record, or log that the disk did not take it."""
        try:
            self._world.records.put(kind, name, record)
        except AwsFault as fault:
            log.exception("%s %s: %s", self.words, name, fault.message)

    def _job(self, params: dict[str, Any]) -> J:
        name = params[f"{self.kind}Name"]
        job = self.get(name)
        if job is None:
            raise AwsFault(self.missing_code, self.missing.format(name=name))
        return job

    def _refuse_duplicate(self, request: dict[str, Any]) -> None:
        name = request[f"{self.kind}Name"]
        if name in self._jobs:
            raise AwsFault(
                "ResourceInUse",
                f"{self.words.capitalize()} names must be unique within an AWS account and region, "
                f"and a {self.words} with this name already exists ({self.arn(name)})",
            )

    def _in_status(self, job: J) -> AwsFault:
        return AwsFault(
            "ValidationException",
            f"The request was rejected because the {self.words} is in status {job.status}.",
        )

    def arn(self, name: str) -> str:
        """ARN of a job with a name."""
        world = self._world
        return f"arn:aws:sagemaker:{world.region}:{world.account_id}:{self.resource}/{name.lower()}"
