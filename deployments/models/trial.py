"""A model's programs run as SageMaker would run them, on a few made-up rows, on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from deployments.models.synthetic import write_channel
from models.packaging import MEASURE, TRAIN, measuring_files, source_files
from models.runtime.answers import FILE, InvalidAnswers, load
from models.runtime.split import COLUMNS, columns_document
from tasks.contracts.model import Contract
from tasks.errors import TrainingFailed
from tasks.model_check import channel_columns
from tasks.model_spec import ModelSpec
from tasks.training.collect import measured

ROWS = {"training": 96, "holdout": 40}
SECONDS = 600
LINES = 12
Said = tuple[str, str]
"""``ok``, ``note`` or ``FAULT``, and a sentence."""


def trial(spec: ModelSpec, contract: Contract, folder: Path) -> Iterator[Said]:
    """Train, measure, and measure again as a champion would be; says what came of each."""
    with tempfile.TemporaryDirectory(prefix="sluice-check-") as scratch:
        base = Path(scratch)
        _write(base / "code", source_files(folder, spec.composition))
        columns = columns_document([vars(column) for column in channel_columns(contract)])
        for seed, (channel, rows) in enumerate(ROWS.items()):
            place = base / "input" / "data" / channel
            write_channel(contract, place, rows, seed)
            (place / COLUMNS).write_text(columns, "utf-8")
        spec_values = {name: str(value) for name, value in spec.training.hyperparameters.items()}
        backend = spec.composition.new_backend()
        hyperparameters = {**spec_values, **backend.trial_hyperparameters}
        complaint = _run(spec, base, TRAIN, hyperparameters, tuple(ROWS))
        if complaint:
            yield "FAULT", f"training failed on {ROWS['training']} rows: {complaint}"
            return
        try:
            metrics = measured(base / "output" / "data", "the training")
        except TrainingFailed as error:
            yield "FAULT", str(error)
            return
        yield "ok", f"it trains, and measures {', '.join(sorted(metrics.candidate))}"
        for gate in spec.gates:
            if gate.metric not in metrics.candidate:
                yield "FAULT", f"gates: {gate.metric} is not measured"
            if gate.no_worse_than_baseline is not None and gate.metric not in metrics.baseline:
                yield "FAULT", f"gates: no baseline is measured for {gate.metric}"
        if any(gate.confidence for gate in spec.gates):
            yield from _answers(base / "output" / "data" / FILE)
        yield from _as_champion(spec, base)


def _answers(path: Path) -> Iterator[Said]:
    """What the intervals of the gates are made of."""
    try:
        said = load(path)
    except InvalidAnswers as error:
        yield "FAULT", f"gates: confidence asks for answers on held-out rows: {error}"
        return
    yield "ok", f"it saves its answers on {len(said.rows)} held-out rows for the gates' intervals"


def _as_champion(spec: ModelSpec, base: Path) -> Iterator[Said]:
    """The bundle answers its example and measures itself, as a later run will ask it to."""
    second = base / "second"
    (second / "input" / "data" / "model").mkdir(parents=True)
    _write(second / "code", measuring_files())
    (second / "input" / "data" / "holdout").symlink_to(base / "input" / "data" / "holdout")
    with tarfile.open(second / "input" / "data" / "model" / "model.tar.gz", "w:gz") as archive:
        archive.add(base / "model", ".")
    complaint = _run(spec, second, MEASURE, {}, ("model", "holdout"))
    if complaint:
        yield "FAULT", f"it cannot be measured as a champion: {complaint}"
        return
    try:
        metrics = measured(second / "output" / "data", "the measuring")
    except TrainingFailed as error:
        yield "FAULT", str(error)
        return
    missing = [
        g.metric
        for g in spec.gates
        if g.no_worse_than_champion is not None and g.metric not in metrics.candidate
    ]
    if missing:
        yield "FAULT", f"a champion does not measure {', '.join(missing)}"
    else:
        yield "ok", "it answers its own example, and measures itself as a champion"


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


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
    names = ("PATH", "HOME", "LANG", "TMPDIR", "NO_PROXY", "no_proxy")
    environment = {name: os.environ[name] for name in names if name in os.environ}
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
    try:
        process = subprocess.run(
            [sys.executable, program, *arguments],
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
    last = "\n    ".join(process.stdout.strip().splitlines()[-LINES:])
    return f"status {process.returncode}\n    {last}" if process.returncode else ""
