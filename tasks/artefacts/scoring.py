"""The act of scoring: a bundle answers each period's rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.runtime.calling import score, unpacked
from tasks.artefacts.act import ArtefactAct

SCORE = ArtefactAct("score", __name__)


def do(inputs: Mapping[str, Path], out: Path, order: Mapping[str, Any]) -> None:
    """``archive`` scores ``periods`` (a folder of channels), at most ``rows`` of each."""
    with unpacked(inputs["archive"]) as bundle:
        score(bundle, inputs["periods"], out, int(order["rows"]))
