"""How the journal of a release on an endpoint begins. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.errors import InvalidSetting, ReleaseInProgress, ReleaseMismatch
from tasks.images import fault_of
from tasks.model_spec import ModelSpec
from tasks.release.hosting import requests
from tasks.release.hosting.names import variant_of
from tasks.release.journal.record import Arm, Journal, Site, Strategy
from tasks.release.machine.plan import Facts, Wish, first_line, release_id
from tasks.release.observation.latency_edges import placed


def opened(
    spec: ModelSpec, site: Site, facts: Facts, wish: Wish, *, now: float, owner: str, lease: float
) -> Journal:
    """The journal of a release.

    Raises:
        ReleaseMismatch: endpoint and pointer do not agree on what serves.
        ReleaseInProgress: the endpoint is being changed by somebody else.
        InvalidSetting: the image that would serve is whatever was pushed last, or is none.
    """
    _require_fixed_image(spec, site)
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
        manifest=wish.manifest,
        files=wish.files,
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
        latency_edges_ms=placed(facts.latency_quantiles),
        busiest_before=facts.busiest_hour,
        instances=instances,
        site=site,
        serving=spec.serving,
        spec=spec.release,
        started=now,
        phase_since=now,
        owner=owner,
        lease_until=now + lease,
        lease_seconds=lease,
    )
    return journal.noted(first_line(journal, now))


def _require_fixed_image(spec: ModelSpec, site: Site) -> None:
    """A rollback goes back with the images that served: only what is new is held to this."""
    fault = fault_of(spec.serving.image or site.image, by_digest=site.images_by_digest)
    if fault:
        raise InvalidSetting(
            f"{spec.name}: the serving image {fault}.",
            "Correct serving.image in model.yaml, or SLUICE_SERVING_IMAGE where that is empty.",
        )


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
    arm = requests.arm(
        site,
        spec.serving,
        version=pointer.version,
        url=wish.stable_url,
        program=wish.stable_program,
        identity=wish.stable_identity,
        manifest=wish.stable_manifest,
        files=wish.stable_files,
        **arms,
    )
    if endpoint is None or not live:
        return arm
    variant = variant_of(pointer.version)
    if tuple(endpoint.variants) != (variant,) or variant not in facts.variant_models:
        raise ReleaseMismatch(
            f"{spec.endpoint_name} serves {', '.join(endpoint.variants)}, but latest.json names "
            f"{pointer.version}.",
            "Run rollback with to_version naming the version that must serve; it repairs both.",
        )
    return arm.model_copy(
        update={"model_name": facts.variant_models[variant], "solo_config": endpoint.config}
    )


def _strategy(spec: ModelSpec, facts: Facts, wish: Wish) -> Strategy:
    live = facts.endpoint is not None and facts.endpoint.status != "Failed"
    return "direct" if wish.direct or not live else spec.release.strategy


def _edges(spec: ModelSpec, facts: Facts) -> tuple[tuple[float, ...], bool]:
    """Edges that the candidate counts into, and whether the stable version counts into the same."""
    told = facts.stable_environment
    if spec.serving.network_isolation or told.get(requests.NAMESPACE) == "":
        # What publishes nothing, for it has no network, counts into no bins that could be compared.
        return spec.release.prediction_bins or facts.own_edges, False
    text = told.get("SLUICE_PREDICTION_EDGES", "")
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
