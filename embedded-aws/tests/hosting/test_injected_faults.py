"""Faults of an endpoint that a test asks this AWS for."""

from __future__ import annotations

import json
import time

import pytest
from botocore.exceptions import ClientError
from customer.shop import soon

TIME_SCALE = 60.0


def test_kill_variant_acts_at_once(aws, shop, impatient):
    name = shop.endpoint(
        shop.variant("a", shop.model(START_SECONDS="1")), shop.variant("b", shop.model())
    )
    before = {v: shop.ask(name, TargetVariant=v)["told"]["pid"] for v in "ab"}
    fault = aws.faults.add("kill_variant", target=f"{name}/a")
    assert fault.hits == 1
    with pytest.raises(ClientError):
        impatient.invoke_endpoint(EndpointName=name, Body=b"{}", TargetVariant="a")
    assert shop.ask(name, TargetVariant="b")["told"]["pid"] == before["b"]

    def back():
        try:
            answer = impatient.invoke_endpoint(EndpointName=name, Body=b"{}", TargetVariant="a")
        except ClientError:
            return None
        return json.loads(answer["Body"].read())["pid"]

    assert soon(back) != before["a"]


def test_capacity_fault_fails_creation_update_and_scaling(aws, shop):
    config = shop.config(shop.variant("main", shop.model()))
    name = shop.name("endpoint")
    aws.faults.add("capacity", target=name)
    shop.sm.create_endpoint(EndpointName=name, EndpointConfigName=config)
    assert "InsufficientInstanceCapacity" in shop.wait(name, "Failed")["FailureReason"]

    name = shop.simple()
    old = shop.describe(name)["EndpointConfigName"]
    aws.faults.add("capacity", target=name)
    shop.update(name, config)
    told = shop.wait(name)
    assert told["EndpointConfigName"] == old
    assert "InsufficientInstanceCapacity" in told["FailureReason"]

    aws.faults.add("capacity", target=name)
    shop.sm.update_endpoint_weights_and_capacities(
        EndpointName=name,
        DesiredWeightsAndCapacities=[{"VariantName": "main", "DesiredInstanceCount": 9}],
    )
    told = shop.wait(name)
    assert told["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    assert told["ProductionVariants"][0]["DesiredInstanceCount"] == 1
    assert "InsufficientInstanceCapacity" in told["FailureReason"]
    assert shop.ask(name)["told"]


def test_silent_rollback_looks_like_success_until_the_config_is_read(aws, shop):
    name = shop.simple()
    old = shop.describe(name)["EndpointConfigName"]
    new = shop.config(shop.variant("main", shop.model()))
    aws.faults.add("silent_rollback", target=name)
    shop.update(name, new)
    told = shop.wait(name)
    assert told["EndpointConfigName"] == old
    assert "FailureReason" not in told
    shop.update(name, new)
    assert shop.wait(name)["EndpointConfigName"] == new


def test_slow_start_takes_its_virtual_time(aws, shop):
    name = shop.name("endpoint")
    config = shop.config(shop.variant("main", shop.model()))
    aws.faults.add("slow_start", target=f"{name}/main", seconds=60)
    began = time.monotonic()
    shop.sm.create_endpoint(EndpointName=name, EndpointConfigName=config)
    shop.wait(name)
    assert time.monotonic() - began >= 1.0
