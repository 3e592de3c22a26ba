"""With IAM enforced, users and roles may what their policies say, and jobs what their roles may."""

import json
import uuid

import boto3
import pytest
from botocore.exceptions import ClientError
from customer.processing import Workshop
from customer.shop import Shop

from embedded_aws import EmbeddedAws

BUCKET = "guarded"
TRUST = {
    "Effect": "Allow",
    "Principal": {"Service": "sagemaker.amazonaws.com"},
    "Action": "sts:AssumeRole",
}
OBJECTS = f"arn:aws:s3:::{BUCKET}/*"


@pytest.fixture(scope="module")
def aws():
    with EmbeddedAws(time_scale=60, enforce_iam=True) as made:
        made.client("s3").create_bucket(Bucket=BUCKET)
        yield made


@pytest.fixture(scope="module")
def iam(aws):
    return aws.client("iam")


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action, resource="*", **more):
    return {**allow(action, resource, **more), "Effect": "Deny"}


@pytest.fixture
def person(aws, iam):
    """Makes a user with policies; gives the user's clients by service."""

    def hired(*statements):
        name = f"person-{uuid.uuid4().hex[:8]}"
        iam.create_user(UserName=name)
        if statements:
            iam.put_user_policy(
                UserName=name, PolicyName="own", PolicyDocument=document(*statements)
            )
        key = iam.create_access_key(UserName=name)["AccessKey"]

        def client(service):
            return boto3.client(
                service,
                endpoint_url=aws.endpoint_url,
                region_name="us-east-1",
                aws_access_key_id=key["AccessKeyId"],
                aws_secret_access_key=key["SecretAccessKey"],
            )

        client.name = name
        return client

    return hired


def role(iam, name, *statements, trust=TRUST):
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*statements))
    return arn


def denied(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    error = refused.value.response["Error"]
    assert error["Code"] in {"AccessDenied", "AccessDeniedException", "403"}, error
    return error["Message"]


def test_who_has_no_policy_may_nothing_and_is_told_what_is_missing(person):
    nobody = person()
    assert nobody("sts").get_caller_identity()["Arn"].endswith(nobody.name)
    message = denied(nobody("s3").put_object, Bucket=BUCKET, Key="a", Body=b"x")
    assert message == (
        f"User: arn:aws:iam::123456789012:user/{nobody.name} is not authorized to perform: "
        f's3:PutObject on resource: "arn:aws:s3:::{BUCKET}/a" because no identity-based policy '
        "allows the s3:PutObject action"
    )
    denied(nobody("sagemaker").list_training_jobs)
    denied(nobody("cloudwatch").put_metric_data, Namespace="n", MetricData=[{"MetricName": "m"}])
    denied(nobody("sqs").create_queue, QueueName="q")
    denied(nobody("iam").create_user, UserName="another")


def test_the_owner_of_the_account_may_everything(aws):
    aws.client("s3").put_object(Bucket=BUCKET, Key="own", Body=b"x")
    aws.client("sagemaker").list_training_jobs()


def test_a_key_that_is_nobodys_is_refused(aws):
    stranger = boto3.client(
        "sts", endpoint_url=aws.endpoint_url, region_name="us-east-1",
        aws_access_key_id="AKIAnobody", aws_secret_access_key="x",
    )  # fmt: skip
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        stranger.get_session_token()


def test_objects_and_listings_are_different_rights(person):
    reader = person(allow("s3:GetObject", OBJECTS))
    s3 = reader("s3")
    person(allow("s3:*"))("s3").put_object(Bucket=BUCKET, Key="read/a", Body=b"x")
    assert s3.get_object(Bucket=BUCKET, Key="read/a")["Body"].read() == b"x"
    assert s3.head_object(Bucket=BUCKET, Key="read/a")["ContentLength"] == 1
    assert "s3:ListBucket on resource" in denied(s3.list_objects_v2, Bucket=BUCKET)
    denied(s3.delete_object, Bucket=BUCKET, Key="read/a")
    denied(s3.copy_object, Bucket=BUCKET, Key="b", CopySource=f"{BUCKET}/read/a")
    lister = person(
        allow(
            "s3:ListBucket",
            f"arn:aws:s3:::{BUCKET}",
            Condition={"StringLike": {"s3:prefix": "read/*"}},
        )
    )("s3")
    assert lister.list_objects_v2(Bucket=BUCKET, Prefix="read/")["KeyCount"] == 1
    denied(lister.list_objects_v2, Bucket=BUCKET)


def test_many_objects_are_deleted_where_each_of_them_may_be(person):
    s3 = person(
        allow(["s3:PutObject", "s3:DeleteObject"], OBJECTS),
        deny("s3:DeleteObject", f"arn:aws:s3:::{BUCKET}/keep/*"),
    )("s3")
    for key in ("drop/a", "drop/b", "keep/c"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    message = denied(
        s3.delete_objects,
        Bucket=BUCKET,
        Delete={"Objects": [{"Key": "drop/a"}, {"Key": "keep/c"}]},
    )
    assert "explicit deny in an identity-based policy" in message
    s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "drop/a"}, {"Key": "drop/b"}]})


def test_a_buckets_policy_gives_and_takes(aws, person):
    guest = person()
    arn = f"arn:aws:iam::123456789012:user/{guest.name}"
    owner = aws.client("s3")
    owner.create_bucket(Bucket="shared")
    owner.put_object(Bucket="shared", Key="a", Body=b"x")
    gives = {**allow("s3:GetObject", "arn:aws:s3:::shared/*"), "Principal": {"AWS": arn}}
    owner.put_bucket_policy(Bucket="shared", Policy=document(gives))
    assert guest("s3").get_object(Bucket="shared", Key="a")["Body"].read() == b"x"
    takes = {**deny("s3:*", "arn:aws:s3:::shared/*"), "Principal": "*"}
    owner.put_bucket_policy(Bucket="shared", Policy=document(gives, takes))
    assert "explicit deny in a resource-based" in denied(
        guest("s3").get_object, Bucket="shared", Key="a"
    )


