"""PutScheduledAction and DeleteScheduledAction."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from embedded_aws.autoscaling.fleet import Fleet
from embedded_aws.autoscaling.ledger import Ledger
from embedded_aws.autoscaling.model import ScheduledAction
from embedded_aws.autoscaling.refusals import check_least, invalid, not_found, too_many
from embedded_aws.autoscaling.schedules import Once, following, parse, zone_of
from embedded_aws.events.expressions import Rate, ScheduleError
from embedded_aws.world import World

MOST_ACTIONS = 200


class Scheduled:
    """The scheduled actions.

    Args:
        world: Clock and names.
        ledger: Where they are kept.
        fleet: The variants.
    """

    def __init__(self, world: World, ledger: Ledger, fleet: Fleet) -> None:
        self._world = world
        self._ledger = ledger
        self._fleet = fleet

    def put(self, params: dict[str, Any]) -> dict[str, Any]:
        """PutScheduledAction: a new one, or other members of one.

        Start and end are forgotten when they are not given again.
        """
        target, name = params["ResourceId"], params["ScheduledActionName"]
        with self._ledger.lock:
            if target not in self._ledger.targets:
                raise not_found("scalable target registered", target)
            before = self._ledger.actions.get((target, name))
            if before is None and len(self._ledger.actions_of(target)) >= MOST_ACTIONS:
                raise too_many(f"A scalable target has {MOST_ACTIONS} scheduled actions at most.")
            now = self._world.clock.now()
            action = replace(
                before or self._new(target, name, params, now),
                since=now,
                fired=now,
                start=_time(params, "StartTime"),
                end=_time(params, "EndTime"),
                **_given(params),
            )
            _check(action, now, self._least(target, action))
            self._ledger.put_action(action)
        return {}

    def delete(self, params: dict[str, Any]) -> dict[str, Any]:
        """DeleteScheduledAction."""
        target, name = params["ResourceId"], params["ScheduledActionName"]
        with self._ledger.lock:
            action = self._ledger.actions.get((target, name))
            if action is None:
                raise not_found(
                    "scheduled action found", target, f", scheduled action name: {name}"
                )
            self._ledger.drop_action(action)
        return {}

    def _least(self, target: str, action: ScheduledAction) -> int:
        """The fewest instances that the bounds may ask for; where they ask for one, whatever."""
        if action.bounds.get("MinCapacity", 1) > 0 and action.bounds.get("MaxCapacity", 1) > 0:
            return 1
        sight = self._fleet.look(target)
        return 1 if sight is None else sight.least

    def _new(
        self, target: str, name: str, params: Mapping[str, Any], now: float
    ) -> ScheduledAction:
        for member in ("Schedule", "ScalableTargetAction"):
            if not params.get(member):
                raise invalid(f"{member} must be specified when a scheduled action is created.")
        world = self._world
        arn = (
            f"arn:aws:autoscaling:{world.region}:{world.account_id}:scheduledAction:{uuid.uuid4()}"
            f":resource/sagemaker/{target}:scheduledActionName/{name}"
        )
        return ScheduledAction(name, target, arn, "", "", now, now, now, None, None, {})


def _given(params: Mapping[str, Any]) -> dict[str, Any]:
    members = {"Schedule": "schedule", "Timezone": "zone", "ScalableTargetAction": "bounds"}
    return {mine: params[k] for k, mine in members.items() if params.get(k)}


def _time(params: Mapping[str, Any], member: str) -> float | None:
    value = params.get(member)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid(f"{member} must be a time in unix seconds, got {value!r}.")
    return float(value)


def _check(action: ScheduledAction, now: float, least: int) -> None:
    try:
        schedule = parse(action.schedule)
        zone_of(action.zone or "UTC")
    except ScheduleError as error:
        raise invalid(f"Invalid schedule {action.schedule} {action.zone}: {error}") from error
    if action.zone and isinstance(schedule, Rate):
        raise invalid("Timezone must not be specified for a rate expression.")
    low, high = action.bounds.get("MinCapacity"), action.bounds.get("MaxCapacity")
    if low is not None:
        check_least(low, least)
    if high is not None and high < (least if low is None else low):
        raise invalid("Maximum capacity cannot be less than minimum capacity")
    if action.start is not None and action.end is not None and action.end <= action.start:
        raise invalid("EndTime must be later than StartTime.")
    if action.end is not None and action.end <= now:
        raise invalid("EndTime must be in the future.")
    once = isinstance(schedule, Once)
    if once and following(action.schedule, action.zone or "UTC", now, now) is None:
        raise invalid(f"The time of {action.schedule} must be in the future.")
