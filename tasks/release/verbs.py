"""The verbs of a release, usable without Prefect: start, advance, answer, roll back, reconcile."""

from __future__ import annotations

import json

from tasks.errors import (
    AwsThrottled,
    AwsUnavailable,
    BundleCorrupt,
    LeaseLost,
    ReleaseError,
    ReleaseFrozen,
    ReleaseInProgress,
    VersionUnknown,
)
from tasks.release import plan
from tasks.release.actions import Observe, Wait, described, named
from tasks.release.actor import act, write
from tasks.release.desk import Desk
from tasks.release.journal import Entry, Gate, Journal, RollbackOrder, Step
from tasks.release.look import look
from tasks.release.machine import next_action
from tasks.release.ports import Held
from tasks.release.store import busy, lost

MODEL_FILE = "model.tar.gz"
REFERENCE = "reference.json"
"""File of a bundle with the edges of its prediction bins, if it has one."""
SHORT_SLEEP = 10.0
PATIENT_TRIES = 20


def start_release(
    desk: Desk, model: str, version: str, actor: str, reason: str, *, direct: bool = False
) -> Journal:
    """Begin to put a version before users, or go on with a release of it that lost its owner.

    Args:
        desk: What to work with.
        model: Which model.
        version: Version in the registry.
        actor: Who wants it.
        reason: Why, in a sentence that people will read.
        direct: Skip the comparison with the stable version (by hand, for a version that has
            served before).

    Returns:
        The journal; an ended one when the version serves already.

    Raises:
        VersionUnknown: no such version.
        ReleaseInProgress: another release is under way (after waiting, where model.yaml says so).
        ReleaseFrozen: the last release ended in a mismatch.
        ReleaseMismatch: endpoint and pointer do not agree on what serves.
    """
    spec = desk.spec(model)
    waited_until = desk.clock.now() + spec.release.deadline_seconds
    while True:
        try:
            return _start(desk, model, version, actor, reason, direct=direct)
        except ReleaseInProgress:
            if spec.release.when_busy == "refuse" or desk.clock.now() > waited_until:
                raise
            desk.clock.sleep(SHORT_SLEEP)


def release_version(
    desk: Desk, model: str, version: str, actor: str, reason: str, *, direct: bool = False
) -> Journal:
    """Put a named version before users, from start to end; the ended journal."""
    start_release(desk, model, version, actor, reason, direct=direct)
    return run(desk, model)


def advance(desk: Desk, model: str) -> Step:
    """Do the next thing of the model's release, whatever it is.

    Raises:
        ReleaseError: there is no release.
        LeaseLost: another live actor owns it.
    """
    held = _current(desk, model)
    if held.journal.ended:
        desk.journals.archive(held.journal)
        return Step(journal=held.journal, did="ended", ended=True)
    held = _mine(desk, held)
    try:
        seen = look(desk, held.journal)
        action = next_action(held.journal, seen)
        before = held.journal.judged_until
        held = act(desk, held, action)
    except (AwsThrottled, AwsUnavailable) as error:
        return _troubled(desk, model, error)
    after = held.journal
    wake = 0.0
    if isinstance(action, Wait):
        wake = min(action.seconds, desk.lease_seconds / 3.0)
    elif isinstance(action, Observe) and after.judged_until == before:
        wake = min(SHORT_SLEEP, after.spec.window_seconds / 2.0, desk.lease_seconds / 3.0)
    return Step(
        journal=after,
        did=f"{named(action)}: {described(action)}",
        ended=after.ended,
        wake_in=wake,
        waiting_for=None if after.ended else after.waiting_for,
    )


def run(desk: Desk, model: str, seconds: float | None = None) -> Journal:
    """Advance until the release has ended, or for so many seconds of our clock."""
    until = None if seconds is None else desk.clock.now() + seconds
    while True:
        step = advance(desk, model)
        if step.ended or (until is not None and desk.clock.now() >= until):
            return step.journal
        desk.clock.sleep(step.wake_in)


