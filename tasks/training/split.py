"""Split good data into what the model learns from and what the gate measures on.

The same data and the same rule give the same split, on any machine: by day, or by a hash of the
row's own identity. A row is never in both.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tasks.errors import NoDataInWindow
from tasks.good_rows import DAY, LABEL_DAY, LABELS, day_of
from tasks.model_spec import DataSpec
from tasks.values import Frozen

TRAINING, HOLDOUT = "training", "holdout"
_SCALE = 1 << 64


class Split(Frozen):
    """How many rows went where. ``rule`` says it in words."""

    training_rows: int
    holdout_rows: int
    rule: str


def held_out(identity: str, share: float) -> bool:
    """Whether a hash puts a row into the held-out share."""
    digest = hashlib.sha256(identity.encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * _SCALE


def rule_of(data: DataSpec) -> str:
    """The split rule in words; part of a training's identity."""
    if data.holdout_days:
        return f"the newest {data.holdout_days} days are held out"
    return f"{data.holdout_share:.0%} are held out, by a hash of each row"


def split_good_rows(good: Path, out: Path, data: DataSpec) -> Split:
    """Split Parquet files of good rows, or a folder of images with their labels.

    Args:
        good: Folder with ``*.parquet`` (each row with its partition day in ``_day``), or with
            images and ``labels.jsonl``.
        out: Gets the folders ``training`` and ``holdout``.
        data: The model's data settings.

    Raises:
        NoDataInWindow: one side of the split would be empty.
    """
    for side in (TRAINING, HOLDOUT):
        shutil.rmtree(out / side, ignore_errors=True)
        (out / side).mkdir(parents=True)
    if (good / LABELS).exists():
        counts = _split_images(good, out, data)
    else:
        counts = _split_tables(sorted(good.glob("*.parquet")), out, data)
    if not all(counts):
        raise NoDataInWindow(
            f"{data.dataset}: the split leaves {counts[0]} rows to train on and {counts[1]} held "
            f"out ({rule_of(data)}).",
            "Widen the window, or lower data.holdout_days in model.yaml.",
        )
    return Split(training_rows=counts[0], holdout_rows=counts[1], rule=rule_of(data))


def _first_held_out_day(newest: date, data: DataSpec) -> date:
    return newest - timedelta(days=data.holdout_days - 1)


def _split_tables(files: Sequence[Path], out: Path, data: DataSpec) -> tuple[int, int]:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    if not files:
        return 0, 0
    newest = max(day_of(pc.max(pq.read_table(file, columns=[DAY])[DAY]).as_py()) for file in files)
    first = _first_held_out_day(newest, data)
    counts = [0, 0]
    for file in files:
        table = pq.read_table(file)
        days = [day_of(value) for value in table[DAY].to_pylist()]
        if data.holdout_days:
            apart = [day >= first for day in days]
        else:
            apart = [
                held_out(json.dumps(row, sort_keys=True, default=str), data.holdout_share)
                for row in table.to_pylist()
            ]
        mask = pa.array(apart)
        for index, (side, chosen) in enumerate(((TRAINING, pc.invert(mask)), (HOLDOUT, mask))):
            part = table.filter(chosen)
            counts[index] += part.num_rows
            if part.num_rows:
                pq.write_table(part, out / side / file.name)
    return counts[0], counts[1]


def _split_images(good: Path, out: Path, data: DataSpec) -> tuple[int, int]:
    entries: list[dict[str, Any]] = [
        json.loads(line) for line in (good / LABELS).read_text("utf-8").splitlines() if line
    ]
    days = [day_of(entry[LABEL_DAY]) for entry in entries]
    first = _first_held_out_day(max(days), data) if days and data.holdout_days else None
    sides: dict[str, list[dict[str, Any]]] = {TRAINING: [], HOLDOUT: []}
    for entry in entries:
        # The picture's own bytes decide, so that one picture under two names is not in both.
        content = hashlib.sha256((good / entry["file"]).read_bytes()).hexdigest()
        apart = (
            day_of(entry[LABEL_DAY]) >= first if first else held_out(content, data.holdout_share)
        )
        sides[HOLDOUT if apart else TRAINING].append(entry)
    for side, chosen in sides.items():
        lines = []
        for entry in chosen:
            target = out / side / entry["file"]
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(good / entry["file"], target)
            lines.append(json.dumps(entry, sort_keys=True))
        (out / side / LABELS).write_text("\n".join(lines) + "\n", "utf-8")
    return len(sides[TRAINING]), len(sides[HOLDOUT])
