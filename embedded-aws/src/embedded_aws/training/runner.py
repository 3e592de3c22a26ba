"""Drives one training job from its first machine to its last artefact, in a thread of its own."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.training import layout
from embedded_aws.training.command import brought_code, submit_directory
from embedded_aws.training.job import Job
from embedded_aws.training.machinery import Machinery
from embedded_aws.training.places import DownloadError, pieces_of, shard
from embedded_aws.training.process_group import ProcessGroup
from embedded_aws.training.transfer import (
    Checkpoints,
    UploadError,
    bring,
    store_artifacts,
    unpack_brought,
    unpack_code,
)

log = logging.getLogger(__name__)

STOP_SECONDS = 120.0
# However fast virtual time runs, a process needs some real time to write its last checkpoint.
LEAST_GRACE = 3.0
CHECKPOINT_SECONDS = 10.0
LEAST_CHECKPOINT_PERIOD = 0.5
FLUSH_SECONDS = 0.25
_TICK = 0.05

_NO_CAPACITY = "Insufficient capacity error from EC2 while launching instances, retrying!"
_CAPACITY_ERROR = (
    "CapacityError: Unable to provision requested ML compute capacity. "
    "Please retry using a different ML instance type."
)
_INTERNAL_ERROR = "InternalServerError: We encountered an internal error. Please try again."


class _StoppedError(Exception):
    """The customer, or a limit, ends the job; ``secondary`` is the status that says which."""

    def __init__(self, secondary: str) -> None:
        super().__init__(secondary)
        self.secondary = secondary


class _FailedError(Exception):
    """The job ends Failed; the message is its ``FailureReason``."""


class _InterruptedError(Exception):
    """A Spot machine was taken away."""


class _ClosedError(Exception):
    """The embedded AWS is closing; nothing more is written down."""


class Runner:
    """Runs one job.

    Args:
        job: The job; its state is written by this thread, and read by the API.
        machinery: Shared parts.
    """

    def __init__(self, job: Job, machinery: Machinery) -> None:
        self._job = job
        self._machinery = machinery
        self._clock = machinery.world.clock
        self._folder = machinery.folder / job.name
        self._hosts = layout.cluster(job.request, self._folder)
        self._checkpoints: list[Checkpoints] = []
        self._trained = False
        self._s3: Any = None
        self._thread = threading.Thread(target=self._run, name=f"job-{job.name}", daemon=True)

    def start(self) -> None:
        """Start the job's thread."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the job's thread has not ended (or not yet begun)."""
        return self._thread.ident is None or self._thread.is_alive()

    def join(self, timeout: float | None = None) -> None:
        """Wait for the job's thread."""
        if self._thread.ident is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        job = self._job
        try:
            self._s3 = self._machinery.world.client("s3")
            status, secondary = self._train()
            if self._trained:
                job.transition("Uploading")
                job.model_artifacts = store_artifacts(self._s3, job.request, self._hosts)
            job.finish(status, secondary)
        except _ClosedError:
            job.over.set()
        except _FailedError as error:
            job.finish("Failed", "Failed", str(error))
        except DownloadError as error:
            job.finish("Failed", "Failed", f"ClientError: Data download failed:{error}")
        except UploadError as error:
            job.finish("Failed", "Failed", f"ClientError: Artifact upload failed:{error}")
        except Exception:
            if not self._machinery.closing.is_set():
                log.exception("training job %s failed in the embedded AWS itself", job.name)
            job.finish("Failed", "Failed", _INTERNAL_ERROR)
        finally:
            keep = job.status == "Failed" and self._machinery.keep_failed
            if not keep or self._machinery.closing.is_set():
                shutil.rmtree(self._folder, ignore_errors=True)

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
            except _StoppedError as stopped:
                return "Stopped", stopped.secondary
            else:
                return "Completed", "Completed"

    def _launch(self) -> None:
        """Starting: the machines, or the lack of them."""
        job, faults = self._job, self._machinery.world.faults
        if faults.take("capacity", job.name):
            job.transition("Starting", _NO_CAPACITY)
            if not job.spot:
                raise _FailedError(_CAPACITY_ERROR)
            while True:  # until MaxWaitTimeInSeconds, or the customer, ends it
                self._pause(1.0)
        if slow := faults.take("slow_start", job.name):
            self._pause(slow.seconds)
        self._check_limits()

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
                self._check_limits()
                self._bring_channel(channel)
            if uri := submit_directory(job.request):
                for host in self._hosts:
                    unpack_code(self._s3, uri, host.code)
            if path := brought_code(job.request):
                for host in self._hosts:
                    unpack_brought(host.base / path, f"/opt/ml/{path}", host.code)
            if config := job.request.get("CheckpointConfig"):
                self._checkpoints = [
                    Checkpoints(layout.checkpoints(host, job.request), config["S3Uri"])
                    for host in self._hosts
                ]
                for checkpoints in self._checkpoints:
                    checkpoints.restore(self._s3)
        except (ClientError, BotoCoreError) as error:
            raise DownloadError(str(error)) from error
        self._check_limits()

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
        group = ProcessGroup(self._job, self._machinery)
        self._job.transition("Training")
        try:
            group.start(self._hosts)
            self._trained = True
            self._watch(group)
        except (_StoppedError, _InterruptedError):
            grace = max(LEAST_GRACE, self._clock.real_seconds(STOP_SECONDS))
            group.terminate(grace)
            group.end()
            self._save_checkpoints(over=True)
            raise
        finally:
            group.end()
        self._save_checkpoints(over=True)
        if reason := group.failure():
            raise _FailedError(reason)

    def _watch(self, group: ProcessGroup) -> None:
        """Until the group is done, or somebody ends it."""
        faults = self._machinery.world.faults
        last_flush = last_save = time.monotonic()
        period = max(LEAST_CHECKPOINT_PERIOD, self._clock.real_seconds(CHECKPOINT_SECONDS))
        while not group.over:
            self._check_limits()
            if self._job.spot and faults.take("interrupt", self._job.name):
                raise _InterruptedError
            now = time.monotonic()
            if now - last_flush > FLUSH_SECONDS:
                self._machinery.flush_logs()
                last_flush = now
            if now - last_save > period:
                self._save_checkpoints()
                last_save = now
            time.sleep(_TICK)

    def _save_checkpoints(self, *, over: bool = False) -> None:
        for checkpoints in self._checkpoints:
            checkpoints.save(self._s3, over=over)

    def _check_limits(self) -> None:
        """Raise when somebody, or the clock, ends the job."""
        if self._machinery.closing.is_set():
            raise _ClosedError
        job, now = self._job, self._clock.now()
        if job.stop_asked.is_set():
            raise _StoppedError("Stopped")
        for limit, since, secondary in (
            (job.max_runtime, job.started, "MaxRuntimeExceeded"),
            (job.max_wait, job.created, "MaxWaitTimeExceeded"),
        ):
            if limit is not None and since is not None and now - since > limit:
                job.ask_to_stop()
                raise _StoppedError(secondary)

    def _pause(self, seconds: float) -> None:
        """Let virtual time pass, awake to whatever ends the job."""
        until = self._clock.now() + seconds
        while (rest := until - self._clock.now()) > 0:
            self._check_limits()
            time.sleep(min(_TICK, self._clock.real_seconds(rest)))
        self._check_limits()
