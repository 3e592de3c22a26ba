"""A process that forks actors which kill themselves with SIGKILL at a chosen write of the journal.

It imports everything once and has no threads, so that a fork is cheap and safe. One line of JSON
in, one line out: ``{"version": …, "at": 7, "when": "before" | "after", "phase": "", "spec": {…},
"who": "flow" | "worker" | "both"}``. ``at`` counts the journal's writes; with ``phase`` only those
that enter or stay in it; -1 never kills. Each actor is the child of a process that stands for the
worker: it waits for it, and nothing else. The answer says which signal ended the actor, the write
at which it struck, and for how many seconds the actor lived on after it.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tasks.release.context import ReleaseContext
from tasks.release.journal.record import Journal
from tasks.release.journal.store import S3Journals
from tasks.release.ports import StoredJournal

PR_SET_CHILD_SUBREAPER = 36
"""``prctl`` of Linux."""


@dataclass(frozen=True)
class DeadlyJournals(S3Journals):
    """Journals whose n-th write kills the process."""

    at: int = -1
    when: str = "before"
    phase: str = ""
    note: str = ""
    who: str = "flow"
    seen: list[int] = field(default_factory=lambda: [0])

    def start(self, journal: Journal, replacing: StoredJournal | None) -> StoredJournal:
        """See S3Journals."""
        deadly = self._deadly(journal)
        if deadly and self.when == "before":
            self._die(journal)
        stored = super().start(journal, replacing)
        if deadly and self.when == "after":
            self._die(journal)
        return stored

    def write(self, stored: StoredJournal, journal: Journal) -> StoredJournal:
        """See S3Journals."""
        deadly = self._deadly(journal)
        if deadly and self.when == "before":
            self._die(journal)
        fresh = super().write(stored, journal)
        if deadly and self.when == "after":
            self._die(journal)
        return fresh

    def _deadly(self, journal: Journal) -> bool:
        if self.phase and journal.phase != self.phase:
            return False
        self.seen[0] += 1
        return self.seen[0] - 1 == self.at

    def _die(self, journal: Journal) -> None:
        last = journal.entries[-1]
        told: dict[str, Any] = {
            "phase": journal.phase,
            "kind": last.kind,
            "action": last.action,
        }
        told["at"] = time.monotonic()
        Path(self.note).write_text(json.dumps(told), encoding="utf-8")
        if self.who in {"worker", "both"}:
            os.kill(os.getppid(), signal.SIGKILL)
        if self.who in {"flow", "both"}:
            os.kill(os.getpid(), signal.SIGKILL)


def deadly_context(context: ReleaseContext, order: dict[str, Any], note: str) -> ReleaseContext:
    """A context that dies where the order says."""
    bucket = context.journals.bucket  # type: ignore[attr-defined]
    journals = DeadlyJournals(
        bucket,
        at=order["at"],
        when=order["when"],
        phase=order.get("phase", ""),
        note=note,
        who=order.get("who", "flow"),
    )
    return replace(context, journals=journals)


def live(order: dict[str, Any], note: str) -> None:
    """One actor's life."""
    from benchmarks.release import testbed
    from tasks.release import run, start_release

    context = testbed.context(
        f"actor-{os.getpid()}", testbed.spec(**order.get("spec", {})), order["lease"]
    )
    context = deadly_context(context, order, note)
    start_release(context, testbed.MODEL, order["version"], "ann", "weekly")
    run(context, testbed.MODEL)


def _ended(order: dict[str, Any], note: str, ended: Path) -> int:
    """Let one actor live below a worker of its own; the status with which the actor ended."""
    worker = os.fork()
    if worker == 0:
        actor = os.fork()
        if actor == 0:
            code = 1
            try:
                live(order, note)
                code = 0
            except BaseException as error:  # noqa: BLE001  the parent must hear of it
                sys.stderr.write(f"{type(error).__name__}: {error}\n")
            finally:
                os._exit(code)
        _, status = os.waitpid(actor, 0)
        ended.write_text(str(status), encoding="utf-8")
        os._exit(0)
    orphan: int | None = None
    while True:
        try:
            process, status = os.wait()
        except ChildProcessError:
            break
        if process != worker:
            orphan = status
    if orphan is not None:
        return orphan
    if not ended.exists() and order.get("who") == "both" and Path(note).exists():
        return signal.SIGKILL  # the worker reaped it, and died before it could say so
    return int(ended.read_text("utf-8"))


def main() -> int:
    """Fork a worker with an actor for each line."""
    # An actor whose worker was killed becomes our child, so that we hear how it ends.
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")
    for line in sys.stdin:
        order = json.loads(line)
        with tempfile.TemporaryDirectory() as folder:
            note = str(Path(folder) / "died")
            status = _ended(order, note, Path(folder) / "ended")
            killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
            told = {"signal": killed, "code": os.WEXITSTATUS(status) if not killed else None}
            found = json.loads(Path(note).read_text("utf-8")) if Path(note).exists() else {}
            if "at" in found:
                found["lived"] = time.monotonic() - found.pop("at")
        sys.stdout.write(json.dumps({**told, **found}) + "\n")
        sys.stdout.flush()
    return 0


class ForkServer:
    """The fork server, from outside. ``environment`` is the whole environment of the actors."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.release.fork_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait(timeout=60)
        if self._process.stdout:
            self._process.stdout.close()

    def actor(self, **order: Any) -> dict[str, Any]:
        """Let one actor live, and hear how it ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return dict(json.loads(self._process.stdout.readline()))


if __name__ == "__main__":
    sys.exit(main())
