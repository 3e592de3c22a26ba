"""A registry's folder behind a server on loopback, and pages that open models from it."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import http.server
import json
import shutil
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.training.job import ROOT
from deployments.laptop.browser import find
from tasks.conversion.runtimes import install_packages, modules_folder
from tasks.conversion.vectors import FILE as VECTORS
from tasks.values import BundleFile, Manifest, Pointer

HERE = Path(__file__).resolve().parent
VERSION = "v20260101_000000"
PAGE = """<!doctype html><title>models</title><script type="importmap">
{"imports": {"@litertjs/wasm-utils": "/modules/@litertjs/wasm-utils/dist/index.js"}}
</script>"""
RUNTIMES: Mapping[str, tuple[str, str]] = {
    "wasm": ("tfjs_float16", "tfjs/model.json"),
    "webgl": ("tfjs_float16", "tfjs/model.json"),
    "litert": ("tflite_float16", "tflite/model_float16.tflite"),
}
"""Runtime → the format that it opens, and that format's main file."""
# WebGL is drawn by the processor here, where no GPU is: it shows answers, and no speed of phones.
BROWSER = (
    "--no-sandbox", "--no-first-run", "--disable-background-networking", "--disable-quic",
    "--disable-component-update", "--disable-sync", "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)  # fmt: skip


@dataclass(frozen=True)
class Tried:
    """What one runtime did with one model.

    Args:
        first_ms: Pointer, verification, loading and the first prediction.
        steady_ms: Median of the predictions after it.
        difference: Largest difference from what Python's runtime answered with the same format.
        answered: Largest absolute answer, to read the difference by.
    """

    first_ms: float
    steady_ms: float
    difference: float
    answered: float


def publish(folder: Path, model: str, files: Mapping[str, Path]) -> None:
    """Lay a version out as the registry does, and point at it."""
    place = folder / "cdn" / model
    listed = []
    for path, source in files.items():
        target = place / VERSION / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        content = target.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        listed.append(BundleFile(path=path, sha256=digest, size=len(content)))
    shutil.copyfile(files[VECTORS], place / VECTORS)
    manifest = Manifest(
        model=model, version=VERSION, created="", identity="", training_job="", snapshot="",
        snapshot_fingerprint="", code_hash="", hyperparameters={}, contract="",
        contract_version="", metrics={}, files=tuple(listed),
    )  # fmt: skip
    pointer = Pointer(model=model, version=VERSION, timestamp="", actor="benchmark", reason="")
    (place / VERSION / "manifest.json").write_text(manifest.model_dump_json(), "utf-8")
    (place / "latest.json").write_text(pointer.model_dump_json(), "utf-8")


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder, the clients and the runtimes on loopback; the address."""
    modules = install_packages(HERE, modules_folder().with_name("browser-runtimes"))
    (folder / "clients").symlink_to(ROOT / "clients" / "javascript")
    (folder / "modules").symlink_to(modules / "node_modules")
    (folder / "page.js").symlink_to(HERE / "page.js")
    (folder / "index.html").write_text(PAGE, "utf-8")
    handler = functools.partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """A browser.

    Raises:
        SystemExit: there is none.
    """
    from playwright.sync_api import sync_playwright

    path = find()
    if path is None:
        raise SystemExit("There is no Chromium: make browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(BROWSER))
        yield browser
        browser.close()


def tried(browser: Any, url: str, model: str, runtime: str, calls: int) -> Tried:
    """Open a model in a page with nothing in its caches."""
    form, file = RUNTIMES[runtime]
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(f"{url}/index.html")
        page.set_default_timeout(120_000)
        asked = {"runtime": runtime, "base": f"{url}/cdn", "model": model, "file": file}
        told = page.evaluate(
            "async (asked) => (await import('/page.js')).tried(asked)", {**asked, "calls": calls}
        )
        vectors = json.loads(page.request.get(f"{url}/cdn/{model}/{VECTORS}").text())
    finally:
        context.close()
    [python] = vectors["answers"][form].values()
    ours, theirs = np.asarray(told["answers"], dtype=float), np.asarray(python, dtype=float)
    if ours.shape != theirs.shape:
        raise ValueError(f"{runtime} answers {model} with {ours.shape}, Python with {theirs.shape}")
    return Tried(
        first_ms=float(told["first"]),
        steady_ms=float(told["steady"]),
        difference=float(np.abs(ours - theirs).max()),
        answered=float(np.abs(theirs).max()),
    )


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def guess_type(self, path: Any) -> str:
        # A browser compiles WebAssembly while it comes only when the type is right.
        return "application/wasm" if str(path).endswith(".wasm") else super().guess_type(path)

    def log_message(self, *_words: object) -> None:
        pass
