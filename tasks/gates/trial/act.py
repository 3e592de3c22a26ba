"""The act of trying: a bundle's serving program is started, asked, measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.artefacts.act import ArtefactAct
from tasks.gates.trial.checks import TRIAL
from tasks.gates.trial.start import PROGRAM, try_serving

TRY = ArtefactAct("try", __name__, (PROGRAM,))


def do(inputs: Mapping[str, Path], out: Path, order: Mapping[str, Any]) -> None:
    """``archive`` (a model.tar.gz) answers ``requests``; leaves `TRIAL`. See `artefacts.act`."""
    trial = try_serving(inputs["archive"], int(order["requests"]))
    (out / TRIAL).write_text(trial.model_dump_json(), encoding="utf-8")
