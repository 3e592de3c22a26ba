"""Rows for every composition of a task, an input and a backend, and how its job is run."""

import base64
import io
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import product
from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from models.packaging import TRAIN, source_files
from models.runtime.family import Family, misfit, names_of, plug_in
from models.runtime.split import COLUMNS, columns_document
from tests.models.labels import label_of
from tests.models.trained import write_code
from tests.ports import reserved_port

ROWS, HELD_OUT = 200, 60
# Epochs enough for a busy machine: the first job is told to stop after one, and must have more.
FAST = {"epochs": "12", "batch_size": "20", "compiled": "0", "learning_rate": "0.02",
        "hidden": "8", "side": "16", "filters": "4,8", "grid": "4", "max_iter": "20"}  # fmt: skip
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
"""Of 200 rows two threads only wait for each other."""
KERAS = ("keras", "two-towers")
"""Backends whose training takes TensorFlow's start."""
PAIRS = (
    {"name": "key", "type": "string", "required": True, "key": True},
    {"name": "who", "type": "string", "required": True},
    {"name": "on", "type": "date", "required": True},
    {"name": "town", "type": "string", "kind": "categorical"},
    {"name": "kind", "type": "string", "kind": "categorical"},
)
ROLES = {"who": "user", "on": "time", "town": "user_attribute", "kind": "item_attribute"}
TABLE = (
    {"name": "key", "type": "string", "required": True, "key": True},
    {"name": "size", "type": "number", "required": True, "kind": "numeric"},
    {"name": "kind", "type": "string", "kind": "categorical"},
    {"name": "told", "type": "string", "kind": "text"},
    {"name": "new", "type": "boolean"},
    {"name": "on", "type": "date", "required": True},
)
SAID = ("awful", "dark", "dull", "plain", "fair", "fine", "bright", "lovely", "splendid")
OWN = {
    "train.py": '''"""Learns the mean answer; stands for any framework."""
import argparse, glob, json, os, time
parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=1)
chosen, _ = parser.parse_known_args()
label, channel = os.environ["SLUICE_LABEL"], os.environ["SM_CHANNEL_TRAINING"]
tables = glob.glob(f"{channel}/**/*.parquet", recursive=True)
if tables:
    import pyarrow.parquet as pq
    labels = [v for t in tables for v in pq.ParquetFile(t).read([label])[label].to_pylist()]
else:
    lines = [l for f in glob.glob(f"{channel}/**/labels.jsonl", recursive=True) for l in open(f)]
    labels = [json.loads(line)[label] for line in lines]
checkpoint = os.path.join(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"), "checkpoints", "at")
os.makedirs(os.path.dirname(checkpoint), exist_ok=True)
done = int(open(checkpoint).read()) if os.path.exists(checkpoint) else 0
if done:
    print(f"resuming after epoch {done}", flush=True)
for epoch in range(done + 1, chosen.epochs + 1):
    print(f"epoch={epoch} loss=0.5", flush=True)
    open(checkpoint, "w").write(str(epoch))
    time.sleep(0.2)
boxes = [one for row in labels if isinstance(row, list) for one in row if isinstance(one, dict)]
if boxes:
    answer = {"objects": [{**boxes[0], "confidence": 0.5}]}
elif isinstance(labels[0], list):
    names = sorted({name for row in labels for name in row})
    answer = [sum(name in row for row in labels) / len(labels) for name in names]
elif isinstance(labels[0], str):
    names = sorted(set(labels))
    answer = [labels.count(name) / len(labels) for name in names]
else:
    answer = sum(labels) / len(labels)
with open(os.path.join(os.environ["SM_MODEL_DIR"], "model.json"), "w") as file:
    json.dump(answer, file)
''',
    "inference.py": '''"""Answers what train.py learned, as PyTorch's container asks."""
import json, os

def model_fn(model_dir):
    return json.load(open(os.path.join(model_dir, "model.json")))

def input_fn(body, content_type):
    assert content_type == "application/json"
    return json.loads(body)["instances"]

def predict_fn(data, model):
    return [model for _ in data]

def output_fn(prediction, accept):
    return json.dumps({"predictions": prediction}), accept
''',
}


