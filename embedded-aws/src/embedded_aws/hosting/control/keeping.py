"""What is kept of an endpoint, and how it is made again from that."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from embedded_aws.events import sagemaker as events
from embedded_aws.hosting.fleet.endpoint import Endpoint
from embedded_aws.hosting.fleet.generation import Generation
from embedded_aws.hosting.fleet.variant import Numbers
from embedded_aws.hosting.shared import SharedState
from embedded_aws.protocol.service import AwsFault

log = logging.getLogger(__name__)

KIND = "sagemaker.endpoint"
_PLAIN = (
    "name", "arn", "config_name", "created", "status", "modified", "failure", "last_deployment",
)  # fmt: skip


def keep(shared: SharedState, endpoint: Endpoint, pending: Generation | None = None) -> None:
    """Keep an endpoint as it stands, with the fleet that an operation is to bring up.

    Raises:
        AwsFault: the disk does not take it.
    """
    with endpoint.lock:
        record = {name: getattr(endpoint, name) for name in _PLAIN}
        record["active"] = _record(endpoint.active)
        record["pending"] = _record(pending or endpoint.pending)
        told, endpoint.told = endpoint.told, endpoint.status
    shared.world.records.put(KIND, endpoint.name, record)
    if told != endpoint.status:
        shared.world.events.tell(events.endpoint(endpoint.describe()))


def keep_later(shared: SharedState, endpoint: Endpoint) -> None:
    """The same, from an operation under way: it goes on, whatever the disk says.

    What the end of the embedded AWS does to an operation is no news: the next one finishes it.
    """
    if shared.closing.is_set():
        return
    try:
        keep(shared, endpoint)
    except AwsFault as fault:
        log.exception("endpoint %s: %s", endpoint.name, fault.message)


def forget(shared: SharedState, endpoint: Endpoint) -> None:
    """The endpoint is gone."""
    try:
        shared.world.records.drop(KIND, endpoint.name)
    except AwsFault as fault:
        log.exception("endpoint %s: %s", endpoint.name, fault.message)


def restored(shared: SharedState) -> list[Endpoint]:
    """Every endpoint that was kept; none of their processes runs yet."""
    endpoints = []
    for record in shared.world.records.all(KIND):
        endpoint = Endpoint(**{name: record[name] for name in _PLAIN})
        endpoint.active = _generation(shared, endpoint.name, record["active"])
        endpoint.pending = _generation(shared, endpoint.name, record["pending"])
        endpoint.told = endpoint.status
        endpoints.append(endpoint)
    return endpoints


def _record(generation: Generation | None) -> dict[str, Any] | None:
    if generation is None:
        return None
    variants = generation.variants
    return {
        "config": dict(generation.config),
        "containers": {v.spec["ModelName"]: dict(v.container) for v in variants.values()},
        "numbers": {name: _numbers(variant.numbers) for name, variant in variants.items()},
        "resolved": {name: variant.resolved_at for name, variant in variants.items()},
        "data_capture": generation.data_capture,
    }


def _numbers(numbers: Numbers) -> list[float]:
    return [
        numbers.current_weight,
        numbers.desired_weight,
        numbers.current_count,
        numbers.desired_count,
    ]


def _generation(
    shared: SharedState, endpoint: str, record: Mapping[str, Any] | None
) -> Generation | None:
    if record is None:
        return None
    numbers = {name: Numbers(*values) for name, values in record["numbers"].items()}
    generation = Generation(
        shared, endpoint, record["config"], record["containers"], numbers, record["data_capture"]
    )
    for name, at in record["resolved"].items():
        generation.variants[name].resolved_at = at
    return generation