def answer(
    desk: Desk, model: str, gate: Gate, *, granted: bool, by: str, note: str = ""
) -> Journal:
    """Write a person's answer to a question of the release.

    Raises:
        ReleaseError: nothing was asked, or the release has ended.
    """
    for _ in range(PATIENT_TRIES):
        held = _current(desk, model)
        journal = held.journal
        question = journal.approvals.get(gate)
        if journal.ended or question is None:
            raise ReleaseError(
                f"{model}: release {journal.release_id} ({journal.phase}) asks nothing ({gate}).",
                "Look at the journal; the question may have been answered or timed out.",
            )
        if question.granted is not None:
            return journal
        told = question.model_copy(update={"granted": granted, "by": by, "note": note})
        line = Entry(
            at=desk.clock.now(),
            actor=by,
            kind="note",
            action=gate,
            detail=f"{'granted' if granted else 'refused'}: {note}",
        )
        fresh = journal.noted(line, approvals={**journal.approvals, gate: told})
        try:
            return desk.journals.write(held, fresh).journal
        except LeaseLost:
            continue
    raise lost(journal)


def roll_back(
    desk: Desk, model: str, actor: str, reason: str, to_version: str | None = None
) -> Journal:
    """Put the stable version back, now; the same verb for the judge's owner, an alarm or a person.

    A release under way is taken over at once, whoever owns it, and undone. Afterwards, or when
    none is under way, ``to_version`` (by default the version before the one that serves) is
    deployed. Repeating it changes nothing: after a rollback, going back further needs a name.

    Raises:
        VersionUnknown: there is no version to go back to.
    """
    held = desk.journals.read(model)
    if held is not None and not held.journal.ended:
        _order(desk, model, actor, reason)
        ended = run(desk, model)
        if ended.phase != "rolled_back" or to_version in {None, _serving(desk, model)}:
            return ended
        held = desk.journals.read(model)
    begun = _start_rollback(desk, held, model, actor, reason, to_version)
    return begun if begun.ended else run(desk, model)


def _start(
    desk: Desk, model: str, version: str, actor: str, reason: str, *, direct: bool
) -> Journal:
    spec = desk.spec(model)
    manifest = desk.registry.manifest(model, version)
    held = desk.journals.read(model)
    if held is not None and not held.journal.ended:
        journal = held.journal
        same = journal.kind == "release" and journal.candidate.version == version
        if same and (free(desk, journal) or journal.owner == desk.owner):
            return _mine(desk, held).journal
        raise busy(journal)
    if held is not None and held.journal.phase == "mismatch":
        raise ReleaseFrozen(
            f"{model}: release {held.journal.release_id} ended in a mismatch: "
            f"{held.journal.verdict}.",
            held.journal.recovery,
        )
    facts = facts_of(desk, model)
    serves = facts.pointer.version if facts.pointer else None
    facts = facts.model_copy(
        update={
            "own_edges": _edges(desk, model, version),
            "stable_edges": _edges(desk, model, serves) if serves else (),
        }
    )
    wish = plan.Wish(
        version=version,
        url=desk.registry.file_url(model, version, MODEL_FILE),
        identity=manifest.identity,
        stable_url=desk.registry.file_url(model, serves, MODEL_FILE) if serves else "",
        stable_identity=desk.registry.manifest(model, serves).identity if serves else "",
        actor=actor,
        reason=reason,
        direct=direct,
    )
    now = desk.clock.now()
    journal = plan.opened(
        spec, desk.site, facts, wish, now=now, owner=desk.owner, lease=desk.lease_seconds
    )
    live = facts.endpoint is not None and facts.endpoint.status == "InService"
    if serves == version and live:
        if held is not None and held.journal.candidate.version == version:
            return held.journal
        return plan.standing(journal, "done", f"{version} serves already.", now)
    return desk.journals.start(journal, held).journal


def facts_of(desk: Desk, model: str) -> plan.Facts:
    """What stands, for the plan."""
    name = desk.spec(model).endpoint_name
    endpoint = desk.cloud.endpoint(name)
    models = desk.cloud.config_models(endpoint.config) if endpoint else {}
    environment = {}
    if len(models) == 1:
        container = desk.cloud.model_container(next(iter(models.values())))
        environment = dict(container.get("Environment", {}))
    return plan.Facts(
        pointer=desk.registry.pointer(model),
        endpoint=endpoint,
        variant_models=models,
        stable_environment=environment,
    )


def _edges(desk: Desk, model: str, version: str) -> tuple[float, ...]:
    """Prediction edges that a bundle carries; none when it carries none."""
    try:
        reference = json.loads(desk.registry.read_file(model, version, REFERENCE))
        return tuple(float(edge) for edge in reference["edges"])
    except (BundleCorrupt, VersionUnknown, ValueError, KeyError, TypeError):
        return ()


