"""S3, SQS, SNS, EventBridge, Logs and the rest, as far as the pipeline leans on them."""

import concurrent.futures
import io
import json
import time
import urllib.error
import urllib.parse
import urllib.request

import boto3
import botocore
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import pytest
from botocore.exceptions import ClientError

TIME_SCALE = 600


@pytest.fixture(scope="module")
def s3(aws):
    client = aws.client("s3")
    client.create_bucket(Bucket="lake")
    client.put_bucket_versioning(Bucket="lake", VersioningConfiguration={"Status": "Enabled"})
    return client


def code_of(call, **kwargs):
    with pytest.raises(ClientError) as caught:
        call(**kwargs)
    return caught.value.response["Error"]["Code"]


def test_keys_and_metadata_come_back_as_they_went(s3):
    key = "raw/prices/year=2026/ü +%2F&?=~.csv"
    s3.put_object(Bucket="lake", Key=key, Body=b"x", Metadata={"row_count": "1", "a-b": "2"})
    assert s3.get_object(Bucket="lake", Key=key)["Body"].read() == b"x"
    assert s3.head_object(Bucket="lake", Key=key)["Metadata"] == {"row_count": "1", "a-b": "2"}
    listed = s3.list_objects_v2(Bucket="lake", Prefix="raw/prices/")["Contents"]
    assert [entry["Key"] for entry in listed] == [key]


def test_multipart_uploads_and_ranges(s3):
    data = bytes(range(256)) * 50_000  # 12.8 MB: two parts
    s3.upload_fileobj(io.BytesIO(data), "lake", "big")
    head = s3.head_object(Bucket="lake", Key="big")
    assert head["ContentLength"] == len(data)
    assert head["ETag"].endswith('-2"')
    part = s3.get_object(Bucket="lake", Key="big", Range="bytes=1000-1009")
    assert part["Body"].read() == data[1000:1010]


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_checksums_are_kept_and_told(s3, algorithm):
    put = s3.put_object(Bucket="lake", Key="sum", Body=b"abc", ChecksumAlgorithm=algorithm)
    head = s3.head_object(Bucket="lake", Key="sum", ChecksumMode="ENABLED")
    assert put[f"Checksum{algorithm}"] == head[f"Checksum{algorithm}"]


def test_a_wrong_checksum_is_refused(s3):
    wrong = "AAAAAA=="
    refused = code_of(s3.put_object, Bucket="lake", Key="bad", Body=b"abc", ChecksumCRC32=wrong)
    assert refused == "BadDigest"
    assert code_of(s3.head_object, Bucket="lake", Key="bad") == "404"


def test_one_of_many_conditional_writers_wins(s3):
    s3.put_object(Bucket="lake", Key="latest.json", Body=b"0")
    etag = s3.head_object(Bucket="lake", Key="latest.json")["ETag"]

    def swap(number):
        try:
            s3.put_object(Bucket="lake", Key="latest.json", Body=f"{number}", IfMatch=etag)
        except ClientError as error:
            return error.response["Error"]["Code"]
        return number

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        results = list(pool.map(swap, range(1, 33)))
    won = [result for result in results if isinstance(result, int)]
    assert len(won) == 1
    assert {r for r in results if r not in won} <= {"PreconditionFailed"}
    stored = s3.get_object(Bucket="lake", Key="latest.json")["Body"].read()
    assert stored == str(won[0]).encode()


def test_only_the_first_create_wins(s3):
    def create(number):
        try:
            s3.put_object(Bucket="lake", Key="journal/1", Body=f"{number}", IfNoneMatch="*")
        except ClientError as error:
            return error.response["Error"]["Code"]
        return number

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        results = list(pool.map(create, range(32)))
    assert sum(isinstance(result, int) for result in results) == 1


def test_versions_stay_readable(s3):
    first = s3.put_object(Bucket="lake", Key="v", Body=b"1")["VersionId"]
    s3.put_object(Bucket="lake", Key="v", Body=b"2")
    assert s3.get_object(Bucket="lake", Key="v", VersionId=first)["Body"].read() == b"1"


def test_objects_are_as_old_as_the_virtual_clock_says(aws, s3):
    s3.put_object(Bucket="lake", Key="now", Body=b"")
    age = aws.clock.now() - s3.head_object(Bucket="lake", Key="now")["LastModified"].timestamp()
    assert 0 <= age < 600  # a second of ours is ten minutes of theirs


def test_presigned_addresses_work_without_a_signature_header(s3):
    s3.put_object(Bucket="lake", Key="signed file", Body=b"read me")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "lake", "Key": "signed file"})
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"read me"
    url = s3.generate_presigned_url("put_object", Params={"Bucket": "lake", "Key": "put"})
    urllib.request.urlopen(urllib.request.Request(url, data=b"written", method="PUT"))
    assert s3.get_object(Bucket="lake", Key="put")["Body"].read() == b"written"


