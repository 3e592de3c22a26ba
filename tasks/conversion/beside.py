"""Processes in which a stranger's graph runs: apart from this one, without its environment."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from models.runtime.calling import PASSED
from models.runtime.isolation import isolated, status_of

ROOT = Path(__file__).resolve().parents[2]
GIVEN = (*PASSED, "PYTHONPATH", "TF_CPP_MIN_LOG_LEVEL")
"""What such a process is given of this one's environment."""


class OutOfTime(Exception):
    """It did not end within its time."""


def run(
    command: list[str], folder: Path, seconds: float, more: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run a command that writes into one folder alone.

    Args:
        command: What is to run, from the root of this code.
        folder: The folder, which exists; its temporary files go there, too.
        seconds: How long it may take.
        more: Variables beside those of `GIVEN`.

    Returns:
        Its status, or below zero a signal's number, and what it printed.

    Raises:
        OutOfTime: it took longer; it is gone.
    """
    scratch = folder / "temporary"
    scratch.mkdir(exist_ok=True)
    passed = {name: os.environ[name] for name in GIVEN if name in os.environ}
    process = subprocess.Popen(
        isolated(command, writable=(folder,)),
        cwd=ROOT,
        env={**passed, **(more or {}), "TMPDIR": str(scratch)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        log, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise OutOfTime(f"{command[0]} took longer than {seconds:g} s") from error
    finally:
        # Also on KeyboardInterrupt and cancellation: nothing of it may outlive its run.
        if process.poll() is None:
            process.kill()
            with suppress(ValueError):
                process.communicate()
    return status_of(process.returncode), log
