"""How the journal of an edge release begins. Pure."""

from __future__ import annotations

from tasks.model_spec import ModelSpec
from tasks.release.hosting.names import variant_of
from tasks.release.journal.record import Arm, Journal, Site
from tasks.release.machine.plan import Facts, Wish, first_line, release_id
from tasks.release.observation.latency_edges import placed
from tasks.values import Pointer, Rollout, Seal

POINTER = "pointer"
"""Mark that holds the pointer as the release last knew it: what a step must find, to be taken."""


def arm(version: str, identity: str, manifest: Seal | None) -> Arm:
    """A version as clients load it; it has no name at SageMaker."""
    return Arm(
        version=version,
        variant=variant_of(version),
        model_name="",
        solo_config="",
        identity=identity,
        manifest=manifest,
    )


def opened(
    spec: ModelSpec, site: Site, facts: Facts, wish: Wish, *, now: float, owner: str, lease: float
) -> Journal:
    """The journal of a release to edge clients.

    Predictions are judged when both bundles count into the same bins, since clients read the
    edges from their own version's bundle.
    """
    pointer = facts.pointer
    stable = arm(pointer.version, wish.stable_identity, wish.stable_manifest) if pointer else None
    edges = facts.own_edges
    journal = Journal(
        release_id=release_id(now, spec.name, wish.version, owner),
        model=spec.name,
        endpoint="",
        strategy="direct" if wish.direct or stable is None else "canary",
        actor=wish.actor,
        reason=wish.reason,
        candidate=arm(wish.version, wish.identity, wish.manifest),
        stable=stable,
        both_config="",
        shadow_config="",
        prediction_edges=edges,
        predictions_judged=bool(edges) and edges == facts.stable_edges and stable is not None,
        latency_edges_ms=placed(facts.latency_quantiles),
        busiest_before=facts.busiest_hour,
        site=site,
        serving=spec.serving,
        spec=spec.release,
        started=now,
        phase_since=now,
        owner=owner,
        lease_until=now + lease,
        lease_seconds=lease,
        marks={POINTER: pointer.model_dump_json()} if pointer else {},
    )
    return journal.noted(first_line(journal, now))


def rollout_of(journal: Journal, share: float) -> Rollout:
    """The candidate at a share of the users; each release deals the users anew."""
    return Rollout(
        version=journal.candidate.version,
        percent=round(100 * share),
        salt=journal.release_id,
        manifest=journal.candidate.manifest,
    )


def known(journal: Journal) -> Pointer | None:
    """The pointer as the release last knew it."""
    text = journal.marks.get(POINTER)
    return Pointer.model_validate_json(text) if text else None
