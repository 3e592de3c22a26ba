"""Releases that follow upon each other, and what their ends are held against."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.release import testbed
from benchmarks.release.fork_server import ForkServer
from benchmarks.release.rows import Kept
from embedded_aws import EmbeddedAws
from tasks.errors import AwsError
from tasks.release import run, start_release
from tasks.release.context import ReleaseContext
from tasks.release.hosting.names import variant_of
from tasks.release.journal.record import Journal

SCALE = 120.0
LEASE = 240.0
PATIENCE = 600.0
"""Real seconds after which reconcile is said to bring no end; generous: the machine is shared."""
RETRIES, RETRY_DELAY = 2, 10.0
"""Of the task that starts a release: times, and seconds."""
BAD = {"errors": 0.6}
"""How the bad candidate behaves."""


@dataclass
class Bench:
    """One embedded AWS in which releases follow upon each other."""

    aws: EmbeddedAws
    fork_server: ForkServer | None
    folder: Path
    number: int = 0
    serving: str = ""
    who: str = "flow"
    kept: Kept = field(default_factory=lambda: Kept(None))

    def fresh(self, **how: Any) -> str:
        """Publish the next version."""
        self.number += 1
        version = testbed.version(self.number)
        testbed.publish(version, self.folder / version, **how)
        return version

    def first(self) -> None:
        """Bring the first version up."""
        self.serving = self.fresh()
        context = testbed.context("first", testbed.spec())
        start_release(context, testbed.MODEL, self.serving, "ann", "first")
        assert run(context, testbed.MODEL).phase == "done"

    def kill(
        self, at: int, when: str, phase: str = "", how: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], Any]:
        """Kill an actor at one write, let reconcile end it, check the end.

        Returns:
            How the actor died, and the ended journal with the real seconds that it took; None when
            the actor finished before it came to that write.
        """
        version = self.fresh(**(how or {}))
        assert self.fork_server is not None
        died = self.fork_server.actor(
            version=version, at=at, when=when, phase=phase, lease=LEASE, spec={}, who=self.who
        )
        began = time.monotonic() - died.get("lived", 0.0)
        context = testbed.context("reconcile", testbed.spec(), LEASE)
        stored = context.journals.read(testbed.MODEL)
        assert stored is not None
        if not died["signal"]:
            assert died["code"] == 0, died
            self.end_state(stored.journal, version, good=not how)
            struck = "phase" in died  # its worker died, it went on
            return died, (stored.journal, time.monotonic() - began) if struck else None
        if stored.journal.candidate.version != version:
            return died, (stored.journal, 0.0)  # killed before the first write: nothing was begun
        ended = testbed.looked_after(context, PATIENCE)
        self.end_state(ended, version, good=not how)
        return died, (ended, time.monotonic() - began)

    def release(self, context: ReleaseContext, version: str) -> tuple[Journal | None, str]:
        """One release in this process, and reconcile where an error of AWS ends it.

        Returns:
            The ended journal, None when nothing was begun; and the error that ended the run.
        """
        try:
            self._start(context, version)
            return run(context, testbed.MODEL), ""
        except AwsError as error:
            stopped = f"{type(error).__name__}: {error.what}"
        looking = testbed.context("reconcile", testbed.spec(), LEASE)
        while True:
            try:
                stored = looking.journals.read(testbed.MODEL)
                if stored is None or stored.journal.candidate.version != version:
                    return None, stopped
                return testbed.looked_after(looking, PATIENCE), stopped
            except AwsError:
                time.sleep(0.1)  # the next minute's run of reconcile meets what is left of a fault

    def _start(self, context: ReleaseContext, version: str) -> None:
        """Start as the flow's task does, which Prefect tries again."""
        for _ in range(RETRIES):
            try:
                start_release(context, testbed.MODEL, version, "ann", "weekly")
            except AwsError:
                context.clock.sleep(RETRY_DELAY)
            else:
                return
        start_release(context, testbed.MODEL, version, "ann", "weekly")

    def end_state(self, ended: Journal, candidate: str, *, good: bool = True) -> None:
        """Endpoint, pointer and journal agree on one version, alone at 100 %; never on a bad one.

        Raises:
            AssertionError: they do not.
        """
        assert ended.phase in ({"done", "rolled_back"} if good else {"rolled_back"}), ended.verdict
        wanted = candidate if ended.phase == "done" else self.serving
        self.serves_alone(wanted)
        self.serving = wanted

    def serves_alone(self, wanted: str) -> None:
        """Endpoint and pointer agree on this version, alone at 100 %."""
        context = testbed.context("look", testbed.spec())
        endpoint = context.cloud.endpoint(f"sluice-{testbed.MODEL}")
        assert endpoint is not None
        assert endpoint.status == "InService", endpoint
        assert testbed.what_serves(context) == {variant_of(wanted): 1.0}, testbed.what_serves(
            context
        )
        pointer = context.registry.pointer(testbed.MODEL)
        assert pointer is not None
        assert pointer.version == wanted, pointer

    def recover(self) -> None:
        """After a wrong end: go on from whatever version serves in the end."""
        context = testbed.context("recover", testbed.spec())
        time.sleep(LEASE / SCALE)
        ended = testbed.looked_after(context, PATIENCE)
        wanted = ended.candidate if ended.phase == "done" else ended.stable
        self.serving = wanted.version if wanted else self.serving
