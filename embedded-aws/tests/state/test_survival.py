"""What the embedded AWS holds is there again after its end, gentle or hard."""

import json
import threading
import time

import pytest
from botocore.exceptions import BotoCoreError, ClientError

pytestmark = pytest.mark.timeout(600)  # processes that start several times, beside others

BUCKET = "sluice-lake"
LARGE = bytes(range(256)) * 200


def fill(box) -> dict[str, str]:
    """Something of everything; what only its maker knows."""
    s3 = box.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": [{"Key": "who", "Value": "ann"}]})
    s3.put_bucket_cors(
        Bucket=BUCKET,
        CORSConfiguration={"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]},
    )
    for i in range(3):
        s3.put_object(Bucket=BUCKET, Key="a/ü b", Body=b"%d" % i, Metadata={"n": str(i)})
    s3.put_object(Bucket=BUCKET, Key="large", Body=LARGE, Tagging="kind=model", CacheControl="x")
    first = s3.list_object_versions(Bucket=BUCKET, Prefix="a/")["Versions"][-1]["VersionId"]
    s3.put_object_tagging(
        Bucket=BUCKET, Key="a/ü b", VersionId=first,
        Tagging={"TagSet": [{"Key": "late", "Value": "1"}]},
    )  # fmt: skip
    s3.put_object(Bucket=BUCKET, Key="gone", Body=b"x")
    s3.delete_object(Bucket=BUCKET, Key="gone")
    s3.put_object(Bucket=BUCKET, Key="never", Body=b"x")
    s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "never"}]})
    s3.create_bucket(Bucket="short-lived")
    s3.delete_bucket(Bucket="short-lived")
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="parts")["UploadId"]
    s3.upload_part(Bucket=BUCKET, Key="parts", UploadId=upload, PartNumber=1, Body=LARGE)
    sqs = box.client("sqs")
    queue = sqs.create_queue(QueueName="alarms")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    sns = box.client("sns")
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"])
    sns.publish(TopicArn=topic, Message="it rang")
    s3.put_bucket_notification_configuration(
        Bucket=BUCKET,
        NotificationConfiguration={
            "QueueConfigurations": [
                {"QueueArn": arn["Attributes"]["QueueArn"], "Events": ["s3:ObjectCreated:*"]}
            ]
        },
    )
    s3.put_object(Bucket=BUCKET, Key="told", Body=b"x")
    dynamodb = box.client("dynamodb")
    dynamodb.create_table(
        TableName="t",
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    for i in range(4):
        dynamodb.put_item(
            TableName="t", Item={"pk": {"S": "a"}, "sk": {"N": str(i)}, "v": {"N": "1"}}
        )
    key = {"pk": {"S": "a"}, "sk": {"N": "1"}}
    dynamodb.update_item(
        TableName="t", Key=key, UpdateExpression="ADD v :one",
        ExpressionAttributeValues={":one": {"N": "5"}},
    )  # fmt: skip
    dynamodb.delete_item(TableName="t", Key={**key, "sk": {"N": "2"}})
    box.client("secretsmanager").create_secret(Name="token", SecretString="s")
    box.client("ssm").put_parameter(Name="p", Value="v", Type="String")
    box.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")
    box.client("kms").create_key(Description="k")
    box.client("ecr").create_repository(repositoryName="repo")
    box.client("events").put_rule(Name="rule", ScheduleExpression="rate(1 day)")
    logs = box.client("logs")
    logs.create_log_group(logGroupName="g")
    for name in ("s", "dropped"):
        logs.create_log_stream(logGroupName="g", logStreamName=name)
    for text in ("one", "two"):
        event = {"timestamp": int(time.time() * 1000), "message": text}
        logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[event])
        logs.put_log_events(logGroupName="g", logStreamName="dropped", logEvents=[event])
    logs.delete_log_stream(logGroupName="g", logStreamName="dropped")
    watch = box.client("cloudwatch")
    watch.put_metric_data(
        Namespace="N",
        MetricData=[
            {"MetricName": "m", "Values": [1.5, 9.0], "Counts": [3.0, 1.0], "Unit": "Count"}
        ],
    )
    watch.put_metric_alarm(
        AlarmName="still", Namespace="N", MetricName="other", Period=60, EvaluationPeriods=1,
        Threshold=1, ComparisonOperator="GreaterThanThreshold", Statistic="Sum",
        TreatMissingData="ignore", Tags=[{"Key": "a", "Value": "b"}],
    )  # fmt: skip
    watch.put_composite_alarm(AlarmName="both", AlarmRule="ALARM(still)")
    watch.set_alarm_state(AlarmName="still", StateValue="ALARM", StateReason="by hand")
    watch.put_dashboard(DashboardName="d", DashboardBody='{"widgets": []}')
    return {"queue": queue, "upload": upload}


