"""What a gate with a confidence is decided by: files of answers, read and put side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from models.runtime.answers import FILE, HeldOutAnswers, InvalidAnswers, load
from models.runtime.split import NoData
from tasks.errors import GateUndecided
from tasks.gates.channel import held_out
from tasks.gates.evidence import Evidence, Unpaired, evidence_of
from tasks.metrics import task_class
from tasks.model_spec import ModelSpec


def gathered(
    spec: ModelSpec,
    candidate: Path,
    champion: Path | None,
    measured: Mapping[str, Mapping[str, float]],
    channel: Callable[[], Path],
) -> Evidence | None:
    """The answers on held-out rows; None where none were saved.

    Where no gate has a confidence they only make the page, and None stands for unreadable ones too.

    Args:
        spec: The model.
        candidate: Folder of what the candidate's job left.
        champion: Of what the champion's left; None when nothing serves.
        measured: Metrics of ``candidate`` and ``champion``, as their jobs measured them.
        channel: Gives a local copy of the held-out channel; called only where it is needed.

    Raises:
        GateUndecided: a file of answers cannot be believed, and a gate has a confidence.
    """
    asked = [gate for gate in spec.gates if gate.confidence is not None]
    if not _path(candidate).exists():
        return None
    group = spec.data.split_by if asked else ""
    columns = [one.column for gate in asked for one in gate.slices]
    names = [*([group] if group else []), *columns]
    try:
        rows = (
            held_out(channel(), spec.data.label, task_class(spec.family.task), names)
            if names
            else None
        )
        other = None if champion is None else _loaded(champion)
        made = evidence_of(load(_path(candidate)), other, measured, rows, group)
    except (InvalidAnswers, Unpaired, NoData) as error:
        if not asked:
            return None
        raise GateUndecided(
            f"The answers on held-out rows of {spec.name} cannot be believed: {error}.",
            "Run again with force; if it comes again, leave confidence out of its gates and report "
            "it.",
        ) from error
    if champion is not None and other is None:
        return replace(made, missing={"champion": "the champion saved no answers"})
    return made


def _loaded(folder: Path) -> HeldOutAnswers | None:
    path = _path(folder)
    return load(path) if path.exists() else None


def _path(folder: Path) -> Path:
    return folder / "output" / FILE