def test_strangers_read_what_a_bucket_policy_lets_them(aws, s3):
    aws.client("s3").create_bucket(Bucket="open-bucket")
    s3.put_object(Bucket="open-bucket", Key="a/b.json", Body=b"{}", ContentType="application/json")
    url = f"{aws.endpoint_url}/open-bucket/a/b.json"
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url)
    assert caught.value.code == 403
    assert b"<Code>AccessDenied</Code>" in caught.value.read()

    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::open-bucket/*",
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    s3.put_bucket_policy(Bucket="open-bucket", Policy=json.dumps(policy))
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"{}"
        assert answer.headers["content-type"] == "application/json"
    unsigned = boto3.client(
        "s3",
        endpoint_url=aws.endpoint_url,
        region_name="us-east-1",
        config=botocore.config.Config(signature_version=botocore.UNSIGNED),
    )
    assert unsigned.get_object(Bucket="open-bucket", Key="a/b.json")["Body"].read() == b"{}"


@pytest.mark.parametrize("host", ["lake.s3.us-east-1.amazonaws.com", "lake.localhost"])
def test_buckets_in_the_host_name(aws, s3, host):
    s3.put_object(Bucket="lake", Key="styled", Body=b"s")
    own = botocore.credentials.Credentials("any", aws.environment()["AWS_SECRET_ACCESS_KEY"])
    signed = botocore.awsrequest.AWSRequest("GET", f"http://{host}/styled")
    botocore.auth.S3SigV4Auth(own, "s3", "us-east-1").add_auth(signed)
    headers = {**signed.headers, "host": host}
    request = urllib.request.Request(f"{aws.endpoint_url}/styled", headers=headers)
    with urllib.request.urlopen(request) as answer:
        assert answer.read() == b"s"


def test_a_put_object_is_told_to_a_queue(aws, s3):
    sqs = aws.client("sqs")
    queue = sqs.create_queue(QueueName="uploads")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    aws.client("s3").create_bucket(Bucket="watched")
    s3.put_bucket_notification_configuration(
        Bucket="watched",
        NotificationConfiguration={
            "QueueConfigurations": [{"QueueArn": arn["QueueArn"], "Events": ["s3:ObjectCreated:*"]}]
        },
    )
    s3.put_object(Bucket="watched", Key="models/m/1.0.0/model.tar.gz", Body=b"")
    bodies = []
    for _ in range(3):
        got = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages", [])
        bodies += [json.loads(message["Body"]) for message in got]
        if any("Records" in body for body in bodies):
            break
    record = next(body["Records"][0] for body in bodies if "Records" in body)
    assert record["eventName"] == "ObjectCreated:Put"
    key = urllib.parse.unquote_plus(record["s3"]["object"]["key"])
    assert key == "models/m/1.0.0/model.tar.gz"


def test_notifications_and_events_reach_queues(aws):
    sqs, sns, events = (aws.client(name) for name in ("sqs", "sns", "events"))
    queue = sqs.create_queue(QueueName="inbox")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    events.put_rule(Name="all", EventPattern=json.dumps({"source": ["shop"]}))
    events.put_targets(Rule="all", Targets=[{"Id": "1", "Arn": arn}])
    sns.publish(TopicArn=topic, Message="rolled back")
    events.put_events(
        Entries=[{"Source": "shop", "DetailType": "drift", "Detail": json.dumps({"m": "p"})}]
    )
    got = []
    while len(got) < 2:
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        assert messages, got
        got += [json.loads(message["Body"]) for message in messages]
    assert {body.get("Message", body.get("detail-type")) for body in got} == {
        "rolled back",
        "drift",
    }


@pytest.fixture(scope="module")
def logs(aws):
    client = aws.client("logs")
    client.create_log_group(logGroupName="group")
    client.create_log_stream(logGroupName="group", logStreamName="stream")
    return client


def test_logs_of_virtual_times_are_taken_and_paged(aws, logs):
    time.sleep(0.1)
    now = int(aws.clock.now() * 1000)
    events = [{"timestamp": now + n, "message": f"line {n}"} for n in range(5)]
    put = logs.put_log_events(logGroupName="group", logStreamName="stream", logEvents=events)
    assert not put.get("rejectedLogEventsInfo")
    where = {"logGroupName": "group", "logStreamName": "stream", "startFromHead": True}
    first = logs.get_log_events(**where, limit=3)
    rest = logs.get_log_events(**where, nextToken=first["nextForwardToken"])
    end = logs.get_log_events(**where, nextToken=rest["nextForwardToken"])
    assert [e["message"] for e in first["events"]] == ["line 0", "line 1", "line 2"]
    assert [e["message"] for e in rest["events"]] == ["line 3", "line 4"]
    assert (end["events"], end["nextForwardToken"]) == ([], rest["nextForwardToken"])


def test_a_follower_that_starts_before_the_first_line_misses_none(aws, logs):
    logs.create_log_stream(logGroupName="group", logStreamName="empty")
    where = {"logGroupName": "group", "logStreamName": "empty", "startFromHead": True}
    token = logs.get_log_events(**where)["nextForwardToken"]
    event = {"timestamp": int(aws.clock.now() * 1000), "message": "first"}
    logs.put_log_events(logGroupName="group", logStreamName="empty", logEvents=[event])
    found = logs.get_log_events(**where, nextToken=token)["events"]
    assert [e["message"] for e in found] == ["first"]


def test_logs_are_searched(aws, logs):
    logs.create_log_stream(logGroupName="group", logStreamName="search")
    now = int(aws.clock.now() * 1000)
    events = [{"timestamp": now, "message": "ERROR bad"}, {"timestamp": now, "message": "fine"}]
    logs.put_log_events(logGroupName="group", logStreamName="search", logEvents=events)
    found = logs.filter_log_events(
        logGroupName="group", logStreamNames=["search"], filterPattern="ERROR"
    )["events"]
    assert [e["message"] for e in found] == ["ERROR bad"]


@pytest.mark.parametrize(
    ("service", "method", "arguments", "code"),
    [
        ("sagemaker", "list_labeling_jobs", {}, "UnknownOperationException"),
        ("logs", "describe_query_definitions", {}, "UnknownOperationException"),
        ("rekognition", "list_collections", {}, "UnknownOperationException"),
        ("mturk", "list_hits", {}, "UnknownOperationException"),
        ("sns", "list_origination_numbers", {}, "InvalidAction"),
        ("iam", "generate_credential_report", {}, None),
        ("cloudfront", "list_field_level_encryption_configs", {}, "InvalidAction"),
        ("lambda", "get_account_settings", {}, "UnknownOperationException"),
        ("neptunedata", "get_engine_status", {}, "UnknownOperationException"),
        (
            "sagemaker-metrics",
            "batch_put_metrics",
            {
                "TrialComponentName": "trial",
                "MetricData": [{"MetricName": "loss", "Timestamp": 1, "Value": 1.0}],
            },
            "UnknownOperationException",
        ),
        ("secretsmanager", "get_secret_value", {"SecretId": "no"}, "ResourceNotFoundException"),
        ("s3", "get_object", {"Bucket": "lake", "Key": "no"}, "NoSuchKey"),
        ("s3", "list_objects_v2", {"Bucket": "no-such"}, "NoSuchBucket"),
        ("sts", "get_caller_identity", {}, None),
    ],
)
def test_what_is_not_there_is_refused_in_the_services_own_protocol(
    aws, s3, service, method, arguments, code
):
    call = getattr(aws.client(service), method)
    if code is None:
        assert call(**arguments)["ResponseMetadata"]["HTTPStatusCode"] == 200
    else:
        assert code_of(call, **arguments) == code


def test_every_service_of_the_pipeline_answers(aws):
    for service, method in [
        ("dynamodb", "list_tables"),
        ("secretsmanager", "list_secrets"),
        ("ssm", "describe_parameters"),
        ("iam", "list_roles"),
        ("ecr", "describe_repositories"),
        ("kms", "list_keys"),
        ("cloudfront", "list_distributions"),
        ("cloudformation", "list_stacks"),
        ("events", "list_rules"),
        ("sagemaker", "list_training_jobs"),
    ]:
        getattr(aws.client(service), method)()
    aws.client("application-autoscaling").describe_scalable_targets(ServiceNamespace="sagemaker")


def test_an_sdk_that_puts_checksums_behind_the_body_is_understood(aws, s3):
    """Streams of unknown length over TLS are sent in chunks; here with the framing made by hand."""
    body = (
        b"5;chunk-signature=00\r\nhello\r\n6;chunk-signature=00\r\n world\r\n"
        b"0;chunk-signature=00\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n"
    )
    request = urllib.request.Request(
        f"{aws.endpoint_url}/lake/chunked",
        data=body,
        method="PUT",
        headers={
            "authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request",
            "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
            "x-amz-decoded-content-length": "11",
            "content-encoding": "aws-chunked",
            "x-amz-trailer": "x-amz-checksum-crc32",
        },
    )
    urllib.request.urlopen(request)
    got = s3.get_object(Bucket="lake", Key="chunked", ChecksumMode="ENABLED")
    assert got["Body"].read() == b"hello world"
    assert got["ChecksumCRC32"] == "DUoRhQ=="
    assert "ContentEncoding" not in got
