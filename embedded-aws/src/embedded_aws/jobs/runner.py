"""Drives one job from its first machine to its last object, in a thread of its own."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from embedded_aws.jobs.machinery import Machinery
from embedded_aws.jobs.objects import UploadError
from embedded_aws.jobs.places import DownloadError
from embedded_aws.jobs.process_group import ProcessGroup
from embedded_aws.jobs.state import JobState
from embedded_aws.jobs.syncing import SyncedFolder

log = logging.getLogger(__name__)

STOP_SECONDS = 120.0
# However fast virtual time runs, a process needs some real time to write its last checkpoint.
LEAST_GRACE = 3.0
SYNC_SECONDS = 10.0
LEAST_SYNC_PERIOD = 0.5
FLUSH_SECONDS = 0.25
TICK = 0.05

CAPACITY_ERROR = (
    "CapacityError: Unable to provision requested ML compute capacity. "
    "Please retry using a different ML instance type."
)
_INTERNAL_ERROR = "InternalServerError: We encountered an internal error. Please try again."


class StoppedError(Exception):
    """The customer, or a limit, ends the job; ``why`` is the status that says which."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class FailedError(Exception):
    """The job ends Failed; the message is its ``FailureReason``."""


class ClosedError(Exception):
    """The embedded AWS is closing; nothing more is written down."""


class Busy(Protocol):
    """What a job waits for."""

    @property
    def over(self) -> bool:
        """Whether there is nothing more to wait for."""
        ...


class JobRunner(ABC):
    """Runs one job.

    Args:
        job: The job; its state is written by this thread, and read by the API.
        machinery: Shared parts.
    """

    def __init__(self, job: JobState, machinery: Machinery) -> None:
        self._machinery = machinery
        self._clock = machinery.world.clock
        self._state = job
        self._folder = machinery.folder / job.name
        self._synced: list[SyncedFolder] = []
        self._s3: Any = None
        self._thread = threading.Thread(target=self._run, name=f"job-{job.name}", daemon=True)

    def start(self) -> None:
        """Start the job's thread."""
        self._thread.start()

    @property
    def name(self) -> str:
        """Name of its job."""
        return self._state.name

    @property
    def alive(self) -> bool:
        """Whether the job's thread has not ended (or not yet begun)."""
        return self._thread.ident is None or self._thread.is_alive()

    def join(self, timeout: float | None = None) -> None:
        """Wait for the job's thread."""
        if self._thread.ident is not None:
            self._thread.join(timeout)

    @property
    def role(self) -> str:
        """ARN of the role that the job acts as."""
        return str(self._state.request["RoleArn"])

    @abstractmethod
    def carry_out(self) -> None:
        """All of the job, to a terminal status.

        Raises:
            FailedError, DownloadError, UploadError: it ends Failed, with the message as the reason.
        """

    @abstractmethod
    def limits(self) -> Sequence[tuple[float | None, float | None, str]]:
        """(virtual seconds, since when, the status that tells of it) of each limit."""

    def _run(self) -> None:
        job = self._state
        try:
            self._s3 = self._machinery.world.client_of("s3", self.role, job.name)
            self.carry_out()
        except ClosedError:
            job.over.set()
        except FailedError as error:
            job.fail(str(error))
        except DownloadError as error:
            job.fail(f"ClientError: Data download failed:{error}")
        except UploadError as error:
            job.fail(f"ClientError: Artifact upload failed:{error}")
        except Exception:
            if not self._machinery.closing.is_set():
                log.exception("job %s failed in the embedded AWS itself", job.name)
            job.fail(_INTERNAL_ERROR)
        finally:
            keep = job.status == "Failed" and self._machinery.keep_failed
            if not keep or self._machinery.closing.is_set():
                shutil.rmtree(self._folder, ignore_errors=True)

    def watch(self, group: Busy, awake: Callable[[], None] = lambda: None) -> None:
        """Until the group is done, or somebody ends it; ``awake`` is called all the while."""
        last_flush = last_save = time.monotonic()
        period = max(LEAST_SYNC_PERIOD, self._clock.real_seconds(SYNC_SECONDS))
        while not group.over:
            self.check_limits()
            awake()
            now = time.monotonic()
            if now - last_flush > FLUSH_SECONDS:
                self._machinery.flush_logs()
                last_flush = now
            if now - last_save > period:
                self.sync()
                last_save = now
            time.sleep(TICK)

    def sync(self, *, over: bool = False) -> None:
        """Bring to S3 what has settled in the folders that are kept in step with it."""
        for folder in self._synced:
            folder.save(self._s3, over=over)

    def terminate(self, group: ProcessGroup) -> None:
        """Ask the program to end, wait as long as the service does, and end it."""
        group.terminate(max(LEAST_GRACE, self._clock.real_seconds(STOP_SECONDS)))
        group.end()

    def launch_slowly(self) -> None:
        """Let the faults have their day before the machines are there."""
        if slow := self._machinery.world.faults.take("slow_start", self._state.name):
            self.pause(slow.seconds)
        self.check_limits()

    def check_limits(self) -> None:
        """Raise when somebody, or the clock, ends the job."""
        if self._machinery.closing.is_set():
            raise ClosedError
        job, now = self._state, self._clock.now()
        if job.stop_asked.is_set():
            raise StoppedError("Stopped")
        for limit, since, why in self.limits():
            if limit is not None and since is not None and now - since > limit:
                job.ask_to_stop()
                raise StoppedError(why)

    def pause(self, seconds: float) -> None:
        """Let virtual time pass, awake to whatever ends the job."""
        until = self._clock.now() + seconds
        while (rest := until - self._clock.now()) > 0:
            self.check_limits()
            time.sleep(min(TICK, self._clock.real_seconds(rest)))
        self.check_limits()
