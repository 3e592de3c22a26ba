"""TensorFlow's start: seconds of a processor, two fifths of them for what nobody here uses."""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager

COLLECTED = 10_000
"""After how many new objects Python looks for garbage; its own 700 are few for a graph."""


def start() -> None:
    """Import TensorFlow and Keras; what comes after finds them there.

    Keras wraps its models for scikit-learn where that is installed, and Python looks for garbage
    among a million objects that stay, dozens of times. Without both a start takes 4.2 s of
    processor time instead of 7.6.
    """
    if "keras" in sys.modules:
        return
    with _uncollected(), _as_if_not_installed("sklearn"):
        importlib.import_module("keras")


@contextmanager
def _uncollected() -> Iterator[None]:
    """Nothing is looked through while it is made, nor ever again: it stays to the end."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collecting:
            gc.enable()
        gc.set_threshold(COLLECTED, *gc.get_threshold()[1:])


@contextmanager
def _as_if_not_installed(name: str) -> Iterator[None]:
    """An import of a package fails meanwhile, unless something has imported it before."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # what the import system reads as absent
    try:
        yield
    finally:
        del sys.modules[name]
