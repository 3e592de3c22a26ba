"""The act of measuring: a bundle answers rows, and says how well."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.runtime.calling import measure, unpacked
from tasks.artefacts.act import ArtefactAct

MEASURE = ArtefactAct("measure", __name__)


def do(inputs: Mapping[str, Path], out: Path, _order: Mapping[str, Any]) -> None:
    """``archive`` (a model.tar.gz) measures itself on ``rows`` (a channel); see `act.Doing`."""
    with unpacked(inputs["archive"]) as bundle:
        measure(bundle, inputs["rows"], out)
