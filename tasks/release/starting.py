"""How a release or a rollback begins, from what stands."""

from __future__ import annotations

import json

from models.runtime.model_files import LISTING
from tasks.errors import BundleCorrupt, ReleaseFrozen, TooFewRequests, VersionUnknown
from tasks.release.context import ReleaseContext
from tasks.release.deliveries import delivery_of
from tasks.release.journal.leases import free, mine, remaining
from tasks.release.journal.record import Journal
from tasks.release.journal.store import busy
from tasks.release.machine import plan
from tasks.release.ports import StoredJournal

MODEL_FILE = "model.tar.gz"
REFERENCE = "reference.json"
"""File of a bundle with the edges of its prediction bins, if it has one."""


def inherits(context: ReleaseContext, model: str, version: str, until: float) -> bool:
    """Whether a release of this very version lost its owner, or may have lost it by then.

    So a run that is started again right after a kill goes on, instead of being refused: it waits
    for a lease that nobody renews, or for reconcile to undo what the dead run left.
    """
    stored = context.journals.read(model)
    if stored is None or stored.journal.ended:
        return True
    journal = stored.journal
    same = journal.kind == "release" and journal.candidate.version == version
    freed = context.clock.now() + remaining(context, stored)
    return same and (freed <= until or journal.unjudged)


def begin(
    context: ReleaseContext, model: str, version: str, actor: str, reason: str, *, direct: bool
) -> Journal:
    """See `verbs.start_release`; never waits."""
    spec = context.spec(model)
    manifest = context.registry.manifest(model, version)
    stored = context.journals.read(model)
    if stored is not None and not stored.journal.ended:
        journal = stored.journal
        same = journal.kind == "release" and journal.candidate.version == version
        if same and (free(context, stored) or journal.owner == context.owner):
            return mine(context, stored).journal
        raise busy(journal)
    if stored is not None and stored.journal.phase == "mismatch":
        raise ReleaseFrozen(
            f"{model}: release {stored.journal.release_id} ended in a mismatch: "
            f"{stored.journal.verdict}.",
            stored.journal.recovery,
        )
    delivery = delivery_of(spec.release)
    facts = delivery.facts(context, spec)
    serves = facts.pointer.version if facts.pointer else None
    facts = facts.model_copy(
        update={
            "own_edges": _edges(context, model, version),
            "stable_edges": _edges(context, model, serves) if serves else (),
        }
    )
    stable = context.registry.manifest(model, serves) if serves else None
    wish = plan.Wish(
        version=version,
        url=context.registry.file_url(model, version, MODEL_FILE),
        program=manifest.program,
        identity=manifest.identity,
        stable_url=context.registry.file_url(model, stable.version, MODEL_FILE) if stable else "",
        stable_program=stable.program if stable else "",
        stable_identity=stable.identity if stable else "",
        manifest=None if serves == version else context.registry.sealed(model, version),
        stable_manifest=facts.pointer.manifest if facts.pointer else None,
        files=manifest.sha256(LISTING),
        stable_files=stable.sha256(LISTING) if stable else "",
        actor=actor,
        reason=reason,
        direct=direct,
    )
    now = context.clock.now()
    journal = delivery.rules.opened(
        spec, context.site, facts, wish, now=now, owner=context.owner, lease=context.lease_seconds
    )
    if serves == version and delivery.rules.serves(facts):
        if stored is not None and stored.journal.candidate.version == version:
            return stored.journal
        return plan.standing(journal, "done", f"{version} serves already.", now)
    _expect_proof(context, journal, facts.requests_per_second)
    return context.journals.start(journal, stored).journal


def _expect_proof(context: ReleaseContext, journal: Journal, rate: float | None) -> None:
    """Refuse a canary that is bound to end undecided, and so to be taken back, for want of users.

    Raises:
        TooFewRequests: the expected time of a proof lies beyond the deadline.
    """
    spec = journal.spec
    compared = journal.strategy == "canary" and journal.stable is not None
    if not compared or rate is None:
        return
    if spec.low_traffic == "run" or spec.inconclusive == "ask":
        return
    needed = context.analysis.seconds_to_proof(journal, rate)
    if needed <= spec.deadline_seconds:
        return
    raise TooFewRequests(
        f"{journal.model} is asked {60 * rate:.2g} times a minute at its busiest: a proof that "
        f"{journal.candidate.version} is no worse takes {needed / 3600:.0f} hours, and "
        f"release.deadline_seconds allows {spec.deadline_seconds / 3600:.1f}.",
        "In model.yaml raise release.deadline_seconds or release.tolerance; or have a person "
        "asked (release.inconclusive: ask); or release at once (strategy: blue_green); or let it "
        "run all the same (release.low_traffic: run).",
    )


def _edges(context: ReleaseContext, model: str, version: str) -> tuple[float, ...]:
    """Prediction edges that a bundle carries; none when it carries none."""
    try:
        reference = json.loads(context.registry.read_file(model, version, REFERENCE))
        return tuple(float(edge) for edge in reference["edges"])
    except (BundleCorrupt, VersionUnknown, ValueError, KeyError, TypeError):
        return ()


def begin_rollback(
    context: ReleaseContext,
    stored: StoredJournal | None,
    model: str,
    actor: str,
    reason: str,
    to_version: str | None,
) -> Journal:
    """A rollback while no release is under way; ended when there is nothing to do."""
    pointer = context.registry.pointer(model)
    serves = pointer.version if pointer else ""
    last = stored.journal if stored is not None else None
    frozen = last if last is not None and last.phase == "mismatch" else None
    target = to_version
    if target is None and frozen is not None and frozen.stable is not None:
        target = frozen.stable.version
    elif target is None and pointer is not None and pointer.rollout is not None:
        target = serves  # a candidate is shown that no release answers for
    elif target is None and last is not None and last.phase == "rolled_back":
        target = serves  # asked for twice: make sure that it is so, and go no further
    target = target or context.registry.way_back(model)
    if target is None:
        raise VersionUnknown(
            f"{model} has no earlier version to go back to.",
            "Name one with to_version, or release a good version.",
        )
    goes_back_to = context.registry.manifest(model, target)
    spec = context.spec(model)
    delivery = delivery_of(spec.release)
    facts = delivery.facts(context, spec)
    bad = serves
    if serves == target and pointer is not None and pointer.rollout is not None:
        bad = pointer.rollout.version
    elif serves == target:
        bad = last.candidate.version if last and last.candidate.version != target else serves
    now = context.clock.now()
    journal = plan.rollback(
        spec,
        context.site,
        endpoint=facts.endpoint,
        variant_models=facts.variant_models,
        bad=bad,
        bad_identity=_identity(context, model, bad) if bad != target else "",
        target=target,
        target_url=context.registry.file_url(model, target, MODEL_FILE),
        target_program=goes_back_to.program,
        target_manifest=context.registry.sealed(model, target),
        target_files=goes_back_to.sha256(LISTING),
        actor=actor,
        reason=reason,
        now=now,
        owner=context.owner,
        lease=context.lease_seconds,
    )
    if frozen is None and serves == target and delivery.rules.serves_alone(facts, target):
        return plan.standing(journal, "rolled_back", f"{target} serves already.", now)
    return context.journals.start(journal, stored).journal


def _identity(context: ReleaseContext, model: str, version: str) -> str:
    try:
        return context.registry.manifest(model, version).identity if version else ""
    except VersionUnknown:
        return ""
