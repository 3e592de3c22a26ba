"""How a journal begins: what stands, what is wanted, and under which names. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from tasks.clock import utc, wall
from tasks.errors import ReleaseInProgress, ReleaseMismatch
from tasks.model_spec import ModelSpec
from tasks.release.hosting import requests
from tasks.release.hosting.names import variant_of
from tasks.release.journal.record import Arm, Journal, JournalEntry, Phase, Site, Strategy
from tasks.release.machine.seen import EndpointSeen
from tasks.values import Frozen, Pointer

FIRST_LATENCY_MS = 5.0
LATENCY_RATIO = 1.25
LATENCY_BINS = 40
LATENCY_EDGES_MS = tuple(round(FIRST_LATENCY_MS * LATENCY_RATIO**i, 6) for i in range(LATENCY_BINS))
"""5 ms to 30 s in steps of a quarter: the judge's own default edges."""


class Facts(Frozen):
    """What stands when a release begins.

    ``variant_models`` maps the endpoint's variants to their models, ``stable_environment`` is the
    environment of the stable version's container. ``stable_edges`` and ``own_edges`` are the
    prediction edges that the two bundles carry, where the program counts into its own.
    """

    pointer: Pointer | None
    endpoint: EndpointSeen | None
    variant_models: Mapping[str, str] = {}
    stable_environment: Mapping[str, str] = {}
    stable_edges: tuple[float, ...] = ()
    own_edges: tuple[float, ...] = ()


class Wish(Frozen):
    """Who wants which version, and why.

    ``url`` is the ``s3://`` address of its model.tar.gz, ``program`` what serves it; ``stable_…``
    are those of the version that serves now.
    """

    version: str
    url: str
    program: str = ""
    identity: str
    stable_url: str = ""
    stable_program: str = ""
    stable_identity: str = ""
    actor: str
    reason: str
    direct: bool = False


def release_id(now: float, *parts: str) -> str:
    """Sortable by time; told apart by who, what and when."""
    told = hashlib.sha256("|".join((*parts, repr(now))).encode()).hexdigest()[:6]
    return f"{utc(wall(now)).strftime('r%Y%m%d-%H%M%S')}-{told}"


def opened(
    spec: ModelSpec, site: Site, facts: Facts, wish: Wish, *, now: float, owner: str, lease: float
) -> Journal:
    """The journal of a release.

    Raises:
        ReleaseMismatch: endpoint and pointer do not agree on what serves.
        ReleaseInProgress: the endpoint is being changed by somebody else.
    """
    endpoint = facts.endpoint
    if endpoint is not None and endpoint.busy:
        raise ReleaseInProgress(
            f"{spec.endpoint_name} is {endpoint.status}, but no release is under way.",
            "Somebody changes it by hand: wait until it is InService.",
        )
    edges, judged = _edges(spec, facts)
    instances = _instances(spec, facts)
    arms: dict[str, Any] = {"model": spec.name, "edges": edges, "instances": instances}
    candidate = requests.arm(
        site,
        spec.serving,
        version=wish.version,
        url=wish.url,
        program=wish.program,
        identity=wish.identity,
        **arms,
    )
    stable = _stable(spec, site, facts, wish, arms)
    strategy = _strategy(spec, facts, wish)
    pair = stable is not None and strategy == "canary"
    journal = Journal(
        release_id=release_id(now, spec.name, wish.version, owner),
        model=spec.name,
        task=spec.family.task,
        endpoint=spec.endpoint_name,
        strategy=strategy,
        actor=wish.actor,
        reason=wish.reason,
        candidate=candidate,
        stable=stable,
        both_config=_pair("both", spec, candidate, stable, instances) if pair else "",
        shadow_config=(
            _pair("shadow", spec, candidate, stable, instances, site.captures_bucket)
            if pair and spec.release.shadow_seconds
            else ""
        ),
        prediction_edges=edges,
        predictions_judged=judged and pair,
        latency_edges_ms=LATENCY_EDGES_MS,
        instances=instances,
        site=site,
        serving=spec.serving,
        spec=spec.release,
        started=now,
        phase_since=now,
        owner=owner,
        lease_until=now + lease,
    )
    return journal.noted(first_line(journal, now))


