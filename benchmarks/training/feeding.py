"""``python -m benchmarks.training.feeding``: whether the processor waits for its rows.

*Epochs*: our fit of the shipped networks beside Keras' own ``fit`` of the same network from arrays
in memory, and of photos beside ``image_dataset_from_directory`` from files that no cache holds.
*Memory*: a data set whose tensors are ten times what the fit may hold, in a process of its own
under a limit (a memory cgroup, where one may be made), beside the same fit that may hold all of it.
The exit status is 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.training.job import ROOT
from deployments.demo.photos import write_photos
from deployments.demo.rooms import ROOMS
from models.runtime import spill
from models.runtime.inputs.image import IMAGE, Image
from models.runtime.networks import architectures
from models.runtime.networks.fitting import HELD, Checkpoints, Examples, Fit, FittingSchedule
from models.runtime.networks.objectives import LOSSES
from models.runtime.script_mode import Hyperparameters
from models.runtime.signature import Signature, Tensor
from models.runtime.tasks.classification import Classification
from tasks.model_spec import load_model_spec

SLOWER, FASTER, STREAMED = 1.05, 2.0, 1.3
"""Goals: against arrays in memory; against files; ten times the memory against all of it."""
TIMES = 10
CLASSES = 4
DAY = date(2026, 1, 5)
SENT = (1280, 960)
"""Pixels of the photos that the peer reads from files; ours were read once, before the fit."""
CGROUPS = (
    (Path("/sys/fs/cgroup"), "memory.max"),
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),
)
"""Where a limit is set: the second version of cgroups, and the first."""


def network(signature: Signature, name: str) -> Any:
    """The shipped model's network for these tensors."""
    spec = load_model_spec(name, ROOT / "models")
    chosen = Hyperparameters(spec.training.hyperparameters)
    return architectures.build(signature, "softmax", chosen)


def ours(
    model: Any, signature: Signature, examples: Examples, epochs: int, *, compiled: bool
) -> list[float]:
    """Seconds of each epoch."""
    schedule = FittingSchedule(
        LOSSES[Classification.objective], epochs, 32, 1e-3, 1e-2, 0, compiled=compiled
    )
    with tempfile.TemporaryDirectory() as scratch, contextlib.redirect_stdout(io.StringIO()):
        fit = Fit(
            model=model,
            signature=signature,
            examples=examples,
            schedule=schedule,
            validate=dict,
            checkpoints=Checkpoints(Path(scratch), "benchmark"),
            stopping=lambda: False,
        )
        return [entry["seconds"] for entry in fit.run()]


def prepared(model: Any, *, compiled: bool) -> Any:
    """The model, ready for Keras' own ``fit``."""
    import keras

    model.compile(
        keras.optimizers.AdamW(1e-3, weight_decay=1e-2, use_ema=True),
        "sparse_categorical_crossentropy",
        jit_compile=compiled,
    )
    return model


def theirs(model: Any, rows: Any, epochs: int) -> list[float]:
    """Seconds of each epoch of Keras' own ``fit``; ``rows`` is a pair of arrays, or a data set."""
    import keras

    began: list[float] = []
    taken: list[float] = []
    clock = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda *_: began.append(time.perf_counter()),
        on_epoch_end=lambda *_: taken.append(time.perf_counter() - began[-1]),
    )
    given = (
        {"x": rows[0], "y": rows[1], "batch_size": 32} if isinstance(rows, tuple) else {"x": rows}
    )
    model.fit(**given, epochs=epochs, verbose=0, callbacks=[clock])
    return taken