def compositions(backend):
    """Every task and input that go with a backend."""
    every = product(names_of("tasks"), names_of("inputs"))
    return tuple((*both, backend) for both in every if not misfit(*both, backend))


@dataclass(frozen=True)
class Done:
    """A finished job of one composition, and what the one before it said when it was stopped."""

    base: Path
    family: Family
    log: str
    stopped: str = ""

    @property
    def model(self):
        return self.base / "model"

    @property
    def holdout(self):
        return self.base / "input" / "data" / "holdout"

    def metrics(self):
        return json.loads((self.base / "output/data/metrics.json").read_text("utf-8"))


def run(base, task, source, backend):
    """Train one composition to its end, in a process of its own."""
    family = prepare(base, task, source, backend)
    with start(base) as process:
        log, _ = process.communicate(timeout=600)
    assert process.returncode == 0, log
    return Done(base, family, log)


def prepare(base, task, source, backend):
    """Channels and code of a job."""
    family = Family(
        task, source, backend, "told_label", features=ROLES if source == "pairs" else {},
        program="train.py" if backend == "custom" else "",
    )  # fmt: skip
    for seed, (channel, rows) in enumerate((("training", ROWS), ("holdout", HELD_OUT))):
        write_rows(base / "input" / "data" / channel, task, source, rows, seed)
    own = base / "own"
    write_code(own, {path: text.encode() for path, text in OWN.items()} if family.program else {})
    own.mkdir(exist_ok=True)
    write_code(base / "code", source_files(own, family))
    return family


