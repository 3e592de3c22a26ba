"""What a job leaves for later stages beside its model: predictions, calibration, reference."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.runtime.signature import Arrays

CALIBRATION = "calibration.npz"
CALIBRATION_ROWS = 512
SERVED_ERROR = 1e-4
"""Largest difference between the trained model and what is served, relative to 1."""


def served_error(served: Arrays, expected: Arrays) -> float:
    """Largest difference between what will be served and what was trained.

    Raises:
        ArithmeticError: it is not finite, or above ``SERVED_ERROR``.
    """
    worst = 0.0
    for name, values in expected.items():
        error = float(np.abs(served[name].astype(np.float64) - values).max())
        if not error <= SERVED_ERROR * max(1.0, float(np.abs(values).max())):
            raise ArithmeticError(
                f"what is to be served differs from the trained model by {error:g} in {name} "
                f"(at most {SERVED_ERROR:g}); it must not be released"
            )
        worst = max(worst, error)
    return worst


def calibration_rows(rows: int, seed: int = 0) -> NDArray[np.intp]:
    """Which of so many rows :func:`write_calibration` is given, 512 at most."""
    return np.random.default_rng(seed).permutation(rows)[:CALIBRATION_ROWS]


def write_calibration(
    path: Path, inputs: Arrays, outputs: Arrays, targets: NDArray[Any] | None = None
) -> None:
    """Rows of tensors and the model's answers.

    int8 is calibrated with them, and every converted model is compared on them; with ``targets``
    (class indices, or values in the graph's unit [n, …]) its metric is too. Arrays are called
    ``input:<name>`` and ``output:<name>``; those of a single tensor ``inputs`` and ``outputs``.
    """
    arrays: dict[str, Any] = {}
    single = len(inputs) == 1 and len(outputs) == 1
    for kind, tensors in (("input", inputs), ("output", outputs)):
        for name, values in tensors.items():
            arrays[f"{kind}s" if single else f"{kind}:{name}"] = values
    if targets is not None:
        truth = np.asarray(targets)
        arrays["targets"] = truth[:, 0] if truth.ndim > 1 and truth.shape[1] == 1 else truth
    np.savez_compressed(path, **arrays)


def write_predictions(path: Path, columns: Mapping[str, Any]) -> None:
    """predictions.parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table(dict(columns)), path)
