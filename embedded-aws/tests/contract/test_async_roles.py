"""With IAM enforced, asynchronous endpoints read, store and publish as their model's role."""

import json

import boto3
import pytest
from customer.metrics import query
from customer.queued import FAILED, Counter, refused
from customer.shop import BUCKET, Shop, soon

from embedded_aws import EmbeddedAws

TRUST = {
    "Effect": "Allow",
    "Principal": {"Service": "sagemaker.amazonaws.com"},
    "Action": "sts:AssumeRole",
}


@pytest.fixture(scope="module")
def aws():
    with EmbeddedAws(time_scale=60, enforce_iam=True) as made:
        yield made


@pytest.fixture(scope="module")
def counter(aws):
    return Counter(aws.client, Shop(aws.client))


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, *resources):
    return {"Effect": "Allow", "Action": action, "Resource": list(resources)}


def role(aws, name, *statements):
    iam = aws.client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(TRUST))["Role"]["Arn"]
    model = allow("s3:GetObject", f"arn:aws:s3:::{BUCKET}/model.tar.gz")
    iam.put_role_policy(
        RoleName=name, PolicyName="own", PolicyDocument=document(model, *statements)
    )
    return arn


def untold(aws, endpoint):
    dimensions = {"EndpointName": endpoint, "VariantName": "main"}
    now = aws.clock.now()
    [told] = aws.client("cloudwatch").get_metric_data(
        MetricDataQueries=[
            query("q", "AWS/SageMaker", "NotificationFailures", "Sum", 3600, dimensions)
        ],
        StartTime=now - 7200,
        EndTime=now + 3600,
    )["MetricDataResults"]
    return sum(told["Values"])


def objects(prefix):
    return f"arn:aws:s3:::{BUCKET}/{prefix}/*"


def test_a_role_may_what_its_policy_says(aws, counter):
    arn = role(
        aws,
        "able",
        allow("s3:GetObject", objects("in")),
        allow("s3:PutObject", objects("out"), objects("failed")),
        allow("sns:Publish", *counter.topics.values()),
    )
    name = counter.endpoint(model=counter.shop.model(role=arn))
    good = counter.ask(name, {"echo": "able"})
    assert counter.response(good)["echo"] == "able"
    assert counter.notice(good)["invocationStatus"] == "Completed"
    counter.shop.s3.put_object(Bucket=BUCKET, Key="secret/x", Body=b"{}")
    bad = counter.ask(name, InputLocation=f"s3://{BUCKET}/secret/x")
    assert "not authorized to perform: s3:GetObject" in counter.failure(bad)
    assert "AccessDenied" in counter.notice(bad)["failureReason"]


def test_a_role_that_may_not_store_or_publish_is_a_failure_of_that(aws, counter):
    arn = role(aws, "unable", allow("s3:PutObject", objects("failed")))
    name = counter.endpoint(model=counter.shop.model(role=arn))
    answer = counter.ask(name, Body=b"{}")
    assert answer["FailureLocation"].startswith(FAILED)
    assert "not authorized to perform: s3:PutObject" in counter.failure(answer)
    assert counter.stored(answer["OutputLocation"]) is None
    # Its failure would be told, but the role may not publish.
    soon(lambda: untold(aws, name) == 1)
    assert counter.next_notice() is None


def test_who_may_queue_is_asked_by_its_own_name(aws, counter):
    iam = aws.client("iam")
    iam.create_user(UserName="guest")
    key = iam.create_access_key(UserName="guest")["AccessKey"]
    guest = boto3.client(
        "sagemaker-runtime",
        endpoint_url=aws.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    name = counter.endpoint(model=counter.shop.model(role=role(aws, "plain")))
    asked = {"EndpointName": name, "Body": b"{}"}
    code, message = refused(guest.invoke_endpoint_async, **asked)
    assert "AccessDenied" in code
    assert "perform: sagemaker:InvokeEndpointAsync on resource" in message
    endpoint = f"arn:aws:sagemaker:us-east-1:123456789012:endpoint/{name}"
    iam.put_user_policy(
        UserName="guest",
        PolicyName="own",
        PolicyDocument=document(allow("sagemaker:InvokeEndpointAsync", endpoint)),
    )
    assert guest.invoke_endpoint_async(**asked)["InferenceId"]