def in_a_process(command, **how):
    """Start a program as a job's container does."""
    return subprocess.Popen(
        [sys.executable, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **how,
    )


def start(base, begin=in_a_process):
    """Start the job's training."""
    arguments = [word for name, value in FAST.items() for word in (f"--{name}", value)]
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    return begin(
        [TRAIN, *arguments],
        cwd=base / "code",
        env={
            **inherited,
            "SAGEMAKER_BASE_DIR": str(base),
            "SLUICE_LABEL": "told_label",
            **ONE_THREAD,
        },
    )


def run_interrupted(base, task, source, backend, begin=in_a_process):
    """Train one composition: the first job is stopped on its way, the second ends it."""
    family = prepare(base, task, source, backend)
    status, stopped, log = stopped_and_resumed(base, begin)
    assert status == 143, stopped  # 128 + SIGTERM, as a shell tells it
    return Done(base, family, log, stopped)


def stopped_and_resumed(base, begin=in_a_process):
    """Stop a job at its first sign of life, as spot capacity would, and let another go on."""
    said = []
    with start(base, begin) as first:
        for line in first.stdout:
            said.append(line)
            if line.startswith(("epoch=1 ", "part=scikit-learn")):
                first.send_signal(signal.SIGTERM)
        status = first.wait(120)
    left = [path for path in (base / "model").rglob("*") if path.is_file()]
    assert not left, f"a stopped job left {left}"
    second = start(base, begin)
    more, _ = second.communicate(timeout=600)
    assert second.returncode == 0, more
    return status, "".join(said), more


def write_rows(folder, task, source, rows, seed):
    """A channel whose label can be learned."""
    folder.mkdir(parents=True)
    numbers = np.random.default_rng(seed).uniform(size=rows)
    if source == "pairs":
        pq.write_table(pa.table(acts(rows, seed)), folder / "part.parquet")
        listed = [*PAIRS, {"name": "told_label", "type": "string", "required": True}]
        (folder / COLUMNS).write_text(columns_document(listed), "utf-8")
        return
    labels = [label_of(plug_in("tasks", task), number) for number in numbers]
    if source == "tabular":
        columns = {
            "key": [f"k{n}" for n in range(rows)],
            "size": numbers * 50,
            "kind": ["house" if n > 0.5 else "flat" for n in numbers],
            "told": [f"a room {'bright' if n > 0.5 else 'dark'} {int(n * 9)}" for n in numbers],
            "new": [None if n < 0.1 else bool(n > 0.7) for n in numbers],
            "on": [date(2026, 1, 1 + int(n * 30)) for n in numbers],
            "told_label": labels,
        }
        pq.write_table(pa.table(columns), folder / "part.parquet")
        listed = [*TABLE, {"name": "told_label", "type": "number"}]
    elif source == "image":
        lines = []
        for index, (number, label) in enumerate(zip(numbers, labels, strict=True)):
            shade = int(255 * number)
            Image.new("RGB", (20, 20), (shade, 255 - shade, 128)).save(folder / f"{index}.png")
            lines.append(json.dumps({"file": f"{index}.png", "told_label": label}))
        (folder / "labels.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
        listed = [{"name": "file", "type": "string"}, {"name": "told_label", "type": "string"}]
    elif source == "text":
        columns = {
            "key": [f"k{n}" for n in range(rows)],
            "told": [f"{'not ' * int(n * 4)}Café {SAID[int(n * 9)]} 👍" for n in numbers],
            "told_label": labels,
        }
        pq.write_table(pa.table(columns), folder / "part.parquet")
        listed = [TABLE[0], TABLE[3], {"name": "told_label", "type": "number"}]
    else:
        raise KeyError(f"say what rows of the input {source} look like")
    (folder / COLUMNS).write_text(columns_document(listed), "utf-8")


def acts(users, seed):
    """Four acts of each user, who takes what is of his town; all seeds have the same users."""
    draw = np.random.default_rng(seed)
    who = np.repeat(np.arange(users), 4)
    place = 2 * draw.integers(0, 20, len(who)) + who % 2
    return {
        "key": [f"{seed}-{n}" for n in range(len(who))],
        "who": [f"u{n:03d}" for n in who],
        "on": [date(2026, 1 + seed, 1 + int(n)) for n in draw.integers(0, 28, len(who))],
        "town": [None if n % 9 == 0 else ("north", "south")[n % 2] for n in who],
        "kind": [("hill", "sea")[n % 2] for n in place],
        "told_label": [f"p{n:02d}" for n in place],
    }


def instance_of(source):
    """What a client sends."""
    if source == "pairs":
        return {"who": "u003", "town": "south", "k": 5}
    if source == "tabular":
        return {"size": 12.5, "kind": "house", "told": "a bright room", "on": "2026-01-03"}
    if source == "text":
        return {"told": "a bright room, not a dark one"}
    encoded = io.BytesIO()
    Image.new("RGB", (30, 20), (200, 50, 128)).save(encoded, "JPEG")
    return {"b64": base64.b64encode(encoded.getvalue()).decode()}


def serve(done, requests):
    """Start the bundle's server; what it answers to each request."""
    with started(done) as server, server.client() as client:
        return [client.post("/invocations", json=request) for request in requests]


@dataclass(frozen=True)
class Started:
    """A bundle's server that answers."""

    port: int
    pid: int

    def client(self):
        # No certificate is looked at here, and reading them takes longer than an answer.
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60, verify=False)  # noqa: S501


@contextmanager
def started(done, program="code/entry_point.py"):
    """Start the bundle's server, or another program of it, and end it."""
    port = reserved_port()
    process = subprocess.Popen(
        [sys.executable, program],
        cwd=done.model,
        env={
            "PATH": os.environ["PATH"],
            "SAGEMAKER_BASE_DIR": str(done.base),
            "SAGEMAKER_BIND_TO_PORT": str(port),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    server = Started(port, process.pid)
    try:
        with server.client() as client:
            deadline = time.monotonic() + 120
            while True:
                try:
                    assert client.get("/ping").status_code == 200
                    break
                except httpx.ConnectError:
                    assert process.poll() is None, process.communicate()[0]
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
        yield server
        assert process.poll() is None, "it runs on, whatever it was sent"
    finally:
        process.terminate()
        process.communicate(timeout=60)