def held(box, made) -> dict[str, object]:
    """All of it, as a customer sees it."""
    s3 = box.client("s3")
    listed = s3.list_object_versions(Bucket=BUCKET)
    objects = []
    for version in listed["Versions"]:
        where = {"Bucket": BUCKET, "Key": version["Key"], "VersionId": version["VersionId"]}
        got = s3.get_object(**where)
        tags = s3.get_object_tagging(**where)["TagSet"]
        objects.append((version, got["Body"].read(), got["Metadata"], tags, got.get("TagCount")))
    watch = box.client("cloudwatch")
    logs = box.client("logs")
    statistics = watch.get_metric_statistics(
        Namespace="N", MetricName="m", StartTime=time.time() - 7200, EndTime=time.time() + 60,
        Period=3600, ExtendedStatistics=["p50", "p100", "TC(0:10)"],
    )  # fmt: skip
    return {
        "objects": objects,
        "markers": listed["DeleteMarkers"],
        "buckets": s3.list_buckets()["Buckets"],
        "tags": s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"],
        "cors": s3.get_bucket_cors(Bucket=BUCKET)["CORSRules"],
        "notifications": s3.get_bucket_notification_configuration(Bucket=BUCKET)[
            "QueueConfigurations"
        ],
        "parts": s3.list_parts(Bucket=BUCKET, Key="parts", UploadId=made["upload"])["Parts"],
        "queue": box.client("sqs").get_queue_attributes(
            QueueUrl=made["queue"], AttributeNames=["ApproximateNumberOfMessages", "QueueArn"]
        )["Attributes"],
        "topics": box.client("sns").list_subscriptions()["Subscriptions"],
        "items": sorted(map(json.dumps, box.client("dynamodb").scan(TableName="t")["Items"])),
        "secret": box.client("secretsmanager").get_secret_value(SecretId="token")["SecretString"],
        "parameter": box.client("ssm").get_parameter(Name="p")["Parameter"],
        "roles": box.client("iam").list_roles()["Roles"],
        "keys": box.client("kms").list_keys()["Keys"],
        "images": box.client("ecr").describe_repositories()["repositories"],
        "rules": box.client("events").list_rules()["Rules"],
        "streams": [
            stream["logStreamName"]
            for stream in logs.describe_log_streams(logGroupName="g")["logStreams"]
        ],
        "lines": [
            (event["timestamp"], event["message"])
            for event in logs.get_log_events(
                logGroupName="g", logStreamName="s", startFromHead=True
            )["events"]
        ],
        "measured": [
            {k: v for k, v in point.items() if k != "Timestamp"}
            for point in statistics["Datapoints"]
        ],
        "alarms": [
            (a["AlarmName"], a["StateValue"], a["AlarmConfigurationUpdatedTimestamp"])
            for kind in ("MetricAlarms", "CompositeAlarms")
            for a in watch.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])[kind]
        ],
        "history": watch.describe_alarm_history(AlarmName="still")["AlarmHistoryItems"],
        "boards": watch.list_dashboards()["DashboardEntries"],
    }


@pytest.mark.parametrize("hard", [False, True], ids=["ended", "killed"])
def test_everything_is_there_again(box, hard) -> None:
    made = fill(box)
    before = held(box, made)
    assert before["queue"]["ApproximateNumberOfMessages"] == "3"  # published, S3's test event, told
    assert before["lines"][1][1] == "two"
    for _ in range(2):  # what was read back is written and read once more
        (box.kill if hard else box.end)()
        box.start()
        after = held(box, made)
        assert {k: v for k, v in after.items() if v != before[k]} == {}
    # And goes on: new versions come after the old, an upload is finished.
    s3 = box.client("s3")
    last = s3.put_object(Bucket=BUCKET, Key="a/ü b", Body=b"new")["VersionId"]
    part = before["parts"][0]
    s3.complete_multipart_upload(
        Bucket=BUCKET, Key="parts", UploadId=made["upload"],
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )  # fmt: skip
    box.kill()
    box.start()
    s3 = box.client("s3")
    assert s3.get_object(Bucket=BUCKET, Key="a/ü b")["VersionId"] == last
    assert len(s3.list_object_versions(Bucket=BUCKET, Prefix="a/")["Versions"]) == 4
    assert s3.get_object(Bucket=BUCKET, Key="parts")["Body"].read() == LARGE
    assert not s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads")


def test_no_write_that_was_acknowledged_is_lost_at_whatever_moment_it_is_killed(box) -> None:
    """Writers in several threads; killed in the middle of their writes, five times over."""
    box.client("s3").create_bucket(Bucket=BUCKET)
    box.client("dynamodb").create_table(
        TableName="t", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
    )  # fmt: skip
    queue = box.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    objects: dict[str, bytes] = {}
    items: set[str] = set()
    sent: set[str] = set()

    def write(who: int, wave: int) -> None:
        s3, dynamodb, sqs = (box.client(name) for name in ("s3", "dynamodb", "sqs"))
        for i in range(10_000):
            name = f"{wave}-{who}-{i}"
            body = name.encode() * (1 if i % 2 else 1000)
            try:
                s3.put_object(Bucket=BUCKET, Key=name, Body=body)
                objects[name] = body
                dynamodb.put_item(TableName="t", Item={"pk": {"S": name}})
                items.add(name)
                sqs.send_message(QueueUrl=queue, MessageBody=name)
                sent.add(name)
            except (BotoCoreError, ClientError):
                return

    for wave in range(5):
        writers = [threading.Thread(target=write, args=(who, wave)) for who in range(3)]
        enough = len(objects) + 10
        for writer in writers:
            writer.start()
        while len(objects) < enough:
            time.sleep(0.01)
        box.kill()
        for writer in writers:
            writer.join(60)
        box.start()
    s3, sqs = box.client("s3"), box.client("sqs")
    for name, body in objects.items():
        assert s3.get_object(Bucket=BUCKET, Key=name)["Body"].read() == body
    found = box.client("dynamodb").scan(TableName="t")["Items"]
    assert items <= {item["pk"]["S"] for item in found}
    got = set()
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        got |= {message["Body"] for message in messages}
    assert sent <= got
