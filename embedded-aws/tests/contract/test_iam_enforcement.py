"""With IAM enforced, users and roles may what their policies say, and jobs what their roles may."""

import contextlib
import datetime as dt
import json
import urllib.error
import urllib.request
import uuid

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from customer.forms import sent
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

        def client(service, **how):
            return boto3.client(
                service,
                endpoint_url=aws.endpoint_url,
                region_name="us-east-1",
                aws_access_key_id=key["AccessKeyId"],
                aws_secret_access_key=key["SecretAccessKey"],
                config=Config(**how),
            )

        client.key = key
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


def asked(aws, method, path, headers=None, body=b""):
    """Status of a request that no SDK would write so."""
    request = urllib.request.Request(
        f"{aws.endpoint_url}{path}", data=body or None, headers=headers or {}, method=method
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_who_asks_is_found_in_every_form_of_a_signature(aws, person):
    aws.client("s3").put_object(Bucket=BUCKET, Key="secret", Body=b"x")
    nobody = person()
    address = {"Bucket": BUCKET, "Key": "secret"}
    for version in ("s3v4", "s3"):
        s3 = nobody("s3", signature_version=version)
        url = s3.generate_presigned_url("get_object", Params=address).removeprefix(aws.endpoint_url)
        for spelled in (url, url.replace("%2F", "%2f")):
            assert asked(aws, "GET", spelled) == 403, spelled
    assert asked(aws, "GET", f"/{BUCKET}/secret", {"Authorization": "x"}) == 403
    form = nobody("s3").generate_presigned_post(BUCKET, "posted")
    assert sent(form["url"], form["fields"]) == 403
    assert aws.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="posted")["KeyCount"] == 0


def test_nobody_chooses_the_name_of_what_is_asked(aws, iam, person):
    nobody = person()
    for service, call in (
        ("s3", lambda client: client.get_object(Bucket=BUCKET, Key="secret")),
        ("iam", lambda client: client.list_users()),
        ("sqs", lambda client: client.list_queues()),
    ):
        client = nobody(service)
        client.meta.events.register(
            "before-sign.*",
            lambda request, **_: request.headers.add_header("X-Amz-Target", "x.GetCallerIdentity"),
        )
        denied(call, client=client)
    read = f"/{BUCKET}/secret?Action=GetCallerIdentity"
    key = nobody.key["AccessKeyId"]
    claim = f"AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/s3/aws4_request"
    assert asked(aws, "GET", read, {"Authorization": claim}) == 403


def test_a_body_that_cannot_be_read_is_not_taken_for_an_empty_one(aws, iam, person):
    arn = role(iam, "unread", allow("s3:*"))
    client = person(allow("sagemaker:*"))("sagemaker")
    client.meta.events.register(
        "before-sign.*",
        lambda request, **_: request.headers.add_header("Content-Encoding", "gzip"),
    )
    with pytest.raises(ClientError, match="cannot be read"):
        client.create_model(ModelName="m", ExecutionRoleArn=arn, PrimaryContainer={"Image": "i"})


def test_keys_that_were_taken_back_and_sessions_of_none_are_nobodys(iam, person):
    former = person(allow("*"))
    iam.update_access_key(
        UserName=former.name, AccessKeyId=former.key["AccessKeyId"], Status="Inactive"
    )
    with pytest.raises(ClientError, match="security token included in the request is invalid"):
        former("s3").list_buckets()
    assert "assume a role" in denied(person(allow("*"))("sts").get_session_token)


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


def test_a_role_is_assumed_by_whom_it_trusts(iam, person):
    account = "arn:aws:iam::123456789012:root"
    named, may, not_named = person(), person(allow("sts:AssumeRole")), person()
    of_person = f"arn:aws:iam::123456789012:user/{named.name}"

    def let_in(name, principal, *more):
        trust = [{**TRUST, "Principal": {"AWS": principal}}, *more]
        return iam.create_role(
            RoleName=name, Path="/people/", AssumeRolePolicyDocument=document(*trust)
        )["Role"]["Arn"]

    def assume(client, arn):
        return client("sts").assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]

    by_name, by_account = let_in("by-name", of_person), let_in("by-account", account)
    assume(named, by_name)
    assume(may, by_account)
    denied(assume, client=not_named, arn=by_account)
    denied(assume, client=may, arn=by_name)
    denied(assume, client=may, arn=role(iam, "by-service", allow("*")))
    but = {**deny("sts:AssumeRole"), "Principal": {"AWS": of_person}}
    del but["Resource"]
    denied(assume, client=named, arn=let_in("but", of_person, but))


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
    assert "PolicyArns" in denied(session, PolicyArns=[{"arn": arn.replace("role", "policy")}])
    of_role = allow("s3:*", Condition={"ArnEquals": {"aws:PrincipalArn": arn}})
    iam.put_role_policy(RoleName="assumed", PolicyName="own", PolicyDocument=document(of_role))
    session().put_object(Bucket=BUCKET, Key="session", Body=b"x")


