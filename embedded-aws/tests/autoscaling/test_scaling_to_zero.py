"""An asynchronous endpoint without instances: nobody is asked, and a backlog brings them back."""

from __future__ import annotations

import pytest
from customer.queued import Counter
from customer.scaling import Scaling, code_and_message
from customer.shop import Shop, soon

pytestmark = [pytest.mark.timeout(300)]

TIME_SCALE = 120


@pytest.fixture(scope="module")
def shop(aws):
    return Shop(aws.client)


@pytest.fixture(scope="module")
def counter(aws, shop):
    return Counter(aws.client, shop)


def count(shop, endpoint):
    told = shop.describe(endpoint)
    [row] = told["ProductionVariants"]
    return (told["EndpointStatus"], row["CurrentInstanceCount"])


def test_it_scales_to_zero_and_a_backlog_without_capacity_brings_it_back(aws, shop, counter):
    name = counter.endpoint()
    scaling = Scaling(aws, name)
    scaling.register(0, 2)
    backlog = {
        "MetricName": "ApproximateBacklogSizePerInstance",
        "Namespace": "AWS/SageMaker",
        "Dimensions": [{"Name": "EndpointName", "Value": name}],
        "Statistic": "Average",
    }
    scaling.client.put_scaling_policy(
        PolicyName="backlog",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 5.0,
            "CustomizedMetricSpecification": backlog,
            "ScaleInCooldown": 60,
            "ScaleOutCooldown": 60,
        },
        **scaling.scope,
    )
    soon(lambda: count(shop, name) == ("InService", 0), 60)
    done = soon(lambda: [a for a in scaling.activities() if a["StatusCode"] == "Successful"])
    assert done[0]["Description"] == "Setting desired instance count to 0."
    told = scaling.cloudwatch.list_metrics(
        Namespace="AWS/SageMaker", Dimensions=[{"Name": "EndpointName", "Value": name}]
    )
    assert "InvocationsPerInstance" not in {one["MetricName"] for one in told["Metrics"]}
    many = [counter.ask(name, {"echo": number}) for number in range(12)]
    assert b'"echo": 11' in soon(lambda: counter.stored(many[-1]["OutputLocation"]), 60)
    out = next(
        one
        for one in scaling.activities()
        if "from 0" in one["Cause"] or "to 2" in one["Description"]
    )
    assert out["Description"] == "Setting desired instance count to 2.", (
        "12 waited, and 5 are one instance's"
    )
    soon(lambda: count(shop, name) == ("InService", 0), 90)
    answer = counter.ask(name, {"echo": "wake up"})
    assert counter.stored(answer["OutputLocation"]) is None
    arn = scaling.steps("from-zero", Cooldown=300)["PolicyARN"]
    scaling.cloudwatch.put_metric_alarm(
        AlarmName=f"{name}-from-zero",
        Namespace="AWS/SageMaker",
        MetricName="HasBacklogWithoutCapacity",
        Dimensions=[{"Name": "EndpointName", "Value": name}],
        Statistic="Average",
        Period=60,
        EvaluationPeriods=2,
        DatapointsToAlarm=2,
        Threshold=1.0,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="missing",
        AlarmActions=[arn],
    )
    told = soon(lambda: counter.stored(answer["OutputLocation"]), 60)
    assert b'"wake up"' in told
    out = scaling.over(f"monitor alarm {name}-from-zero in state ALARM triggered policy from-zero")
    assert out["Description"] == "Setting desired instance count to 1."


def test_zero_is_for_asynchronous_endpoints_alone(aws, shop, counter):
    plain = shop.simple()
    code, message = code_and_message(lambda: Scaling(aws, plain).register(0, 2))
    assert code == "ValidationException"
    assert "Minimum capacity must be at least 1" in message
    none = [{"VariantName": "main", "DesiredInstanceCount": 0}]
    code, message = code_and_message(
        lambda: shop.sm.update_endpoint_weights_and_capacities(
            EndpointName=plain, DesiredWeightsAndCapacities=none
        )
    )
    assert "must be at least 1" in message
    name = counter.endpoint()
    scaling = Scaling(aws, name)
    scaling.register(0, 2)
    assert scaling.target()["MinCapacity"] == 0
    scaling.schedule(bounds={"MinCapacity": 0, "MaxCapacity": 0})
    Scaling(aws, plain).register(1, 2)
    code, message = code_and_message(
        lambda: Scaling(aws, plain).schedule(bounds={"MinCapacity": 0})
    )
    assert "Minimum capacity must be at least 1" in message


def test_instances_that_come_back_by_hand_serve_what_waits(aws, shop, counter):
    name = counter.endpoint()
    folders = aws.state_dir / "hosting"
    for wanted in (0, 1):
        shop.sm.update_endpoint_weights_and_capacities(
            EndpointName=name,
            DesiredWeightsAndCapacities=[{"VariantName": "main", "DesiredInstanceCount": wanted}],
        )
        shop.wait(name)
        assert count(shop, name) == ("InService", wanted)
        assert len(list(folders.glob(f"{name}.*/*"))) == wanted, (
            "each instance has its model, and no other"
        )
        if not wanted:
            answer = counter.ask(name, {"echo": "patience"})
            shop.update(name, counter.config(shop.model()), RetainAllVariantProperties=True)
            shop.wait(name)
            assert count(shop, name) == ("InService", 0)
    assert counter.response(answer)["echo"] == "patience"
