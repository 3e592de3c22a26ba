"""What is done with an artefact's own programs: an act takes files, leaves files, and needs no AWS.

So it can be done in either of two places: in a process apart from this machine, or in a processing
job of SageMaker. Pure.
"""

from __future__ import annotations

import importlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from models.runtime.calling import BundleFailed
from tasks.errors import ConversionError

FAILED = "failed.json"
"""Why an act came to nothing, through the artefact's own fault: in the folder of what it leaves."""


class Doing(Protocol):
    """The function ``do`` of an act's module."""

    def __call__(self, inputs: Mapping[str, Path], out: Path, order: Mapping[str, Any], /) -> None:
        """Do it.

        Args:
            inputs: Files and folders by name.
            out: Folder for what it leaves; it exists.
            order: What else it must know, as JSON has it.

        Raises:
            BundleFailed, ConversionError: it is the artefact's fault.
        """


@dataclass(frozen=True)
class ArtefactAct:
    """One act.

    Args:
        name: One word, for names of jobs.
        module: The module whose ``do`` does it.
        programs: Modules that it starts as programs of their own.
    """

    name: str
    module: str
    programs: tuple[str, ...] = ()

    def do(self, inputs: Mapping[str, Path], out: Path, order: Mapping[str, Any]) -> None:
        """Do it, here and now; see `Doing`."""
        doing: Doing = importlib.import_module(self.module).do
        doing(inputs, out, order)


class CarryOut(Protocol):
    """How an act is done, wherever that is."""

    def __call__(
        self, act: ArtefactAct, inputs: Mapping[str, Path], out: Path, order: Mapping[str, Any]
    ) -> None:
        """Do it; what was in ``out`` is gone. See `Doing`."""


def here(act: ArtefactAct, inputs: Mapping[str, Path], out: Path, order: Mapping[str, Any]) -> None:
    """Do an act on this machine; see `CarryOut`."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    act.do(inputs, out, order)


def tell(error: BundleFailed | ConversionError, out: Path) -> None:
    """Leave word of a failure for whoever asked for the act."""
    if isinstance(error, ConversionError):
        told = {"what": error.what, "next_step": error.next_step}
    else:
        told = {"bundle": str(error)}
    (out / FAILED).write_text(json.dumps(told), encoding="utf-8")


def require(out: Path) -> None:
    """Raise what an act left word of.

    Raises:
        BundleFailed, ConversionError: it came to nothing, through the artefact's own fault.
    """
    path = out / FAILED
    if not path.is_file():
        return
    told = json.loads(path.read_text("utf-8"))
    if "bundle" in told:
        raise BundleFailed(str(told["bundle"]))
    raise ConversionError(str(told["what"]), str(told["next_step"]))
