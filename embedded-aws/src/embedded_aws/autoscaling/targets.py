"""RegisterScalableTarget and DeregisterScalableTarget."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from embedded_aws.autoscaling.fleet import Fleet
from embedded_aws.autoscaling.ledger import Ledger
from embedded_aws.autoscaling.model import Target, parts_of
from embedded_aws.autoscaling.policies import Policies
from embedded_aws.autoscaling.refusals import check_least, invalid, not_found
from embedded_aws.autoscaling.scaler import Scaler
from embedded_aws.world import World

_BOUNDS = {"MinCapacity": "low", "MaxCapacity": "high"}


class Targets:
    """The scalable targets.

    Args:
        world: Clock and names.
        ledger: Where they are kept.
        fleet: The variants.
        scaler: Brings a target between its bounds.
        policies: Go with their target.
    """

    def __init__(
        self, world: World, ledger: Ledger, fleet: Fleet, scaler: Scaler, policies: Policies
    ) -> None:
        self._world = world
        self._ledger = ledger
        self._fleet = fleet
        self._scaler = scaler
        self._policies = policies
        self._tell_fleet()

    def register(self, params: dict[str, Any]) -> dict[str, Any]:
        """RegisterScalableTarget: a new one, or other bounds and suspensions of one.

        Capacity is brought between the bounds, of a new target only where its endpoint is in
        service now ("if the specified resource is not active, this operation does not change the
        resource's current capacity").
        """
        name = params["ResourceId"]
        with self._ledger.lock:
            before = self._ledger.targets.get(name)
            sight = self._fleet.look(name)
            if sight is None:
                endpoint, variant = parts_of(name) or ("", "")
                raise invalid(f"Variant {variant} of endpoint {endpoint} does not exist: {name}")
            if sight.serverless:
                raise invalid(f"A serverless variant has no instance count to scale: {name}")
            target = before or self._new(params)
            changes = {mine: params[k] for k, mine in _BOUNDS.items() if params.get(k) is not None}
            suspended = {**target.suspended, **params.get("SuspendedState", {})}
            target = replace(
                target,
                **changes,
                suspended=suspended,
                owed=target.owed or before is not None or sight.ready,
            )
            check_least(target.low, sight.least)
            _check_bounds(target)
            self._ledger.put_target(target)
            self._tell_fleet()
            self._scaler.enforce(name)
        return {"ScalableTargetARN": target.arn}

    def deregister(self, params: dict[str, Any]) -> dict[str, Any]:
        """DeregisterScalableTarget; its policies and scheduled actions go with it."""
        with self._ledger.lock:
            target = self._ledger.targets.get(params["ResourceId"])
            if target is None:
                raise not_found("scalable target registered", params["ResourceId"])
            self._let_go(target)
        return {}

    def sweep(self, target: Target) -> bool:
        """Let a target go when its endpoint is gone; whether it is."""
        endpoint, _ = parts_of(target.resource_id) or ("", "")
        if not self._fleet.is_gone(endpoint):
            return False
        with self._ledger.lock:
            self._let_go(target)
        return True

    def check_update(self, params: Mapping[str, Any]) -> None:
        """Refuse an UpdateEndpoint that takes a target away, or changes its machines.

        Raises:
            AwsFault: ``ValidationException`` that names the variants.
        """
        endpoint = params["EndpointName"]
        mine = self._of(endpoint)
        if not mine:
            return
        coming = self._fleet.machines(params["EndpointConfigName"])
        present = self._fleet.machines(self._fleet.config_of(endpoint))
        if not coming:  # the action itself says that there is no such config
            return
        gone = [v for v in mine if v not in coming or present.get(v, coming[v]) != coming[v]]
        if gone:
            names = ",".join(f'"{name}"' for name in gone)
            raise invalid(
                f'The variant(s) "[{names}]" must be deregistered as scalable targets with AWS '
                "Application Auto Scaling before they can be removed or have their instance type "
                "updated."
            )

    def endpoint_deleted(self, endpoint: str) -> None:
        """Let the targets of a deleted endpoint go."""
        with self._ledger.lock:
            for target in list(self._ledger.targets.values()):
                if (parts_of(target.resource_id) or ("",))[0] == endpoint:
                    self._let_go(target)

    def _of(self, endpoint: str) -> list[str]:
        parts = [parts_of(name) or ("", "") for name in list(self._ledger.targets)]
        return sorted(variant for owner, variant in parts if owner == endpoint)

    def _new(self, params: Mapping[str, Any]) -> Target:
        for member in _BOUNDS:
            if params.get(member) is None:
                raise invalid(f"{member} must be specified when a scalable target is registered.")
        world = self._world
        number = uuid.uuid4().hex
        return Target(
            params["ResourceId"],
            params["MinCapacity"],
            params["MaxCapacity"],
            f"arn:aws:application-autoscaling:{world.region}:{world.account_id}"
            f":scalable-target/{number}",
            world.clock.now(),
        )

    def _let_go(self, target: Target) -> None:
        """The target goes last: a process that is killed in between has not deregistered it."""
        for policy in self._ledger.policies_of(target.resource_id):
            self._policies.let_go(policy)
        for action in self._ledger.actions_of(target.resource_id):
            self._ledger.drop_action(action)
        self._ledger.drop_target(target)
        self._tell_fleet()

    def _tell_fleet(self) -> None:
        self._fleet.scaled(list(self._ledger.targets))


def _check_bounds(target: Target) -> None:
    if target.high < target.low:
        raise invalid("Maximum capacity cannot be less than minimum capacity")
