"""An endpoint's life: creating, in service, failed, deleting; and its runtime."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from botocore.exceptions import ClientError
from customer.shop import IMAGE, ROLE, Shop, soon

from embedded_aws import EmbeddedAws


@pytest.fixture(scope="module")
def shop(aws: EmbeddedAws) -> Shop:
    return Shop(aws.client)


@pytest.fixture(scope="module")
def endpoint(shop: Shop) -> str:
    """Ninety to ten, and one variant that takes nothing."""
    return shop.endpoint(
        shop.variant("stable", shop.model(), 0.9, count=3),
        shop.variant("canary", shop.model(), 0.1),
        shop.variant("idle", shop.model(), 0.0),
    )


def test_new_endpoint_goes_from_creating_to_in_service(shop):
    config = shop.config(shop.variant("main", shop.model(START_SECONDS="0.3"), count=2))
    made = shop.sm.create_endpoint(EndpointName="fresh", EndpointConfigName=config)
    assert made["EndpointArn"].endswith(":endpoint/fresh")
    told = shop.describe("fresh")
    assert told["EndpointStatus"] == "Creating"
    pending = told["PendingDeploymentSummary"]
    assert pending["EndpointConfigName"] == config
    assert pending["ProductionVariants"][0]["VariantStatus"][0]["Status"] == "Creating"
    with pytest.raises(ClientError, match="Endpoint fresh of account 123456789012 not found") as no:
        shop.ask("fresh")
    assert no.value.response["Error"]["Code"] == "ValidationError"
    with pytest.raises(ClientError, match="Cannot create already existing endpoint"):
        shop.sm.create_endpoint(EndpointName="fresh", EndpointConfigName=config)

    waiter = shop.sm.get_waiter("endpoint_in_service")
    waiter.wait(EndpointName="fresh", WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    told = shop.describe("fresh")
    assert told["EndpointStatus"] == "InService"
    assert told["EndpointConfigName"] == config
    assert "PendingDeploymentSummary" not in told
    assert "FailureReason" not in told
    (variant,) = told["ProductionVariants"]
    assert variant["VariantName"] == "main"
    assert variant["CurrentInstanceCount"] == variant["DesiredInstanceCount"] == 2
    assert variant["CurrentWeight"] == variant["DesiredWeight"] == 1.0
    assert variant["DeployedImages"][0]["SpecifiedImage"] == IMAGE

    rows = shop.sm.list_endpoints(StatusEquals="InService", NameContains="fresh")["Endpoints"]
    assert [row["EndpointName"] for row in rows] == ["fresh"]
    shop.sm.delete_endpoint(EndpointName="fresh")
    gone = shop.sm.get_waiter("endpoint_deleted")
    gone.wait(EndpointName="fresh", WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    with pytest.raises(ClientError, match=r'Could not find endpoint ".*endpoint/fresh"'):
        shop.describe("fresh")


def test_endpoint_needs_its_config(shop):
    with pytest.raises(ClientError, match="Could not find endpoint configuration"):
        shop.sm.create_endpoint(EndpointName="x", EndpointConfigName="nobody")
    with pytest.raises(ClientError, match="Could not find endpoint"):
        shop.sm.delete_endpoint(EndpointName="nobody")


def test_model_that_never_gets_healthy_fails_the_endpoint(shop):
    name = shop.name("endpoint")
    config = shop.config(
        shop.variant("good", shop.model()), shop.variant("bad", shop.model(DIE_AT_START="1"))
    )
    shop.sm.create_endpoint(EndpointName=name, EndpointConfigName=config)
    told = shop.wait(name, "Failed")
    assert told["FailureReason"] == (
        "The primary container for production variant bad did not pass the ping health check. "
        "Please check CloudWatch logs for this endpoint."
    )
    assert "ProductionVariants" not in told
    with pytest.raises(ClientError, match="not found"):
        shop.ask(name)
    with pytest.raises(ClientError, match="DeleteEndpoint is the only operation"):
        shop.update(name, config)
    shop.sm.delete_endpoint(EndpointName=name)
    soon(lambda: not shop.sm.list_endpoints(NameContains=name)["Endpoints"])


def test_model_data_gone_since_create_model_fails_the_endpoint(shop):
    key = "soon-gone.tar.gz"
    shop.s3.copy_object(Bucket="sluice-hosting-tests", Key=key, CopySource=shop.url[5:])
    model = shop.model(url=f"s3://sluice-hosting-tests/{key}")
    shop.s3.delete_object(Bucket="sluice-hosting-tests", Key=key)
    name = shop.name("endpoint")
    shop.sm.create_endpoint(
        EndpointName=name, EndpointConfigName=shop.config(shop.variant("main", model))
    )
    assert "Failed to download model data" in shop.wait(name, "Failed")["FailureReason"]


def test_container_finds_its_folders_and_environment(shop):
    told = shop.ask(shop.simple(SAGEMAKER_CONTAINER_LOG_LEVEL="20"))["told"]
    environment = told["environment"]
    assert environment["SAGEMAKER_CONTAINER_LOG_LEVEL"] == "20"
    assert environment["SM_MODEL_DIR"] == environment["SAGEMAKER_BASE_DIR"] + "/model"
    assert environment["AWS_REGION"] == "us-east-1"
    assert told["cwd"] == environment["SM_MODEL_DIR"] + "/code"
    assert told["model"] == ["code"]


def test_uncompressed_model_data_is_a_prefix(shop):
    shop.s3.put_object(Bucket="sluice-hosting-tests", Key="plain/code/extra.txt", Body=b"x")
    from customer.shop import PROGRAM

    shop.s3.put_object(Bucket="sluice-hosting-tests", Key="plain/code/serve.py", Body=PROGRAM)
    shop.sm.create_model(
        ModelName="plain",
        PrimaryContainer={
            "Image": IMAGE,
            "ModelDataSource": {
                "S3DataSource": {
                    "S3Uri": "s3://sluice-hosting-tests/plain/",
                    "S3DataType": "S3Prefix",
                    "CompressionType": "None",
                }
            },
            "Environment": {"SAGEMAKER_PROGRAM": "serve.py", "NAME": "plain"},
        },
        ExecutionRoleArn=ROLE,
    )
    assert shop.ask(shop.endpoint(shop.variant("main", "plain")))["told"]["name"] == "plain"


def test_requests_go_to_variants_by_weight(shop, endpoint):
    asked = Counter(shop.variants_asked(endpoint, 500))
    # Five standard deviations of a binomial with n = 500, p = 0.1: one run in two million fails.
    assert 50 - 34 <= asked["canary"] <= 50 + 34
    assert asked["idle"] == 0
    assert asked["stable"] == 500 - asked["canary"]


def test_target_variant_reaches_even_weight_zero(shop, endpoint):
    for name in ("idle", "canary", "stable"):
        assert shop.ask(endpoint, TargetVariant=name)["InvokedProductionVariant"] == name
    with pytest.raises(ClientError, match="Variant nobody of endpoint") as failed:
        shop.ask(endpoint, TargetVariant="nobody")
    assert failed.value.response["Error"]["Code"] == "ValidationError"


def test_headers_pass_both_ways(shop, endpoint):
    answer = shop.ask(
        endpoint, CustomAttributes="trace=7", InferenceId="req-7", Accept="application/json"
    )
    headers = answer["told"]["headers"]
    assert headers["x-amzn-sagemaker-custom-attributes"] == "trace=7"
    assert headers["x-amzn-sagemaker-inference-id"] == "req-7"
    assert headers["content-type"] == headers["accept"] == "application/json"
    assert answer["CustomAttributes"] == "seen"
    assert answer["ContentType"] == "application/json"


@pytest.mark.parametrize(("status", "side"), [(400, "client"), (418, "client"), (503, "server")])
def test_model_error_tells_what_the_model_said(shop, endpoint, status, side):
    with pytest.raises(shop.rt.exceptions.ModelError) as failed:
        shop.ask(endpoint, {"status": status, "raw": "I am no model"})
    told = failed.value.response
    assert told["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert told["OriginalStatusCode"] == status
    assert told["OriginalMessage"] == "I am no model"
    assert told["LogStreamArn"].endswith(f"log-group:/aws/sagemaker/Endpoints/{endpoint}")
    message = told["Error"]["Message"]
    assert message.startswith(f"Received {side} error ({status}) from primary with message")
    assert f"/aws/sagemaker/Endpoints/{endpoint} in account 123456789012" in message


def test_body_is_limited_to_six_megabytes(shop, endpoint):
    body = json.dumps({"echo": "x" * (6 * 1024 * 1024 - 200)})
    answer = shop.rt.invoke_endpoint(EndpointName=endpoint, Body=body)
    assert len(answer["Body"].read()) > 6_000_000
    with pytest.raises(ClientError) as failed:
        shop.rt.invoke_endpoint(EndpointName=endpoint, Body=b"x" * (6 * 1024 * 1024 + 1))
    assert failed.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_what_the_model_prints_is_in_cloudwatch_logs(aws, shop, endpoint):
    logs = aws.client("logs")
    group = f"/aws/sagemaker/Endpoints/{endpoint}"

    def streams():
        try:
            return logs.describe_log_streams(logGroupName=group)["logStreams"]
        except logs.exceptions.ResourceNotFoundException:
            return []

    found = soon(lambda: len(streams()) == 3 and streams())
    assert sorted(s["logStreamName"].partition("/i-")[0] for s in found) == [
        "canary",
        "idle",
        "stable",
    ]
    events = logs.get_log_events(logGroupName=group, logStreamName=found[0]["logStreamName"])
    assert events["events"][0]["message"].startswith("serving model-")


def test_weights_change_without_a_new_config(shop):
    name = shop.endpoint(shop.variant("a", shop.model(), 1.0), shop.variant("b", shop.model(), 0.0))
    before = shop.describe(name)
    shop.weights(name, a=0.0, b=0.5)
    told = shop.describe(name)
    assert told["EndpointStatus"] == "Updating"
    assert {v["VariantName"]: v["DesiredWeight"] for v in told["ProductionVariants"]} == {
        "a": 0.0,
        "b": 0.5,
    }
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        shop.weights(name, a=1.0)
    told = shop.wait(name)
    assert {v["VariantName"]: v["CurrentWeight"] for v in told["ProductionVariants"]} == {
        "a": 0.0,
        "b": 0.5,
    }
    assert told["EndpointConfigName"] == before["EndpointConfigName"]
    assert told["LastModifiedTime"] > before["LastModifiedTime"]
    assert set(shop.variants_asked(name, 30)) == {"b"}


def test_instance_count_changes_without_a_new_config(shop):
    name = shop.simple()
    shop.sm.update_endpoint_weights_and_capacities(
        EndpointName=name,
        DesiredWeightsAndCapacities=[{"VariantName": "main", "DesiredInstanceCount": 4}],
    )
    (variant,) = shop.wait(name)["ProductionVariants"]
    assert variant["CurrentInstanceCount"] == variant["DesiredInstanceCount"] == 4
    assert variant["CurrentWeight"] == 1.0


def test_weights_of_nobody_are_refused(shop, endpoint):
    with pytest.raises(ClientError, match="nobody"):
        shop.weights(endpoint, nobody=1.0)
    with pytest.raises(ClientError, match="weight above 0"):
        shop.weights(endpoint, stable=0.0, canary=0.0, idle=0.0)


def test_serverless_variant_starts_with_its_first_request(shop):
    config = shop.name("config")
    shop.sm.create_endpoint_config(
        EndpointConfigName=config,
        ProductionVariants=[
            {
                "VariantName": "main",
                "ModelName": shop.model(),
                "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5},
            }
        ],
    )
    name = shop.name("endpoint")
    shop.sm.create_endpoint(EndpointName=name, EndpointConfigName=config)
    (variant,) = shop.wait(name)["ProductionVariants"]
    assert variant["CurrentServerlessConfig"] == {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
    assert "CurrentInstanceCount" not in variant
    first = shop.ask(name)["told"]["pid"]
    assert shop.ask(name)["told"]["pid"] == first
