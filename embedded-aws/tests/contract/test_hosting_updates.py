"""UpdateEndpoint: blue/green, canary, linear, rolling, and every way back."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError
from customer.shop import Shop, soon

from embedded_aws import EmbeddedAws

TIME_SCALE = 120.0  # two virtual minutes a second


@pytest.fixture(scope="module")
def shop(aws: EmbeddedAws) -> Shop:
    return Shop(aws.client)


@pytest.fixture
def start(shop: Shop):
    """Make an endpoint and a config to update it to: name, old config, new config, new model."""

    def make(count: int = 1, new_count: int = 1, **environment: str):
        name = shop.endpoint(shop.variant("main", shop.model(), count=count))
        model = shop.model(**environment)
        new = shop.config(shop.variant("main", model, count=new_count))
        return name, shop.describe(name)["EndpointConfigName"], new, model

    return make


@pytest.fixture(scope="module")
def settled(shop: Shop) -> tuple[str, str]:
    """An endpoint that no test changes, and its config."""
    name = shop.simple()
    return name, shop.describe(name)["EndpointConfigName"]


def blue_green(kind: str, wait: int, *, termination: int = 0, alarms=(), **sizes: int):
    routing = {"Type": kind, "WaitIntervalInSeconds": wait}
    for member, percent in sizes.items():
        routing[member] = {"Type": "CAPACITY_PERCENT", "Value": percent}
    config = {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": routing,
            "TerminationWaitInSeconds": termination,
        }
    }
    if alarms:
        config["AutoRollbackConfiguration"] = {"Alarms": [{"AlarmName": a} for a in alarms]}
    return config


def who(shop, name, times=40):
    return Counter(shop.ask(name)["told"]["name"] for _ in range(times))


def test_update_without_deployment_config_goes_all_at_once(shop, start):
    name, old, new, model = start()
    shop.update(name, new)
    told = shop.describe(name)
    assert told["EndpointStatus"] == "Updating"
    assert told["EndpointConfigName"] == old
    assert told["PendingDeploymentSummary"]["EndpointConfigName"] == new
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        shop.update(name, new)
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        shop.sm.delete_endpoint(EndpointName=name)
    told = shop.wait(name)
    assert told["EndpointConfigName"] == new
    assert "PendingDeploymentSummary" not in told
    assert who(shop, name) == {model: 40}


def test_canary_takes_its_share_then_everything(shop, start):
    name, old, new, model = start()
    policy = blue_green("CANARY", 360, CanarySize=25)
    shop.update(name, new, DeploymentConfig=policy)

    def baking():
        pending = shop.describe(name).get("PendingDeploymentSummary")
        return pending and pending["ProductionVariants"][0]["VariantStatus"][0]["Status"] == (
            "Baking"
        )

    soon(baking)
    asked = who(shop, name, 60)
    told = shop.describe(name)
    assert told["EndpointStatus"] == "Updating", "the bake ended before the requests did"
    assert told["EndpointConfigName"] == old
    # Binomial, n = 60, p = 0.25: outside these once in ten million runs.
    assert 1 <= asked[model] <= 35
    told = shop.wait(name)
    assert told["EndpointConfigName"] == new
    assert told["LastDeploymentConfig"] == policy
    assert who(shop, name, 20) == {model: 20}


def test_linear_bakes_after_every_step_but_the_last(shop, start):
    name, _, new, _ = start()
    began = time.monotonic()
    shop.update(name, new, DeploymentConfig=blue_green("LINEAR", 60, LinearStepSize=25))
    steps = set()

    def done():
        told = shop.describe(name)
        if "PendingDeploymentSummary" in told:
            (status,) = told["PendingDeploymentSummary"]["ProductionVariants"][0]["VariantStatus"]
            steps.add((status["Status"], status.get("StatusMessage", "")))
        return told["EndpointStatus"] == "InService"

    soon(done)
    # Three bakes of a virtual minute are 1.5 s of ours.
    assert time.monotonic() - began >= 1.5
    assert {share for stage, share in steps if stage == "Baking"} >= {
        "25% of the traffic",
        "50% of the traffic",
        "75% of the traffic",
    }


def test_old_fleet_is_kept_for_the_termination_wait(aws, shop, start):
    name, old, new, model = start()
    shop.update(name, new, DeploymentConfig=blue_green("ALL_AT_ONCE", 0, termination=360))
    soon(lambda: who(shop, name, 1)[model])
    time.sleep(0.2)
    assert shop.describe(name)["EndpointConfigName"] == old
    assert shop.status(name) == "Updating"
    assert shop.wait(name)["EndpointConfigName"] == new


def test_rolling_update_moves_capacity_with_traffic(shop, start):
    name, _, new, model = start(count=4, new_count=4)
    shop.update(
        name,
        new,
        DeploymentConfig={
            "RollingUpdatePolicy": {
                "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1},
                "WaitIntervalInSeconds": 60,
            }
        },
    )
    seen = set()

    def done():
        told = shop.describe(name)
        if "PendingDeploymentSummary" in told:
            (green,) = told["PendingDeploymentSummary"]["ProductionVariants"]
            seen.add(
                (
                    told["ProductionVariants"][0]["CurrentInstanceCount"],
                    green["CurrentInstanceCount"],
                )
            )
        return told["EndpointStatus"] == "InService"

    soon(done)
    assert {(3, 1), (2, 2), (1, 3), (0, 4)} <= seen
    assert who(shop, name, 10) == {model: 10}


def alarm(aws, name, state):
    cloudwatch = aws.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="Test",
        MetricName=name,
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=100,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
    )
    cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="test")


def test_alarm_rolls_back_in_silence(aws, shop, start):
    alarm(aws, "errors", "OK")
    name, old, new, model = start()
    before = who(shop, name, 1)
    policy = blue_green("CANARY", 3600, CanarySize=50, alarms=["errors"])
    shop.update(name, new, DeploymentConfig=policy)
    soon(lambda: who(shop, name, 1)[model])
    alarm(aws, "errors", "ALARM")
    told = shop.wait(name)
    assert told["EndpointConfigName"] == old
    assert "FailureReason" not in told
    assert "PendingDeploymentSummary" not in told
    assert set(who(shop, name)) == set(before)


def test_rolling_back_lasts_until_the_new_fleet_has_finished_what_it_began(
    aws, shop, start, tmp_path
):
    alarm(aws, "slow", "OK")
    name, old, new, model = start()
    policy = blue_green("CANARY", 3600, CanarySize=50, alarms=["slow"])
    shop.update(name, new, DeploymentConfig=policy)
    soon(lambda: who(shop, name, 1)[model])
    done = tmp_path / "done"
    with ThreadPoolExecutor(16) as pool:  # none meets the new fleet once in 65,536 times
        begun = [pool.submit(shop.ask, name, {"until": str(done)}) for _ in range(16)]
        who(shop, name, 20)
        alarm(aws, "slow", "ALARM")
        soon(lambda: shop.status(name) == "RollingBack")
        with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
            shop.update(name, new)
        assert model not in who(shop, name, 20)
        done.touch()
        answered = {future.result()["told"]["name"] for future in begun}
    assert model in answered
    assert shop.wait(name)["EndpointConfigName"] == old


def test_alarm_during_the_termination_wait_still_rolls_back(aws, shop, start):
    alarm(aws, "late", "OK")
    name, old, new, model = start()
    shop.update(
        name,
        new,
        DeploymentConfig=blue_green("ALL_AT_ONCE", 0, termination=3600, alarms=["late"]),
    )
    soon(lambda: who(shop, name, 1)[model])
    alarm(aws, "late", "ALARM")
    assert shop.wait(name)["EndpointConfigName"] == old
    assert model not in who(shop, name)


def test_alarm_without_data_lets_the_update_go_on(aws, shop, start):
    alarm(aws, "young", "INSUFFICIENT_DATA")
    name, _, new, _ = start()
    shop.update(
        name, new, DeploymentConfig=blue_green("CANARY", 30, CanarySize=50, alarms=["young"])
    )
    assert shop.wait(name)["EndpointConfigName"] == new


def test_alarm_that_does_not_exist_is_refused(shop, start):
    name, old, new, _ = start()
    with pytest.raises(ClientError, match="nobody"):
        shop.update(
            name, new, DeploymentConfig=blue_green("CANARY", 1, CanarySize=50, alarms=["nobody"])
        )
    assert shop.describe(name)["EndpointConfigName"] == old
    assert shop.status(name) == "InService"


def test_failed_health_check_never_takes_traffic(shop, start):
    name, old, new, model = start(DIE_AT_START="1")
    shop.update(name, new)
    asked = Counter()

    def back():
        asked.update(who(shop, name, 1))
        return shop.status(name) == "InService"

    soon(back)
    told = shop.describe(name)
    assert told["EndpointConfigName"] == old
    assert "did not pass the ping health check" in told["FailureReason"]
    assert model not in asked
    good = shop.config(shop.variant("main", shop.model()))
    shop.update(name, good)
    assert "FailureReason" not in shop.wait(name)


def test_execution_timeout_rolls_back_with_a_reason(shop, start):
    name, old, new, _ = start()
    policy = blue_green("CANARY", 1200, CanarySize=50)
    policy["BlueGreenUpdatePolicy"]["MaximumExecutionTimeoutInSeconds"] = 600
    shop.update(name, new, DeploymentConfig=policy)
    told = shop.wait(name)
    assert told["EndpointConfigName"] == old
    assert "MaximumExecutionTimeoutInSeconds" in told["FailureReason"]


def test_update_resets_counts_and_weights_unless_told_to_retain_them(shop):
    first, second = shop.model(), shop.model()

    def variants(model):
        return shop.variant("a", model, 1.0, count=1), shop.variant("b", model, 1.0, count=1)

    name = shop.endpoint(*variants(first))
    new = shop.config(*variants(second))
    scaled = [
        {"VariantName": "a", "DesiredInstanceCount": 5, "DesiredWeight": 3.0},
        {"VariantName": "b", "DesiredInstanceCount": 2},
    ]

    def told():
        return {
            v["VariantName"]: (v["CurrentInstanceCount"], v["CurrentWeight"])
            for v in shop.wait(name)["ProductionVariants"]
        }

    def scale():
        shop.sm.update_endpoint_weights_and_capacities(
            EndpointName=name, DesiredWeightsAndCapacities=scaled
        )
        assert told() == {"a": (5, 3.0), "b": (2, 1.0)}

    scale()
    shop.update(name, new, RetainAllVariantProperties=True)
    assert told() == {"a": (5, 3.0), "b": (2, 1.0)}
    shop.update(
        name,
        new,
        RetainAllVariantProperties=True,
        ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DesiredWeight"}],
    )
    assert told() == {"a": (5, 1.0), "b": (2, 1.0)}
    scale()
    shop.update(name, new)
    assert told() == {"a": (1, 1.0), "b": (1, 1.0)}


def test_variants_come_and_go_with_an_update(shop):
    model = shop.model()
    name = shop.endpoint(shop.variant("old", model), shop.variant("both", model))
    shop.update(name, shop.config(shop.variant("both", model), shop.variant("new", model)))
    shop.wait(name)
    assert set(shop.variants_asked(name, 40)) == {"both", "new"}
    with pytest.raises(ClientError, match="Variant old"):
        shop.ask(name, TargetVariant="old")


def test_last_deployment_config_can_be_kept(shop, start):
    name, _, new, _ = start()
    policy = blue_green("CANARY", 10, CanarySize=10)
    shop.update(name, new, DeploymentConfig=policy)
    shop.wait(name)
    shop.update(name, new, RetainDeploymentConfig=True)
    assert shop.wait(name)["LastDeploymentConfig"] == policy
    shop.update(name, new)
    assert "LastDeploymentConfig" not in shop.wait(name)


def test_endpoint_whose_own_config_was_deleted_cannot_be_updated(shop, start):
    name, old, new, _ = start()
    shop.sm.delete_endpoint_config(EndpointConfigName=old)
    with pytest.raises(ClientError, match=f"Could not find endpoint configuration .*{old}"):
        shop.update(name, new)
    assert shop.status(name) == "InService"


@pytest.mark.parametrize(
    "policy",
    [
        blue_green("CANARY", 1),
        blue_green("CANARY", 1, CanarySize=60),
        blue_green("LINEAR", 1, LinearStepSize=5),
        blue_green("ALL_AT_ONCE", 1, CanarySize=10),
        {**blue_green("ALL_AT_ONCE", 1), "RollingUpdatePolicy": {
            "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 10},
            "WaitIntervalInSeconds": 1,
        }},
        {"RollingUpdatePolicy": {
            "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1},
            "WaitIntervalInSeconds": 1,
        }},
    ],
)  # fmt: skip
def test_deployment_config_that_makes_no_sense_is_refused(shop, settled, policy):
    name, new = settled
    with pytest.raises(ClientError) as failed:
        shop.update(name, new, DeploymentConfig=policy)
    assert failed.value.response["Error"]["Code"] == "ValidationException"
    assert shop.status(name) == "InService"
