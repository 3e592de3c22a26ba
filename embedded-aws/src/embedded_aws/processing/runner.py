"""Drives one processing job: inputs down, the command on every host, outputs up."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.jobs.machinery import Machinery
from embedded_aws.jobs.objects import bring, store
from embedded_aws.jobs.places import DownloadError, pieces_of, shard
from embedded_aws.jobs.process_group import PEERS, Command, ProcessGroup
from embedded_aws.jobs.runner import CAPACITY_ERROR, FailedError, JobRunner, StoppedError
from embedded_aws.jobs.syncing import SyncedFolder
from embedded_aws.processing import layout
from embedded_aws.processing.job import Job

LOG_GROUP = "/aws/sagemaker/ProcessingJobs"
LONGEST_MESSAGE = 1024
"""Characters of an ``ExitMessage``."""
_CONTINUOUS = "Continuous"


class Runner(JobRunner):
    """Runs one processing job.

    Args:
        job: The job; its state is written by this thread, and read by the API.
        machinery: Shared parts.
    """

    def __init__(self, job: Job, machinery: Machinery) -> None:
        super().__init__(job, machinery)
        self._job = job
        self._hosts = layout.cluster(job.request, self._folder)

    def limits(self) -> Sequence[tuple[float | None, float | None, str]]:
        """See `JobRunner.limits`."""
        return ((self._job.max_runtime, self._job.started, "Stopped"),)

    def carry_out(self) -> None:
        """See `JobRunner.carry_out`."""
        job, status, failure = self._job, "Completed", None
        try:
            self._launch()
            self._prepare()
            failure = self._work()
        except StoppedError:
            status = "Stopped"
        if job.started is not None:
            # Whatever became of the program, what it left is brought to S3.
            self.sync(over=True)
            self._store()
        if failure:
            raise FailedError(failure)
        job.finish(status)

    def _launch(self) -> None:
        if self._machinery.world.faults.take("capacity", self._job.name):
            raise FailedError(CAPACITY_ERROR)
        self.launch_slowly()

    def _prepare(self) -> None:
        """Fresh folders, and inputs in them."""
        job = self._job
        job.begin()
        shutil.rmtree(self._folder, ignore_errors=True)
        for host in self._hosts:
            layout.prepare(host, job.request, job.arn)
        try:
            for one in job.request.get("ProcessingInputs") or []:
                self.check_limits()
                self._bring(one["S3Input"])
        except (ClientError, BotoCoreError) as error:
            raise DownloadError(str(error)) from error
        self._synced = [
            SyncedFolder(host.at(output["LocalPath"]), output["S3Uri"], self._key)
            for output in self._outputs()
            for host in self._hosts
            if output["S3UploadMode"] == _CONTINUOUS
        ]
        self.check_limits()

    def _bring(self, source: dict[str, Any]) -> None:
        pieces = pieces_of(self._s3, source)
        if not pieces:
            raise DownloadError(f"No S3 objects found under S3 URL {source['S3Uri']}")
        for host in self._hosts:
            share = shard(pieces, source["S3DataDistributionType"], host.number, len(self._hosts))
            bring(self._s3, share, host.at(source["LocalPath"]))

    def _work(self) -> str | None:
        """The command on every host; why it failed, or None."""
        group = ProcessGroup(self._machinery, LOG_GROUP)
        try:
            group.start([self._command(host) for host in self._hosts])
            self.watch(group)
        except StoppedError:
            self.terminate(group)
            raise
        finally:
            group.end()
            self._job.message = self._message()
        return group.failure()

    def _command(self, host: layout.Host) -> Command:
        job, world = self._job, self._machinery.world
        network = job.request.get("NetworkConfig") or {}
        isolated, alone = network.get("EnableNetworkIsolation", False), len(host.hosts) == 1
        return Command(
            words=layout.command(job.request, host.base),
            environment=layout.environment(
                host, job.request, job.arn, world.environment_of(self.role, job.name)
            ),
            base=host.base,
            folder=host.base,
            stream=f"{job.name}/{host.name}-{int(world.clock.now())}",
            failure=host.message,
            note=PEERS if isolated and not alone else "",
            network=not (isolated and alone),
        )

    def _message(self) -> str:
        """What the first host that has something to say wrote."""
        for host in self._hosts:
            with contextlib.suppress(OSError):
                return host.message.read_text("utf-8", "replace").strip()[:LONGEST_MESSAGE]
        return ""

    def _store(self) -> None:
        """Outputs that are told at the end, of all hosts."""
        for output in self._outputs():
            if output["S3UploadMode"] == _CONTINUOUS:
                continue
            for host in self._hosts:
                folder = host.at(output["LocalPath"])
                for path in sorted(p for p in folder.rglob("*") if p.is_file()):
                    name = path.relative_to(folder).as_posix()
                    store(self._s3, path, f"{output['S3Uri'].rstrip('/')}/{name}", self._key)

    def _outputs(self) -> Iterator[dict[str, Any]]:
        config = self._job.request.get("ProcessingOutputConfig") or {}
        return (one["S3Output"] for one in config.get("Outputs") or [])

    @property
    def _key(self) -> str:
        config = self._job.request.get("ProcessingOutputConfig") or {}
        return str(config.get("KmsKeyId") or "")
