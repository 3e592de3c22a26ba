"""The service: one table of actions between the wire and the rooms behind it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from embedded_aws.autoscaling.clockwork import Clockwork
from embedded_aws.autoscaling.descriptions import Descriptions
from embedded_aws.autoscaling.fleet import Fleet, Host
from embedded_aws.autoscaling.ledger import Ledger
from embedded_aws.autoscaling.members import MEMBERS
from embedded_aws.autoscaling.notices import at_max
from embedded_aws.autoscaling.policies import Policies
from embedded_aws.autoscaling.refusals import check_scope
from embedded_aws.autoscaling.scaler import Alarms, Scaler
from embedded_aws.autoscaling.scheduled import Scheduled
from embedded_aws.autoscaling.targets import Targets
from embedded_aws.cloudwatch.alarms.model import Transition
from embedded_aws.moto_services import not_implemented
from embedded_aws.protocol.members import refuse_what_has_no_effect
from embedded_aws.protocol.service import Request, Response, json_members
from embedded_aws.protocol.validation import validate_request
from embedded_aws.world import World

SIGNING_NAME = "application-autoscaling"

Action = Callable[[dict[str, Any]], dict[str, Any]]


class AutoScaling:
    """Application Auto Scaling of endpoint variants; a ``Service``, and a watcher of SageMaker.

    Args:
        world: The embedded AWS that this belongs to.
        host: Serves the variants.
        alarms: CloudWatch.
    """

    def __init__(self, world: World, host: Host, alarms: Alarms) -> None:
        ledger, fleet = Ledger(world.records), Fleet(host)
        scaler = Scaler(
            world.clock, ledger, fleet, alarms, lambda *told: world.events.tell(at_max(*told))
        )
        self._policies = policies = Policies(world, ledger, alarms)
        self._targets = targets = Targets(world, ledger, fleet, scaler, policies)
        self._clockwork = Clockwork(world.clock, ledger, scaler, targets.sweep)
        scheduled = Scheduled(world, ledger, fleet)
        told = Descriptions(world, ledger, policies)
        self._actions: Mapping[str, Action] = {
            "RegisterScalableTarget": targets.register,
            "DeregisterScalableTarget": targets.deregister,
            "DescribeScalableTargets": told.targets,
            "PutScalingPolicy": policies.put,
            "DeleteScalingPolicy": policies.delete,
            "DescribeScalingPolicies": told.policies,
            "PutScheduledAction": scheduled.put,
            "DeleteScheduledAction": scheduled.delete,
            "DescribeScheduledActions": told.actions,
            "DescribeScalingActivities": told.activities,
        }

    @property
    def actions(self) -> frozenset[str]:
        """What is answered."""
        return frozenset(self._actions)

    def start(self) -> None:
        """Begin to scale; endpoints that were kept must be known by now."""
        self._policies.make_whole()
        self._clockwork.start()

    def handle(self, request: Request) -> Response:
        """Answer one request.

        Raises:
            AwsFault: as Application Auto Scaling would answer.
        """
        action = self._actions.get(request.action)
        if action is None:
            raise not_implemented(request)
        params = json_members(request)
        validate_request(SIGNING_NAME, request.action, params, "ValidationException")
        check_scope(params)
        refuse_what_has_no_effect(request.action, params, MEMBERS)
        body = json.dumps(action(params)).encode()
        headers = {
            "content-type": "application/x-amz-json-1.1",
            "x-amzn-requestid": str(uuid.uuid4()),
        }
        return Response(200, body, headers)

    def close(self) -> None:
        """End scaling; what is under way is finished by the next process."""
        self._clockwork.close()

    def carry_out(self, transition: Transition, arn: str) -> str:
        """Take the action of an alarm: scale by the policy with this ARN; "" or why not."""
        if transition.alarm.watch is None:
            return "A composite alarm can't perform Auto Scaling actions."
        policy = self._policies.of_arn(arn)
        if policy is None:
            return f"There is no scaling policy {arn}."
        self._clockwork.trigger(policy.resource_id)
        return ""

    def check(self, action: str, params: Mapping[str, Any]) -> None:
        """Refuse what SageMaker refuses of variants that are scalable targets."""
        if action == "UpdateEndpoint":
            self._targets.check_update(params)

    def observe(self, action: str, params: Mapping[str, Any]) -> None:
        """Hear what SageMaker was asked: a deleted endpoint's targets go with it."""
        if action == "DeleteEndpoint":
            self._targets.endpoint_deleted(params["EndpointName"])
