"""One real training job, shared by every test that needs its artefacts."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deployments.demo.generate import property_sales
from models.packaging import TRAIN, source_files
from models.runtime.split import COLUMNS, columns_document
from tasks.contracts import load_contract
from tasks.model_check import channel_columns
from tasks.model_spec import load_model_spec

ROOT = Path(__file__).resolve().parents[2]
MODEL = "price-estimator"
EPOCHS = 8


@dataclass(frozen=True)
class Trained:
    """Where a finished job left its files."""

    base: Path
    stopped_log: str
    stopped_status: int
    resumed_log: str

    @property
    def model(self) -> Path:
        return self.base / "model"

    @property
    def output(self) -> Path:
        return self.base / "output" / "data"

    @property
    def archive(self) -> Path:
        return self.base / "model.tar.gz"

    def json(self, path):
        return json.loads((self.base / path).read_text("utf-8"))


def columns_text(dataset):
    """What a channel of a data set says of its columns."""
    contract = load_contract(dataset, ROOT / "data_contracts")
    return columns_document([vars(column) for column in channel_columns(contract)])


def write_channel(folder, columns, chosen=slice(None), dataset="property_sales"):
    folder.mkdir(parents=True, exist_ok=True)
    table = pa.table({name: values[chosen] for name, values in columns.items()})
    pq.write_table(table, folder / "part.parquet")
    (folder / COLUMNS).write_text(columns_text(dataset), "utf-8")


def write_code(folder, files):
    """Unpack an archive's files."""
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def start_job(base, *arguments):
    """Run the training as SageMaker does, from its archive; the process, not waited for."""
    code = base / "code"
    if not code.exists():
        spec = load_model_spec(MODEL, ROOT / "models")
        write_code(code, source_files(ROOT / "models" / MODEL, spec.composition))
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    return subprocess.Popen(
        [sys.executable, TRAIN, *arguments],
        cwd=code,
        env={
            **inherited,
            "SAGEMAKER_BASE_DIR": str(base),
            "SM_HPS": json.dumps({"epochs": 1, "seed": 3, "label_transform": "log"}),
            "SM_CHANNEL_TRAINING": str(base / "input" / "data" / "training"),
            "SM_CHANNEL_HOLDOUT": str(base / "input" / "data" / "holdout"),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def train(base):
    """Start a job, stop it in its first epochs as spot capacity would, and let it go on."""
    sales = property_sales(2400, date(2026, 1, 1), 60, seed=5)
    late = sales["date"] >= np.datetime64("2026-02-20")
    write_channel(base / "input" / "data" / "training", sales, ~late)
    write_channel(base / "input" / "data" / "holdout", sales, late)
    arguments = ("--epochs", str(EPOCHS), "--learning_rate", "0.003")
    said = []
    with start_job(base, *arguments) as first:
        for line in first.stdout:
            said.append(line)
            if line.startswith("epoch=1 "):
                first.send_signal(signal.SIGTERM)
        status = first.wait(60)
    second = start_job(base, *arguments)
    more, _ = second.communicate()
    assert second.returncode == 0, more
    with tarfile.open(base / "model.tar.gz", "w:gz") as archive:
        archive.add(base / "model", ".")
    done = {"stopped_log": "".join(said), "stopped_status": status, "resumed_log": more}
    (base / "done.json").write_text(json.dumps(done), "utf-8")


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """The finished job; trained once, however many processes run the tests."""
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root
    base = root / "trained-prices"
    with (root / "trained-prices.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (base / "done.json").exists():
            train(base)
    return Trained(base, **json.loads((base / "done.json").read_text("utf-8")))