@pytest.mark.parametrize("name", ["mine", "other"])
def test_sagemakers_resources_are_told_apart_by_name(person, name):
    arn = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/mine"
    client = person(allow("sagemaker:*Endpoint", arn))("sagemaker")
    if name == "mine":
        with pytest.raises(ClientError, match="Could not find endpoint"):
            client.describe_endpoint(EndpointName=name)
    else:
        assert f":endpoint/{name}" in denied(client.describe_endpoint, EndpointName=name)


def test_a_role_is_handed_on_by_who_may_hand_it_on(aws, iam, person):
    arn = role(iam, "handed", allow("s3:*"))
    may = allow("sagemaker:CreateProcessingJob")
    shop = Workshop(aws, "handing")
    request = {**shop.request("handed", "pass"), "RoleArn": arn}
    message = denied(person(may)("sagemaker").create_processing_job, **request)
    assert f'iam:PassRole on resource: "{arn}"' in message
    only_here = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    passing = allow("iam:PassRole", arn, Condition=only_here)
    person(may, passing)("sagemaker").create_processing_job(**request)
    assert shop.ended("handed")["ProcessingJobStatus"] == "Completed"


def test_a_job_reads_and_writes_what_its_role_may(aws, iam):
    shop = Workshop(aws, "working")
    shop.put(a="1")
    reads = allow(["s3:GetObject", "s3:ListBucket"])
    code = "import boto3; boto3.client('s3').put_object(Bucket='working', Key='own', Body=b'x')"
    writer = role(iam, "writer", reads, allow("s3:PutObject", "arn:aws:s3:::working/*"))
    told = shop.run("writes", code, RoleArn=writer)
    assert told["ProcessingJobStatus"] == "Completed", told
    assert shop.stored("own") == {"": "x"}
    reader = role(iam, "reader", reads)
    told = shop.run("does-not-write", code, RoleArn=reader)
    assert told["ProcessingJobStatus"] == "Failed"
    nothing = role(iam, "nothing", allow("logs:*"))
    told = shop.run("does-not-read", "pass", RoleArn=nothing)
    assert told["ProcessingJobStatus"] == "Failed"
    assert "AccessDenied" in told["FailureReason"]


def test_model_data_are_read_as_the_models_role(aws, iam):
    shop = Shop(aws.client)
    poor = role(iam, "poor", allow("logs:*"))
    with pytest.raises(ClientError, match="Could not access model data"):
        shop.model(role=poor)
    rich = role(iam, "rich", allow("s3:GetObject"))
    endpoint = shop.endpoint(shop.variant("all", shop.model(role=rich)))
    assert shop.wait(endpoint)["EndpointStatus"] == "InService"


def test_a_role_that_does_not_trust_sagemaker_is_not_assumed(aws, iam):
    lambdas = {**TRUST, "Principal": {"Service": "lambda.amazonaws.com"}}
    other = role(iam, "of-lambda", allow("*"), trust=lambdas)
    shop = Workshop(aws, "trusting")
    for arn in (other, "arn:aws:iam::123456789012:role/nobody"):
        request = {**shop.request("trusted", "pass"), "RoleArn": arn}
        with pytest.raises(ClientError, match=f"Could not assume role {arn}"):
            shop.sagemaker.create_processing_job(**request)


def test_an_assumed_role_may_no_more_than_its_session(aws, iam, person):
    may = person(allow("sts:AssumeRole"))
    trust = {**TRUST, "Principal": {"AWS": "arn:aws:iam::123456789012:root"}}
    arn = role(iam, "assumed", allow("s3:*"), trust=trust)

    def session(**more):
        made = may("sts").assume_role(RoleArn=arn, RoleSessionName="session", **more)["Credentials"]
        return boto3.client(
            "s3",
            endpoint_url=aws.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id=made["AccessKeyId"],
            aws_secret_access_key=made["SecretAccessKey"],
            aws_session_token=made["SessionToken"],
        )

    session().put_object(Bucket=BUCKET, Key="session", Body=b"x")
    bound = session(Policy=document(allow("s3:GetObject")))
    assert bound.get_object(Bucket=BUCKET, Key="session")["Body"].read() == b"x"
    assert ":assumed-role/assumed/session is not authorized" in denied(
        bound.put_object, Bucket=BUCKET, Key="session", Body=b"y"
    )


def test_conditions_see_the_request(aws, iam, person):
    tagged = {"StringEquals": {"aws:RequestTag/sluice:model": "m"}}
    arn = role(iam, "tagging", allow("s3:*"))
    client = person(
        allow("sagemaker:CreateProcessingJob", Condition=tagged),
        allow("iam:PassRole"),
    )("sagemaker")
    request = {**Workshop(aws, "tagging").request("tagged", "pass"), "RoleArn": arn}
    denied(client.create_processing_job, **request)
    client.create_processing_job(**request, Tags=[{"Key": "sluice:model", "Value": "m"}])
    later = {"DateGreaterThan": {"aws:CurrentTime": "2090-01-01T00:00:00Z"}}
    denied(person(allow("s3:*", Condition=later))("s3").list_buckets)
    metrics = person(
        allow(
            "cloudwatch:PutMetricData",
            Condition={"StringEquals": {"cloudwatch:namespace": "Sluice"}},
        )
    )("cloudwatch")
    one = [{"MetricName": "m", "Value": 1.0}]
    metrics.put_metric_data(Namespace="Sluice", MetricData=one)
    denied(metrics.put_metric_data, Namespace="Other", MetricData=one)