def photos(rows: int, epochs: int) -> Iterator[tuple[str, float, float]]:
    """Of photos: what is compared, our seconds an epoch, theirs."""
    import keras

    spec = load_model_spec("room-classifier", ROOT / "models")
    source = Image(Image.schema((), "label", {}, Hyperparameters(spec.training.hyperparameters)))
    side = source.tensors[0].shape[1]
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch)
        write_photos(base / "channel", ROOMS, rows, DAY, 1, 0)
        ids, inputs, labels = source.read(base / "channel", "label")
        task = Classification(
            Classification.describe(np.asarray(labels), "label", Hyperparameters({}))
        )
        signature = Signature(source.tensors, task.outputs)
        targets = task.targets(np.asarray(labels))
        tensors = source.transform(inputs)

        def of(chosen: Any) -> tuple[dict[str, NDArray[Any]], NDArray[Any]]:
            return source.transform({IMAGE: inputs[IMAGE][chosen]}), targets[chosen]

        for name, label in zip(ids, labels, strict=True):
            place = base / "folders" / str(label) / Path(str(name)).name
            place.parent.mkdir(parents=True, exist_ok=True)
            enlarged(next((base / "channel").rglob(place.name)), place)
        model = network(signature, spec.name)
        mine = ours(model, signature, Examples(rows, of), epochs, compiled=False)
        peer = prepared(network(signature, spec.name), compiled=False)
        held = theirs(peer, (tensors[IMAGE], targets), epochs)
        yield "room photos, arrays in memory", settled(mine), settled(held)
        files = keras.utils.image_dataset_from_directory(
            base / "folders", label_mode="int", batch_size=32, image_size=(side, side),
            verbose=False, seed=0,
        )  # fmt: skip
        cold: list[float] = []
        again = prepared(network(signature, spec.name), compiled=False)
        for _ in range(epochs):
            forget(base / "folders")
            cold += theirs(again, files, 1)
        yield "room photos, image_dataset_from_directory, cold", settled(mine), settled(cold)


def tables(rows: int, epochs: int) -> Iterator[tuple[str, float, float]]:
    """Of a table's network."""
    signature = Signature((Tensor("features", (1, 64)),), (Tensor("prediction", (1, CLASSES)),))
    random = np.random.default_rng(0)
    features = random.normal(size=(rows, 64)).astype(np.float32)
    targets = random.integers(0, CLASSES, rows).astype(np.int32)
    examples = Examples.ready({"features": features}, targets)
    mine = ours(network(signature, "price-estimator"), signature, examples, epochs, compiled=True)
    peer = prepared(network(signature, "price-estimator"), compiled=True)
    held = theirs(peer, (features, targets), epochs)
    yield "a table, arrays in memory", settled(mine), settled(held)


def enlarged(photo: Path, target: Path) -> None:
    """The photo in the size that phones send."""
    from PIL import Image as Pillow

    with Pillow.open(photo) as image:
        image.convert("RGB").resize(SENT).save(target, "JPEG", quality=85)


def settled(seconds: list[float]) -> float:
    """Median of the epochs after the first, which compiles."""
    return float(np.median(seconds[1:]))


def forget(folder: Path) -> None:
    """Take files out of the system's cache."""
    os.sync()
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


# A data set larger than memory ---------------------------------------------------------------