def _start_rollback(
    desk: Desk, held: Held | None, model: str, actor: str, reason: str, to_version: str | None
) -> Journal:
    pointer = desk.registry.pointer(model)
    serves = pointer.version if pointer else ""
    last = held.journal if held is not None else None
    frozen = last if last is not None and last.phase == "mismatch" else None
    target = to_version
    if target is None and frozen is not None and frozen.stable is not None:
        target = frozen.stable.version
    elif target is None and last is not None and last.phase == "rolled_back":
        target = serves  # said twice: make sure that it is so, and go no further
    target = target or desk.registry.way_back(model)
    if target is None:
        raise VersionUnknown(
            f"{model} has no earlier version to go back to.",
            "Name one with to_version, or release a good version.",
        )
    desk.registry.manifest(model, target)
    facts = facts_of(desk, model)
    bad = serves
    if serves == target:
        bad = last.candidate.version if last and last.candidate.version != target else serves
    now = desk.clock.now()
    journal = plan.rollback(
        desk.spec(model),
        desk.site,
        endpoint=facts.endpoint,
        variant_models=facts.variant_models,
        bad=bad,
        bad_identity=_identity(desk, model, bad) if bad != target else "",
        target=target,
        target_url=desk.registry.file_url(model, target, MODEL_FILE),
        actor=actor,
        reason=reason,
        now=now,
        owner=desk.owner,
        lease=desk.lease_seconds,
    )
    variants = tuple(facts.endpoint.variants) if facts.endpoint else ()
    settled = facts.endpoint is not None and facts.endpoint.status == "InService"
    stable = journal.stable
    if frozen is None and serves == target and settled and stable and variants == (stable.variant,):
        return plan.standing(journal, "rolled_back", f"{target} serves already.", now)
    return desk.journals.start(journal, held).journal


def _identity(desk: Desk, model: str, version: str) -> str:
    try:
        return desk.registry.manifest(model, version).identity if version else ""
    except VersionUnknown:
        return ""


def _serving(desk: Desk, model: str) -> str | None:
    pointer = desk.registry.pointer(model)
    return pointer.version if pointer else None


def _order(desk: Desk, model: str, actor: str, reason: str) -> None:
    """Write the wish to go back into a live journal, and take it over."""
    for _ in range(PATIENT_TRIES):
        held = _current(desk, model)
        journal = held.journal
        if journal.ended:
            return
        now = desk.clock.now()
        changes = {}
        if journal.order is None and journal.phase != "rolling_back":
            changes["order"] = RollbackOrder(actor=actor, reason=reason, at=now)
        line = Entry(at=now, actor=actor, kind="note", action="roll_back", detail=reason)
        try:
            write(desk, held, line, **changes)
        except LeaseLost:
            continue
        return
    raise lost(journal)


def free(desk: Desk, journal: Journal) -> bool:
    """Whether the owner's lease has run out."""
    return desk.clock.now() >= journal.lease_until


def _current(desk: Desk, model: str) -> Held:
    held = desk.journals.read(model)
    if held is None:
        raise ReleaseError(f"{model} has never been released.", "Start a release first.")
    return held


def _mine(desk: Desk, held: Held) -> Held:
    """The journal under our lease.

    Raises:
        LeaseLost: another owner's lease still runs.
    """
    journal = held.journal
    now = desk.clock.now()
    if journal.owner == desk.owner:
        if journal.lease_until - now > desk.lease_seconds / 2.0:
            return held
        return write(desk, held)
    if not free(desk, journal):
        raise LeaseLost(
            f"{journal.model}: release {journal.release_id} belongs to {journal.owner} for "
            f"another {journal.lease_until - now:.0f} s.",
            "Leave it to its owner, or call roll_back, which takes it over.",
        )
    line = Entry(
        at=now,
        actor=desk.owner,
        kind="note",
        action="take over",
        detail=f"the lease of {journal.owner} ran out {now - journal.lease_until:.0f} s ago",
    )
    return write(desk, held, line)


def _troubled(desk: Desk, model: str, error: AwsThrottled | AwsUnavailable) -> Step:
    """Note that AWS did not answer, and come again a little later."""
    held = _mine(desk, _current(desk, model))
    journal = held.journal
    line = Entry(
        at=desk.clock.now(),
        actor=desk.owner,
        kind="trouble",
        action=error.code or type(error).__name__,
        detail=error.what,
    )
    held = write(desk, held, line, trouble=journal.trouble + 1)
    wake = min(desk.lease_seconds / 3.0, 2.0 ** min(journal.trouble, 5))
    return Step(journal=held.journal, did=f"trouble: {error.what}", ended=False, wake_in=wake)
