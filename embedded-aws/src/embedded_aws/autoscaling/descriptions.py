"""The actions that tell of targets, policies, scheduled actions and activities."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from embedded_aws.autoscaling.ledger import Ledger
from embedded_aws.autoscaling.model import COMMON, KEPT, Activity, Policy, ScheduledAction, Target
from embedded_aws.autoscaling.policies import Policies
from embedded_aws.autoscaling.policy_settings import CONFIGS
from embedded_aws.autoscaling.refusals import invalid
from embedded_aws.cloudwatch.pages import page
from embedded_aws.world import World

# Results of one answer.
MOST = 50
_SUSPENSIONS = (
    "DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended",
)  # fmt: skip

Row = dict[str, Any]


class Descriptions:
    """Tells of what is kept.

    Args:
        world: Clock and names.
        ledger: What is kept.
        policies: Know their alarms.
    """

    def __init__(self, world: World, ledger: Ledger, policies: Policies) -> None:
        self._world = world
        self._ledger = ledger
        self._policies = policies

    def targets(self, params: dict[str, Any]) -> Row:
        """DescribeScalableTargets."""
        wanted = params.get("ResourceIds")
        with self._ledger.lock:
            found = [t for _, t in sorted(self._ledger.targets.items())]
        found = [t for t in found if not wanted or t.resource_id in wanted]
        return _paged(found, params, "ScalableTargets", self._target)

    def policies(self, params: dict[str, Any]) -> Row:
        """DescribeScalingPolicies."""
        wanted = params.get("PolicyNames")
        with self._ledger.lock:
            found = [p for _, p in sorted(self._ledger.policies.items())]
            found = [p for p in _of(found, params) if not wanted or p.name in wanted]
            return _paged(found, params, "ScalingPolicies", self._policy)

    def actions(self, params: dict[str, Any]) -> Row:
        """DescribeScheduledActions."""
        wanted = params.get("ScheduledActionNames")
        with self._ledger.lock:
            found = [a for _, a in sorted(self._ledger.actions.items())]
        found = [a for a in _of(found, params) if not wanted or a.name in wanted]
        return _paged(found, params, "ScheduledActions", _action)

    def activities(self, params: dict[str, Any]) -> Row:
        """DescribeScalingActivities, of the last six weeks, the newest first."""
        all_of_them = params.get("IncludeNotScaledActivities", False)
        oldest = self._world.clock.now() - KEPT
        with self._ledger.lock:
            found = self._ledger.activities(params.get("ResourceId"))
        found = [a for a in found if a.started >= oldest and (all_of_them or not a.reason)]
        return _paged(found, params, "ScalingActivities", _activity)

    def _target(self, target: Target) -> Row:
        role = (
            f"arn:aws:iam::{self._world.account_id}:role/aws-service-role/sagemaker."
            "application-autoscaling.amazonaws.com/"
            "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
        )
        return {
            **COMMON,
            "ResourceId": target.resource_id,
            "MinCapacity": target.low,
            "MaxCapacity": target.high,
            "RoleARN": role,
            "CreationTime": target.created,
            "SuspendedState": {
                name: bool(target.suspended.get(name, False)) for name in _SUSPENSIONS
            },
            "ScalableTargetARN": target.arn,
        }

    def _policy(self, policy: Policy) -> Row:
        return {
            **COMMON,
            "PolicyARN": policy.arn,
            "PolicyName": policy.name,
            "ResourceId": policy.resource_id,
            "PolicyType": policy.kind,
            CONFIGS[policy.kind]: dict(policy.config),
            "Alarms": self._policies.alarms_of(policy),
            "CreationTime": policy.created,
        }


def _action(action: ScheduledAction) -> Row:
    times = {"StartTime": action.start, "EndTime": action.end}
    return {
        **COMMON,
        "ScheduledActionName": action.name,
        "ScheduledActionARN": action.arn,
        "Schedule": action.schedule,
        **({"Timezone": action.zone} if action.zone else {}),
        "ResourceId": action.resource_id,
        **{name: value for name, value in times.items() if value is not None},
        "ScalableTargetAction": dict(action.bounds),
        "CreationTime": action.created,
    }


def _activity(activity: Activity) -> Row:
    row: Row = {
        **COMMON,
        "ActivityId": activity.id,
        "ResourceId": activity.resource_id,
        "Description": activity.description,
        "Cause": activity.cause,
        "StartTime": activity.started,
        "StatusCode": activity.status,
    }
    if activity.ended is not None:
        row["EndTime"] = activity.ended
    if activity.message:
        row["StatusMessage"] = activity.message
    if activity.reason:
        row["NotScaledReasons"] = [dict(activity.reason)]
    return row


def _of(found: Sequence[Any], params: Mapping[str, Any]) -> list[Any]:
    resource = params.get("ResourceId")
    return [one for one in found if resource in (None, one.resource_id)]


def _paged(
    found: Sequence[Any], params: Mapping[str, Any], member: str, row: Callable[[Any], Row]
) -> Row:
    size = params.get("MaxResults")
    size = MOST if size is None else size
    if not 1 <= size <= MOST:
        raise invalid(f"MaxResults must be between 1 and {MOST}, got {size}.")
    chunk, token = page(found, params.get("NextToken"), size, "InvalidNextTokenException")
    answer: Row = {member: [row(one) for one in chunk]}
    return answer if token is None else answer | {"NextToken": token}
