"""What activities say, in AWS's words (its user guides, and activities that were published)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from embedded_aws.autoscaling.decide import AT_DESIRED, AT_MAX, AT_MIN

ATTEMPT = "Attempting to scale due to alarm triggered"
UNSCALABLE = "TargetServicePutResourceAsUnscalable"
OVERRIDDEN = "The capacity was changed by another operation on the endpoint."


def setting(count: int) -> str:
    """What an activity is to do."""
    return f"Setting desired instance count to {count}."


def triggered(alarm: str, state: str, policy: str) -> str:
    """An alarm is the cause."""
    return f"monitor alarm {alarm} in state {state} triggered policy {policy}"


def bounded(count: int, *, by_low: bool) -> str:
    """A bound is the cause."""
    return f"{'minimum' if by_low else 'maximum'} capacity was set to {count}"


def waiting(count: int) -> str:
    """SageMaker has taken the new count."""
    return (
        f"Successfully set desired instance count to {count}. Waiting for change to be fulfilled "
        "by sagemaker."
    )


def fulfilled(count: int) -> str:
    """The variant has the new count."""
    return (
        f"Successfully set desired instance count to {count}. Change successfully fulfilled by "
        "sagemaker."
    )


def failed(count: int, reason: str) -> str:
    """It has not, and why."""
    return f"Failed to set desired instance count to {count}. Reason: {reason}"


def scheduled(name: str) -> str:
    """A scheduled action is the cause."""
    return f"scheduled action name {name} was triggered"


def bounds(changed: Mapping[str, int]) -> str:
    """The bounds that a scheduled action sets: ``min capacity to 5 and max capacity to 10``."""
    words = (("min", "MinCapacity"), ("max", "MaxCapacity"))
    return " and ".join(
        f"{word} capacity to {changed[member]}" for word, member in words if member in changed
    )


def not_scaled(code: str, current: int, low: int, high: int) -> dict[str, Any]:
    """``NotScaledReasons``: a code, and the number that it is about."""
    numbers = {
        AT_MAX: {"MaxCapacity": high},
        AT_MIN: {"MinCapacity": low},
        AT_DESIRED: {"CurrentCapacity": current},
    }
    return {"Code": code, **numbers.get(code, {})}
