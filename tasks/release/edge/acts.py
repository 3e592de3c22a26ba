"""The acts that differ at the edge: shares are percentages in the pointer, seen through the CDN."""

from __future__ import annotations

import hashlib
from functools import singledispatch

from tasks.errors import ReleaseMismatch
from tasks.release.context import ReleaseContext
from tasks.release.delivery import Outcome
from tasks.release.edge.plan import POINTER, known, rollout_of
from tasks.release.hosting.requests import alarm_names
from tasks.release.journal.record import Journal, Move
from tasks.release.machine import actions
from tasks.release.machine.undoing import reason as why
from tasks.release.observation.outside import shown
from tasks.values import BundleFile

EDGE_FILES = ("tfjs/", "tflite/")
"""Folders of a bundle that clients load from."""


def perform(context: ReleaseContext, journal: Journal, action: actions.Action) -> Outcome | None:
    """Do one thing; None when it is done as in every other release.

    Raises:
        PointerMoved: the pointer is not what this release left.
        ReleaseMismatch: there is nothing to do it to.
    """
    return _perform(action, context, journal)


@singledispatch
def _perform(_action: object, _context: ReleaseContext, _journal: Journal) -> Outcome | None:
    return None


@_perform.register
def _(_: actions.HealthCheck, context: ReleaseContext, journal: Journal) -> Outcome:
    manifest = context.registry.manifest(journal.model, journal.candidate.version)
    files = [file for file in manifest.files if file.path.startswith(EDGE_FILES)]
    wrong = [fault for file in files if (fault := _fault(context, journal, file))]
    if not files:
        health = f"fail: the bundle has nothing for clients (no {' or '.join(EDGE_FILES)})"
    elif wrong:
        health = f"fail: {'; '.join(wrong[:5])}"
    else:
        size = sum(file.size for file in files)
        sound = f"pass: {len(files)} files, {size:,} bytes, as the manifest says"
        health = f"{sound}; {context.outside.address}"
    return health, {"marks": {**journal.marks, "health": health}}


@_perform.register
def _(action: actions.SetWeights, context: ReleaseContext, journal: Journal) -> Outcome:
    before = known(journal)
    if before is None:
        raise ReleaseMismatch("There is one version only.", "Nothing can be shared out.")
    rollout = rollout_of(journal, action.share)
    key = f"shown:{rollout.percent}"
    begun = float(journal.marks.get(key) or (journal.intent or journal.entries[-1]).at)
    pointer = context.registry.stage_rollout(
        journal.model,
        rollout,
        before=before,
        actor=journal.actor,
        reason=f"Release {journal.release_id}: {rollout.percent} % of the users",
    )
    invalidation = context.registry.invalidate(pointer)
    detail = f"{rollout.percent} % of the users; invalidation {invalidation}"
    marks = {**journal.marks, POINTER: pointer.model_dump_json(), key: repr(begun)}
    if not shown(context, pointer):
        return f"{detail}; the CDN does not show it yet", {"marks": marks}
    settled = context.clock.now() + journal.spec.refresh_seconds
    move = Move(begun=begun, settled=settled, share=action.share)
    return f"{detail}; seen outside", {"marks": marks, "moves": (*journal.moves, move)}


@_perform.register
def _(action: actions.MovePointer, context: ReleaseContext, journal: Journal) -> Outcome | None:
    if action.to == "candidate" or journal.stable is None:
        return None
    order = journal.order
    pointer = context.registry.move_pointer(
        journal.model,
        journal.stable.version,
        expected=journal.candidate.version,
        actor=order.actor if order else journal.actor,
        # Names the release, so that each withdrawal writes the pointer anew, and a step of this
        # release that comes late finds another pointer than it knows.
        reason=f"{why(journal)} (release {journal.release_id})",
        rollback=True,
        sealed=journal.stable.manifest,
    )
    return f"latest.json names {pointer.version} alone (before: {pointer.previous})", {}


@_perform.register
def _(_: actions.CleanUp, context: ReleaseContext, journal: Journal) -> Outcome:
    detail = context.cloud.delete_alarms(alarm_names(journal))
    return detail, {"marks": {**journal.marks, "cleaned": detail}}


def _fault(context: ReleaseContext, journal: Journal, file: BundleFile) -> str:
    """What is wrong with a file as clients get it, or ""."""
    version = journal.candidate.version
    if not context.outside.address.startswith("http"):
        context.registry.read_file(journal.model, version, file.path)  # compares with the manifest
        return ""
    body = context.outside.read(f"{journal.model}/{version}/{file.path}")
    if body is None:
        return f"{file.path}: the CDN does not answer with it"
    if (len(body), hashlib.sha256(body).hexdigest()) != (file.size, file.sha256):
        return f"{file.path}: {len(body):,} bytes from the CDN are not what the manifest says"
    return ""
