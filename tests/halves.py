"""All tests: the rooms beside the journeys, and what became of each. ``python -m tests.halves``.

The rooms are the tests of single packages, which mirror the code's own rooms
(docs/architecture.md); journeys are whole flows on a running stack.

Journeys wait a good part of their time, for windows of a release, leases and schedules. The rooms
use what they leave of the machine: at a lower priority, so that users in a journey feel nothing of
them. What the rooms say is held back until the journeys have ended, so that each is read in one
piece. Arguments go to both: ``python -m tests.halves --shuffle 7``.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from types import FrameType

PYTEST = (sys.executable, "-m", "pytest")
# Three at a time: many wait for processes. In the order of tests/conftest.py, not xdist's own.
ROOMS = (
    *("nice", "-n", "10", *PYTEST, "-n", "3", "--dist", "loadfile", "--no-loadscope-reorder"),
    "--ignore=tests/journeys",
)
JOURNEYS = (*PYTEST, "tests/journeys")


def told(name: str, status: int) -> str:
    """What became of one half, in a line."""
    if status == 0:
        return f"» {name}: passed"
    return f"» {name}: FAILED (pytest ended with {status}; see above)"


def run(rooms: tuple[str, ...], journeys: tuple[str, ...]) -> int:
    """Run both to their ends, whatever becomes of one of them; 0 when both passed."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as held_back:
        # Sessions of their own: what a terminal tells its whole group, they would be told twice.
        beside = subprocess.Popen(
            rooms,
            stdin=subprocess.DEVNULL,
            stdout=held_back,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        print(
            "» The rooms (tests of single packages), several files at a time beside the journeys; "
            "what they say comes at the end"
        )
        print(
            "» The journeys: whole flows on the running stack, and the UI in a browser", flush=True
        )
        before = subprocess.Popen(journeys, start_new_session=True)
        try:
            second = before.wait()
            print(f"» The rooms ({time.monotonic() - began:.0f} s have passed)", flush=True)
            first = beside.wait()
        except BaseException:
            # Each ends what it started, but only when it is told once.
            for half in (before, beside):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(half.pid, signal.SIGINT)
            for half in (before, beside):
                half.wait()
            raise
        finally:
            held_back.seek(0)
            sys.stdout.buffer.write(held_back.read())
            sys.stdout.flush()
    print(told("rooms", first))
    print(told("journeys", second))
    return int(first != 0 or second != 0)


def heed_signals() -> None:
    """End on SIGTERM as on Ctrl-C, and let both halves do so too.

    A shell starts a background job with SIGINT ignored, and what ignores it hands that on to all
    that it starts; a handler of ours does not outlive their start.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, interrupted)


def interrupted(_sign: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    heed_signals()
    try:
        sys.exit(run((*ROOMS, *sys.argv[1:]), (*JOURNEYS, *sys.argv[1:])))
    except KeyboardInterrupt:
        sys.exit("» interrupted")
