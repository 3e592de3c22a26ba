"""Misbehaviour on request: what AWS does to its customers on a bad day, when a test asks for it.

A fault is set over ``POST /_embedded/faults`` or with :meth:`Faults.add`, stays until it is used
up (``times``) or cleared, and counts its hits. There are two sorts of kinds:

Met by a *request*, applied by the front before or after any service acts; matched by ``service``
(signing name: ``s3``, ``sagemaker``, ``monitoring`` …), ``action`` and ``params``:

- ``throttle``: refuse with ``ThrottlingException`` (S3: ``SlowDown``), as often as ``times`` says;
- ``rate_limit``: refuse whatever exceeds ``per_second`` in virtual time (``times`` null: for ever);
- ``error``: refuse with ``code``, ``message``, ``status``;
- ``delay``: answer ``seconds`` (real ones) late;
- ``lost_answer``: act, then answer 500, or with ``drop`` close the connection without a word.

Asked for by a *service* with :meth:`Faults.take`; matched by ``target`` (a job, an endpoint, or
``endpoint/variant``):

- ``capacity``: the machine asked for is not to be had;
- ``slow_start``: a job or variant takes ``seconds`` (virtual) longer to start;
- ``interrupt``: a managed-spot training job loses its machine;
- ``kill_variant``: the serving process dies;
- ``silent_rollback``: an endpoint update ends ``InService`` on the *old* configuration.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any

from embedded_aws.clock import Clock
from embedded_aws.protocol.service import AwsFault

REQUEST_KINDS = frozenset({"throttle", "rate_limit", "error", "delay", "lost_answer"})
SERVICE_KINDS = frozenset(
    {"capacity", "slow_start", "interrupt", "kill_variant", "silent_rollback"}
)
KINDS = REQUEST_KINDS | SERVICE_KINDS


class LostAnswerError(Exception):
    """The service has acted, but the client must not learn of it.

    Args:
        drop: Close the connection instead of answering 500.
    """

    def __init__(self, *, drop: bool) -> None:
        super().__init__("the answer got lost")
        self.drop = drop


@dataclass
class Fault:
    """One fault that was asked for.

    Args:
        kind: One of :data:`KINDS`.
        service: Pattern (``fnmatch``) for the signing name of the request's service.
        action: Pattern for the API action, e.g. ``CreateTrainingJob`` or ``Describe*``.
        params: Patterns for top-level request members; all must match.
        target: Pattern for the name that a service asks with.
        times: Hits until the fault is used up; None means until cleared.
        skip: Matching occasions that pass unharmed first.
        seconds: Length of ``delay`` (real) or ``slow_start`` (virtual).
        per_second: Rate that ``rate_limit`` lets through, per virtual second.
        code: Error code of ``error`` and ``throttle``.
        message: Its message.
        status: Its HTTP status.
        drop: ``lost_answer`` closes the connection.
        id: Given by :meth:`Faults.add`.
        hits: How often the fault struck.
    """

    kind: str
    service: str = "*"
    action: str = "*"
    params: Mapping[str, str] = field(default_factory=dict)
    target: str = "*"
    times: int | None = 1
    skip: int = 0
    seconds: float = 0.0
    per_second: float = 0.0
    code: str = ""
    message: str = ""
    status: int = 0
    drop: bool = False
    id: str = ""
    hits: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault kind {self.kind!r}; known: {', '.join(sorted(KINDS))}")
        if self.times is not None and self.times < 1:
            raise ValueError(f"times must be at least 1 or null, got {self.times}")
        if self.kind == "rate_limit" and not self.per_second > 0:
            raise ValueError("rate_limit needs per_second above 0")
        if self.kind == "error" and not self.code:
            raise ValueError("error needs a code, e.g. ResourceLimitExceeded")

    @property
    def used_up(self) -> bool:
        """Whether the fault has struck as often as it was meant to."""
        return self.times is not None and self.hits >= self.times

    def meets(self, service: str, action: str, params: Mapping[str, Any]) -> bool:
        """Whether this request is one that the fault is for."""
        return (
            fnmatchcase(service, self.service)
            and fnmatchcase(action, self.action)
            and all(
                name in params and fnmatchcase(str(params[name]), pattern)
                for name, pattern in self.params.items()
            )
        )


class Faults:
    """The faults that are set in one embedded AWS. Safe to use from many threads.

    Args:
        clock: Virtual clock, for ``rate_limit``.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()
        self._lock = threading.Lock()
        self._faults: dict[str, Fault] = {}
        self._ids = itertools.count(1)
        self._listeners: list[Callable[[Fault], None]] = []
        self._allowances: dict[str, tuple[float, float]] = {}

    def add(self, kind: str, **settings: Any) -> Fault:
        """Set a fault.

        Args:
            kind: One of :data:`KINDS`.
            settings: Fields of :class:`Fault`. ``times`` is 1 unless said otherwise, except for
                ``rate_limit``, which stays until cleared.

        Raises:
            ValueError: on an unknown kind or field, or a value that makes no sense.
        """
        names = {f.name for f in fields(Fault)} - {"kind", "id", "hits"}
        if unknown := sorted(set(settings) - names):
            raise ValueError(
                f"unknown fault field {', '.join(unknown)}; known: {', '.join(sorted(names))}"
            )
        if kind == "rate_limit":
            settings.setdefault("times", None)
        fault = Fault(kind=kind, **settings)
        with self._lock:
            fault.id = f"fault-{next(self._ids)}"
            self._faults[fault.id] = fault
            listeners = list(self._listeners)
        for listener in listeners:
            listener(fault)
        return fault

    def on_add(self, listener: Callable[[Fault], None]) -> None:
        """Be told of each fault as it is set, to act on it at once (``kill_variant``)."""
        with self._lock:
            self._listeners.append(listener)

    def list(self) -> list[Fault]:
        """All faults set, used up or not, oldest first."""
        with self._lock:
            return list(self._faults.values())

    def clear(self, fault_id: str | None = None) -> int:
        """Take back one fault, or all; how many there were."""
        with self._lock:
            if fault_id is None:
                count = len(self._faults)
                self._faults.clear()
                self._allowances.clear()
                return count
            self._allowances.pop(fault_id, None)
            return 0 if self._faults.pop(fault_id, None) is None else 1

    def any_for(self, service: str) -> bool:
        """Whether a fault is set that requests to this service could meet."""
        if not self._faults:
            return False
        with self._lock:
            return any(
                f.kind in REQUEST_KINDS and fnmatchcase(service, f.service)
                for f in self._faults.values()
            )

    def take(self, kind: str, target: str) -> Fault | None:
        """Ask, where it would be injected, whether a fault is due; it then counts as hit.

        Args:
            kind: A kind of :data:`SERVICE_KINDS`, e.g. ``slow_start``.
            target: What it would hit: a job or endpoint name, or ``endpoint/variant``.

        Returns:
            The fault, whose ``seconds`` and so on apply, or None.
        """
        return self._inject(lambda f: f.kind == kind and fnmatchcase(target, f.target))

    def before(self, service: str, action: str, params: Mapping[str, Any]) -> None:
        """Inject request faults that come before the service acts.

        Raises:
            AwsFault: for ``throttle``, ``rate_limit`` and ``error``.
        """
        if not self._faults:
            return
        if late := self._request("delay", service, action, params):
            time.sleep(late.seconds)
        if fault := self._request("throttle", service, action, params):
            raise _refusal(fault, service)
        if fault := self._request("rate_limit", service, action, params):
            raise _refusal(fault, service)
        if fault := self._request("error", service, action, params):
            raise AwsFault(fault.code, fault.message or fault.code, fault.status or 400)

    def after(self, service: str, action: str, params: Mapping[str, Any]) -> None:
        """Inject request faults that come after the service has acted.

        Raises:
            LostAnswerError: for ``lost_answer``.
        """
        if not self._faults:
            return
        if fault := self._request("lost_answer", service, action, params):
            raise LostAnswerError(drop=fault.drop)

    def _request(
        self, kind: str, service: str, action: str, params: Mapping[str, Any]
    ) -> Fault | None:
        def matches(fault: Fault) -> bool:
            if fault.kind != kind or not fault.meets(service, action, params):
                return False
            return kind != "rate_limit" or self._exceeds(fault)

        return self._inject(matches)

    def _inject(self, matches: Callable[[Fault], bool]) -> Fault | None:
        with self._lock:
            for fault in self._faults.values():
                if fault.used_up or not matches(fault):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.hits += 1
                return fault
        return None

    def _exceeds(self, fault: Fault) -> bool:
        """Token bucket of one second's worth of requests, in virtual time."""
        now = self._clock.now()
        burst = max(1.0, fault.per_second)
        tokens, then = self._allowances.get(fault.id, (burst, now))
        tokens = min(burst, tokens + (now - then) * fault.per_second)
        exceeded = tokens < 1.0
        self._allowances[fault.id] = (tokens if exceeded else tokens - 1.0, now)
        return exceeded


def _refusal(fault: Fault, service: str) -> AwsFault:
    if service == "s3":
        return AwsFault(
            fault.code or "SlowDown", fault.message or "Please reduce your request rate.", 503
        )
    return AwsFault(
        fault.code or "ThrottlingException", fault.message or "Rate exceeded", fault.status or 400
    )