def limited(rows: int, held: int, epochs: int, room: int) -> dict[str, Any]:
    """In a process of its own: rows a second, and the most memory that the fit took.

    Args:
        rows: Pictures of 64 × 64.
        held: Bytes of tensors that the fit may hold.
        epochs: How many.
        room: Bytes beyond what the process has when it begins; 0 sets no limit.
    """
    asked = [
        sys.executable,
        "-m",
        "benchmarks.training.feeding",
        "--inside",
        *map(str, (rows, held, epochs, room)),
    ]
    done = subprocess.run(asked, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise RuntimeError(f"ended with {done.returncode}: {done.stderr[-600:]}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def inside(rows: int, held: int, epochs: int, room: int) -> None:
    """What :func:`limited` runs."""
    spec = load_model_spec("room-classifier", ROOT / "models")
    source = Image(Image.schema((), "label", {}, Hyperparameters(spec.training.hyperparameters)))
    signature = Signature(source.tensors, (Tensor("prediction", (1, CLASSES)),))
    random = np.random.default_rng(0)
    targets = random.integers(0, CLASSES, rows).astype(np.int32)

    def fitted(pictures: NDArray[Any], allowed: int, turns: int) -> list[float]:
        def of(chosen: Any) -> tuple[dict[str, NDArray[Any]], NDArray[Any]]:
            return source.transform({IMAGE: pictures[chosen]}), targets[chosen]

        examples = Examples(len(pictures), of, allowed)
        return ours(network(signature, spec.name), signature, examples, turns, compiled=False)

    shape = source.tensors[0].shape[1:]
    few = random.integers(0, 256, (64, *shape), dtype=np.uint8)
    fitted(few, held, 1)  # TensorFlow and the graph are there before anything is counted
    pictures = spill.empty((rows, *shape), np.uint8, large=0)
    for part in spill.parts(rows, pictures[:1].nbytes, spill.AT_ONCE):
        pictures[part] = random.integers(0, 256, (part.stop - part.start, *shape), dtype=np.uint8)
    start = anonymous()
    limit = confine(start + room) if room else ""
    most = Most()
    seconds = fitted(pictures, held, epochs)
    print(
        json.dumps(
            {
                "rate": rows / settled(seconds),
                "more_bytes": most.stop() - start,
                "limit": limit,
                "tensors": rows * source.tensors[0].row_bytes,
            }
        )
    )


def anonymous() -> int:
    """Bytes of this process that no file holds."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status tells no RssAnon")


def confine(limit: int) -> str:
    """Put this process under a memory limit; what set it, "" where none may be set."""
    for place, name in CGROUPS:
        group = place / f"sluice-benchmark-{os.getpid()}"
        try:
            group.mkdir()
            (group / name).write_text(str(limit), "ascii")
            (group / "cgroup.procs").write_text(str(os.getpid()), "ascii")
        except OSError:
            with contextlib.suppress(OSError):
                group.rmdir()
            continue
        return f"{name} {limit / 2**20:.0f} MiB"
    return ""


class Most:
    """The most anonymous memory, looked at ten times a second."""

    def __init__(self) -> None:
        self._most = anonymous()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """Bytes."""
        self._over.set()
        self._thread.join()
        return self._most

    def _look(self) -> None:
        while not self._over.wait(0.1):
            self._most = max(self._most, anonymous())


def epoch_table(rows: int, epochs: int) -> bool:
    """Print it; whether the goals are met."""
    print("| rows | ours, s an epoch | peer, s an epoch | ours : peer | goal |")
    print("|---|---:|---:|---:|---|")
    good = True
    compared: tuple[Callable[[], Iterator[tuple[str, float, float]]], ...] = (
        lambda: photos(rows, epochs),
        lambda: tables(20 * rows, epochs),
    )
    for pairs in compared:
        for name, mine, peer in pairs():
            goal = 1 / FASTER if "cold" in name else SLOWER
            ratio = mine / peer
            good &= ratio <= goal
            print(f"| {name} | {mine:.2f} | {peer:.2f} | {ratio:.2f} | ≤ {goal:.2f} |", flush=True)
    return good


def memory_table(held: int, epochs: int) -> bool:
    """Print it; whether the goals are met."""
    row = Image(Image.schema((), "label", {}, Hyperparameters({}))).tensors[0].row_bytes
    rows = TIMES * held // row
    streamed = limited(rows, held, epochs, 2 * held)
    whole = limited(rows, 4 * TIMES * held, epochs, 0)
    print(f"\n{rows:,} pictures, {streamed['tensors'] / 2**20:.0f} MiB of tensors.\n")
    print("| the fit may hold | rows/s | more memory than before it | limit |")
    print("|---|---:|---:|---|")
    for name, told in ((f"{held / 2**20:.0f} MiB", streamed), ("all", whole)):
        print(
            f"| {name} | {told['rate']:.0f} | {told['more_bytes'] / 2**20:.0f} MiB "
            f"| {told['limit'] or 'none'} |"
        )
    ratio = whole["rate"] / streamed["rate"]
    print(
        f"\nTime against the fit that holds all: {ratio:.2f} (goal ≤ {STREAMED}). The tensors are "
        f"{TIMES} times what it may hold, and {streamed['tensors'] / streamed['more_bytes']:.1f} "
        "times what the process took for them and for learning."
    )
    return bool(ratio <= STREAMED)


def main() -> int:
    """Exit status: 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training.feeding")
    parser.add_argument("--rows", type=int, default=1_600, help="photos; tables have twenty times")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--held", type=int, default=HELD // 8, help="bytes, of the second table")
    parser.add_argument("--inside", type=int, nargs=4, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.inside:
        inside(*chosen.inside)
        return 0
    print(
        f"{os.cpu_count()} cores ({platform.machine()}, Python {platform.python_version()}), "
        f"{datetime.now(UTC):%Y-%m-%d}; {chosen.rows} photos, {chosen.epochs} epochs.\n"
    )
    good = epoch_table(chosen.rows, chosen.epochs)
    good &= memory_table(chosen.held, chosen.epochs)
    print(f"\nGoals: {'met' if good else 'MISSED'}.")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
