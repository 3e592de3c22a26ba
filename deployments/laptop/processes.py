"""Processes that we start, remember and end: by their id, and only ours."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

LOOPBACK = "127.0.0.1"
END_SECONDS = 20.0
FORMER_NAMES = {"dead-mans-switch": "failsafe-alarm"}
"""Parts that an earlier version started under another name and that may still run."""

_OURS: dict[int, subprocess.Popen[bytes]] = {}
"""Children of this very process, so that they can be reaped when they end."""


class StackError(Exception):
    """Something on this machine is in the way; the message says what and what to do."""


@dataclass(frozen=True)
class Started:
    """A process that we started. ``born`` tells it from a later process with the same id."""

    name: str
    pid: int
    born: str

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return self.born != "" and birth(self.pid) == self.born


def birth(pid: int) -> str:
    """When a process was born, as the system tells it; "" when it is gone or a zombie.

    A process whose first thread has ended is shown as a zombie while others of its threads still
    are on their way out, and it holds its ports and files until the last of them is.
    """
    stat = Path(f"/proc/{pid}/stat")
    try:
        if stat.parent.parent.is_dir() and Path("/proc/self/stat").exists():
            fields = stat.read_text().rsplit(")", 1)[1].split()
            state, threads, born = fields[0], int(fields[17]), fields[19]
            return "" if state == "Z" and threads <= 1 else born
        listing = subprocess.run(
            ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True
        )
        return listing.stdout.strip()
    except (OSError, IndexError):
        return ""


def soon_free(port: int, what: str, variable: str, seconds: float = 10.0) -> None:
    """Wait for a port that a dying process of ours may still hold.

    Raises:
        StackError: it is still taken.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return require_free(port, what, variable)
        except StackError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def require_free(port: int, what: str, variable: str) -> None:
    """Check that nobody listens on a port.

    Raises:
        StackError: it is taken.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise StackError(
                f"Port {port}, wanted for {what}, is taken. Next: end what listens there, or "
                f"choose another port with {variable}=<port>."
            ) from error


def start(
    name: str, command: Sequence[str], environment: Mapping[str, str], log: Path, folder: Path
) -> Started:
    """Start a process in a session of its own, with its output in a log file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output, _interruptible():
        process = subprocess.Popen(
            list(command),
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _OURS[process.pid] = process
    return Started(name, process.pid, birth(process.pid))


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let what is started here be interrupted.

    A shell's background job ignores SIGINT, and so would its children: Prefect's worker passes a
    SIGTERM on to itself as SIGINT, and would never end.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def end(process: Started) -> None:
    """End a process and everything in its session: gently, then by force."""
    if not process.alive:
        return
    for gentle, seconds in ((signal.SIGTERM, END_SECONDS), (signal.SIGKILL, 5.0)):
        _signal_group(process.pid, gentle)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            _reap(process.pid)
            if not process.alive:
                # Grandchildren that outlived the leader go with it.
                _signal_group(process.pid, signal.SIGKILL)
                _reap(process.pid)
                return
            time.sleep(0.05)


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def _reap(pid: int) -> None:
    child = _OURS.get(pid)
    if child is not None and child.poll() is not None:
        del _OURS[pid]


def wait_until(
    what: str, ready: Callable[[], bool], seconds: float, process: Started, log: Path
) -> None:
    """Wait for a process to be ready.

    Raises:
        StackError: it died or did not become ready in time; the end of its log is shown.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        _reap(process.pid)
        if not process.alive:
            raise StackError(f"{what} ended at once. Next: read {log}:\n{tail(log)}")
        if ready():
            return
        time.sleep(0.1)
    raise StackError(f"{what} was not ready after {seconds:.0f} s. Next: read {log}:\n{tail(log)}")


def tail(log: Path, lines: int = 12) -> str:
    """The last lines of a log file."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def remember(record: Path, processes: Sequence[Started], facts: Mapping[str, object]) -> None:
    """Write down what runs, twice, so that another process can end it even if one is torn."""
    record.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"processes": [asdict(p) for p in processes], **facts}, indent=1)
    for place in (second(record), record):
        partial = place.with_suffix(".partial")
        with partial.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(place)


def recall(record: Path) -> tuple[list[Started], dict[str, object]]:
    """What an earlier call wrote down; empty when there is nothing that can be read."""
    for place in (record, second(record)):
        try:
            facts = json.loads(place.read_text())
            processes = [Started(**item) for item in facts.pop("processes")]
            return [_by_its_name(process) for process in processes], facts
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            continue
    return [], {}


def _by_its_name(process: Started) -> Started:
    return replace(process, name=FORMER_NAMES.get(process.name, process.name))


def forget(record: Path) -> None:
    """Nothing runs any more."""
    record.unlink(missing_ok=True)
    second(record).unlink(missing_ok=True)


def second(record: Path) -> Path:
    """Where the second copy of a record lies."""
    return record.with_name(f"{record.stem}.copy.json")


@contextmanager
def alone(hold: Path, wait: Callable[[], None]) -> Iterator[None]:
    """Let one at a time change the stack.

    Args:
        hold: The file to lock; the system frees it when its holder ends, however it ends.
        wait: Called once when somebody else is at it.
    """
    hold.parent.mkdir(parents=True, exist_ok=True)
    with hold.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            wait()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def put_aside(log: Path, largest: int = 20_000_000) -> int:
    """Where in a log a new process begins to write; a very long one is first put aside.

    Nothing of a log is ever deleted here: it may tell why its process died.
    """
    size = log.stat().st_size if log.exists() else 0
    if size <= largest:
        return size
    log.rename(log.with_name(f"{log.stem}-{time.strftime('%Y%m%dT%H%M%S')}{log.suffix}"))
    return 0


def since(log: Path, offset: int) -> str:
    """What was written to a log from a place on."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(offset)
        return file.read().decode(errors="replace")
