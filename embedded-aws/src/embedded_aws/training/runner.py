"""Drives one training job from its first machine to its last artefact, in a thread of its own."""

from __future__ import annotations

import math
import shutil
import socket
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.jobs.machinery import Machinery
from embedded_aws.jobs.objects import bring
from embedded_aws.jobs.places import DownloadError, pieces_of, shard
from embedded_aws.jobs.process_group import PEERS, Command, ProcessGroup
from embedded_aws.jobs.runner import CAPACITY_ERROR, FailedError, JobRunner, StoppedError
from embedded_aws.jobs.syncing import SyncedFolder
from embedded_aws.training import layout
from embedded_aws.training.artifacts import store_artifacts, unpack_brought, unpack_code
from embedded_aws.training.command import brought_code, command, program, submit_directory
from embedded_aws.training.job import Job
from embedded_aws.training.metrics import NAMESPACE, MetricFinder

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
_NO_CAPACITY = "Insufficient capacity error from EC2 while launching instances, retrying!"
_QUOTED = 'ExecuteUserScriptError: ExitCode {code} ErrorMessage "{lines}"'


class _InterruptedError(Exception):
    """A Spot machine was taken away."""


class Runner(JobRunner):
    """Runs one training job.

    Args:
        job: The job; its state is written by this thread, and read by the API.
        machinery: Shared parts.
    """

    def __init__(self, job: Job, machinery: Machinery) -> None:
        super().__init__(job, machinery)
        self._job = job
        self._hosts = layout.cluster(job.request, self._folder)
        self._metrics = MetricFinder(
            job.request["AlgorithmSpecification"].get("MetricDefinitions") or []
        )
        self._trained = False

    def carry_out(self) -> None:
        """See `JobRunner.carry_out`."""
        job = self._job
        status, secondary = self._train()
        if self._trained:
            job.transition("Uploading")
            job.model_artifacts = store_artifacts(self._s3, job.request, self._hosts)
        job.finish(status, secondary)

    def limits(self) -> Sequence[tuple[float | None, float | None, str]]:
        """See `JobRunner.limits`."""
        job = self._job
        return (
            (job.max_runtime, job.started, "MaxRuntimeExceeded"),
            (job.max_wait, job.created, "MaxWaitTimeExceeded"),
        )

    def _lose_spot_machine(self) -> None:
        if self._job.spot and self._machinery.world.faults.take("interrupt", self._job.name):
            raise _InterruptedError

    def _train(self) -> tuple[str, str]:
        """Everything up to the artefacts; returns status and secondary status to end in."""
        while True:
            try:
                self._launch()
                self._prepare()
                self._work()
            except _InterruptedError:
                self._trained = False
                self._job.transition("Interrupted")
                self._job.transition("Starting", "Waiting for Spot capacity")
            except StoppedError as stopped:
                return "Stopped", stopped.why
            else:
                return "Completed", "Completed"

    def _launch(self) -> None:
        """Starting: the machines, or the lack of them."""
        job, faults = self._job, self._machinery.world.faults
        if faults.take("capacity", job.name):
            job.transition("Starting", _NO_CAPACITY)
            if not job.spot:
                raise FailedError(CAPACITY_ERROR)
            while True:  # until MaxWaitTimeInSeconds, or the customer, ends it
                self.pause(1.0)
        self.launch_slowly()

    def _prepare(self) -> None:
        """Downloading: fresh folders, input data, code, and the checkpoints of an earlier run."""
        job = self._job
        job.begin()
        job.transition("Downloading")
        shutil.rmtree(self._folder, ignore_errors=True)
        for host in self._hosts:
            layout.prepare(host, job.request)
        try:
            for channel in job.request.get("InputDataConfig") or []:
                self.check_limits()
                self._bring_channel(channel)
            if uri := submit_directory(job.request):
                for host in self._hosts:
                    unpack_code(self._s3, uri, host.code)
            if path := brought_code(job.request):
                for host in self._hosts:
                    unpack_brought(host.base / path, f"/opt/ml/{path}", host.code)
            if config := job.request.get("CheckpointConfig"):
                self._synced = [
                    SyncedFolder(layout.checkpoints(host, job.request), config["S3Uri"])
                    for host in self._hosts
                ]
                for folder in self._synced:
                    folder.restore(self._s3)
        except (ClientError, BotoCoreError) as error:
            raise DownloadError(str(error)) from error
        self.check_limits()

    def _bring_channel(self, channel: dict[str, Any]) -> None:
        source = channel["DataSource"]["S3DataSource"]
        pieces = pieces_of(self._s3, source)
        distribution = source["S3DataDistributionType"]
        for host in self._hosts:
            share = shard(pieces, distribution, host.number, len(self._hosts))
            bring(self._s3, share, host.channel(channel["ChannelName"]))

    def _work(self) -> None:
        """Training: the program runs on every host."""
        self._job.transition("Training", "Downloading the training image")
        group = ProcessGroup(self._machinery, LOG_GROUP, self._measure)
        self._job.transition("Training")
        try:
            leader_port = _free_port()
            group.start([self._command(host, leader_port) for host in self._hosts])
            self._trained = True
            self.watch(group, self._lose_spot_machine)
        except (StoppedError, _InterruptedError):
            self.terminate(group)
            self.sync(over=True)
            raise
        finally:
            group.end()
        self.sync(over=True)
        # A program in script mode that wrote no reason is quoted as the training toolkit does it.
        quoted = _QUOTED if program(self._job.request) else ""
        if reason := group.failure(quoted):
            raise FailedError(reason)

    def _command(self, host: layout.Host, leader_port: int) -> Command:
        job, world = self._job, self._machinery.world
        isolated, alone = bool(job.request.get("EnableNetworkIsolation")), len(host.hosts) == 1
        return Command(
            words=command(job.request, host.base),
            environment=layout.environment(
                host, job.request, job.arn, world.environment_of(self.role, job.name), leader_port
            ),
            base=host.base,
            folder=host.code,
            stream=f"{job.name}/{host.name}-{int(world.clock.now())}",
            failure=host.failure,
            note=PEERS if isolated and not alone else "",
            network=not (isolated and alone),
        )

    def _measure(self, line: str) -> None:
        """The metrics in a line, to the job and to CloudWatch."""
        dimensions = {"TrainingJobName": self._job.name}
        for name, value in self._metrics.find(line):
            at = self._job.metric(name, value)
            if math.isfinite(value):
                self._machinery.world.metrics.record(
                    NAMESPACE, name, dimensions, [(value, 1.0)], "None", at
                )


def _free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
