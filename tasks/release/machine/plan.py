"""How a journal begins: what stands, what is wanted, and under which names. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from tasks.clock import utc, wall
from tasks.model_spec import ModelSpec
from tasks.release.hosting import requests
from tasks.release.journal.record import Journal, JournalEntry, Phase, Site
from tasks.release.machine.observed import ObservedEndpoint
from tasks.values import Frozen, Pointer, Seal


class Facts(Frozen):
    """What stands when a release begins.

    ``variant_models`` maps the endpoint's variants to their models, ``stable_environment`` is the
    environment of the stable version's container. ``stable_edges`` and ``own_edges`` are the
    prediction edges that the two bundles carry, where the program counts into its own.
    ``latency_quantiles`` are p50, p90 and p99 of the stable version's latency by the hour, ms;
    ``requests_per_second`` is what it is asked at its busiest in a day, ``busiest_hour`` in a week;
    None while that is not known.
    """

    pointer: Pointer | None
    endpoint: ObservedEndpoint | None
    variant_models: Mapping[str, str] = {}
    stable_environment: Mapping[str, str] = {}
    stable_edges: tuple[float, ...] = ()
    own_edges: tuple[float, ...] = ()
    latency_quantiles: Mapping[str, tuple[float, ...]] = {}
    requests_per_second: float | None = None
    busiest_hour: float | None = None


class Wish(Frozen):
    """Who wants which version, and why.

    ``url`` is the ``s3://`` address of its model.tar.gz, ``program`` what serves it, ``manifest``
    that to which its files were held, ``files`` the digest of the list of what its model.tar.gz
    unpacks to; ``stable_…`` are those of the version that serves now.
    """

    version: str
    url: str
    program: str = ""
    identity: str
    stable_url: str = ""
    stable_program: str = ""
    stable_identity: str = ""
    manifest: Seal | None = None
    stable_manifest: Seal | None = None
    files: str = ""
    stable_files: str = ""
    actor: str
    reason: str
    direct: bool = False


def release_id(now: float, *parts: str) -> str:
    """Sortable by time; told apart by who, what and when."""
    digest = hashlib.sha256("|".join((*parts, repr(now))).encode()).hexdigest()[:6]
    return f"{utc(wall(now)).strftime('r%Y%m%d-%H%M%S')}-{digest}"


def rollback(
    spec: ModelSpec,
    site: Site,
    *,
    endpoint: ObservedEndpoint | None,
    variant_models: Mapping[str, str],
    bad: str,
    bad_identity: str,
    target: str,
    target_url: str,
    target_program: str,
    target_manifest: Seal | None,
    target_files: str,
    actor: str,
    reason: str,
    now: float,
    owner: str,
    lease: float,
) -> Journal:
    """The journal of a rollback that begins when no release is under way."""
    instances = max([v.instances for v in endpoint.variants.values()] if endpoint else [0])
    arms: dict[str, Any] = {
        "model": spec.name,
        "edges": spec.release.prediction_bins,
        "instances": max(instances, spec.serving.instance_count),
    }
    goes = requests.arm(site, spec.serving, version=bad, url="", identity=bad_identity, **arms)
    if endpoint is not None and goes.variant in variant_models:
        goes = goes.model_copy(
            update={
                "model_name": variant_models[goes.variant],
                "solo_config": endpoint.config,
            }
        )
    serves = requests.arm(
        site,
        spec.serving,
        version=target,
        url=target_url,
        program=target_program,
        manifest=target_manifest,
        files=target_files,
        **arms,
    )
    journal = Journal(
        release_id=release_id(now, spec.name, target, owner),
        kind="rollback",
        model=spec.name,
        endpoint=spec.endpoint_name,
        strategy="direct",
        actor=actor,
        reason=reason,
        candidate=goes,
        stable=serves,
        both_config="",
        shadow_config="",
        prediction_edges=spec.release.prediction_bins,
        instances=arms["instances"],
        site=site,
        serving=spec.serving,
        spec=spec.release,
        started=now,
        phase="rolling_back",
        phase_since=now,
        owner=owner,
        lease_until=now + lease,
        lease_seconds=lease,
    )
    begun = JournalEntry(at=now, actor=owner, kind="phase", action="rolling_back", detail=reason)
    return journal.noted(first_line(journal, now)).noted(begun)


def standing(journal: Journal, phase: Phase, verdict: str, now: float) -> Journal:
    """A journal that ended before it began: what was asked for is so already. Not stored."""
    return journal.model_copy(update={"phase": phase, "verdict": verdict, "ended_at": now})


def first_line(journal: Journal, now: float) -> JournalEntry:
    """How the journal begins: who puts what before users, against what, and why."""
    stable = journal.stable.version if journal.stable else None
    against = f"against {stable}" if stable else "first version: no stable version to compare with"
    return JournalEntry(
        at=now,
        actor=journal.owner,
        kind="started",
        action=journal.kind,
        detail=f"{journal.candidate.version} {against}, {journal.strategy}; "
        f"{journal.actor}: {journal.reason}",
    )
