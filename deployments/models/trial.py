"""A model's programs run as SageMaker would run them, on a few made-up rows, on this machine."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from deployments.models.synthetic import write_channel
from models.packaging import own_files, source_archive
from tasks.contracts.model import Contract
from tasks.errors import TrainingFailed
from tasks.model_spec import ModelSpec
from tasks.own_code import EVALUATE, compares, require_outputs, trains_itself
from tasks.training.collect import measured

ROWS = {"training": 96, "holdout": 40}
SECONDS = 600
LINES = 12
CUT = {"epochs": "1", "batch_size": "16", "compiled": "0"}
"""Of a shared program; an own one runs with what model.yaml says."""
Said = tuple[str, str]
"""``ok``, ``note`` or ``FAULT``, and a sentence."""


def trial(spec: ModelSpec, contract: Contract, folder: Path) -> Iterator[Said]:
    """Train, measure, and measure again as a champion would be; says what came of each."""
    own = own_files(folder)
    with tempfile.TemporaryDirectory(prefix="sluice-check-") as scratch:
        base = Path(scratch)
        code = base / "code"
        with tarfile.open(fileobj=io.BytesIO(source_archive(folder))) as archive:
            archive.extractall(code, filter="data")
        for seed, (channel, rows) in enumerate(ROWS.items()):
            write_channel(contract, base / "input" / "data" / channel, rows, seed)
        given = {name: str(value) for name, value in spec.training.hyperparameters.items()}
        hyperparameters = given | ({} if trains_itself(spec, own) else CUT)
        said = _run(spec, base, spec.training.program, hyperparameters, tuple(ROWS))
        if said:
            yield "FAULT", f"{spec.training.program} failed on {ROWS['training']} rows: {said}"
            return
        try:
            found = measured(base / "output" / "data", spec.training.program)
            require_outputs(spec, own, _left(base), spec.training.program)
        except TrainingFailed as error:
            yield "FAULT", str(error)
            return
        yield (
            "ok",
            f"{spec.training.program} runs, and measures {', '.join(sorted(found.candidate))}",
        )
        for gate in spec.gates:
            if gate.metric not in found.candidate:
                yield "FAULT", f"gates: {spec.training.program} does not measure {gate.metric}"
            if gate.no_worse_than_baseline is not None and gate.metric not in found.baseline:
                yield "FAULT", f"gates: no baseline is measured for {gate.metric}"
        yield from _label(spec, base / "model")
        if not compares(spec, own):
            yield "note", f"no {EVALUATE}: the champion will not be measured beside a candidate"
            return
        yield from _evaluated(spec, base)


def _evaluated(spec: ModelSpec, base: Path) -> Iterator[Said]:
    second = base / "second"
    (second / "input" / "data" / "model").mkdir(parents=True)
    (second / "code").symlink_to(base / "code")
    (second / "input" / "data" / "holdout").symlink_to(base / "input" / "data" / "holdout")
    with tarfile.open(second / "input" / "data" / "model" / "model.tar.gz", "w:gz") as archive:
        archive.add(base / "model", ".")
    said = _run(spec, second, EVALUATE, {}, ("model", "holdout"))
    if said:
        yield "FAULT", f"{EVALUATE} cannot measure the model as a champion: {said}"
        return
    try:
        found = measured(second / "output" / "data", EVALUATE)
    except TrainingFailed as error:
        yield "FAULT", str(error)
        return
    missing = [
        g.metric
        for g in spec.gates
        if g.no_worse_than_champion is not None and g.metric not in found.candidate
    ]
    if missing:
        yield "FAULT", f"{EVALUATE} does not measure {', '.join(missing)} of a champion"
    else:
        yield "ok", f"{EVALUATE} measures it as a champion"


def _label(spec: ModelSpec, model: Path) -> Iterator[Said]:
    document = model / "preprocess.json"
    if document.is_file():
        name = json.loads(document.read_text("utf-8")).get("output", {}).get("name")
        if name != spec.data.label:
            yield "FAULT", f"data.label is {spec.data.label}, but model.py predicts {name}"


def _left(base: Path) -> frozenset[tuple[str, str]]:
    places = {"model": base / "model", "output": base / "output" / "data"}
    return frozenset(
        (where, path.relative_to(folder).as_posix())
        for where, folder in places.items()
        for path in folder.rglob("*")
        if path.is_file()
    )


def _run(
    spec: ModelSpec,
    base: Path,
    program: str,
    hyperparameters: Mapping[str, str],
    channels: tuple[str, ...],
) -> str:
    """Run a program to its end; "" when it went well, else its last lines."""
    for folder in ("model", "output/data"):
        (base / folder).mkdir(parents=True, exist_ok=True)
    arguments = [word for name, value in hyperparameters.items() for word in (f"--{name}", value)]
    # What a container has, and nothing of this machine's: no credentials, no stack.
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "NO_PROXY", "no_proxy")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment |= {
        "SAGEMAKER_BASE_DIR": str(base),
        "SM_MODEL_DIR": str(base / "model"),
        "SM_OUTPUT_DATA_DIR": str(base / "output" / "data"),
        "SM_HPS": json.dumps(dict(hyperparameters)),
        "SM_CHANNELS": json.dumps(channels),
        "SLUICE_LABEL": spec.data.label,
        "TF_CPP_MIN_LOG_LEVEL": "2",
        **{f"SM_CHANNEL_{name.upper()}": str(base / "input" / "data" / name) for name in channels},
    }
    command = ["/bin/sh", program] if program.endswith(".sh") else [sys.executable, program]
    try:
        done = subprocess.run(
            [*command, *arguments],
            cwd=base / "code",
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"no end after {SECONDS} s"
    last = "\n    ".join(done.stdout.strip().splitlines()[-LINES:])
    return f"status {done.returncode}\n    {last}" if done.returncode else ""
