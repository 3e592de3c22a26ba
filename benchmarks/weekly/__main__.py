"""``python -m benchmarks.weekly``: every shipped model through ``retrain-all`` to its users.

A stack of its own is started, generated data of each model goes into its lake, and the weekly run
is pressed once. What became of each model is told as somebody outside sees it: its pointer, its
bundle's manifest and evidence, its training job. The exit status is 1 when a model was not
released. With the epochs of each model.yaml this takes the better part of two hours on two cores.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from deployments.demo.fill import GENERATED
from deployments.demo.outside import NotSo, Outside, Prefect
from deployments.laptop.environment import Laptop
from deployments.laptop.processes import StackError
from deployments.laptop.stack import command, down, laptop_from_environment, stack

SCALE = 60.0
"""A minute of AWS's time in a second, as in the demo: a release's watch lasts a minute."""
LONGEST_SECONDS = 4 * 3600.0
INT8 = "tflite/model_int8.tflite"
GOAL = 1.15
"""Of the whole run: its time against the jobs' own, were they the only work and never idle."""
NOTHING = "–"


@dataclass(frozen=True)
class Released:
    """What became of one model.

    Args:
        name: The model.
        version: What serves; "" when nothing does.
        manifest: Of that version.
        evidence: ``gate.json``, ``metrics.json`` and ``serving.json`` of its bundle.
        job_seconds: What its training job did, by its own clock.
        outcome: Name of its run's state.
        run_seconds: From its run's start to its end.
    """

    name: str
    version: str
    manifest: Mapping[str, Any]
    evidence: Mapping[str, Mapping[str, Any]]
    job_seconds: float
    outcome: str
    run_seconds: float


def told(name: str, outside: Outside, run: Mapping[str, Any]) -> Released:
    """The model as somebody outside sees it."""
    pointer = outside.latest(name)
    version = str(pointer.get("version", ""))
    manifest: Mapping[str, Any] = {}
    evidence: dict[str, Mapping[str, Any]] = {}
    if version:
        manifest = outside.document(name, version, "manifest.json")
        kept = {str(file["path"]) for file in manifest["files"]}
        for part in ("gate", "metrics", "serving"):
            path = f"evidence/{part}.json"
            evidence[part] = outside.document(name, version, path) if path in kept else {}
    seconds = evidence.get("metrics", {}).get("seconds", {})
    return Released(
        name=name,
        version=version,
        manifest=manifest,
        evidence=evidence,
        job_seconds=float(sum(seconds.values())),
        outcome=str(run.get("state_name", "never started")),
        run_seconds=float(run.get("total_run_time", 0.0)),
    )


def gates_table(models: Sequence[Released]) -> None:
    """What each gate found."""
    print("| model | run | serves | gate: measured, bound | job | run |")
    print("|---|---|---|---|---:|---:|")
    for model in models:
        checks = model.evidence.get("gate", {}).get("checks", ())
        measured = "; ".join(
            f"{check['name']} {check['observed']} ({check['bound']})" for check in checks
        )
        print(
            f"| {model.name} | {model.outcome} | {model.version or 'nothing'} "
            f"| {measured.replace('|', '¦') or NOTHING} | {model.job_seconds:.0f} s "
            f"| {model.run_seconds:.0f} s |"
        )


def formats_table(models: Sequence[Released]) -> None:
    """What each bundle holds, and how its serving program did on trial."""
    print("\n| model | bundle | int8 | largest difference of a format | p95 on trial | memory |")
    print("|---|---:|---:|---|---:|---:|")
    for model in models:
        files = {str(file["path"]): int(file["size"]) for file in model.manifest.get("files", ())}
        int8 = f"{files[INT8] / 1000:.0f} kB" if INT8 in files else NOTHING
        parity = ", ".join(
            f"{name} {value:.2g}"
            for name, value in sorted(model.manifest.get("parity", {}).items())
        )
        trial = model.evidence.get("serving", {})
        p95 = f"{trial['p95_ms']:.1f} ms" if trial else NOTHING
        memory = f"{trial['memory_mb']:.0f} MB" if trial else NOTHING
        print(
            f"| {model.name} | {sum(files.values()) / 1e6:.1f} MB | {int8} "
            f"| {parity or NOTHING} | {p95} | {memory} |"
        )


def pressed(laptop: Laptop, models: Sequence[str], epochs: int) -> tuple[list[Released], float]:
    """Fill the lake, press the weekly run, and look at what became of it; its seconds too."""
    prefect, outside = Prefect(laptop), Outside(laptop)
    try:
        for model in models:
            said = command(laptop, "fill", "deployments.demo.fill", model)
            print(said.strip().splitlines()[0], flush=True)
        began = time.monotonic()
        run = prefect.start("retrain-all/weekly", {"models": list(models), "epochs": epochs})
        record = prefect.ended(run, LONGEST_SECONDS)
        seconds = time.monotonic() - began
        print(f"» {record['state'].get('message') or record['state_name']}\n", flush=True)
        runs = {
            str(each["parameters"].get("model")): each for each in prefect.runs("retrain/manual")
        }
        return [told(model, outside, runs.get(model, {})) for model in models], seconds
    finally:
        prefect.close()
        outside.close()


def main() -> int:
    """Exit status: 1 when a model was not released."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.weekly", description=__doc__)
    parser.add_argument("models", nargs="*", help=f"of {', '.join(GENERATED)}; all without any")
    parser.add_argument("--epochs", type=int, default=0, help="0 takes those of each model.yaml")
    chosen = parser.parse_args()
    if strangers := sorted(set(chosen.models) - set(GENERATED)):
        parser.error(f"no such model: {', '.join(strangers)}; there are {', '.join(GENERATED)}")
    models = chosen.models or sorted(GENERATED)
    laptop = laptop_from_environment(SCALE)
    laptop = replace(laptop, state=laptop.state / "weekly")
    down(laptop, lambda _line: None)  # one that was killed may have left its processes
    shutil.rmtree(laptop.state, ignore_errors=True)
    print(
        f"{os.cpu_count()} cores ({platform.machine()}, Python {platform.python_version()}), "
        f"{datetime.now(UTC):%Y-%m-%d}; {len(models)} models, "
        f"{chosen.epochs or 'their own'} epochs.\n"
    )
    try:
        with stack(laptop, lambda line: print(f"» {line}", flush=True)) as running:
            print(f"» Watch it in the Prefect UI: {running.prefect_url}", flush=True)
            print(f"» It asks for a password: {running.shows_password}", flush=True)
            released, seconds = pressed(running, models, chosen.epochs)
    except (NotSo, StackError) as error:
        print(error, file=sys.stderr)
        return 1
    gates_table(released)
    formats_table(released)
    jobs = sum(model.job_seconds for model in released)
    together = min(len(models), os.cpu_count() or 1)
    print(
        f"\nThe whole run took {seconds:.0f} s; the jobs alone {jobs:.0f} s by their own clocks, "
        f"as they ran beside each other, {together} at a time: {seconds / (jobs / together):.2f} "
        f"(goal ≤ {GOAL}; a release waits for its windows and its watch)."
        if jobs
        else f"\nThe whole run took {seconds:.0f} s, and no job left its times."
    )
    return 0 if all(model.version for model in released) else 1


if __name__ == "__main__":
    sys.exit(main())
