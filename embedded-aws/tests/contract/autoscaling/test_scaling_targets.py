"""Scalable targets: registered, bounded, let go, and what is none."""

from __future__ import annotations

import pytest
from customer.scaling import SCOPE, Scaling, code_and_message

TIME_SCALE = 60


def test_a_target_is_registered_told_changed_and_let_go(aws, scaling):
    target = scaling.target()
    arn = scaling.register(high=5)["ScalableTargetARN"]
    assert target["ScalableTargetARN"] == arn
    assert arn.startswith("arn:aws:application-autoscaling:us-east-1:123456789012:scalable-target/")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 4)
    assert scaling.target()["MaxCapacity"] == 5
    assert target["RoleARN"].endswith("AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint")
    assert abs(target["CreationTime"].timestamp() - aws.clock.now()) < 3600
    assert target["SuspendedState"] == dict.fromkeys(
        [f"{w}Suspended" for w in ("DynamicScalingIn", "DynamicScalingOut", "ScheduledScaling")],
        False,
    )
    scaling.client.register_scalable_target(
        SuspendedState={"DynamicScalingInSuspended": True}, **scaling.scope
    )
    told = scaling.target()
    assert told["SuspendedState"]["DynamicScalingInSuspended"]
    assert (told["MinCapacity"], told["MaxCapacity"]) == (1, 5)  # not given, not changed
    scaling.client.deregister_scalable_target(**scaling.scope)
    assert scaling.target() is None
    missing = code_and_message(lambda: scaling.client.deregister_scalable_target(**scaling.scope))
    assert missing == (
        "ObjectNotFoundException",
        "No scalable target registered for service namespace: sagemaker, resource ID: "
        f"{scaling.resource}, scalable dimension: sagemaker:variant:DesiredInstanceCount",
    )


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0, 3, "Minimum capacity must be at least 1"),
        (3, 2, "Maximum capacity cannot be less than minimum capacity"),
    ],
)
def test_bounds_that_are_none(aws, endpoint, low, high, words):
    scaling = Scaling(aws, endpoint)
    code, message = code_and_message(lambda: scaling.register(low, high))
    assert code == "ValidationException"
    assert words in message
    assert scaling.target() is None


@pytest.mark.parametrize("name", ["MinCapacity", "MaxCapacity"])
def test_a_new_target_has_both_bounds(aws, endpoint, name):
    scaling = Scaling(aws, endpoint)
    code, message = code_and_message(
        lambda: scaling.client.register_scalable_target(**{name: 1}, **scaling.scope)
    )
    assert (code, "must be specified" in message) == ("ValidationException", True)


def test_what_is_not_there_is_not_registered(aws, endpoint, shop):
    missing = code_and_message(Scaling(aws, "nowhere").register)
    arn = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/nowhere"
    assert missing == ("ValidationException", f'Could not find endpoint "{arn}".')
    code, message = code_and_message(Scaling(aws, endpoint, "other").register)
    assert (code, "other" in message) == ("ValidationException", True)
    serverless = {
        "VariantName": "main",
        "ModelName": shop.model(),
        "InitialVariantWeight": 1.0,
        "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 5},
    }
    code, message = code_and_message(Scaling(aws, shop.endpoint(serverless)).register)
    assert (code, "serverless" in message) == ("ValidationException", True)


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        (
            {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"},
            "The embedded AWS scales variants of SageMaker endpoints only, so the service "
            "namespace ecs is refused.",
        ),
        (
            {"ScalableDimension": "sagemaker:variant:DesiredProvisionedConcurrency"},
            "sagemaker:variant:DesiredInstanceCount only",
        ),
        ({"ScalableDimension": "ecs:service:DesiredCount"}, "Unsupported service namespace"),
        ({"ResourceId": "endpoint/e"}, "Unsupported service namespace"),
    ],
)
def test_what_is_no_variant_is_refused(scaling, scope, words):
    scope = {**scaling.scope, **scope}
    listed = {k: v for k, v in scope.items() if k != "ResourceId"}
    for call in (
        lambda: scaling.client.register_scalable_target(MinCapacity=1, MaxCapacity=1, **scope),
        lambda: scaling.client.put_scaling_policy(PolicyName="p", **scope),
        lambda: scaling.client.put_scheduled_action(ScheduledActionName="s", **scope),
        lambda: scaling.client.describe_scaling_activities(**scope),
        lambda: scaling.client.describe_scalable_targets(
            ResourceIds=[scope["ResourceId"]], **listed
        ),
    ):
        code, message = code_and_message(call)
        assert code == "ValidationException"
        assert words in message


