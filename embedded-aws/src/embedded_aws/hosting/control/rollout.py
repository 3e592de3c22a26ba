"""How an update shifts traffic: from a ``DeploymentConfig`` to a list of steps. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from embedded_aws.protocol.service import AwsFault

# Documented ranges of each batch, in percent of the variant's instances.
CANARY_PERCENT = (0.0, 50.0)
LINEAR_PERCENT = (10.0, 50.0)
ROLLING_PERCENT = (5.0, 50.0)


@dataclass(frozen=True)
class Step:
    """Traffic on the new fleet after this step (0 to 1), and how long it then bakes (virtual s)."""

    share: float
    bake: float


@dataclass(frozen=True)
class Plan:
    """One update.

    Args:
        steps: In order; the last has share 1.
        termination_wait: Virtual seconds that the old fleet is kept after the last step.
        max_execution: Virtual seconds for the whole, or None.
        alarms: Names whose ``ALARM`` state rolls the update back.
        rolling: Old capacity is given back batch by batch instead of at the end.
    """

    steps: tuple[Step, ...]
    termination_wait: float = 0.0
    max_execution: float | None = None
    alarms: tuple[str, ...] = ()
    rolling: bool = False


ALL_AT_ONCE = Plan((Step(1.0, 0.0),))


def plan(deployment: Mapping[str, Any] | None, instances: int) -> Plan:
    """The plan for a ``DeploymentConfig``.

    Args:
        deployment: The request's member, or None for the default (all at once, no alarms).
        instances: Instance count of the (smallest) variant of the new fleet.

    Raises:
        AwsFault: ``ValidationException`` when members contradict each other or a size is out of
            its documented range.
    """
    if not deployment:
        return ALL_AT_ONCE
    alarms = tuple(
        alarm["AlarmName"]
        for alarm in (deployment.get("AutoRollbackConfiguration") or {}).get("Alarms", [])
        if "AlarmName" in alarm
    )
    blue_green = deployment.get("BlueGreenUpdatePolicy")
    rolling = deployment.get("RollingUpdatePolicy")
    if blue_green and rolling:
        raise _invalid("Specify either BlueGreenUpdatePolicy or RollingUpdatePolicy, not both.")
    if rolling:
        size = _share(rolling["MaximumBatchSize"], instances, "MaximumBatchSize", ROLLING_PERCENT)
        _share(
            rolling.get("RollbackMaximumBatchSize", {"Type": "CAPACITY_PERCENT", "Value": 100}),
            instances,
            "RollbackMaximumBatchSize",
            (0.0, 100.0),
        )
        wait = float(rolling["WaitIntervalInSeconds"])
        return Plan(
            steps=tuple(Step(share, wait) for share in _stairs(size)),
            max_execution=_seconds(rolling, "MaximumExecutionTimeoutInSeconds"),
            alarms=alarms,
            rolling=True,
        )
    if not blue_green:
        return Plan(ALL_AT_ONCE.steps, alarms=alarms)
    return Plan(
        steps=_steps(blue_green["TrafficRoutingConfiguration"], instances),
        termination_wait=float(blue_green.get("TerminationWaitInSeconds") or 0),
        max_execution=_seconds(blue_green, "MaximumExecutionTimeoutInSeconds"),
        alarms=alarms,
    )


def _steps(routing: Mapping[str, Any], instances: int) -> tuple[Step, ...]:
    kind, wait = routing["Type"], float(routing["WaitIntervalInSeconds"])
    if kind != "CANARY" and "CanarySize" in routing:
        raise _invalid(f"CanarySize must not be set for traffic routing type {kind}.")
    if kind != "LINEAR" and "LinearStepSize" in routing:
        raise _invalid(f"LinearStepSize must not be set for traffic routing type {kind}.")
    if kind == "ALL_AT_ONCE":
        return ALL_AT_ONCE.steps
    member = "CanarySize" if kind == "CANARY" else "LinearStepSize"
    if member not in routing:
        raise _invalid(f"{member} must be set for traffic routing type {kind}.")
    limits = CANARY_PERCENT if kind == "CANARY" else LINEAR_PERCENT
    size = _share(routing[member], instances, member, limits)
    if kind == "CANARY":
        return (Step(size, wait), Step(1.0, 0.0))
    shares = _stairs(size)
    return (*(Step(share, wait) for share in shares[:-1]), Step(1.0, 0.0))


def _stairs(size: float) -> list[float]:
    shares: list[float] = []
    while (share := size * (len(shares) + 1)) < 1.0 - 1e-9:
        shares.append(share)
    return [*shares, 1.0]


def _share(
    size: Mapping[str, Any], instances: int, member: str, limits: tuple[float, float]
) -> float:
    value = float(size["Value"])
    percent = value if size["Type"] == "CAPACITY_PERCENT" else 100.0 * value / max(1, instances)
    low, high = limits
    if not low <= percent <= high:
        bounds = f"at most {high:g}%" if low == 0 else f"between {low:g}% and {high:g}%"
        raise _invalid(
            f"{member} must be {bounds} of the variant's total instance count, "
            f"got {size['Type']} {size['Value']} of {instances} instance(s)."
        )
    return percent / 100.0


def _seconds(policy: Mapping[str, Any], member: str) -> float | None:
    value = policy.get(member)
    return None if value is None else float(value)


def _invalid(message: str) -> AwsFault:
    return AwsFault("ValidationException", message)