def rollback(
    spec: ModelSpec,
    site: Site,
    *,
    endpoint: EndpointSeen | None,
    variant_models: Mapping[str, str],
    bad: str,
    bad_identity: str,
    target: str,
    target_url: str,
    target_program: str,
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
        site, spec.serving, version=target, url=target_url, program=target_program, **arms
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
        latency_edges_ms=LATENCY_EDGES_MS,
        instances=arms["instances"],
        site=site,
        serving=spec.serving,
        spec=spec.release,
        started=now,
        phase="rolling_back",
        phase_since=now,
        owner=owner,
        lease_until=now + lease,
    )
    begun = JournalEntry(at=now, actor=owner, kind="phase", action="rolling_back", detail=reason)
    return journal.noted(first_line(journal, now)).noted(begun)


def standing(journal: Journal, phase: Phase, verdict: str, now: float) -> Journal:
    """A journal that ended before it began: what was asked for is so already. Not stored."""
    return journal.model_copy(update={"phase": phase, "verdict": verdict, "ended_at": now})


def _stable(
    spec: ModelSpec, site: Site, facts: Facts, wish: Wish, arms: Mapping[str, Any]
) -> Arm | None:
    pointer, endpoint = facts.pointer, facts.endpoint
    live = endpoint is not None and endpoint.status != "Failed"
    if pointer is None:
        if live:
            raise ReleaseMismatch(
                f"{spec.endpoint_name} exists, but {spec.name} has no pointer.",
                "Delete the endpoint, or write latest.json for what it serves.",
            )
        return None
    made = requests.arm(
        site,
        spec.serving,
        version=pointer.version,
        url=wish.stable_url,
        program=wish.stable_program,
        identity=wish.stable_identity,
        **arms,
    )
    if endpoint is None or not live:
        return made
    variant = variant_of(pointer.version)
    if tuple(endpoint.variants) != (variant,) or variant not in facts.variant_models:
        raise ReleaseMismatch(
            f"{spec.endpoint_name} serves {', '.join(endpoint.variants)}, but latest.json names "
            f"{pointer.version}.",
            "Run rollback with to_version naming the version that must serve; it repairs both.",
        )
    return made.model_copy(
        update={"model_name": facts.variant_models[variant], "solo_config": endpoint.config}
    )


def _strategy(spec: ModelSpec, facts: Facts, wish: Wish) -> Strategy:
    live = facts.endpoint is not None and facts.endpoint.status != "Failed"
    return "direct" if wish.direct or not live else spec.release.strategy


def _edges(spec: ModelSpec, facts: Facts) -> tuple[tuple[float, ...], bool]:
    """Edges that the candidate counts into, and whether the stable version counts into the same."""
    text = facts.stable_environment.get("SLUICE_PREDICTION_EDGES", "")
    served = tuple(float(part) for part in text.split(",") if part) or facts.stable_edges
    edges = spec.release.prediction_bins or served or facts.own_edges
    return edges, bool(edges) and edges == served


def _instances(spec: ModelSpec, facts: Facts) -> int:
    """A candidate must carry what the stable version carries now, however far it has scaled."""
    running = facts.endpoint.variants.values() if facts.endpoint else ()
    return max([spec.serving.instance_count, *(item.instances for item in running)])


def _pair(
    kind: str,
    spec: ModelSpec,
    candidate: Arm,
    stable: Arm | None,
    instances: int,
    captures_bucket: str = "",
) -> str:
    if stable is None:
        return ""
    return requests.pair_config(
        kind, spec.name, candidate, stable, instances, spec.serving, captures_bucket
    )


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
