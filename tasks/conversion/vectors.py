"""Test vectors: inputs, and what each format answered to them in the runtime that clients use.

Whoever brings a format to a device feeds it ``inputs`` and compares with the ``answers`` of that
format: what differs by more than rounding is the device's own doing.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.conversion.calibration import Calibration
from tasks.conversion.runtimes import Answers
from tasks.conversion.signature import GraphSignature

FILE = "vectors.json"
"""Beside the formats in the bundle."""
ORIGINAL = "original"
"""What the trained model itself answered."""
MOST_ROWS = 8
MOST_BYTES = 256_000
"""Of all inputs: a few rows show what many would."""


def write(
    out_dir: Path, signature: GraphSignature, rows: Calibration, answers: Mapping[str, Answers]
) -> Path:
    """Write ``vectors.json``.

    Args:
        out_dir: Where the formats lie.
        signature: What preprocess.json tells.
        rows: Rows of calibration.npz, and the trained model's answers.
        answers: Of each format, of the first of these rows or of all.
    """
    path = out_dir / FILE
    document = vectors(signature, rows, answers)
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return path


def vectors(
    signature: GraphSignature, rows: Calibration, answers: Mapping[str, Answers]
) -> dict[str, Any]:
    """The document: each input's rows, and the answers by format and output.

    Inputs are base64 of their values, row by row, little-endian, in their dtype. An answer is
    [rows][values]; None stands for a number that is not finite.
    """
    count = _count(rows)
    return {
        "schema_version": 1,
        "rows": count,
        "inputs": [
            {
                "name": tensor.name,
                "dtype": tensor.dtype,
                "shape": [count, *rows.inputs[tensor.name].shape[1:]],
                "base64": _little_endian(rows.inputs[tensor.name][:count]),
            }
            for tensor in signature.inputs
        ],
        "answers": {
            ORIGINAL: {
                tensor.name: _finite(rows.outputs[tensor.name][:count].reshape(count, -1))
                for tensor in signature.outputs
            },
            **{
                name: {
                    tensor.name: [list(row) for row in answer.outputs[tensor.name][:count]]
                    for tensor in signature.outputs
                }
                for name, answer in answers.items()
            },
        },
    }


def _count(rows: Calibration) -> int:
    bytes_of_a_row = sum(int(array[0].nbytes) for array in rows.inputs.values())
    return max(1, min(MOST_ROWS, len(rows), MOST_BYTES // max(1, bytes_of_a_row)))


def _finite(array: Any) -> list[list[float | None]]:
    """JSON knows no NaN."""
    return [[value if math.isfinite(value) else None for value in row] for row in array.tolist()]


def _little_endian(array: Any) -> str:
    return base64.b64encode(array.astype(array.dtype.newbyteorder("<")).tobytes()).decode()
