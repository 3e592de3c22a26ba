"""How a job stands: what jobs of every kind have in common."""

from __future__ import annotations

import copy
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from embedded_aws.clock import Clock

TERMINAL = frozenset({"Completed", "Failed", "Stopped"})
DEFAULT_MAX_RUNTIME = 86_400
"""``MaxRuntimeInSeconds`` where a request names none."""


@dataclass
class JobState(ABC):
    """State of one job; every method is safe to call from any thread. Times are virtual unix time.

    Args:
        request: The members of its creation, defaults filled in.
        arn: The job's ARN.
        clock: Virtual clock.
        status: Its primary status.
        created: When it was created; now by default.
        modified: When its status changed last.
        started: When its machines were there.
        ended: When it reached a terminal status.
        failure: ``FailureReason``.
    """

    request: dict[str, Any]
    arn: str
    clock: Clock
    status: str = "InProgress"
    created: float = 0.0
    modified: float = 0.0
    started: float | None = None
    ended: float | None = None
    failure: str | None = None
    stop_asked: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    changed: Callable[[Any], None] = field(default=lambda _job: None, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    kind: ClassVar[str]
    """What its members begin with: ``TrainingJob``."""
    RECORDED: ClassVar[tuple[str, ...]] = (
        "request", "arn", "status", "created", "modified", "started", "ended", "failure",
    )  # fmt: skip
    """All of its state but what a running job is waited for with."""

    def __post_init__(self) -> None:
        if not self.created:
            self.created = self.modified = self.clock.now()

    @classmethod
    def restored(cls, record: Mapping[str, Any], clock: Clock) -> Self:
        """A job of an earlier process, from its :meth:`record`."""
        # A record of an earlier version may lack what has a default.
        known = {name: record[name] for name in cls.RECORDED if name in record}
        job = cls(**known, clock=clock)
        if job.status in TERMINAL:
            job.over.set()
        return job

    def record(self) -> dict[str, Any]:
        """What is kept of it."""
        with self._lock:
            return copy.deepcopy({name: getattr(self, name) for name in self.RECORDED})

    @property
    def name(self) -> str:
        """``TrainingJobName``, ``ProcessingJobName``."""
        return str(self.request[f"{self.kind}Name"])

    @property
    def max_runtime(self) -> float:
        """``MaxRuntimeInSeconds``, virtual seconds."""
        return float(self.request["StoppingCondition"]["MaxRuntimeInSeconds"])

    def standing(self) -> tuple[str, float | None, float | None, str | None]:
        """Its status, when it started and ended, and its failure, all of one moment."""
        with self._lock:
            return self.status, self.started, self.ended, self.failure

    def begin(self) -> None:
        """The machines are there: billing begins (once, whatever is restarted)."""
        with self._lock:
            if self.started is None:
                self.started = self.clock.now()

    def ask_to_stop(self) -> bool:
        """Begin to stop it; False when the job is not one that can be stopped."""
        with self._lock:
            if self.status != "InProgress":
                return False
            self.status = "Stopping"
            self.touch()
            self.stop_asked.set()
        return True

    @abstractmethod
    def fail(self, reason: str) -> None:
        """End as Failed."""

    @abstractmethod
    def be_stopped(self) -> None:
        """End as Stopped."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """The answer of Describe."""

    @abstractmethod
    def summary(self) -> dict[str, Any]:
        """The job's line in a list."""

    def touch(self) -> None:
        """Note that its status has changed."""
        with self._lock:
            self.modified = self.clock.now()
        self.changed(self)
