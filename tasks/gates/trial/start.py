"""A candidate on trial, apart from the worker that puts it there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from models.runtime.calling import PASSED, BundleFailed, command, unpacked
from models.runtime.isolation import isolated
from tasks.gates.trial.checks import LONGEST_TAIL, SAMPLE, Trial
from tasks.gates.trial.dying import dies_with_us

GIVEN = (*PASSED, "PYTHONPATH")
"""What the trial is given of this process's environment: nothing that opens anything."""
SECONDS = 3_600.0
PROGRAM = f"{__package__}.program"
ROOT = Path(__file__).resolve().parents[3]


def try_serving(archive: Path, requests: int, seconds: float = SECONDS) -> Trial:
    """Serve a candidate and ask it.

    Args:
        archive: Its model.tar.gz.
        requests: How many are timed one after the other; as many again by four clients at once.
        seconds: How long all of it may take; a program that is still being asked then has failed.

    Raises:
        BundleFailed: it is no archive, names no entry point, or holds no sample request.
    """
    with unpacked(archive) as bundle, tempfile.TemporaryDirectory(prefix="trial-") as scratch:
        if not (bundle / SAMPLE).is_file():
            raise BundleFailed(f"it holds no {SAMPLE}: nobody knows what to ask it")
        command(bundle, "serve")
        found = Path(scratch) / "found.json"
        asked = [str(bundle), str(requests), str(found)]
        program = [sys.executable, "-m", PROGRAM, *asked]
        trial = isolated(program, loopback=True, writable=(Path(scratch), bundle))
        process = subprocess.Popen(
            dies_with_us(trial),
            cwd=ROOT,
            env={
                **{name: os.environ[name] for name in GIVEN if name in os.environ},
                "TMPDIR": scratch,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            said, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            return Trial(failure=f"its trial was not over after {seconds:.0f} s")
        finally:
            # On cancellation, too: nothing on trial outlives its run.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        try:
            return Trial.model_validate_json(found.read_bytes())
        except (OSError, ValueError) as error:
            words = " ".join(said.split())[-LONGEST_TAIL:]
            raise BundleFailed(f"its trial ended early: {words or error}") from error
