"""Everything that scaling knows, in memory and in the state folder."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict
from typing import Any

from embedded_aws.autoscaling.model import (
    IN_PROGRESS,
    KEPT,
    Activity,
    Policy,
    ScheduledAction,
    Target,
)
from embedded_aws.state.records import Records

TARGET = "autoscaling.target"
POLICY = "autoscaling.policy"
ACTION = "autoscaling.action"
ACTIVITY = "autoscaling.activity"

Key = tuple[str, str]


class Ledger:
    """Targets, policies, scheduled actions and activities; each change is kept before it is seen.

    ``lock`` is held for whatever reads and then changes, and while hosting or CloudWatch are asked
    in between; neither of the two asks for it while holding a lock of its own.

    Args:
        records: Where all of it is kept.
    """

    def __init__(self, records: Records) -> None:
        self.lock = threading.RLock()
        self._records = records
        self.targets: dict[str, Target] = {}
        self.policies: dict[Key, Policy] = {}
        self.actions: dict[Key, ScheduledAction] = {}
        self._activities: dict[str, Activity] = {}
        for record in records.all(TARGET):
            target = Target(**record)
            self.targets[target.resource_id] = target
        for record in records.all(POLICY):
            policy = Policy(**record)
            self.policies[policy.resource_id, policy.name] = policy
        for record in records.all(ACTION):
            action = ScheduledAction(**record)
            self.actions[action.resource_id, action.name] = action
        activities = [Activity(**record) for record in records.all(ACTIVITY)]
        for activity in sorted(activities, key=lambda one: one.started):
            self._activities[activity.id] = activity

    def put_target(self, target: Target) -> None:
        """Keep a target, new or changed.

        Raises:
            AwsFault: the disk does not take it; nothing has changed then. So do all others here.
        """
        self._records.put(TARGET, target.resource_id, asdict(target))
        self.targets[target.resource_id] = target

    def drop_target(self, target: Target) -> None:
        """Forget a target."""
        self._records.drop(TARGET, target.resource_id)
        self.targets.pop(target.resource_id, None)

    def put_policy(self, policy: Policy) -> None:
        """Keep a policy, new or changed."""
        self._records.put(POLICY, _name(policy), asdict(policy))
        self.policies[policy.resource_id, policy.name] = policy

    def drop_policy(self, policy: Policy) -> None:
        """Forget a policy."""
        self._records.drop(POLICY, _name(policy))
        self.policies.pop((policy.resource_id, policy.name), None)

    def put_action(self, action: ScheduledAction) -> None:
        """Keep a scheduled action, new or changed."""
        self._records.put(ACTION, _name(action), asdict(action))
        self.actions[action.resource_id, action.name] = action

    def drop_action(self, action: ScheduledAction) -> None:
        """Forget a scheduled action."""
        self._records.drop(ACTION, _name(action))
        self.actions.pop((action.resource_id, action.name), None)

    def put_activity(self, activity: Activity) -> None:
        """Keep an activity, new or changed, and let those of before six weeks go."""
        self._records.put(ACTIVITY, activity.id, asdict(activity))
        self._activities[activity.id] = activity
        oldest = activity.started - KEPT
        for one in [one for one in self._activities.values() if one.started < oldest]:
            self._records.drop(ACTIVITY, one.id)
            del self._activities[one.id]

    def policies_of(self, resource_id: str) -> list[Policy]:
        """A target's policies, by name."""
        return [p for _, p in sorted(self.policies.items()) if p.resource_id == resource_id]

    def actions_of(self, resource_id: str) -> list[ScheduledAction]:
        """A target's scheduled actions, by name."""
        return [a for _, a in sorted(self.actions.items()) if a.resource_id == resource_id]

    def activities(self, resource_id: str | None = None) -> list[Activity]:
        """Activities, all or a target's, the newest first."""
        found = [one for one in self._activities.values() if resource_id in (None, one.resource_id)]
        return found[::-1]

    def under_way(self) -> list[Activity]:
        """Activities that are not over, the oldest first."""
        return [one for one in list(self._activities.values()) if one.status == IN_PROGRESS]


def _name(of: Any) -> str:
    return json.dumps([of.resource_id, of.name])