def test_versions_headers_and_locks_have_rights_of_their_own(aws, person):
    owner = aws.client("s3")
    owner.create_bucket(Bucket="versions", ObjectLockEnabledForBucket=True)
    until = dt.datetime(2090, 1, 1, tzinfo=dt.UTC)
    lock = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": until}
    kept = owner.put_object(Bucket="versions", Key="k", Body=b"x", **lock)["VersionId"]
    free = owner.put_object(Bucket="versions", Key="f", Body=b"x")["VersionId"]
    s3 = person(allow("s3:*"), deny("s3:DeleteObjectVersion", "arn:aws:s3:::versions/f"),
                deny("s3:BypassGovernanceRetention"))("s3")  # fmt: skip
    of_free = {"Key": "f", "VersionId": free}
    denied(s3.delete_objects, Bucket="versions", Delete={"Objects": [of_free]})
    denied(s3.delete_object, Bucket="versions", **of_free)
    of_kept = {"Bucket": "versions", "Key": "k", "VersionId": kept}
    denied(s3.delete_object, **of_kept, BypassGovernanceRetention=True)
    writer = person(allow("s3:PutObject"))("s3")
    put = {"Bucket": "versions", "Key": "w", "Body": b"x"}
    writer.put_object(**put)
    for more, right in (
        ({"Tagging": "a=b"}, "s3:PutObjectTagging"),
        ({"ACL": "private"}, "s3:PutObjectAcl"),
        (lock, "s3:PutObjectRetention"),
        ({"ObjectLockLegalHoldStatus": "ON"}, "s3:PutObjectLegalHold"),
    ):
        assert right in denied(writer.put_object, **put, **more)


def test_many_at_once_need_the_rights_of_each(aws, person):
    queue = aws.client("sqs").create_queue(QueueName="many")["QueueUrl"]
    entries = [{"Id": "1", "MessageBody": "m"}]
    sends = person(allow("sqs:SendMessage", "arn:aws:sqs:us-east-1:123456789012:many"))("sqs")
    sends.send_message_batch(QueueUrl=queue, Entries=entries)
    silent = person(allow("sqs:*"), deny("sqs:SendMessage"))("sqs")
    denied(silent.send_message_batch, QueueUrl=queue, Entries=entries)
    aws.client("dynamodb").create_table(
        TableName="many", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
    )  # fmt: skip
    table = "arn:aws:dynamodb:us-east-1:123456789012:table/many"
    reads = {"RequestItems": {"many": {"Keys": [{"k": {"S": "a"}}]}}}
    person(allow("dynamodb:BatchGetItem", table))("dynamodb").batch_get_item(**reads)
    barred = person(allow("dynamodb:*"), deny("dynamodb:*", table))("dynamodb")
    denied(barred.batch_get_item, **reads)
    put = {"Put": {"TableName": "many", "Item": {"k": {"S": "a"}}}}
    denied(barred.transact_write_items, TransactItems=[put])
    assert "PartiQL" in denied(barred.execute_statement, Statement='SELECT * FROM "many"')


def tags_of_nothing(client):
    """Whoever may ask is told that there is no such endpoint."""
    arn = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/e"
    try:
        client.list_tags(ResourceArn=arn)
    except ClientError as error:
        if "Could not find resource" not in str(error):
            raise


@pytest.mark.parametrize(
    ("service", "right", "call"),
    [
        ("iam", ("iam:PutRolePolicy", "arn:aws:iam::123456789012:role/app/*"),
         lambda client: client.put_role_policy(
             RoleName="pathed", PolicyName="p", PolicyDocument=document(allow("s3:*")))),
        ("s3", ("s3:ListAllMyBuckets", "arn:aws:s3:::*"), lambda client: client.list_buckets()),
        ("secretsmanager",
         ("secretsmanager:CreateSecret", "arn:aws:secretsmanager:*:*:secret:sec-??????"),
         lambda client: client.create_secret(Name="sec", SecretString="s")),
        ("ssm", ("ssm:PutParameter", "arn:aws:ssm:*:*:parameter/app/*"),
         lambda client: client.put_parameter(Name="/app/p", Value="v", Type="String")),
        ("events", ("events:PutRule", "arn:aws:events:*:*:rule/r"),
         lambda client: client.put_rule(Name="r", ScheduleExpression="rate(1 day)")),
        ("events", ("events:PutEvents", "arn:aws:events:*:*:event-bus/default"),
         lambda client: client.put_events(
             Entries=[{"Source": "s", "DetailType": "d", "Detail": "{}"}])),
        ("logs", ("logs:CreateLogStream", "arn:aws:logs:*:*:log-group:/app:log-stream:*"),
         lambda client: client.create_log_stream(logGroupName="/app", logStreamName="s")),
        ("sagemaker", ("sagemaker:ListTags", "arn:aws:sagemaker:*:*:endpoint/*"),
         tags_of_nothing),
    ],
)  # fmt: skip
def test_resources_have_the_names_that_policies_give_them(aws, iam, person, service, right, call):
    logs = aws.client("logs")
    with contextlib.suppress(ClientError):
        logs.create_log_group(logGroupName="/app")
    with contextlib.suppress(ClientError):
        iam.create_role(RoleName="pathed", Path="/app/", AssumeRolePolicyDocument=document(TRUST))
    action, resource = right
    call(person(allow(action, resource))(service))
    denied(call, client=person(allow("*"), deny(action, resource))(service))


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
