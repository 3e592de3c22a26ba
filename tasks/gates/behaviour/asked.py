"""A candidate's own bundle answers changed rows, and is held to its rules."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from models.runtime.answers import FILE, HeldOutAnswers, InvalidAnswers, load
from models.runtime.calling import BundleFailed
from models.runtime.images.index import INDEX
from models.runtime.split import NoData
from tasks.artefacts.act import CarryOut, here
from tasks.artefacts.measuring import MEASURE
from tasks.gates.behaviour.expected import judged, too_few
from tasks.gates.behaviour.pairs_of_rows import ChangedRows, write_photos, write_tables
from tasks.gates.finding import Finding
from tasks.metrics import task_class
from tasks.model_spec import ModelSpec
from tasks.values import Outcome


def behaviour_of(
    spec: ModelSpec,
    archive: Path,
    channel: Callable[[], Path],
    photo: Callable[[str], bytes],
    work: Path,
    carry_out: CarryOut = here,
) -> tuple[Finding, ...]:
    """What came of each rule of a model.

    Args:
        spec: The model; without rules nothing is asked.
        archive: The candidate's model.tar.gz.
        channel: Gives a local copy of the held-out channel, without its photos.
        photo: Gives a photo's bytes, by its path in the channel.
        work: A folder of the run.
        carry_out: How the bundle is asked.

    Returns:
        A finding for each rule, in their order. A bundle that cannot answer fails them all: it
        answered the same rows unchanged before.
    """
    if not spec.behaviour:
        return ()
    pairs = work / "behaviour"
    try:
        changed = _written(spec, channel(), photo, pairs)
    except NoData as error:
        return _all(spec, "error", str(error))
    if not any(one.rows for one in changed):
        return tuple(_judged(one, None) for one in changed)
    try:
        answers = work / "behaviour-answers"
        carry_out(MEASURE, {"archive": archive, "rows": pairs}, answers, {})
        said = load(answers / FILE)
    except BundleFailed as failed:
        return _all(spec, "fail", f"the bundle does not answer changed rows: {failed}")
    except (InvalidAnswers, FileNotFoundError) as error:
        return _all(spec, "error", f"the bundle saves no answers that can be read: {error}")
    return tuple(_judged(one, said) for one in changed)


def _written(
    spec: ModelSpec, channel: Path, photo: Callable[[str], bytes], pairs: Path
) -> tuple[ChangedRows, ...]:
    """The rows of every rule, as they are and changed, as a channel of their own."""
    shutil.rmtree(pairs, ignore_errors=True)
    pairs.mkdir(parents=True)
    task = task_class(spec.family.task)
    if any(channel.rglob(INDEX)):
        return write_photos(channel, pairs, spec.data.label, task, spec.behaviour, photo)
    return write_tables(channel, pairs, spec.data.label, task, spec.behaviour)


def _judged(changed: ChangedRows, said: HeldOutAnswers | None) -> Finding:
    rule = changed.rule
    if said is None or not changed.rows:
        return too_few(rule, 0)
    place = {name: number for number, name in enumerate(said.rows.tolist())}
    lost = [name for name in (*changed.before, *changed.after) if name not in place]
    if lost:
        why = f"the bundle does not answer {len(lost)} of {2 * len(changed.rows)} rows"
        return Finding(rule.title, "error", why=why)
    before, after = (
        said.predicted[[place[name] for name in names]] for names in (changed.before, changed.after)
    )
    return judged(rule, task_class(said.task)(said.output), changed.rows, before, after)


def _all(spec: ModelSpec, outcome: Outcome, why: str) -> tuple[Finding, ...]:
    return tuple(Finding(rule.title, outcome, why=why) for rule in spec.behaviour)
