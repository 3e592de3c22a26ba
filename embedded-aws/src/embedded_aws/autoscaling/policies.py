"""PutScalingPolicy and DeleteScalingPolicy, and the alarms of target tracking."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from typing import Any

from embedded_aws.autoscaling.ledger import Ledger
from embedded_aws.autoscaling.model import TRACKING, Policy
from embedded_aws.autoscaling.policy_settings import metric_of, read_config
from embedded_aws.autoscaling.refusals import invalid, not_found, too_many
from embedded_aws.autoscaling.scaler import Alarms
from embedded_aws.autoscaling.tracking_alarms import (
    alarm_kinds,
    alarm_name,
    alarm_prefix,
    alarm_settings,
)
from embedded_aws.protocol.service import AwsFault
from embedded_aws.world import World

log = logging.getLogger(__name__)

# Quotas for one target.
MOST_POLICIES = 50


class Policies:
    """The scaling policies.

    Args:
        world: Clock and names.
        ledger: Where they are kept.
        alarms: Where target tracking has its alarms.
    """

    def __init__(self, world: World, ledger: Ledger, alarms: Alarms) -> None:
        self._world = world
        self._ledger = ledger
        self._alarms = alarms

    def put(self, params: dict[str, Any]) -> dict[str, Any]:
        """PutScalingPolicy: a new one, or another configuration of one."""
        target, name = params["ResourceId"], params["PolicyName"]
        with self._ledger.lock:
            if target not in self._ledger.targets:
                raise not_found("scalable target registered", target)
            before = self._ledger.policies.get((target, name))
            kind = params.get("PolicyType") or (before.kind if before else None)
            if kind is None:
                raise invalid("PolicyType must be specified when a scaling policy is created.")
            if before is not None and before.kind != kind:
                raise invalid(f"The type of policy {name} cannot be changed from {before.kind}.")
            config = read_config(kind, params, before.config if before else {})
            self._check_others(target, name, kind, config)
            policy = self._made(target, name, kind, config, before)
            self._ledger.put_policy(policy)
            try:
                self._put_alarms(policy)
            except AwsFault as fault:
                self._undo(policy, before)
                raise invalid(fault.message) from fault
            if before is not None:
                self._delete_alarms(set(before.alarms.values()) - set(policy.alarms.values()))
        return {"PolicyARN": policy.arn, "Alarms": self.alarms_of(policy)}

    def delete(self, params: dict[str, Any]) -> dict[str, Any]:
        """DeleteScalingPolicy; alarms that others made for it stay."""
        target, name = params["ResourceId"], params["PolicyName"]
        with self._ledger.lock:
            policy = self._ledger.policies.get((target, name))
            if policy is None:
                raise not_found("scaling policy found", target, f", policy name: {name}")
            self.let_go(policy)
        return {}

    def let_go(self, policy: Policy) -> None:
        """Forget a policy, its alarms first: one without alarms gets them again at the start."""
        self._delete_alarms(set(policy.alarms.values()))
        self._ledger.drop_policy(policy)

    def make_whole(self) -> None:
        """Make the alarms that a killed process has not come to, and delete those it had to."""
        with self._ledger.lock:
            for policy in list(self._ledger.policies.values()):
                if policy.kind != TRACKING:
                    continue
                mine = set(policy.alarms.values())
                prefix = alarm_prefix(policy.resource_id)
                acting = {n for n in self._acting(policy) if n.startswith(prefix)}
                try:
                    if mine - acting:
                        self._put_alarms(policy)
                    self._delete_alarms(acting - mine)
                except AwsFault as fault:
                    log.exception("alarms of %s: %s", policy.arn, fault.message)

    def alarms_of(self, policy: Policy) -> list[dict[str, str]]:
        """``Alarms`` of a policy: those that it made, or that have it as an action."""
        tracking = policy.kind == TRACKING
        names = list(policy.alarms.values()) if tracking else self._acting(policy)
        world = self._world
        prefix = f"arn:aws:cloudwatch:{world.region}:{world.account_id}:alarm:"
        return [{"AlarmName": name, "AlarmARN": prefix + name} for name in names]

    def of_arn(self, arn: str) -> Policy | None:
        """The policy with this ARN."""
        return next((p for p in list(self._ledger.policies.values()) if p.arn == arn), None)

    def _acting(self, policy: Policy) -> list[str]:
        """Names of the alarms that have a policy as an action."""
        told = self._alarms.perform("DescribeAlarms", {"ActionPrefix": policy.arn})
        return [alarm["AlarmName"] for alarm in told["MetricAlarms"]]

    def _made(
        self,
        target: str,
        name: str,
        kind: str,
        config: Mapping[str, Any],
        before: Policy | None,
    ) -> Policy:
        world = self._world
        alarms: dict[str, str] = {}
        if kind == TRACKING:
            known = before.alarms if before else {}
            alarms = {
                one: known.get(one) or alarm_name(target, one, str(uuid.uuid4()))
                for one in alarm_kinds(config)
            }
        arn = (
            f"arn:aws:autoscaling:{world.region}:{world.account_id}:scalingPolicy:{uuid.uuid4()}"
            f":resource/sagemaker/{target}:policyName/{name}"
        )
        return Policy(
            name,
            target,
            before.arn if before else arn,
            kind,
            config,
            before.created if before else world.clock.now(),
            alarms,
        )

    def _check_others(self, target: str, name: str, kind: str, config: Mapping[str, Any]) -> None:
        others = [p for p in self._ledger.policies_of(target) if p.name != name]
        if len(others) >= MOST_POLICIES:
            raise too_many(f"A scalable target has {MOST_POLICIES} scaling policies at most.")
        if kind != TRACKING:
            return
        metric = metric_of(config)
        if any(p.kind == TRACKING and metric_of(p.config) == metric for p in others):
            raise invalid(
                "Only one TargetTrackingScaling policy for a given metric specification is allowed."
            )

    def _put_alarms(self, policy: Policy) -> None:
        if policy.alarms:
            for settings in alarm_settings(policy):
                self._alarms.perform("PutMetricAlarm", settings)

    def _delete_alarms(self, names: set[str]) -> None:
        if names:
            self._alarms.perform("DeleteAlarms", {"AlarmNames": sorted(names)})

    def _undo(self, policy: Policy, before: Policy | None) -> None:
        if before is not None:
            self._ledger.put_policy(before)
            self._put_alarms(before)
        else:
            self._delete_alarms(set(policy.alarms.values()))
            self._ledger.drop_policy(policy)
