"""Which delivery a release has: the one place that asks."""

from __future__ import annotations

from collections.abc import Mapping

from tasks.release.delivery import Delivery
from tasks.release.edge.delivery import EdgeDelivery
from tasks.release.endpoint.delivery import EndpointDelivery
from tasks.specs.release import ReleaseSpec

DELIVERIES: Mapping[str, Delivery] = {"endpoint": EndpointDelivery(), "edge": EdgeDelivery()}
"""By ``release.delivery`` of model.yaml."""


def delivery_of(spec: ReleaseSpec) -> Delivery:
    """The delivery that a spec names; a journal carries the spec that it began with."""
    return DELIVERIES[spec.delivery]
