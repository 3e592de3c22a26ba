"""``python -m benchmarks.conversion``: every image model converted, and opened as users open it.

Each shipped model is trained shortly on photos made from a seed, and converted. One table tells
what that took and lost, beside Keras in the same run; another one what Chromium's pages do with it:
pointer, hash check, loading and answers, in the stock runtimes (TensorFlow.js on WebAssembly and
WebGL, LiteRT.js), compared with what Python's runtimes answered. The exit status is 1 when an
answer differs or a goal is missed.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.conversion import pages
from benchmarks.conversion.bundles import Measured, converted
from benchmarks.training.job import ROOT
from benchmarks.training.photos import ALBUMS
from tasks.model_spec import load_model_spec

SMALLER, FASTER, SECONDS = 3.5, 10.0, 15.0
"""Goals: int8 against float32's bytes, int8 against Keras' milliseconds, all formats."""
FIRST_MS, STEADY_MS = 1000.0, 3.0
"""Goals in a page on WebAssembly: loading and first prediction, and those after it."""
NEAR = 0.01
"""Largest difference between two runtimes of one float16 graph, of what is answered."""


def conversions(models: list[Measured]) -> bool:
    """Print what a conversion took and lost; whether all goals are met."""
    print("| model | all formats | int8 | float32 : int8 | int8 loses | Keras : LiteRT int8 |")
    print("|---|---:|---:|---:|---:|---:|")
    good = True
    for model in models:
        [int8] = [item for item in model.report.formats if item.format == "tflite_int8"]
        smaller, faster = model.float_bytes / int8.size, model.keras_ms / model.int8_ms
        loss = int8.parity.metric_loss
        print(
            f"| {model.name} | {model.seconds:.1f} s | {int8.size / 1000:.0f} kB | {smaller:.1f} "
            f"| {'–' if loss is None else f'{loss:.1%}'} "
            f"| {model.keras_ms:.2f} : {model.int8_ms:.2f} ms = {faster:.0f} |",
            flush=True,
        )
        good &= smaller >= SMALLER and faster >= FASTER and model.seconds < SECONDS
    return good


def visits(models: list[Measured], calls: int) -> bool:
    """Print what pages do with the models; whether all answers agree and all goals are met."""
    print("\n| model | runtime | load and first | steady p50 | largest difference |")
    print("|---|---|---:|---:|---:|")
    good = True
    with tempfile.TemporaryDirectory() as scratch, pages.chromium() as browser:
        for model in models:
            pages.publish(Path(scratch), model.name, model.files)
        with pages.served(Path(scratch)) as url:
            for model in models:
                for runtime in pages.RUNTIMES:
                    told = pages.tried(browser, url, model.name, runtime, calls)
                    near = told.difference <= NEAR * max(told.answered, 1.0)
                    print(
                        f"| {model.name} | {runtime} | {told.first_ms:.0f} ms "
                        f"| {told.steady_ms:.2f} ms | {told.difference:.1g}"
                        f"{'' if near else ' **differs**'} |",
                        flush=True,
                    )
                    quick = told.first_ms < FIRST_MS and told.steady_ms < STEADY_MS
                    good &= near and (quick or runtime != "wasm")
    return good


def main() -> int:
    """Exit status: 1 when an answer differs or a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.conversion", description=__doc__)
    parser.add_argument("models", nargs="*", help=f"of {', '.join(ALBUMS)}; all without any")
    parser.add_argument("--rows", type=int, default=400, help="photos to learn from")
    parser.add_argument("--epochs", type=int, default=8, help="speed is the same after more")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--calls", type=int, default=200, help="predictions that are timed")
    chosen = parser.parse_args()
    print(
        f"{os.cpu_count()} cores ({platform.machine()}, Python {platform.python_version()}), "
        f"{datetime.now(UTC):%Y-%m-%d}; {chosen.rows} photos, {chosen.epochs} epochs.\n"
    )
    import tensorflow as tf  # all formats are timed after it has started

    tf.constant(0)
    with tempfile.TemporaryDirectory() as scratch:
        models = []
        for name in chosen.models or ALBUMS:
            spec = load_model_spec(name, ROOT / "models")
            base = Path(scratch) / name
            models.append(converted(spec, base, chosen.rows, chosen.epochs, chosen.seed))
            print(f"{name} is converted", file=sys.stderr, flush=True)
        good = conversions(models)
        good &= visits(models, chosen.calls)
    print(f"\nAnswers and goals: {'met' if good else 'MISSED'}.")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
