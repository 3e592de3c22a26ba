"""What Application Auto Scaling answers to what it does not do, in its own words where known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from embedded_aws.autoscaling.model import DIMENSION, NAMESPACE, parts_of
from embedded_aws.protocol.service import AwsFault

UNSUPPORTED = "Unsupported service namespace, resource type or scalable dimension"


def invalid(message: str) -> AwsFault:
    """A request that makes no sense."""
    return AwsFault("ValidationException", message)


def too_many(message: str) -> AwsFault:
    """A quota is reached."""
    return AwsFault("LimitExceededException", message)


def not_found(what: str, resource_id: str, more: str = "") -> AwsFault:
    """No such target, policy or scheduled action; ``more`` names the last two."""
    return AwsFault(
        "ObjectNotFoundException",
        f"No {what} for service namespace: {NAMESPACE}, resource ID: {resource_id}, scalable "
        f"dimension: {DIMENSION}{more}",
    )


def check_least(low: int, least: int) -> None:
    """Refuse a minimum that is below what a variant can do with.

    Raises:
        AwsFault: ``ValidationException``.
    """
    if low < least:
        raise invalid(
            f"Minimum capacity must be at least {least} for a SageMaker variant, got {low}."
        )


def check_scope(params: Mapping[str, Any]) -> None:
    """Refuse what no variant of an endpoint is meant by.

    Raises:
        AwsFault: ``ValidationException``.
    """
    namespace = params["ServiceNamespace"]
    if namespace != NAMESPACE:
        raise invalid(
            "The embedded AWS scales variants of SageMaker endpoints only, so the service "
            f"namespace {namespace} is refused."
        )
    dimension = params.get("ScalableDimension")
    if dimension is not None and dimension != DIMENSION:
        if dimension.startswith(f"{NAMESPACE}:"):
            raise invalid(
                f"The embedded AWS scales {DIMENSION} only, so the scalable dimension {dimension} "
                "is refused."
            )
        raise invalid(UNSUPPORTED)
    named = [*params.get("ResourceIds", []), *filter(None, [params.get("ResourceId")])]
    if dimension is not None and not named:
        raise invalid("If you specify a scalable dimension, you must also specify a resource ID.")
    if any(parts_of(one) is None for one in named):
        raise invalid(UNSUPPORTED)
