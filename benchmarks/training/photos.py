"""``python -m benchmarks.training.photos``: each image model on photos made from a seed.

Whole training jobs of the shipped ``model.yaml`` (fewer epochs with ``--epochs``), beside the plain
model that each job measures itself against: a linear one of 8 × 8 thumbnails (of boxes, the most
alike photos). Then the int8 graph, its size and how often it answers as the network does.
``--houses FOLDER`` takes photos of real rooms instead, named ``<house>_<room>.jpg`` (Ahmed &
Moustafa 2016); a fifth of the houses is held out. The exit status is 1 when a network does not beat
its plain model.
"""

from __future__ import annotations

import argparse
import json
import sys
import tarfile
import tempfile
import time
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.training.job import ROOT, metrics_of, run_job
from deployments.demo.amenities import AMENITIES
from deployments.demo.buildings import BUILDINGS
from deployments.demo.facades import FACADES
from deployments.demo.photos import Album, write_photos
from deployments.demo.rooms import ROOMS
from deployments.demo.wear import CONDITIONS
from models.runtime.split import COLUMNS, columns_document
from tasks.contracts import load_contract
from tasks.conversion.convert import convert_model
from tasks.model_check import channel_columns
from tasks.model_spec import ModelSpec, load_model_spec

ALBUMS: Mapping[str, Album] = {
    "room-classifier": ROOMS,
    "property-classifier": BUILDINGS,
    "condition-assessment": CONDITIONS,
    "feature-detection": AMENITIES,
    "property-detector": FACADES,
}
METRICS: Mapping[str, str] = {"multi-label": "macro_f1", "detection": "map50"}
"""What is compared of a task; of the others accuracy."""
DAY = date(2026, 1, 5)
FOLDS = 5


def made(base: Path, album: Album, rows: int, held_out: int, seed: int) -> None:
    """Both channels, of photos that have nothing in common."""
    for offset, (side, count) in enumerate((("training", rows), ("holdout", held_out))):
        write_photos(base / "input/data" / side, album, count, DAY, 1, seed + offset)


def houses(base: Path, folder: Path, fold: int) -> None:
    """Both channels, of real photos; all of one house lie in one."""
    index: dict[str, list[str]] = {"training": [], "holdout": []}
    for path in sorted(folder.rglob("*_*.jpg")):
        house, _, room = path.stem.partition("_")
        side = "holdout" if int(house) % FOLDS == fold else "training"
        (base / "input/data" / side).mkdir(parents=True, exist_ok=True)
        (base / "input/data" / side / path.name).write_bytes(path.read_bytes())
        index[side].append(json.dumps({"file": path.name, "label": room}))
    for side, lines in index.items():
        (base / "input/data" / side / "labels.jsonl").write_text("\n".join(lines) + "\n", "utf-8")


def measured(spec: ModelSpec, base: Path, changes: Mapping[str, Any]) -> tuple[str, bool]:
    """A line of the table, and whether the network beats the plain model."""
    contract = load_contract(spec.data.dataset, ROOT / "data_contracts")
    columns = columns_document([vars(column) for column in channel_columns(contract)])
    for side in ("training", "holdout"):
        (base / "input/data" / side / COLUMNS).write_text(columns, encoding="utf-8")
    began = time.perf_counter()
    given = {**spec.training.hyperparameters, **changes}
    run_job(spec.name, spec.composition, given, base)
    found = metrics_of(base)
    seconds = time.perf_counter() - began
    metric = METRICS.get(spec.composition.task, "accuracy")
    ours, plain = (float(found[who][metric]) for who in ("candidate", "baseline"))
    agreement, size = int8(spec, base)
    counts = "{training:,} + {holdout:,}".format(**found["counts"])
    line = (
        f"| {spec.name} | {counts} | {metric} | {ours:.3f} | {plain:.3f} | {given['epochs']} "
        f"| {seconds:.0f} | {agreement:.1%} | {size / 1000:.0f} kB |"
    )
    return line, ours > plain


def int8(spec: ModelSpec, base: Path) -> tuple[float, int]:
    """How often the int8 graph answers as the network does, and its size in bytes."""
    archive = base / "model.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        tar.add(base / "model", ".")
    alone = spec.conversion.model_copy(update={"tflite_float16": None, "tfjs_float16": None})
    rows = base / "output/data/calibration.npz"
    [converted] = convert_model(archive, alone, rows, base / "edge", spec.name).formats
    return float(converted.parity.agreement or 0.0), int(converted.size)


def main() -> int:
    """Exit status: 1 when a network does not beat the plain model."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training.photos")
    parser.add_argument("models", nargs="*", help=f"of {', '.join(ALBUMS)}; all without any")
    parser.add_argument("--rows", type=int, default=1_600, help="photos to learn from")
    parser.add_argument("--held-out", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, help="other than the model's own")
    parser.add_argument("--houses", type=Path, help="folder of real rooms, for room-classifier")
    parser.add_argument("--fold", type=int, default=0, help=f"of the houses, 0 to {FOLDS - 1}")
    chosen = parser.parse_args()
    changes = {} if chosen.epochs is None else {"epochs": chosen.epochs}
    print("| model | photos | metric | network | plain | epochs | seconds | int8 agrees | int8 |")
    print("|---|---:|---|---:|---:|---:|---:|---:|---:|")
    beaten = []
    for name in ["room-classifier"] if chosen.houses else chosen.models or ALBUMS:
        with tempfile.TemporaryDirectory() as scratch:
            if chosen.houses:
                houses(Path(scratch), chosen.houses, chosen.fold)
            else:
                made(Path(scratch), ALBUMS[name], chosen.rows, chosen.held_out, chosen.seed)
            spec = load_model_spec(name, ROOT / "models")
            line, better = measured(spec, Path(scratch), changes)
        print(line, flush=True)
        beaten.append(better)
    return 0 if all(beaten) else 1


if __name__ == "__main__":
    sys.exit(main())
