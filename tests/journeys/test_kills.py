"""SIGKILL in each stage, and start again: the same end, nothing paid twice, nothing lost."""

import os
import signal
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

MODEL = "price-estimator"
PARAMETERS = {"model": MODEL, "reason": "kill test", "epochs": 6}
STAGES = ("snapshot", "contract", "hand over", "train", "gate", "convert", "register")


def flow_process(run: str) -> int | None:
    """The process of a flow run: the worker tells it its run's id."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if f"PREFECT__FLOW_RUN_ID={run}".encode() in environment and b"prefect" in command:
            return int(folder.name)
    return None


def kill_in(journey, run: str, stage: str) -> bool:
    """Kill the run's process once the stage has begun; False when the run ended before."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        if stage in journey.prefect.begun(run):
            process = flow_process(run)
            if process is not None:
                os.kill(process, signal.SIGKILL)
                return True
        if journey.prefect.state(run) in {"COMPLETED", "FAILED"}:
            return False
        time.sleep(0.05)
    raise AssertionError(f"the stage {stage!r} was never reached")


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds processes in /proc")
def test_a_run_killed_in_every_stage_reaches_the_same_end(journey):
    for stage in STAGES:
        run = journey.prefect.start("retrain/manual", PARAMETERS)
        assert kill_in(journey, run, stage), f"the run ended before {stage}"
    run = journey.prefect.start("retrain/manual", PARAMETERS)
    journey.prefect.completed(run)

    assert len(journey.outside.jobs()) == 1, "a second training was paid for"
    pointer = journey.outside.pointer(MODEL)
    assert pointer["previous"] is None
    journey.outside.only_serves(MODEL, pointer["version"])
    assert journey.outside.verified_bundle(MODEL, pointer["version"]) > 5
    assert journey.outside.versions(MODEL) == [pointer["version"]]

    again = journey.prefect.start("retrain/manual", PARAMETERS)
    assert journey.prefect.completed(again).startswith("Nothing new")
