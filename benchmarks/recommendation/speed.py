"""How long a user waits for 100 of 100,000 items, asked of the real server."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

from models.packaging import source_files
from models.runtime.backend import Fitted
from models.runtime.backends.two_towers import TwoTowers
from models.runtime.bundle import PREPROCESS, write_json
from models.runtime.inputs.pairs import InteractionPairs
from models.runtime.rankings.history import History, TakenUp
from models.runtime.rankings.recommender import SIGNS, Recommender, SecondStage, Towers
from models.runtime.rankings.search import best
from models.runtime.signature import Signature
from models.runtime.tasks.ranking import Ranking
from tasks.model_spec import load_model_spec

ROOT = Path(__file__).resolve().parents[2]
SPEC = load_model_spec("recommendation", ROOT / "models")
USERS, ACTS, VECTOR, PLACES = 10_000, 200_000, 32, 100


def recommender(items: int, seed: int = 0) -> Recommender:
    """A model of the shipped shape with made-up weights: what it costs does not depend on them."""
    draw = np.random.default_rng(seed)
    acts = TakenUp(
        draw.integers(1, USERS + 1, ACTS), draw.integers(1, items + 1, ACTS),
        draw.integers(0, 100, ACTS), np.ones(ACTS),
    )  # fmt: skip
    towers = Towers(
        draw.normal(size=(USERS + 1, VECTOR)).astype(np.float32),
        draw.normal(size=(items, VECTOR + 1)).astype(np.float32),
    )
    popularity = np.asarray([acts.shares(items), acts.recent_shares(items)], np.float32)
    second = SecondStage(np.linspace(1, 0.1, len(SIGNS)).astype(np.float32), -4.0)
    history = History.of(acts, USERS)
    return Recommender(towers, popularity, history, second, PLACES, candidates=200)


def write_bundle(folder: Path, model: Recommender) -> None:
    """What an endpoint unpacks, as a training job of such a model would leave it."""
    items = len(model.towers.items)
    for path, content in source_files(ROOT / "models" / SPEC.name, SPEC.composition).items():
        target = folder / "code" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    user = {"name": "user_id", "type": "text", "required": True, "example": "u00000"}
    spec: dict[str, Any] = {
        "kind": "pairs", "user": user, "columns": [], "items": [], "row_id": [],
        "k": 10, "most": PLACES, "exclude_seen": True,
        "users": [f"u{number:05d}" for number in range(USERS)],
        "output": {"kind": "ranking", "name": "restaurant_id", "k": 10, "most": PLACES,
                   "items": [f"r{number:06d}" for number in range(items)]},
    }  # fmt: skip
    signature = Signature(InteractionPairs(spec).tensors, Ranking(spec["output"]).outputs)
    write_json(folder / PREPROCESS, {**spec, "signature": signature.to_json()})
    write_json(folder / "reference.json", {"edges": [0.1, 0.2]})
    TwoTowers().save(Fitted(model), signature, folder)


@contextmanager
def served(folder: Path) -> Iterator[tuple[httpx.Client, Callable[[], float]]]:
    """The bundle's own server, in a process of its own: a client, and its processor seconds."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "code/entry_point.py"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "SAGEMAKER_BASE_DIR": str(folder.parent),
             "SAGEMAKER_BIND_TO_PORT": str(port)},
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            for _ in range(1_200):
                try:
                    client.get("/ping").raise_for_status()
                    break
                except httpx.ConnectError:
                    if process.poll() is not None:
                        raise RuntimeError("the server ended before it answered") from None
                    time.sleep(0.1)
            yield client, lambda: processor_seconds(process.pid)
    finally:
        process.terminate()
        process.wait(60)


def processor_seconds(process: int) -> float:
    """What a process has used of the processor, whatever else ran beside it."""
    fields = Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def milliseconds(act: Callable[[int], object], repetitions: int) -> NDArray[np.float64]:
    """How long each of some acts takes; the first tenth are not counted."""
    taken = []
    for number in range(repetitions + repetitions // 10):
        began = time.perf_counter()
        act(number)
        taken.append(1_000 * (time.perf_counter() - began))
    return np.asarray(taken[repetitions // 10 :])


def searches(model: Recommender) -> Mapping[str, Callable[[int], NDArray[np.int64]]]:
    """Ways to find the 100 best products of one user's vector with all items'."""
    from sklearn.neighbors import NearestNeighbors

    items = model.towers.items
    # The largest product is the nearest neighbour once all vectors are made as long (Bachrach et
    # al. 2014); of those scikit-learn has no faster exact search than this.
    lengths = (items**2).sum(axis=1)
    long = np.sqrt(np.maximum(lengths.max() - lengths, 0))[:, None]
    peer = NearestNeighbors(n_neighbors=PLACES, algorithm="brute").fit(np.hstack([items, long]))

    def vector(number: int) -> NDArray[np.float32]:
        vectors = model.towers.user_vectors(np.asarray([1 + number % USERS]), None)
        return np.asarray(vectors[0], dtype=np.float32)

    def neighbours(number: int) -> NDArray[np.int64]:
        asked = np.append(vector(number), np.float32(0))[None]
        return np.asarray(peer.kneighbors(asked, return_distance=False)[0], dtype=np.int64)

    return {
        "ours": lambda number: best(model.retrieved(vector(number)), PLACES),
        "NumPy, all scores sorted": lambda n: np.argsort(-(items @ vector(n)), kind="stable")[
            :PLACES
        ],
        "scikit-learn NearestNeighbors, brute": neighbours,
    }


def table(items: int, repetitions: int, folder: Path) -> float:
    """Print it; the served 95th percentile in milliseconds."""
    model = recommender(items)
    print(f"| {PLACES} of {items:,} | p50 ms | p95 ms | to ours | recall of exact |")
    print("|---|---:|---:|---:|---:|")
    truth = [
        set(np.argsort(-(model.towers.items.astype(np.float64) @ model.towers.user_vectors(
            np.asarray([1 + n]), None)[0]))[:PLACES].tolist())
        for n in range(20)
    ]  # fmt: skip
    ours = 0.0
    for name, search in searches(model).items():
        taken = milliseconds(search, repetitions)
        found = [len(set(search(n).tolist()) & truth[n]) / PLACES for n in range(len(truth))]
        ours = ours or float(np.median(taken))
        print(
            f"| search: {name} | {np.median(taken):.2f} | {np.quantile(taken, 0.95):.2f} | "
            f"{np.median(taken) / ours:.1f} | {np.mean(found):.4f} |",
            flush=True,
        )
    write_bundle(folder, model)
    with served(folder) as (client, used):

        def ask(number: int) -> None:
            asked = {"user_id": f"u{number % USERS:05d}", "k": PLACES}
            reply = client.post("/invocations", content=json.dumps({"instances": [asked]}))
            reply.raise_for_status()

        before = used()
        taken = milliseconds(ask, repetitions)
        spent = 1_000 * (used() - before) / (repetitions + repetitions // 10)
        [answer] = client.post(
            "/invocations", json={"instances": [{"user_id": "u00007", "k": PLACES}]}
        ).json()["predictions"]
    if len({entry["item"] for entry in answer["items"]}) != PLACES:
        raise RuntimeError(f"the server answered {len(answer['items'])} items, not {PLACES}")
    late = float(np.quantile(taken, 0.95))
    print(
        f"| served by HTTP, both stages, known items left out | {np.median(taken):.2f} | "
        f"{late:.2f} | {np.median(taken) / ours:.1f} | |\n\n"
        f"The server used {spent:.2f} ms of a processor for each request."
    )
    return late
