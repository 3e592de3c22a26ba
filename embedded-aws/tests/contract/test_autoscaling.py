"""Application Auto Scaling as boto3 sees it: what is kept, told, and refused."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from botocore.exceptions import ClientError
from customer.shop import Shop, soon

TIME_SCALE = 60
SCOPE = {
    "ServiceNamespace": "sagemaker",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
TRACKING = {
    "TargetValue": 70.0,
    "PredefinedMetricSpecification": {
        "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
    },
}
STEPS = {
    "AdjustmentType": "ChangeInCapacity",
    "StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}],
}


class Scaling:
    """Application Auto Scaling of one variant."""

    def __init__(self, aws, endpoint: str, variant: str = "main") -> None:
        self.client = aws.client("application-autoscaling")
        self.cloudwatch = aws.client("cloudwatch")
        self.endpoint = endpoint
        self.resource = f"endpoint/{endpoint}/variant/{variant}"
        self.scope = {**SCOPE, "ResourceId": self.resource}

    def register(self, low=1, high=4, **more):
        bounds = {"MinCapacity": low, "MaxCapacity": high}
        return self.client.register_scalable_target(**self.scope, **bounds, **more)

    def track(self, name="track", **changes):
        return self.client.put_scaling_policy(
            PolicyName=name,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={**TRACKING, **changes},
            **self.scope,
        )

    def steps(self, name="steps", **changes):
        return self.client.put_scaling_policy(
            PolicyName=name,
            PolicyType="StepScaling",
            StepScalingPolicyConfiguration={**STEPS, **changes},
            **self.scope,
        )

    def schedule(self, name="plan", schedule="rate(1 day)", bounds=None, **more):
        return self.client.put_scheduled_action(
            ScheduledActionName=name,
            Schedule=schedule,
            ScalableTargetAction=bounds or {"MinCapacity": 2},
            **self.scope,
            **more,
        )

    def target(self):
        told = self.client.describe_scalable_targets(ResourceIds=[self.resource], **SCOPE)
        return (told["ScalableTargets"] or [None])[0]

    def policies(self):
        return self.client.describe_scaling_policies(**self.scope)["ScalingPolicies"]

    def actions(self):
        return self.client.describe_scheduled_actions(**self.scope)["ScheduledActions"]

    def activities(self, **more):
        told = self.client.describe_scaling_activities(**self.scope, **more)
        return told["ScalingActivities"]

    def alarms(self):
        told = self.cloudwatch.describe_alarms(AlarmNamePrefix=f"TargetTracking-{self.resource}-")
        return told["MetricAlarms"]

    def over(self, cause: str):
        """The activity with this cause, once it is over."""

        def found():
            return next(
                (a for a in self.activities() if a["Cause"] == cause and "EndTime" in a), None
            )

        return soon(found)


def code_and_message(call):
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture(scope="module")
def shop(aws):
    return Shop(aws.client)


@pytest.fixture(scope="module")
def endpoint(shop):
    return shop.simple()


@pytest.fixture
def scaling(aws, endpoint):
    made = Scaling(aws, endpoint)
    made.register()
    yield made
    if made.target() is not None:
        made.client.deregister_scalable_target(**made.scope)


@pytest.fixture
def fresh(aws, shop):
    """Of an endpoint of its own, to which nothing has happened yet."""
    made = Scaling(aws, shop.simple())
    made.register()
    return made


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


def test_target_tracking_makes_the_alarms_of_aws(scaling):
    made = scaling.track(ScaleInCooldown=600)
    [policy] = scaling.policies()
    assert policy["PolicyARN"] == made["PolicyARN"]
    assert policy["PolicyARN"].endswith(f":resource/sagemaker/{scaling.resource}:policyName/track")
    assert policy["TargetTrackingScalingPolicyConfiguration"] == {
        **TRACKING,
        "ScaleOutCooldown": 300,
        "ScaleInCooldown": 600,
        "DisableScaleIn": False,
    }
    assert policy["Alarms"] == made["Alarms"]
    high, low = scaling.alarms()
    assert [a["AlarmName"] for a in (high, low)] == [a["AlarmName"] for a in made["Alarms"]]
    for alarm, kind, periods, threshold, comparison in (
        (high, "AlarmHigh", 3, 70.0, "GreaterThanThreshold"),
        (low, "AlarmLow", 15, 63.0, "LessThanThreshold"),
    ):
        assert alarm["AlarmName"].startswith(f"TargetTracking-{scaling.resource}-{kind}-")
        assert alarm["AlarmDescription"] == (
            f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy['PolicyARN']}."
        )
        assert (alarm["Period"], alarm["EvaluationPeriods"]) == (60, periods)
        assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (threshold, comparison)
        assert (alarm["Namespace"], alarm["MetricName"]) == (
            "AWS/SageMaker",
            "InvocationsPerInstance",
        )
        assert alarm["Statistic"] == "Sum"
        assert alarm["AlarmActions"] == [policy["PolicyARN"]]
        assert {d["Name"]: d["Value"] for d in alarm["Dimensions"]} == {
            "EndpointName": scaling.endpoint,
            "VariantName": "main",
        }
    # Put anew, the policy is the same one, with the same alarms.
    again = scaling.track(TargetValue=100.0)
    assert again == {**made, "ResponseMetadata": again["ResponseMetadata"]}
    assert [a["Threshold"] for a in scaling.alarms()] == [100.0, 90.0]
    scaling.track(DisableScaleIn=True)
    assert ["-AlarmHigh-" in a["AlarmName"] for a in scaling.alarms()] == [True]
    scaling.client.delete_scaling_policy(PolicyName="track", **scaling.scope)
    assert (scaling.policies(), scaling.alarms()) == ([], [])
    code, message = code_and_message(
        lambda: scaling.client.delete_scaling_policy(PolicyName="track", **scaling.scope)
    )
    assert (code, message.startswith("No scaling policy found for service namespace")) == (
        "ObjectNotFoundException",
        True,
    )


def test_a_customized_metric_with_dimensions_statistic_and_unit(scaling):
    metric = {
        "Namespace": "/aws/sagemaker/Endpoints",
        "MetricName": "CPUUtilization",
        "Dimensions": [{"Name": "EndpointName", "Value": "e"}],
        "Statistic": "Average",
        "Unit": "Percent",
    }
    configuration = {"TargetValue": 50.0, "CustomizedMetricSpecification": metric}
    scaling.client.put_scaling_policy(
        PolicyName="cpu",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=configuration,
        **scaling.scope,
    )
    for alarm in scaling.alarms():
        assert {name: alarm[name] for name in metric} == metric
    assert [a["Threshold"] for a in scaling.alarms()] == [50.0, 45.0]
    scaling.track()
    assert {p["PolicyName"] for p in scaling.policies()} == {"cpu", "track"}
    told = scaling.client.describe_scaling_policies(PolicyNames=["cpu"], **scaling.scope)
    assert [p["PolicyName"] for p in told["ScalingPolicies"]] == ["cpu"]
    assert code_and_message(lambda: scaling.track("second")) == (
        "ValidationException",
        "Only one TargetTrackingScaling policy for a given metric specification is allowed.",
    )


def test_a_customized_metric_that_is_computed(scaling):
    metric = {
        "Namespace": "n",
        "MetricName": "backlog",
        "Dimensions": [{"Name": "a", "Value": "b"}],
    }
    queries = [
        {
            "Id": "backlog",
            "MetricStat": {"Metric": metric, "Stat": "Maximum", "Unit": "Count"},
            "ReturnData": False,
        },
        {"Id": "each", "Expression": "backlog / 2", "Label": "of each", "ReturnData": True},
    ]
    scaling.client.put_scaling_policy(
        PolicyName="computed",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 50.0,
            "CustomizedMetricSpecification": {"Metrics": queries},
        },
        **scaling.scope,
    )
    [policy] = scaling.policies()
    told = policy["TargetTrackingScalingPolicyConfiguration"]["CustomizedMetricSpecification"]
    assert told == {"Metrics": queries}
    first = {**queries[0], "MetricStat": {**queries[0]["MetricStat"], "Period": 60}}
    for alarm in scaling.alarms():
        assert alarm["Metrics"] == [first, queries[1]]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"TargetValue": 0.0}, "TargetValue must be greater than 0"),
        ({"ScaleInCooldown": -1}, "ScaleInCooldown must not be negative"),
        ({"PredefinedMetricSpecification": None}, "Exactly one of"),
        (
            {"CustomizedMetricSpecification": {"MetricName": "m", "Namespace": "n"}},
            "Exactly one of",
        ),
        (
            {
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": (
                        "SageMakerVariantConcurrentRequestsPerModelHighResolution"
                    )
                }
            },
            "The embedded AWS does not have the predefined metric "
            "SageMakerVariantConcurrentRequestsPerModelHighResolution",
        ),
        (
            {"PredefinedMetricSpecification": {"PredefinedMetricType": "ALBRequestCountPerTarget"}},
            "Invalid predefined metric type",
        ),
        (
            {
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance",
                    "ResourceLabel": "x",
                }
            },
            "ResourceLabel must not be specified",
        ),
        (
            {
                "PredefinedMetricSpecification": None,
                "CustomizedMetricSpecification": {"MetricName": "m", "Namespace": "n"},
            },
            "Statistic must be specified",
        ),
        (
            {
                "PredefinedMetricSpecification": None,
                "CustomizedMetricSpecification": {
                    "MetricName": "m",
                    "Namespace": "n",
                    "Statistic": "Sum",
                    "Unit": "Horses",
                },
            },
            "Horses",
        ),
        (
            {
                "PredefinedMetricSpecification": None,
                "CustomizedMetricSpecification": {"Metrics": [{"Id": "m", "Expression": "1"}]},
            },
            "between 1 and 10 metrics",
        ),
        (
            {
                "PredefinedMetricSpecification": None,
                "CustomizedMetricSpecification": {"Metrics": [{"Id": "m"}], "Unit": "Count"},
            },
            "Metrics must not be specified together with Unit",
        ),
        (
            {
                "PredefinedMetricSpecification": None,
                "CustomizedMetricSpecification": {"Metrics": [{"Id": "m"}]},
            },
            "Exactly one of MetricStat and Expression",
        ),
    ],
)
def test_tracking_that_is_refused(scaling, changes, words):
    configuration = {k: v for k, v in {**TRACKING, **changes}.items() if v is not None}
    code, message = code_and_message(
        lambda: scaling.client.put_scaling_policy(
            PolicyName="p",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=configuration,
            **scaling.scope,
        )
    )
    assert code == "ValidationException"
    assert words in message
    assert (scaling.policies(), scaling.alarms()) == ([], [])


def test_a_refused_change_leaves_a_policy_as_it_was(scaling):
    scaling.track()
    before, alarms = scaling.policies(), scaling.alarms()
    code_and_message(lambda: scaling.track(TargetValue=-1.0))
    assert scaling.policies() == before
    code, message = code_and_message(lambda: scaling.steps("track"))
    assert (code, "cannot be changed" in message) == ("ValidationException", True)
    names = ("AlarmName", "Threshold", "AlarmActions")
    assert [[a[n] for n in names] for a in scaling.alarms()] == [
        [a[n] for n in names] for a in alarms
    ]


def test_a_step_policy_and_its_alarms(scaling):
    arn = scaling.steps()["PolicyARN"]
    scaling.cloudwatch.put_metric_alarm(
        AlarmName="busy",
        Namespace="n",
        MetricName="m",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[arn],
    )
    [policy] = scaling.policies()
    assert policy["StepScalingPolicyConfiguration"] == {
        **STEPS,
        "Cooldown": 300,
        "MetricAggregationType": "Average",
    }
    alarm_arn = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:busy"
    assert policy["Alarms"] == [{"AlarmName": "busy", "AlarmARN": alarm_arn}]
    scaling.client.delete_scaling_policy(PolicyName="steps", **scaling.scope)
    [alarm] = scaling.cloudwatch.describe_alarms(AlarmNames=["busy"])["MetricAlarms"]
    assert alarm["AlarmName"] == "busy"  # it was not the policy's to delete
    scaling.cloudwatch.delete_alarms(AlarmNames=["busy"])


def interval(low, high, adjustment=1):
    bounds = {"MetricIntervalLowerBound": low, "MetricIntervalUpperBound": high}
    return {
        **{k: float(v) for k, v in bounds.items() if v is not None},
        "ScalingAdjustment": adjustment,
    }


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"StepAdjustments": []}, "StepAdjustments must be specified"),
        ({"StepAdjustments": [interval(None, None)]}, "can't be null in the same"),
        ({"StepAdjustments": [interval(0, 10)]}, "unspecified upper bound"),
        ({"StepAdjustments": [interval(-10, 0)]}, "unspecified lower bound"),
        ({"StepAdjustments": [interval(0, None), interval(10, None)]}, "At most one"),
        ({"StepAdjustments": [interval(0, 10), interval(20, None)]}, "overlap or have a gap"),
        ({"StepAdjustments": [interval(0, 10), interval(5, None)]}, "overlap or have a gap"),
        ({"StepAdjustments": [interval(10, 10), interval(10, None)]}, "must be greater"),
        ({"MinAdjustmentMagnitude": 2}, "only supported for the adjustment type"),
        ({"AdjustmentType": "PercentChangeInCapacity", "MinAdjustmentMagnitude": 0}, "at least 1"),
        (
            {"AdjustmentType": "ExactCapacity", "StepAdjustments": [interval(0, None, -1)]},
            "must not be negative",
        ),
        ({"Cooldown": -5}, "Cooldown must not be negative"),
        (
            {"StepAdjustments": [*(interval(i, i + 1) for i in range(20)), interval(20, None)]},
            "at most 20 step adjustments",
        ),
    ],
)
def test_steps_that_are_refused(scaling, changes, words):
    code, message = code_and_message(lambda: scaling.steps(**changes))
    assert code == "ValidationException"
    assert words in message
    assert scaling.policies() == []


def test_policies_of_no_target_no_type_and_another_type(aws, endpoint, scaling):
    for kind, words in (
        ({}, "PolicyType must be specified"),
        ({"PolicyType": "TargetTrackingScaling"}, "Configuration must be specified"),
        ({"PolicyType": "PredictiveScaling"}, "only supported for Amazon ECS"),
        (
            {"PolicyType": "StepScaling", "TargetTrackingScalingPolicyConfiguration": TRACKING},
            "must not be specified for the policy type StepScaling",
        ),
    ):
        code, message = code_and_message(
            lambda kind=kind: scaling.client.put_scaling_policy(
                PolicyName="p", **kind, **scaling.scope
            )
        )
        assert (code, words in message) == ("ValidationException", True), message
    scaling.client.deregister_scalable_target(**scaling.scope)
    for call in (scaling.track, scaling.steps, scaling.schedule):
        code, message = code_and_message(call)
        assert code == "ObjectNotFoundException"
        assert message.startswith("No scalable target registered for service namespace: sagemaker")


def test_a_target_takes_its_policies_alarms_and_actions_along(scaling):
    scaling.track()
    scaling.steps()
    scaling.schedule()
    scaling.client.deregister_scalable_target(**scaling.scope)
    assert (scaling.policies(), scaling.actions(), scaling.alarms()) == ([], [], [])


def test_a_deleted_endpoint_takes_its_targets_along(aws, shop):
    scaling = Scaling(aws, shop.simple())
    scaling.register()
    scaling.track()
    shop.sm.delete_endpoint(EndpointName=scaling.endpoint)
    assert scaling.target() is None
    assert (scaling.policies(), scaling.alarms()) == ([], [])


def test_a_scaled_variant_is_neither_removed_nor_moved_to_other_machines(aws, shop):
    model = shop.model()
    endpoint = shop.endpoint(shop.variant("main", model), shop.variant("other", model))
    scaling = Scaling(aws, endpoint)
    scaling.register()
    without = shop.config(shop.variant("other", model))
    larger = shop.config(
        shop.variant("main", model, InstanceType="ml.m5.xlarge"), shop.variant("other", model)
    )
    for config in (without, larger):
        assert code_and_message(lambda config=config: shop.update(endpoint, config)) == (
            "ValidationException",
            'The variant(s) "["main"]" must be deregistered as scalable targets with AWS '
            "Application Auto Scaling before they can be removed or have their instance type "
            "updated.",
        )
    # Another model is taken as it comes, and so is another variant's absence.
    shop.update(endpoint, shop.config(shop.variant("main", shop.model())))
    shop.wait(endpoint)
    scaling.client.deregister_scalable_target(**scaling.scope)
    shop.update(endpoint, without)
    shop.wait(endpoint)


def test_a_scheduled_action_is_told_and_changed(aws, scaling):
    start = dt.datetime.fromtimestamp(int(aws.clock.now()) + 86_400, dt.UTC)
    end = start + dt.timedelta(days=1)
    scaling.schedule(
        schedule="cron(0 9 * * ? *)",
        bounds={"MinCapacity": 2, "MaxCapacity": 3},
        Timezone="Europe/Berlin",
        StartTime=start,
        EndTime=end,
    )
    [told] = scaling.actions()
    arn = told.pop("ScheduledActionARN")
    assert arn.endswith(f":resource/sagemaker/{scaling.resource}:scheduledActionName/plan")
    made = told.pop("CreationTime")
    assert told == {
        "ScheduledActionName": "plan",
        "Schedule": "cron(0 9 * * ? *)",
        "Timezone": "Europe/Berlin",
        "StartTime": start.astimezone(told["StartTime"].tzinfo),
        "EndTime": end.astimezone(told["EndTime"].tzinfo),
        "ScalableTargetAction": {"MinCapacity": 2, "MaxCapacity": 3},
        **scaling.scope,
    }
    scaling.client.put_scheduled_action(
        ScheduledActionName="plan", ScalableTargetAction={"MaxCapacity": 9}, **scaling.scope
    )
    [told] = scaling.actions()
    assert (told["ScheduledActionARN"], told["CreationTime"]) == (arn, made)
    assert told["ScalableTargetAction"] == {"MaxCapacity": 9}
    assert told["Schedule"] == "cron(0 9 * * ? *)"
    assert not {"StartTime", "EndTime"} & set(told)  # "the old values are deleted"
    scaling.client.delete_scheduled_action(ScheduledActionName="plan", **scaling.scope)
    assert scaling.actions() == []
    code, message = code_and_message(
        lambda: scaling.client.delete_scheduled_action(ScheduledActionName="plan", **scaling.scope)
    )
    assert (code, message.startswith("No scheduled action found")) == (
        "ObjectNotFoundException",
        True,
    )


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"schedule": "every day"}, "Invalid schedule"),
        ({"schedule": "cron(0 9 * * *)"}, "Invalid schedule"),
        ({"schedule": "at(2001-01-01T00:00:00)"}, "must be in the future"),
        ({"schedule": "cron(0 9 * * ? *)", "Timezone": "Europe/Atlantis"}, "no time zone"),
        ({"Timezone": "Europe/Berlin"}, "must not be specified for a rate"),
        ({"bounds": {"MinCapacity": 3, "MaxCapacity": 2}}, "cannot be less than minimum"),
        ({"bounds": {"MinCapacity": 0}}, "at least 1"),
        ({"EndTime": dt.datetime(2001, 1, 1, tzinfo=dt.UTC)}, "in the future"),
        (
            {
                "StartTime": dt.datetime(2100, 1, 2, tzinfo=dt.UTC),
                "EndTime": dt.datetime(2100, 1, 1, tzinfo=dt.UTC),
            },
            "later than StartTime",
        ),
    ],
)
def test_scheduled_actions_that_are_refused(scaling, more, words):
    code, message = code_and_message(lambda: scaling.schedule(**more))
    assert code == "ValidationException"
    assert words in message
    assert scaling.actions() == []


def test_a_scheduled_action_fires_and_the_capacity_follows(fresh, shop):
    fresh.schedule(schedule="rate(1 minute)", bounds={"MinCapacity": 2, "MaxCapacity": 3})
    fired = soon(lambda: [a for a in fresh.activities() if "plan" in a["Cause"]])[-1]
    assert fired["Description"] == "Setting min capacity to 2 and max capacity to 3"
    assert fired["Cause"] == "scheduled action name plan was triggered"
    assert fired["StatusCode"] == "Successful"
    assert fired["StatusMessage"] == "Successfully set min capacity to 2 and max capacity to 3"
    up = fresh.over("minimum capacity was set to 2")
    assert up["StatusCode"] == "Successful"
    assert (fresh.target()["MinCapacity"], fresh.target()["MaxCapacity"]) == (2, 3)
    fresh.client.delete_scheduled_action(ScheduledActionName="plan", **fresh.scope)
    fresh.register(1, 1)
    fresh.over("maximum capacity was set to 1")
    [row] = shop.wait(fresh.endpoint)["ProductionVariants"]
    assert row["CurrentInstanceCount"] == 1


def test_a_schedule_beyond_the_bounds_fails_and_a_suspended_one_does_nothing(fresh):
    fresh.schedule(schedule="rate(1 minute)", bounds={"MinCapacity": 9})
    failed = soon(lambda: [a for a in fresh.activities() if "plan" in a["Cause"]])[0]
    assert failed["StatusCode"] == "Failed"
    assert failed["StatusMessage"] == (
        "Failed to set min capacity to 9. Reason: Maximum capacity cannot be less than minimum "
        "capacity"
    )
    fresh.register(SuspendedState={"ScheduledScalingSuspended": True})
    fresh.schedule("late", schedule="rate(1 minute)", bounds={"MaxCapacity": 2})
    with pytest.raises(AssertionError):  # three minutes of theirs
        soon(lambda: [a for a in fresh.activities() if "late" in a["Cause"]], seconds=3.0)
    assert fresh.target()["MaxCapacity"] == 4


def test_answers_come_in_pages(aws, scaling):
    for number in range(3):
        scaling.steps(f"policy-{number}")
    pages = scaling.client.get_paginator("describe_scaling_policies").paginate(
        **scaling.scope, PaginationConfig={"PageSize": 2}
    )
    assert [len(page["ScalingPolicies"]) for page in pages] == [2, 1]
    for size in (0, 51):
        code, _ = code_and_message(
            lambda size=size: scaling.client.describe_scaling_policies(
                MaxResults=size, **scaling.scope
            )
        )
        assert code == "ValidationException"
    code, _ = code_and_message(
        lambda: scaling.client.describe_scaling_policies(NextToken="no", **scaling.scope)
    )
    assert code == "InvalidNextTokenException"


def test_what_is_not_built_is_refused_by_its_name(scaling):
    arn = scaling.target()["ScalableTargetARN"]
    for call in (
        lambda: scaling.client.tag_resource(ResourceARN=arn, Tags={"a": "b"}),
        lambda: scaling.client.untag_resource(ResourceARN=arn, TagKeys=["a"]),
        lambda: scaling.client.list_tags_for_resource(ResourceARN=arn),
        lambda: scaling.client.get_predictive_scaling_forecast(
            PolicyName="p", StartTime=0, EndTime=1, **scaling.scope
        ),
    ):
        code, message = code_and_message(call)
        assert code == "UnknownOperationException"
        assert message.startswith("The embedded AWS does not implement application-autoscaling: ")
    code, message = code_and_message(lambda: scaling.register(Tags={"a": "b"}))
    assert (code, message.startswith("Tags of RegisterScalableTarget")) == (
        "ValidationException",
        True,
    )


def test_an_alarm_whose_policy_is_gone_says_so(scaling):
    arn = scaling.steps()["PolicyARN"]
    scaling.cloudwatch.put_metric_alarm(
        AlarmName="orphan",
        Namespace="n",
        MetricName="m",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[arn],
    )
    scaling.client.delete_scaling_policy(PolicyName="steps", **scaling.scope)
    scaling.cloudwatch.set_alarm_state(
        AlarmName="orphan", StateValue="ALARM", StateReason="by hand"
    )

    def acted():
        return scaling.cloudwatch.describe_alarm_history(
            AlarmName="orphan", HistoryItemType="Action"
        )["AlarmHistoryItems"]

    [item] = soon(acted)
    assert json.loads(item["HistoryData"])["error"] == f"There is no scaling policy {arn}."
    scaling.cloudwatch.delete_alarms(AlarmNames=["orphan"])
