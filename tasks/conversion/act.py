"""The act of converting: every format is made of a SavedModel."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.artefacts.act import ArtefactAct
from tasks.conversion.making import PROGRAM, make
from tasks.conversion.signature import GraphSignature
from tasks.conversion.unpacking import unpack

CONVERT = ArtefactAct("convert", __name__, (PROGRAM,))
MADE = "made.json"
"""What the converter tells of its work, beside the formats."""


def do(inputs: Mapping[str, Path], out: Path, order: Mapping[str, Any]) -> None:
    """``archive`` and ``calibration`` become ``formats``; see `artefacts.act`."""
    with tempfile.TemporaryDirectory(prefix="convert-") as scratch:
        folder = Path(scratch)
        unpack(inputs["archive"], folder / "model")
        signature = GraphSignature.model_validate(order["signature"])
        told = make(folder, signature, list(order["formats"]), inputs["calibration"], out)
    (out / MADE).write_text(json.dumps(told), encoding="utf-8")
