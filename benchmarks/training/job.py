"""A whole training job of a shipped model, as SageMaker would run it, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from models.packaging import TRAIN, source_files
from models.runtime.family import Family
from models.runtime.split import COLUMNS

ROOT = Path(__file__).resolve().parents[2]


def run_job(model: str, family: Family, hyperparameters: Mapping[str, Any], base: Path) -> str:
    """Train on the channels below ``base/input/data``; what the job printed.

    Raises:
        RuntimeError: the job failed; its last lines are in the message.
    """
    for path, content in source_files(ROOT / "models" / model, family).items():
        target = base / "code" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    given = hyperparameters.items()
    done = subprocess.run(
        [sys.executable, TRAIN, *(w for name, value in given for w in (f"--{name}", str(value)))],
        cwd=base / "code",
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
            "SAGEMAKER_BASE_DIR": str(base),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"the job failed: {done.stdout[-800:]}")
    return done.stdout


def write_channels(base: Path, columns: str, training: Any, holdout: Any) -> None:
    """The channels of a job.

    Args:
        base: The job's folder.
        columns: Text of _columns.json.
        training: Data frame of the rows to learn from.
        holdout: Of the rows that are held out.
    """
    for name, rows in (("training", training), ("holdout", holdout)):
        folder = base / "input" / "data" / name
        folder.mkdir(parents=True)
        table = pa.Table.from_pandas(rows, preserve_index=False)
        pq.write_table(table, folder / "part.parquet")
        (folder / COLUMNS).write_text(columns, encoding="utf-8")


def metrics_of(base: Path) -> Mapping[str, Any]:
    """What a finished job measured: its metrics.json."""
    read: Mapping[str, Any] = json.loads((base / "output/data/metrics.json").read_text("utf-8"))
    return read
