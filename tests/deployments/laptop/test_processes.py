"""Processes of the stack: started so that they can be ended."""

import signal
import sys
from pathlib import Path

from deployments.laptop.processes import end, start, wait_until

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
