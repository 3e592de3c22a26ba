"""Scales variants: what alarms and bounds ask for becomes a change of the endpoint, and a record.

An activity is kept before SageMaker is asked, and followed until the endpoint is in service again.
One that a killed process left is followed by the next, which asks again where it was not asked.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any, Protocol

from embedded_aws.autoscaling import wording
from embedded_aws.autoscaling.choosing import Proposal, choose
from embedded_aws.autoscaling.decide import (
    Decision,
    Past,
    Situation,
    step,
    track_in,
    track_out,
)
from embedded_aws.autoscaling.fleet import Fleet, Sight
from embedded_aws.autoscaling.ledger import Ledger
from embedded_aws.autoscaling.model import (
    FAILED,
    HIGH,
    IN_PROGRESS,
    LOW,
    OVERRIDDEN,
    SUCCESSFUL,
    TRACKING,
    Activity,
    Policy,
    Target,
    past_of,
)
from embedded_aws.autoscaling.policy_settings import step_policy
from embedded_aws.clock import Clock
from embedded_aws.cloudwatch.alarms.readings import Reading
from embedded_aws.protocol.service import AwsFault

log = logging.getLogger(__name__)

_AGGREGATES: Mapping[str, Callable[[Sequence[float]], float]] = {
    "Average": fmean,
    "Minimum": min,
    "Maximum": max,
}


class Alarms(Protocol):
    """CloudWatch, as far as scaling needs it."""

    def readings_for(self, action: str) -> list[Reading]:
        """What the metric alarms see that ask for an action in their present state."""
        ...

    def alarm_state(self, name: str) -> str | None:
        """The state of an alarm; None where there is none."""
        ...

    def perform(self, action: str, members: dict[str, Any]) -> dict[str, Any]:
        """Carry out an action of CloudWatch."""
        ...


class Scaler:
    """Changes the counts of variants.

    Args:
        clock: Virtual clock.
        ledger: What is known of targets.
        fleet: The variants.
        alarms: What asks for scaling.
        at_max: Told of each target that was scaled out to its most.
    """

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        fleet: Fleet,
        alarms: Alarms,
        at_max: Callable[[Target, Activity], None],
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._fleet = fleet
        self._alarms = alarms
        self._at_max = at_max
        self._sent: set[str] = set()

    def consider(self, resource_id: str) -> None:
        """Do what the alarms ask that are in a state with a policy of this target to it."""
        with self._ledger.lock:
            target = self._ledger.targets.get(resource_id)
            if target is None or self._is_busy(resource_id):
                return
            asked = [
                (policy, reading)
                for policy in self._ledger.policies_of(resource_id)
                for reading in self._alarms.readings_for(policy.arn)
                if policy.kind != TRACKING or reading.name in policy.alarms.values()
            ]
            sight = self._look(resource_id) if asked else None
            if sight is None:
                return
            if sight.ready and sight.count is not None:
                self._follow_alarms(target, asked, sight.count)
            elif waiting := [one for one in asked if not _is_suspended(target, *one)]:
                self._note(target, _cause(*waiting[0]), wording.UNSCALABLE, 0)

    def enforce(self, resource_id: str) -> None:
        """Bring a target between its bounds, as soon as its endpoint can be changed."""
        with self._ledger.lock:
            target = self._ledger.targets.get(resource_id)
            if target is None or not target.owed or self._is_busy(resource_id):
                return
            sight = self._look(resource_id)
            if sight is None or not sight.ready or sight.count is None:
                return
            count = max(target.low, min(target.high, sight.count))
            if count != sight.count:
                cause = wording.bounded(count, by_low=count > sight.count)
                self._begin(target, sight.count, count, cause)
            self._ledger.put_target(replace(target, owed=False))

    def follow(self) -> None:
        """See how activities that are under way have come out."""
        for activity in self._ledger.under_way():
            with self._ledger.lock:
                self._follow(activity)

    def _follow(self, activity: Activity) -> None:
        sight = self._look(activity.resource_id)
        if sight is None:
            reason = "The endpoint or the variant does not exist any more."
            self._end(activity, FAILED, wording.failed(activity.after, reason))
        elif not sight.ready:
            return
        elif sight.count == activity.after:
            self._end(activity, SUCCESSFUL, wording.fulfilled(activity.after))
        elif activity.id not in self._sent:  # the process that began it may not have come so far
            self._send(activity)
        elif sight.failure:
            self._end(activity, FAILED, wording.failed(activity.after, sight.failure))
        else:
            self._end(activity, OVERRIDDEN, wording.OVERRIDDEN)

    def _follow_alarms(
        self, target: Target, asked: Sequence[tuple[Policy, Reading]], current: int
    ) -> None:
        past = past_of(self._ledger.activities(target.resource_id))
        proposals = [
            Proposal(decision, _cause(policy, reading), policy.kind == TRACKING)
            for policy, reading in asked
            if (decision := self._decide(target, policy, reading, current, past)) is not None
        ]
        names = {reading.name for _, reading in asked}
        lows = [p.alarms[LOW] for p in self._ledger.policies_of(target.resource_id)
                if LOW in p.alarms]  # fmt: skip
        chosen = choose(
            proposals,
            current,
            unready=any(name not in names for name in lows),
            no_out=target.suspends("DynamicScalingOut"),
            no_in=target.suspends("DynamicScalingIn"),
        )
        if chosen is None:
            return
        if chosen.decision.capacity != current:
            self._begin(target, current, chosen.decision.capacity, chosen.cause)
        else:
            self._note(target, chosen.cause, chosen.decision.reason, current)

    def _decide(
        self, target: Target, policy: Policy, reading: Reading, current: int, past: Past
    ) -> Decision | None:
        config = policy.config
        tracking = policy.kind == TRACKING
        at = Situation(
            current,
            target.low,
            target.high,
            self._clock.now(),
            past,
            config["ScaleOutCooldown" if tracking else "Cooldown"],
            config["ScaleInCooldown" if tracking else "Cooldown"],
        )
        if tracking:
            track = track_out if reading.name == policy.alarms.get(HIGH) else track_in
            return track(reading.points, config["TargetValue"], at)
        if not reading.points:
            return None
        aggregate = _AGGREGATES[config["MetricAggregationType"]]
        breach = aggregate([value for _, value in reading.points]) - reading.threshold
        return step(breach, above=reading.above, policy=step_policy(config), at=at)

    def _begin(self, target: Target, before: int, after: int, cause: str) -> None:
        activity = Activity(
            id=str(uuid.uuid4()),
            resource_id=target.resource_id,
            description=wording.setting(after),
            cause=cause,
            started=self._clock.now(),
            status=IN_PROGRESS,
            message=wording.waiting(after),
            before=before,
            after=after,
        )
        self._ledger.put_activity(activity)
        self._send(activity)

    def _send(self, activity: Activity) -> None:
        self._sent.add(activity.id)
        try:
            self._fleet.set_count(activity.resource_id, activity.after)
        except AwsFault as fault:
            reason = (
                f"{fault.message} (Service: AmazonSageMaker; Status Code: {fault.status}; Error "
                f"Code: {fault.code}; Request ID: {uuid.uuid4()})"
            )
            self._end(activity, FAILED, wording.failed(activity.after, reason))

    def _end(self, activity: Activity, status: str, message: str) -> None:
        over = replace(activity, status=status, message=message, ended=self._clock.now())
        self._ledger.put_activity(over)
        self._sent.discard(activity.id)
        target = self._ledger.targets.get(activity.resource_id)
        if (
            target is not None
            and status == SUCCESSFUL
            and over.after > over.before
            and over.after >= target.high
        ):
            self._at_max(target, over)

    def _note(self, target: Target, cause: str, code: str, current: int) -> None:
        """Tell once that an alarm changes nothing, however often it asks."""
        last = next(iter(self._ledger.activities(target.resource_id)), None)
        if last is not None and last.cause == cause and last.reason.get("Code") == code:
            return
        now = self._clock.now()
        self._ledger.put_activity(
            Activity(
                id=str(uuid.uuid4()),
                resource_id=target.resource_id,
                description=wording.ATTEMPT,
                cause=cause,
                started=now,
                status=FAILED,
                ended=now,
                reason=wording.not_scaled(code, current, target.low, target.high),
            )
        )

    def _is_busy(self, resource_id: str) -> bool:
        return any(one.resource_id == resource_id for one in self._ledger.under_way())

    def _look(self, resource_id: str) -> Sight | None:
        try:
            return self._fleet.look(resource_id)
        except AwsFault:
            return None


def _is_suspended(target: Target, policy: Policy, reading: Reading) -> bool:
    """Whether what an alarm may ask for is suspended; a step policy may ask for both ways."""
    ways = ["DynamicScalingOut", "DynamicScalingIn"]
    if policy.kind == TRACKING:
        ways = ways[:1] if reading.name == policy.alarms.get(HIGH) else ways[1:]
    return all(target.suspends(way) for way in ways)


def _cause(policy: Policy, reading: Reading) -> str:
    return wording.triggered(reading.name, reading.state, policy.name)
