"""What a model's own ``model.py`` may say; each of its functions is optional."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

CODE_DIR = Path(__file__).resolve().parents[2]
"""Root of the source archive: the entry points and the model's own files lie there."""
MODEL = "model.py"
BUNDLE = "bundle.json"
"""Names the entry point of a bundle, at its root."""
ALWAYS = frozenset({"features", "baseline", "metrics"})
"""Those that are called whatever the backend is."""
FUNCTIONS: dict[str, str] = {
    "features": "features(columns, hyperparameters): what preprocess.json lists",
    "build": "build(signature, task, hyperparameters): the Keras model",
    "estimator": "estimator(task, hyperparameters): the scikit-learn estimator",
    "baseline": "baseline(training, holdout, spec): predictions of a plain model",
    "metrics": "metrics(labels, predicted): numbers beside the task's own",
}


class OwnCode:
    """Functions of a model.py by name; empty where there is none.

    Args:
        module: The imported file.
    """

    def __init__(self, module: ModuleType | None = None) -> None:
        self._module = module

    def get(self, name: str) -> Callable[..., Any] | None:
        """One of :data:`FUNCTIONS`, or None when the model leaves it to others."""
        function = getattr(self._module, name, None)
        return function if callable(function) else None


def load_own(folder: Path = CODE_DIR) -> OwnCode:
    """Import a folder's ``model.py``, where it has one.

    Raises:
        Exception: whatever the file raises.
    """
    path = folder / MODEL
    return OwnCode(import_file(path) if path.is_file() else None)


def import_file(path: Path) -> ModuleType:
    """Import a file by its path; modules beside it can be imported by it.

    Raises:
        FileNotFoundError: it is none.
    """
    spec = importlib.util.spec_from_file_location(f"own_{path.stem}_{abs(hash(str(path)))}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FileNotFoundError(f"{path} cannot be imported.")
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
