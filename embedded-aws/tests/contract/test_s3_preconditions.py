"""What is copied and overwritten under a condition that does not hold stays as it was."""

import concurrent.futures
import datetime as dt
import time

import pytest
from botocore.exceptions import ClientError

TIME_SCALE = 60
BUCKET = "conditions"
SOURCE = f"{BUCKET}/source"
FAILED = "At least one of the pre-conditions you specified did not hold"
UNKNOWN = "A header you provided implies functionality that is not implemented"
DAY = dt.timedelta(days=1)


@pytest.fixture(scope="module")
def s3(aws):
    client = aws.client("s3")
    client.create_bucket(Bucket=BUCKET)
    return client


@pytest.fixture
def etag(s3):
    """Of the source; something else lies where it is copied to."""
    s3.put_object(Bucket=BUCKET, Key="target", Body=b"before")
    return s3.put_object(Bucket=BUCKET, Key="source", Body=b"source")["ETag"]


@pytest.fixture
def copy(s3):
    def call(**conditions):
        s3.copy_object(Bucket=BUCKET, Key="target", CopySource=SOURCE, **conditions)

    return call


@pytest.fixture
def copy_part(s3):
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="target")["UploadId"]

    def call(**conditions):
        s3.upload_part_copy(
            Bucket=BUCKET,
            Key="target",
            UploadId=upload,
            PartNumber=1,
            CopySource=SOURCE,
            **conditions,
        )

    return call


def error_of(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]


def refused(call, condition, **arguments):
    status, error = error_of(call, **arguments)
    assert (status, error["Code"], error["Message"]) == (412, "PreconditionFailed", FAILED)
    assert error["Condition"] == condition


def body(s3, key="target"):
    return s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()


def modified(s3):
    return s3.head_object(Bucket=BUCKET, Key="source")["LastModified"]


@pytest.mark.parametrize("way", ["copy", "copy_part"])
def test_a_copy_asks_for_its_source_to_be_as_told(request, s3, etag, way):
    call, when = request.getfixturevalue(way), modified(s3)
    time.sleep(2.5 / TIME_SCALE)  # by then it is past the second in which it was written
    wrong = {
        "If-Match": {"CopySourceIfMatch": '"no"'},
        "If-Unmodified-Since": {"CopySourceIfUnmodifiedSince": when - DAY},
        "If-None-Match": {"CopySourceIfNoneMatch": etag.strip('"')},
        "If-Modified-Since": {"CopySourceIfModifiedSince": when},
    }
    # The first one that does not hold is told, in the order in which S3 looks at them.
    for condition in list(wrong):
        told = {name: value for conditions in wrong.values() for name, value in conditions.items()}
        refused(call, f"x-amz-copy-source-{condition}", **told)
        del wrong[condition]
    assert body(s3) == b"before"


@pytest.mark.parametrize("way", ["copy", "copy_part"])
def test_a_copy_whose_conditions_hold_is_made(request, s3, etag, way):
    call, when = request.getfixturevalue(way), modified(s3)
    call(
        CopySourceIfMatch=etag.strip('"'),
        CopySourceIfNoneMatch='"other"',
        CopySourceIfModifiedSince=when - DAY,
        CopySourceIfUnmodifiedSince=when,
    )
    call(CopySourceIfMatch=etag, CopySourceIfUnmodifiedSince=when - DAY)  # the tag says more
    call(CopySourceIfModifiedSince=when + 400 * DAY)  # a time to come says nothing
    refused(
        call,
        "x-amz-copy-source-If-Unmodified-Since",
        CopySourceIfNoneMatch='"other"',
        CopySourceIfUnmodifiedSince=when - DAY,
    )
    assert body(s3) == (b"source" if way == "copy" else b"before")


