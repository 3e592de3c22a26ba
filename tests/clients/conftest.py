"""A CDN on loopback that can misbehave, and a Chromium whose pages load models from it."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import json
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from deployments.laptop.browser import find
from tasks.conversion.convert import modules_folder
from tasks.conversion.runtimes import install_tfjs
from tasks.stored import written
from tasks.values import BundleFile, Manifest, Pointer, Rollout

ROOT = Path(__file__).resolve().parents[2]
CLIENT = ROOT / "clients" / "javascript"
QUIET = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
MODEL = "toy-model"
V1, V2, V3 = "v20260101_020000", "v20260108_020000", "v20260115_020000"
SCRIPTS = {
    "core": "tfjs-core/dist/tf-core.min.js",
    "cpu": "tfjs-backend-cpu/dist/tf-backend-cpu.min.js",
    "converter": "tfjs-converter/dist/tf-converter.min.js",
}
PAGE = "<!doctype html><title>shop</title>"
REAL_PAGE = PAGE + "".join(f'<script src="/tfjs/{name}.js"></script>' for name in SCRIPTS)
HELPERS = """
globalThis.told = [];
// Stands in for TensorFlow.js where it is not what is tried: it starts at once.
globalThis.tf ??= {
  async loadGraphModel(handler) {
    const { modelTopology, weightData } = await handler.load();
    if (modelTopology.node.length !== 3) throw new Error("no graph");
    const weights = new Float32Array(weightData);
    const data = async (x) => {
      if (globalThis.slowMilliseconds) {
        await new Promise((done) => setTimeout(done, globalThis.slowMilliseconds));
      }
      return [x[0] * weights[0] + x[1] * weights[1]];
    };
    return { execute: (x) => ({ data: () => data(x) }) };
  },
  tensor2d: ([x]) => x,
  dispose: () => {},
};
globalThis.open = async (options = {}) => {
  const { openModel } = await import("/clients/sluice.js");
  return openModel({
    base: `${location.origin}/cdn`, model: "toy-model", userId: "user-1", tf,
    report: (event) => told.push(event), refreshSeconds: 0, pointerTimeout: 20000,
    fileTimeout: 20000, observeAfter: 2, ...options,
  });
};
globalThis.ask = (model, x = [1, 0]) => model.predict(async (graph) => {
  const input = tf.tensor2d([x]);
  const answer = graph.execute(input);
  const [value] = await answer.data();
  tf.dispose([input, answer]);
  return value;
});
globalThis.kinds = (type) => told.filter((event) => event.type === type);
void 0;
"""


def graph_model(weight: float) -> dict[str, bytes]:
    """A TensorFlow.js graph model that answers ``weight * x[0]``."""
    of = {"dtype": {"type": "DT_FLOAT"}}
    flag = {"b": False}
    node = [
        {"name": "x", "op": "Placeholder",
         "attr": {**of, "shape": {"shape": {"dim": [{"size": "1"}, {"size": "2"}]}}}},
        {"name": "w", "op": "Const",
         "attr": {**of, "value": {"tensor": {"dtype": "DT_FLOAT", "tensorShape": {
             "dim": [{"size": "2"}, {"size": "1"}]}}}}},
        {"name": "y", "op": "MatMul", "input": ["x", "w"],
         "attr": {"T": {"type": "DT_FLOAT"}, "transpose_a": flag, "transpose_b": flag}},
    ]  # fmt: skip
    model = {
        "format": "graph-model",
        "modelTopology": {"node": node, "versions": {}},
        "weightsManifest": [
            {
                "paths": ["group1-shard1of1.bin"],
                "weights": [{"name": "w", "shape": [2, 1], "dtype": "float32"}],
            }
        ],
    }
    return {
        "tfjs/model.json": json.dumps(model).encode(),
        "tfjs/group1-shard1of1.bin": struct.pack("<2f", weight, 0.0),
        "reference.json": json.dumps({"edges": [1.5, 2.5]}).encode(),
    }


def manifest(version: str, files: dict[str, bytes]) -> Manifest:
    return Manifest(
        model=MODEL, version=version, created="", identity=version, training_job="", snapshot="",
        snapshot_fingerprint="", code_hash="", hyperparameters={}, contract="",
        contract_version="", metrics={},
        files=tuple(
            BundleFile(path=path, sha256=hashlib.sha256(data).hexdigest(), size=len(data))
            for path, data in files.items()
        ),
    )  # fmt: skip


@dataclass
class Cdn:
    """What is served below /cdn/, and what goes wrong with it (path → kind of fault)."""

    objects: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    batches: list[dict[str, Any]] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    def publish(self, version: str, weight: float) -> None:
        files = graph_model(weight)
        for path, data in files.items():
            self.objects[f"{MODEL}/{version}/{path}"] = data
        body = manifest(version, files).model_dump_json().encode()
        self.objects[f"{MODEL}/{version}/manifest.json"] = body

    def point(self, version: str, **how: Any) -> None:
        percent = how.pop("percent", None)
        if percent is not None:
            how["rollout"] = Rollout(
                version=how.pop("to", V2), percent=percent, salt=how.pop("salt", "salt")
            )
        pointer = Pointer(model=MODEL, version=version, timestamp="", actor="a", reason="r", **how)
        self.objects[f"{MODEL}/latest.json"] = written(pointer, indent=2)

    def break_file(self, version: str, name: str, kind: str) -> None:
        self.faults[f"{MODEL}/{version}/{name}"] = kind

    def empty(self) -> None:
        for kept in (self.objects, self.faults, self.asked, self.batches, self.records):
            kept.clear()
        self.publish(V1, 1.0)
        self.publish(V2, 2.0)
        self.publish(V3, 3.0)
        self.point(V1)


def answer_of(cdn: Cdn, path: str) -> tuple[int, bytes, int]:
    """Status, body, and how many bytes the answer says it has."""
    body = cdn.objects.get(path)
    fault = cdn.faults.get(path, "")
    if body is None or fault == "missing":
        return 404, b"<Error/>", 8
    if fault == "500":
        return 503, b"<Error/>", 8
    if fault == "slow":
        time.sleep(4.0)
    if fault == "tampered":
        body = body[:-1] + bytes([body[-1] ^ 1])
    if fault == "truncated":
        body = body[: len(body) // 2]
    return 200, body[: len(body) // 2] if fault == "cut" else body, len(body)


def handler_of(cdn: Cdn, modules: Path) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            said = len(body := b"")
            status, rule, kind = 200, "no-store", "text/javascript"
            if path.startswith("/cdn/"):
                name = path.removeprefix("/cdn/")
                cdn.asked[name] += 1
                status, body, said = answer_of(cdn, name)
                long = "public, max-age=31536000, immutable"
                moves = name.endswith(("latest.json", "experiment.json"))
                rule = "public, max-age=300" if moves else long
                rule = rule if status == 200 else "no-store"
                kind = "application/octet-stream"
            elif path.startswith("/clients/"):
                body = (CLIENT / path.removeprefix("/clients/")).read_bytes()
            elif path.startswith("/tfjs/"):
                name = path.removeprefix("/tfjs/").removesuffix(".js")
                body = (modules / "node_modules/@tensorflow" / SCRIPTS[name]).read_bytes()
                rule = "public, max-age=600"
            elif path == "/vectors.json":
                body = (ROOT / "clients" / "vectors" / "buckets.json").read_bytes()
            else:
                body = (REAL_PAGE if path == "/real" else PAGE).encode()
                kind = "text/html"
            self.tell(status, body, said or len(body), rule, kind)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.path == "/records":
                cdn.records.extend(json.loads(line) for line in body.splitlines())
            else:
                cdn.batches.append(json.loads(body))
            self.tell(204, b"", 0, "no-store", "text/plain")

        def tell(self, status: int, body: bytes, said: int, rule: str, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(said))
            self.send_header("Content-Type", kind)
            self.send_header("Cache-Control", rule)
            if said != len(body):
                self.send_header("Connection", "close")
            self.end_headers()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.wfile.write(body)  # a client that waited long enough has left

        def log_message(self, *words: object) -> None:
            pass

    return Handler


@pytest.fixture(scope="package")
def shop() -> Iterator[Cdn]:
    modules = install_tfjs(modules_folder())
    cdn = Cdn()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler_of(cdn, modules))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    cdn.url = f"http://127.0.0.1:{server.server_port}"
    yield cdn
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    path = find()
    if path is None:
        pytest.skip("there is no Chromium: make browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture
def cdn(shop: Cdn) -> Cdn:
    shop.empty()
    return shop


@pytest.fixture
def page(cdn: Cdn, chromium: Any) -> Iterator[Any]:
    """A visit to the shop with empty caches; ``page.again()`` comes back another time."""
    context = chromium.new_context()
    page = context.new_page()

    def visit(path: str = "/") -> None:
        page.goto(cdn.url + path)
        page.evaluate(HELPERS)

    page.again = visit
    visit()
    yield page
    context.close()
