"""How much is foreseen of later weeks: the shipped model beside what a practitioner tries first."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from deployments.demo.restaurants import restaurant_interactions
from models.runtime import train
from models.runtime.bundle import Bundle
from models.runtime.own import OwnCode
from models.runtime.rankings import peers
from models.runtime.script_mode import Hyperparameters, Job
from models.runtime.split import COLUMNS, columns_document
from models.runtime.task import Floats
from models.runtime.tasks.ranking import Ranking
from tasks.contracts import load_contract
from tasks.model_check import channel_columns
from tasks.model_spec import load_model_spec

ROOT = Path(__file__).resolve().parents[2]
SPEC = load_model_spec("recommendation", ROOT / "models")
START = date(2026, 1, 1)
SHOWN = ("ndcg", "recall", "recall_most", "coverage")


@dataclass(frozen=True)
class World:
    """A city to learn from.

    Args:
        rows: Acts.
        days: Days, of which the newest fortnight is held out.
        places: Restaurants.
        guests: Guests; 0 means one for every 25 acts.
    """

    rows: int
    days: int
    places: int
    guests: int = 0

    def __str__(self) -> str:
        """As the table names it."""
        guests = self.guests or self.rows // 25
        return f"{self.rows:,} acts, {guests:,} guests, {self.places} places"


WORLDS = (World(20_000, 120, 400), World(10_000, 80, 150, 400), World(60_000, 120, 1_500))


def write_channels(base: Path, world: World, seed: int) -> None:
    """Training and holdout, parted by day as the shipped model.yaml parts them."""
    made = restaurant_interactions(
        world.rows, START, world.days, seed, guests=world.guests, places=world.places
    )
    made.pop("broken")
    late = made["occurred_at"] >= np.datetime64(START) + world.days - SPEC.data.holdout_days
    contract = load_contract(SPEC.data.dataset, ROOT / "data_contracts")
    listed = columns_document([vars(column) for column in channel_columns(contract)])
    for side, chosen in (("training", ~late), ("holdout", late)):
        folder = base / side
        folder.mkdir(parents=True)
        table = pa.table({name: values[chosen] for name, values in made.items()})
        pq.write_table(table, folder / "part.parquet")
        (folder / COLUMNS).write_text(listed, encoding="utf-8")


def contenders(base: Path, seed: int) -> Iterator[tuple[str, Ranking, Any, Floats]]:
    """Name, task, labels and predictions of the holdout, of each model of the same rows."""
    given = {name: str(value) for name, value in SPEC.training.hyperparameters.items()}
    with tempfile.TemporaryDirectory() as scratch:
        job = Job(
            Path(scratch), Path(scratch), Path(scratch),
            {name: base / name for name in ("training", "holdout")},
            Hyperparameters({**given, "seed": str(seed)}),
        )  # fmt: skip
        family, own = SPEC.composition, OwnCode()
        with contextlib.redirect_stdout(io.StringIO()):
            ready = train.prepare(job, family, own)
            fitting = train.fitting_of(job, family, own, ready, train.Stopwatch())
            fitted = family.new_backend().fit(fitting)
    model = Bundle(family, ready.spec, fitted.predictor, own)
    labels, task = ready.holdout.labels, model.task
    if not isinstance(task, Ranking):
        raise TypeError(f"{SPEC.name} is no ranking: {type(task).__name__}")
    yield "Sluice, both stages", task, labels, model.predicted(ready.holdout.inputs)
    fitted.predictor.second = None
    yield "Sluice, two towers alone", task, labels, model.predicted(ready.holdout.inputs)
    matrix = peers.taken(task.targets(ready.training.labels), len(task.items))
    at = model.input.plain(ready.holdout.inputs)[:, 0].astype(np.int64) - 1
    known = (at >= 0)[:, None]
    seen = matrix[at].multiply(known).tocsr()
    seen.eliminate_zeros()
    for name, factors in (*((f"TruncatedSVD, {n} factors", n) for n in (4, 8, 16, 32)),
                          ("popularity", 0)):  # fmt: skip
        users, items = _factors(matrix, factors)
        found = peers.ordered(users[at] * known, items, peers.popularity(matrix), seen, task.most)
        yield name, task, labels, task.predicted(dict(zip(("items", "scores"), found, strict=True)))


def _factors(matrix: Any, factors: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    if factors:
        return peers.factors(matrix, most=factors)
    return tuple(np.zeros((size, 1), np.float32) for size in matrix.shape)  # type: ignore[return-value]


def table(worlds: tuple[World, ...], seeds: int) -> bool:
    """Print it; whether ours is above popularity twofold, and not below the best peer, in each."""
    print("| world | model | ndcg@10 | to best SVD | recall@10 | recall@100 | coverage@10 |")
    print("|---|---|---:|---:|---:|---:|---:|")
    good = True
    for world in worlds:
        found: dict[str, list[list[float]]] = {}
        for seed in range(seeds):
            with tempfile.TemporaryDirectory() as scratch:
                write_channels(Path(scratch), world, seed)
                for name, task, labels, predicted in contenders(Path(scratch), seed):
                    measured = task.measure(labels, predicted)
                    found.setdefault(name, []).append([measured[key] for key in SHOWN])
        means = {name: np.mean(values, axis=0) for name, values in found.items()}
        best = max(float(v[0]) for name, v in means.items() if name.startswith("TruncatedSVD"))
        for name, values in means.items():
            spread = np.std([row[0] for row in found[name]])
            print(
                f"| {world} | {name} | {values[0]:.3f} ± {spread:.3f} | {values[0] / best:.2f} | "
                + " | ".join(f"{value:.3f}" for value in values[1:])
                + " |",
                flush=True,
            )
        ours = float(means["Sluice, both stages"][0])
        good &= ours >= best and ours >= 2 * float(means["popularity"][0])
    return good
