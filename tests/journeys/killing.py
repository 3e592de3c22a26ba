"""Kill a flow's process at a stage: what a machine that loses power does."""

import os
import signal
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

MODEL = "price-estimator"
FIRST_DAY = date(2026, 1, 5)
DAYS = 100
"""What the lake holds before any test adds to it."""
NEW_DAY = FIRST_DAY + timedelta(days=DAYS)
"""The first day that a test may add."""
PARAMETERS = {
    "model": MODEL,
    "reason": "kill test",
    "epochs": 6,
    "end": str(FIRST_DAY + timedelta(days=DAYS - 1)),
}
PATIENCE = 900.0
"""Real seconds to wait for what no promise bounds, on a machine that does much else beside."""
STAGES = (
    *("snapshot", "contract", "upload channels", "check rows"),
    *("train", "gate", "convert", "register"),
)


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


def begun(journey, run: str) -> list[str]:
    """Tasks that have begun, of a run and of the runs inside it: one question, often asked."""
    family = {
        "operator": "or_",
        "id": {"any_": [run]},
        "parent_flow_run_id": {"any_": [run]},
    }
    asked = {"flow_runs": family, "limit": 200}
    found = journey.prefect._ok(journey.prefect._http.post("/task_runs/filter", json=asked))
    return [item["name"].rsplit("-", 1)[0] for item in found if item["start_time"]]


def kill_in(journey, run: str, stage: str) -> bool:
    """Kill the run's process once the stage has begun; False when the run ended before."""
    deadline = time.monotonic() + PATIENCE
    look_at_its_end = 0.0
    while (now := time.monotonic()) < deadline:
        if stage in begun(journey, run):
            process = flow_process(run)
            if process is not None:
                os.kill(process, signal.SIGKILL)
                return True
        if now >= look_at_its_end:
            if journey.prefect.state(run) in {"COMPLETED", "FAILED"}:
                return False
            look_at_its_end = now + 2.0
        time.sleep(0.2)  # the server that is asked also does the run's work
    raise AssertionError(f"the stage {stage!r} was never reached")


@dataclass(frozen=True)
class Survived:
    """What stood when the last run had gone through, whatever other tests did afterwards."""

    message: str
    jobs: list[str]
    pointer: dict[str, Any]
    serving: dict[str, float]
    versions: list[str]


def killed_in_every_stage(journey) -> Survived:
    """Kill a run of its own in each stage, then let one go through."""
    for stage in STAGES:
        run = journey.prefect.start("retrain/manual", PARAMETERS)
        assert kill_in(journey, run, stage), f"the run ended before {stage}"
    run = journey.prefect.start("retrain/manual", PARAMETERS)
    return Survived(
        message=journey.prefect.completed(run),
        jobs=[job for job in journey.outside.jobs() if job.startswith(f"{MODEL}-")],
        pointer=journey.outside.pointer(MODEL),
        serving=journey.outside.serving(MODEL),
        versions=journey.outside.versions(MODEL),
    )
