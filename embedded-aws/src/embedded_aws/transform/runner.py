"""Drives one transform job: models up on every instance, objects through them, processes down."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.hosting import HostingSettings
from embedded_aws.hosting.process.artefact import ModelDataError
from embedded_aws.hosting.process.container import Surroundings
from embedded_aws.jobs.machinery import Machinery
from embedded_aws.jobs.places import DownloadError, Piece, pieces_of, shard
from embedded_aws.jobs.runner import CAPACITY_ERROR, FailedError, JobRunner, StoppedError
from embedded_aws.transform.common import Common
from embedded_aws.transform.instance import Instance
from embedded_aws.transform.invocations import HaltedError
from embedded_aws.transform.job import Job
from embedded_aws.transform.parameters import variables


class Runner(JobRunner):
    """Runs one transform job.

    Args:
        job: The job; its state is written by this thread, and read by the API.
        machinery: Shared parts.
        settings: How large to play.
        container: ``ContainerDefinition`` of its model, and its ``EnableNetworkIsolation``.
    """

    def __init__(
        self,
        job: Job,
        machinery: Machinery,
        settings: HostingSettings,
        container: Mapping[str, Any],
    ) -> None:
        super().__init__(job, machinery)
        self._job = job
        self._settings = settings
        self._container = container

    @property
    def role(self) -> str:
        """See `JobRunner.role`: it is the model's."""
        return str(self._container["ExecutionRoleArn"])

    def limits(self) -> Sequence[tuple[float | None, float | None, str]]:
        """See `JobRunner.limits`; a request names none."""
        return ()

    def carry_out(self) -> None:
        """See `JobRunner.carry_out`."""
        status = "Completed"
        try:
            self._launch()
            self._work(self._prepared())
            self.check_limits()
        except StoppedError:
            status = "Stopped"
        self._job.finish(status)

    def _launch(self) -> None:
        if self._machinery.world.faults.take("capacity", self._job.name):
            raise FailedError(CAPACITY_ERROR)
        self.launch_slowly()

    def _prepared(self) -> _Cluster:
        """Machines with the model on them, for as many as there are objects to share out."""
        job, machinery = self._job, self._machinery
        job.begin()
        shutil.rmtree(self._folder, ignore_errors=True)
        pieces = self._pieces()
        own = self._container.get("Environment") or {}
        credentials = machinery.world.environment_of(self.role, job.name)
        asked = job.request.get("Environment") or {}
        common = Common(
            job=job,
            machinery=machinery,
            settings=self._settings,
            container={
                **self._container,
                "Environment": {**own, **asked, **variables(job.request)},
            },
            surroundings=Surroundings(
                dict(os.environ),
                credentials,
                machinery.spawner,
            ),
            s3=self._s3,
            halted=threading.Event(),
        )
        count = min(job.request["TransformResources"]["InstanceCount"], len(pieces))
        instances = []
        for number in range(count):
            self.check_limits()
            share = shard(pieces, "ShardedByS3Key", number, count)
            try:
                instances.append(Instance(common, self._folder / f"algo-{number + 1}", share))
            except ModelDataError as error:
                raise FailedError(f"ClientError: {error}") from error
        return _Cluster(instances, common.halted)

    def _pieces(self) -> list[Piece]:
        source = self._job.request["TransformInput"]["DataSource"]["S3DataSource"]
        try:
            pieces = pieces_of(self._s3, source)
        except (ClientError, BotoCoreError) as error:
            raise DownloadError(str(error)) from error
        if not pieces:
            raise DownloadError(f"No S3 objects found under S3 URL {source['S3Uri']}")
        return pieces

    def _work(self, cluster: _Cluster) -> None:
        try:
            cluster.start()
            self.watch(cluster)
        finally:
            cluster.end()
            if not self._machinery.closing.is_set():
                self._machinery.flush_logs()
        if failure := cluster.failure():
            raise FailedError(failure)


class _Cluster:
    """The instances of one job at work, each in a thread of its own."""

    def __init__(self, instances: Sequence[Instance], halted: threading.Event) -> None:
        self._instances = instances
        self._halted = halted
        self._threads = ThreadPoolExecutor(len(instances), thread_name_prefix="transform")
        self._working: list[Future[str | None]] = []

    def start(self) -> None:
        """Let all begin."""
        self._working = [self._threads.submit(instance.work) for instance in self._instances]

    @property
    def over(self) -> bool:
        """Whether all have done their part, or one cannot."""
        done = [work for work in self._working if work.done()]
        return len(done) == len(self._working) or any(work.exception() for work in done)

    def end(self) -> None:
        """End all processes, at once, and wait for the threads."""
        self._halted.set()
        with ThreadPoolExecutor(len(self._instances)) as pool:
            list(pool.map(Instance.stop, self._instances))
        self._threads.shutdown(wait=True)

    def failure(self) -> str | None:
        """Why objects could not be transformed, or None.

        Raises:
            FailedError, DownloadError, UploadError: one of the instances could not go on.
        """
        # One that was halted because of another is not to blame.
        errors = [error for work in self._working if (error := work.exception())]
        told = [error for error in errors if not isinstance(error, HaltedError)]
        if told:
            raise told[0]
        return next((reason for work in self._working if (reason := work.result())), None)