def test_a_dimension_alone_names_nothing(scaling):
    """The API's own documentation asks for a resource with it."""
    for name in ("scalable_targets", "scaling_policies", "scheduled_actions", "scaling_activities"):
        call = getattr(scaling.client, f"describe_{name}")
        code, message = code_and_message(lambda call=call: call(**SCOPE))
        assert (code, "also specify a resource ID" in message) == ("ValidationException", True)
        assert call(ServiceNamespace="sagemaker")


def test_bounds_bring_the_count_between_them(fresh, shop):
    fresh.register(2, 4)
    assert shop.status(fresh.endpoint) == "Updating"
    [up] = fresh.activities()
    assert up["StatusCode"] == "InProgress"
    assert up["StatusMessage"] == (
        "Successfully set desired instance count to 2. Waiting for change to be fulfilled by "
        "sagemaker."
    )
    up = fresh.over("minimum capacity was set to 2")
    assert up["Description"] == "Setting desired instance count to 2."
    assert up["StatusCode"] == "Successful"
    assert up["StatusMessage"] == (
        "Successfully set desired instance count to 2. Change successfully fulfilled by sagemaker."
    )
    assert up["StartTime"] < up["EndTime"]
    assert len(up["ActivityId"]) == 36
    [row] = shop.wait(fresh.endpoint)["ProductionVariants"]
    assert (row["CurrentInstanceCount"], row["DesiredInstanceCount"]) == (2, 2)
    fresh.register(1, 1)
    down = fresh.over("maximum capacity was set to 1")
    assert (down["Description"], down["StatusCode"]) == (
        "Setting desired instance count to 1.",
        "Successful",
    )
    assert [a["ActivityId"] for a in fresh.activities()][:2] == [
        down["ActivityId"],
        up["ActivityId"],
    ]


def test_a_scale_out_without_capacity_fails_with_the_reason(aws, fresh, shop):
    aws.faults.add("capacity", target=fresh.endpoint)
    fresh.register(3, 4)
    failed = fresh.over("minimum capacity was set to 3")
    assert failed["StatusCode"] == "Failed"
    assert failed["StatusMessage"].startswith(
        "Failed to set desired instance count to 3. Reason: Unable to provision requested ML "
        "compute capacity due to InsufficientInstanceCapacity error."
    )
    [row] = shop.wait(fresh.endpoint)["ProductionVariants"]
    assert (row["CurrentInstanceCount"], row["DesiredInstanceCount"]) == (1, 1)


def test_an_endpoint_that_is_not_in_service_keeps_its_count(aws, shop):
    """As documented: "if the resource is not active, the current capacity is not changed"."""
    endpoint = shop.name("endpoint")
    aws.faults.add("slow_start", target=f"{endpoint}/main", seconds=120)
    shop.sm.create_endpoint(
        EndpointName=endpoint,
        EndpointConfigName=shop.config(shop.variant("main", shop.model())),
    )
    made = Scaling(aws, endpoint)
    made.register(2, 3)
    assert shop.status(endpoint) == "Creating"
    [row] = shop.wait(endpoint)["ProductionVariants"]
    assert row["CurrentInstanceCount"] == 1
    assert made.activities(IncludeNotScaledActivities=True) == []
    made.register(2, 3)  # an update of the target does change it
    made.over("minimum capacity was set to 2")


def test_bounds_that_are_changed_during_an_update_are_kept_afterwards(fresh, shop):
    shop.sm.update_endpoint_weights_and_capacities(
        EndpointName=fresh.endpoint,
        DesiredWeightsAndCapacities=[{"VariantName": "main", "DesiredWeight": 2.0}],
    )
    fresh.register(2, 3)
    assert fresh.activities() == []
    assert fresh.over("minimum capacity was set to 2")["StatusCode"] == "Successful"
