"""Processes of the stack: started so that they can be ended."""

import signal
import sys
from pathlib import Path

import pytest

from deployments.laptop.processes import StackError, end, require_free, start, wait_until

WAITS = (
    "import signal, time, pathlib, sys\n"
    "ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN\n"
    "pathlib.Path(sys.argv[1]).write_text(str(ignored))\n"
    "time.sleep(60)\n"
)


def test_a_process_started_from_a_background_job_can_be_interrupted(tmp_path: Path) -> None:
    told = tmp_path / "told"
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # what a shell does to a job with "&"
    try:
        log = tmp_path / "log"
        started = start("waits", (sys.executable, "-c", WAITS, str(told)), {}, log, tmp_path)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN, "and we are as we were"
    finally:
        signal.signal(signal.SIGINT, before)
    wait_until("it", lambda: told.exists() and told.read_text() != "", 20, started, log)
    assert told.read_text() == "False"
    end(started)
    assert not started.alive


HALF_GONE = (
    "import ctypes, socket, threading, time, pathlib, sys\n"
    "door = socket.create_server(('127.0.0.1', 0))\n"
    "def stay():\n"
    "    time.sleep(0.5)\n"
    "    pathlib.Path(sys.argv[1]).write_text(str(door.getsockname()[1]))\n"
    "    time.sleep(60)\n"
    "threading.Thread(target=stay).start()\n"
    "ctypes.CDLL(None).pthread_exit(None)\n"
)


def test_a_process_that_still_holds_its_port_is_no_gone_one(tmp_path: Path) -> None:
    told, log = tmp_path / "told", tmp_path / "log"
    # Its first thread ends, as that of a server does that is told to, and leaves another one.
    started = start("goes", (sys.executable, "-c", HALF_GONE, str(told)), {}, log, tmp_path)
    wait_until("it", lambda: told.exists() and told.read_text() != "", 20, started, log)
    stat = Path(f"/proc/{started.pid}/stat").read_text("ascii")
    assert stat.rpartition(")")[2].split()[0] == "Z"
    assert started.alive
    port = int(told.read_text())
    with pytest.raises(StackError):
        require_free(port, "us", "SLUICE_PORT")
    end(started)
    assert not started.alive
    require_free(port, "us", "SLUICE_PORT")