def test_a_copy_asks_for_the_version_that_it_names(s3):
    s3.create_bucket(Bucket="versions")
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    old, new = (s3.put_object(Bucket="versions", Key="k", Body=text) for text in (b"1", b"2"))
    source = {"Bucket": "versions", "Key": "k", "VersionId": old["VersionId"]}
    copied = {"Bucket": "versions", "Key": "copy", "CopySource": source}
    refused(s3.copy_object, "x-amz-copy-source-If-Match", **copied, CopySourceIfMatch=new["ETag"])
    s3.copy_object(**copied, CopySourceIfMatch=old["ETag"])
    s3.delete_object(Bucket="versions", Key="copy")
    status, error = error_of(s3.copy_object, **copied, IfMatch=old["ETag"])
    assert (status, error["Code"], error["Key"]) == (404, "NoSuchKey", "copy")
    s3.copy_object(**copied, IfNoneMatch="*")  # a delete marker is nothing to match


def test_a_copy_asks_for_its_target_to_be_as_told(s3, etag, copy):
    refused(copy, "If-None-Match", IfNoneMatch="*")
    refused(copy, "If-Match", IfMatch=etag)
    assert body(s3) == b"before"
    there = s3.head_object(Bucket=BUCKET, Key="target")["ETag"]
    copy(IfMatch=there)
    assert body(s3) == b"source"
    refused(copy, "If-Match", IfMatch=there)

    fresh = {"Bucket": BUCKET, "Key": "fresh", "CopySource": SOURCE}
    status, error = error_of(s3.copy_object, **fresh, IfMatch=etag)
    assert (status, error["Code"], error["Key"]) == (404, "NoSuchKey", "fresh")
    assert error["Message"] == "The specified key does not exist."
    s3.copy_object(**fresh, IfNoneMatch="*")
    assert body(s3, "fresh") == b"source"


def test_an_object_is_copied_onto_itself_under_a_condition(s3, etag):
    itself = {"Bucket": BUCKET, "Key": "source", "CopySource": SOURCE, "StorageClass": "STANDARD"}
    refused(s3.copy_object, "If-None-Match", **itself, IfNoneMatch="*")
    s3.copy_object(**itself, IfMatch=etag)


def test_conditions_that_s3_does_not_have_are_refused(s3, etag, copy):
    def put(**conditions):
        s3.put_object(Bucket=BUCKET, Key="target", Body=b"put", **conditions)

    for call in (copy, put):
        for header, conditions in (
            ("If-None-Match", {"IfNoneMatch": etag}),
            ("If-Match", {"IfMatch": "*"}),
            ("If-Match,If-None-Match", {"IfMatch": etag, "IfNoneMatch": "*"}),
        ):
            status, error = error_of(call, **conditions)
            assert (status, error["Code"], error["Message"]) == (501, "NotImplemented", UNKNOWN)
            assert error["Header"] == header
    assert body(s3) == b"before"


def test_an_upload_is_completed_under_a_condition(s3, etag):
    where = {"Bucket": BUCKET, "Key": "target"}
    upload = {**where, "UploadId": s3.create_multipart_upload(**where)["UploadId"]}
    part = s3.upload_part(**upload, PartNumber=1, Body=b"part")["ETag"]
    upload["MultipartUpload"] = {"Parts": [{"PartNumber": 1, "ETag": part}]}
    refused(s3.complete_multipart_upload, "If-Match", **upload, IfMatch=etag)
    refused(s3.complete_multipart_upload, "If-None-Match", **upload, IfNoneMatch="*")
    assert body(s3) == b"before"
    there = s3.head_object(**where)["ETag"]
    s3.complete_multipart_upload(**upload, IfMatch=there)
    assert body(s3) == b"part"
    s3.complete_multipart_upload(**upload, IfMatch=there)  # the same again is answered again


def test_one_of_many_conditional_copies_wins(s3, etag, copy):
    there = s3.head_object(Bucket=BUCKET, Key="target")["ETag"]

    def swap(_):
        try:
            copy(IfMatch=there)
        except ClientError as error:
            return error.response["Error"]["Code"]
        return "copied"

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        results = list(pool.map(swap, range(16)))
    assert sorted(set(results)) == ["PreconditionFailed", "copied"]
    assert results.count("copied") == 1


def test_copies_in_both_directions_do_not_wait_for_each_other(s3, etag):
    def copy(pair):
        s3.copy_object(Bucket=BUCKET, Key=pair[0], CopySource=f"{BUCKET}/{pair[1]}")

    pairs = [("source", "target"), ("target", "source")] * 20
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(copy, pairs))) == len(pairs)
