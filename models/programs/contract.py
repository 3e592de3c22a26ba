"""What a model's own ``model.py`` gives to the shared programs."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, cast

from numpy.typing import NDArray

from models.programs.data import Split
from models.programs.script_mode import Hyperparameters

Spec = Mapping[str, Any]


class ModelCode(Protocol):
    """The functions of a ``model.py``; docs/models.md walks through them."""

    load: Callable[[Path, Hyperparameters], Split]
    """Read one channel."""

    preprocess: Callable[[Split, Hyperparameters], dict[str, Any]]
    """Fit preprocess.json on the training rows."""

    build: Callable[[Spec, Hyperparameters], Any]
    """The Keras model: preprocessed float32 [n, …] → float32 [n, outputs]."""

    baseline: Callable[[Split, Split, Spec], NDArray[Any]]
    """Fit a plain scikit-learn model on the first split and predict the second: values [n] for
    a number, probabilities [n, classes] for classes. Runs in a process without TensorFlow."""


CODE_DIR = Path(__file__).resolve().parents[2]
"""Root of the source archive: train.py, serve.py and model.py lie there."""

FUNCTIONS = ("load", "preprocess", "build", "baseline")


def load_code(path: Path) -> ModelCode:
    """Import a ``model.py`` by its path.

    Raises:
        FileNotFoundError: no such file.
        TypeError: a function of the contract is missing.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: the source archive lacks model.py.")
    spec = importlib.util.spec_from_file_location(f"model_code_{abs(hash(str(path)))}", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"{path} cannot be imported.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    missing = [name for name in FUNCTIONS if not callable(getattr(module, name, None))]
    if missing:
        raise TypeError(f"{path} lacks {', '.join(missing)}(); docs/models.md tells what they do.")
    return cast("ModelCode", module)
