"""A queue is told of each change of a bucket once, in S3's words."""

import io
import json
import urllib.parse
import urllib.request
import uuid

import pytest

EMPTY = "d41d8cd98f00b204e9800998ecf8427e"
EVENTS = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*"]


@pytest.fixture(scope="module")
def s3(aws):
    return aws.client("s3")


@pytest.fixture
def watched(aws, s3):
    """A bucket, and what it has told since it was last asked."""
    sqs, name = aws.client("sqs"), f"watched-{uuid.uuid4().hex}"
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    s3.create_bucket(Bucket=name)
    queues = [{"QueueArn": attributes["Attributes"]["QueueArn"], "Events": EVENTS}]
    s3.put_bucket_notification_configuration(
        Bucket=name, NotificationConfiguration={"QueueConfigurations": queues}
    )

    def told():
        found = []
        while got := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for message in got:
                found += json.loads(message["Body"]).get("Records", [])
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        found = [(one["eventName"], one["s3"]["object"]) for one in found]
        sequencers = [thing.pop("sequencer", None) for name, thing in found if "Tag" not in name]
        assert sequencers == sorted(set(sequencers))
        return found

    assert told() == []
    return name, told


def version(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


def test_each_way_to_create_is_told_once(aws, s3, watched):
    bucket, told = watched
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"12345", Tagging="a=b")["ETag"].strip('"')
    assert told() == [("ObjectCreated:Put", {"key": "k", "size": 5, "eTag": etag})]

    s3.copy_object(Bucket=bucket, Key="c", CopySource=f"{bucket}/k")
    assert told() == [("ObjectCreated:Copy", {"key": "c", "size": 5, "eTag": etag})]

    s3.upload_fileobj(io.BytesIO(b"x" * 9_000_000), bucket, "large")  # in two parts
    etag = s3.head_object(Bucket=bucket, Key="large")["ETag"].strip('"')
    large = {"key": "large", "size": 9_000_000, "eTag": etag}
    assert etag.endswith("-2")
    assert told() == [("ObjectCreated:CompleteMultipartUpload", large)]

    fields = s3.generate_presigned_post(bucket, "form")["fields"]
    parts = [f'name="{name}"\r\n\r\n{value}' for name, value in {**fields, "file": "f"}.items()]
    form = "".join(f"--b\r\nContent-Disposition: form-data; {part}\r\n" for part in parts)
    request = urllib.request.Request(
        f"{aws.endpoint_url}/{bucket}",
        data=f"{form}--b--\r\n".encode(),
        headers={"content-type": "multipart/form-data; boundary=b"},
    )
    urllib.request.urlopen(request).close()
    assert [(name, thing["key"]) for name, thing in told()] == [("ObjectCreated:Post", "form")]

    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "c"}]})
    assert [name for name, _ in told()] == ["ObjectTagging:Put"]


@pytest.mark.parametrize(
    ("key", "encoded"),
    [
        ("models/m/1.0.0/model.tar.gz", "models/m/1.0.0/model.tar.gz"),
        ("red flower.jpg", "red+flower.jpg"),
        ("a@b", "a%40b"),
        ("a+b/ü&=%2F", "a%2Bb/%C3%BC%26%3D%252F"),
    ],
)
def test_keys_are_encoded_as_in_a_form(s3, watched, key, encoded):
    bucket, told = watched
    s3.put_object(Bucket=bucket, Key=key, Body=b"")
    s3.delete_object(Bucket=bucket, Key=key)
    keys = [thing["key"] for _, thing in told()]
    assert keys == [encoded, encoded]
    assert urllib.parse.unquote_plus(encoded) == key


def test_a_deletion_is_told(s3, watched):
    bucket, told = watched
    for key in ("a", "b", "kept"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    told()
    s3.delete_object(Bucket=bucket, Key="a")
    assert told() == [("ObjectRemoved:Delete", {"key": "a"})]
    objects = [{"Key": "b"}, {"Key": "kept", "ETag": "no"}]
    s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})
    assert told() == [("ObjectRemoved:Delete", {"key": "b"})]


def test_in_a_versioned_bucket_events_name_the_version(s3, watched):
    bucket, told = watched
    version(s3, bucket)
    where = {"Bucket": bucket, "Key": "k"}
    first, second = (s3.put_object(**where, Body=body) for body in (b"1", b"22"))
    assert [(name, thing["versionId"], thing["size"]) for name, thing in told()] == [
        ("ObjectCreated:Put", first["VersionId"], 1),
        ("ObjectCreated:Put", second["VersionId"], 2),
    ]
    marker = s3.delete_object(**where)["VersionId"]
    marked = {"key": "k", "eTag": EMPTY, "versionId": marker}
    assert told() == [("ObjectRemoved:DeleteMarkerCreated", marked)]

    # For ever: a version below others, the marker, and the last one.
    for gone in (first["VersionId"], marker, second["VersionId"]):
        s3.delete_object(**where, VersionId=gone)
        assert told() == [("ObjectRemoved:Delete", {"key": "k", "versionId": gone})]
    s3.delete_object(**where, VersionId=marker)  # it was there no more
    assert told() == []


def test_the_last_delete_marker_goes_like_any_other_version(s3, watched):
    bucket, told = watched
    version(s3, bucket)
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    objects = {"Objects": [{"Key": "k"}]}
    deleted = s3.delete_objects(Bucket=bucket, Delete=objects)["Deleted"]
    marker = deleted[0]["DeleteMarkerVersionId"]
    objects = {"Objects": [{"Key": "k", "VersionId": gone} for gone in (put, marker)]}
    s3.delete_objects(Bucket=bucket, Delete=objects)
    assert [(name, thing.get("versionId")) for name, thing in told()[1:]] == [
        ("ObjectRemoved:DeleteMarkerCreated", marker),
        ("ObjectRemoved:Delete", put),
        ("ObjectRemoved:Delete", marker),
    ]
