"""Both halves of the tests run to their ends, and are told apart."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.halves import run

ROOT = Path(__file__).resolve().parents[1]


def program(text: str) -> tuple[str, ...]:
    return (sys.executable, "-c", text)


@pytest.mark.parametrize(("rooms", "journeys", "status"), [(0, 0, 0), (3, 0, 1), (0, 4, 1)])
def test_one_that_fails_hides_nothing_of_the_other(capfd, rooms, journeys, status):
    both = (program(f"print('of rooms'); exit({rooms})"), program(f"exit({journeys})"))
    assert run(*both) == status
    said = capfd.readouterr().out
    assert "of rooms" in said
    for name, ended in (("rooms", rooms), ("journeys", journeys)):
        assert f"» {name}: " + (f"FAILED (pytest ended with {ended}" if ended else "passed") in said


@pytest.mark.parametrize("shell", ["", "trap '' INT; "], ids=["at a terminal", "in the background"])
def test_both_are_told_to_end_and_can_clean_up(tmp_path, shell):
    half = """
import pathlib, sys, time
folder, name = pathlib.Path(sys.argv[1]), sys.argv[2]
try:
    (folder / f"{name} began").touch()
    time.sleep(600)
finally:
    (folder / f"{name} cleaned up").touch()
"""
    both = [(*program(half), str(tmp_path), name) for name in ("rooms", "journeys")]
    whole = f"""
from tests import halves
halves.heed_signals()
halves.run(*{both!r})
"""
    started = ("sh", "-c", f'{shell}exec "$@"', "sh", *program(whole))
    process = subprocess.Popen(started, cwd=ROOT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while len(list(tmp_path.glob("* began"))) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(120) != 0
    assert len(list(tmp_path.glob("* cleaned up"))) == 2
